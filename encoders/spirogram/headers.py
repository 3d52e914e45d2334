"""What a column's header says, in the languages of devices: what it holds, its unit, which blow, before or after a bronchodilator."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from functools import lru_cache

# time, volume and flow in English, German, French, Spanish, Italian, Portuguese and Dutch; accents are taken off first
_NAMES = {
    "changes": r"^spxraw$",
    "factor": r"^spafact$|^btps factor$",
    "person": r"\b(?:patients?|persons?|subjects?|participants?|probands?|proband(?:in)?|seqn|eid|mrn|pazient[ei]|pacientes?|patienten|deelnemers?)\b",
    "flow": r"^(?:flow|f|flux|debit|fluss|stroom|caudal|vazao|portata|d ?v ?/ ?d ?t|m?l ?/ ?(?:s|sec|min)|lpm|m?l min|m?l s)\b"
    r"|flow|\bdebit|flujo|fluxo|flusso|durchfluss|atemfluss|stromung|stroom",
    "volume": r"^(?:vol(?:ume)?|v|l|ml|litres?|liters?|exhaled)\b|volum",
    "date": r"^(?:date?|datum|fecha|visit|visite|besuch|visita|bezoek)\b|\b(?:date|datum|fecha)\b|\bvisit\b",
    "time": r"^(?:time|t|zeit|temps|tiempo|tempo|tijd|seconds?|sekunden?|sec|s|ms|elapsed)\b|time(?!point)|\b(?:temps|tiempo|tempo|tijd)\b|zeit\b",
    "phase": r"bronchodilat|^(?:bd|pre[ /]?post|phase|spattype)\b",
    "id": r"^(?:id|trial|blow|effort|maneuver|manoeuvre|attempt|test|no|spamanu|versuch|essai|intento|prova|poging|curve)\b|trial|blow|manoeuv|maneuv",
}
_ORDER = ("changes", "factor", "flow", "volume", "person", "time", "date", "phase", "id")
_WORDS = (
    (r"milli ?(?:litres?|liters?|litri|litro|litros)|mili ?(?:litros?)|cc\b|cm3\b|cm\^3", "ml"),
    (r"deci ?(?:litres?|liters?|litros?|litri)", "dl"),
    (r"centi ?(?:litres?|liters?|litros?|litri)", "cl"),
    (r"\b(?:litres?|liters?|litri|litro|litros|ltr)\b", "l"),
    (r"milli ?(?:seconds?|sekunden?|secondes?|secondi|secs?|seconden)|mili ?segundos?|\bmsecs?\b", "ms"),
    (r"\b(?:seconds?|sekunden?|secondes?|secondi|secondo|segundos?|seconden|seconde|secs?|sek)\b", "s"),
    (r"\b(?:minutes?|minuten?|minutos?|minuti|minuto|minuut|mins)\b", "min"),
    (r"\blps\b", "l/s"),
    (r"\b(?:percent|prozent|pourcent|procent|por ?ciento|percento)\b", "%"),
)
_RATE = re.compile(r"\b(ml|cl|dl|l)(?: ?(?:/|per\b|pro\b|par\b|por\b|al\b|[.·*]) ?| )(s|min)(?: ?(?:\^?-1)|\b)")
_UNIT = re.compile(r"(?:\b(?:ml/s|ml/min|dl/s|cl/s|l/min|lpm|l/s|ml|cl|dl|ms|min|l|s)\b)|%")
FACTORS = {
    "ml/s": 0.001, "ml/min": 1 / 60_000, "l/min": 1 / 60, "lpm": 1 / 60, "l/s": 1.0, "dl/s": 0.1, "cl/s": 0.01,
    "ml": 0.001, "cl": 0.01, "dl": 0.1, "l": 1.0, "ms": 0.001, "s": 1.0, "min": 60.0,
}  # fmt: skip
_KIND_OF_UNIT = {unit: "flow" if "/" in unit or unit == "lpm" else "time" if unit in ("ms", "s", "min") else "volume" for unit in FACTORS}
_BEFORE = re.compile(r"(?<![a-z])(?:pre(?![a-z])|pre(?=bd|bron|dil|salb|test|dose|post)|before|baseline|vor(?![a-z])|avant|antes|prima|voor)")
_AFTER = re.compile(r"(?<![a-z])(?:post(?![a-z])|post(?=bd|bron|dil|salb|test|dose)|after|nach(?![a-z])|apres|despues|depois|dopo)")
_HERTZ = re.compile(r"(\d+(?:[.,]\d+)?) ?(k?)hz\b")
_RATE_NAMED = re.compile(
    r"(?:sampl\w*|abtast\w*|acquisition|echantillonnage|muestreo|campionamento|amostragem)[ \w]*(?:rate|freq\w*|frequenz)?[^\d\n]{0,12}(\d+(?:[.,]\d+)?)\s*$"
)
_STEP_NAMED = re.compile(r"(?:sampl\w*|abtast\w*|interval\w*|period\w*|step|every|alle|dt)\b[^\d\n]{0,24}(\d+(?:[.,]\d+)?) ?(ms|s)\b")


def plain(text: str) -> str:
    """Lower case without accents, quotes or underscores: débit_expiré -> debit expire."""
    text = unicodedata.normalize("NFKD", text[:200].strip().strip("\ufeff\"'# ").lower().replace("_", " "))
    return "".join(sign for sign in text if not unicodedata.combining(sign))


@lru_cache(maxsize=4096)
def kind_of(header: str) -> str | None:
    """time, volume, flow, id, person, date, phase, changes (SPXRAW) or factor (SPAFACT) by a column's header; None for anything else."""
    text = re.sub(r"-+", " ", plain(header))
    for kind in _ORDER:
        if re.search(_NAMES[kind], text):
            return None if kind == "date" and re.search(r"birth|geburt|naissance|nacim|nasc", text) else kind
    return None


@lru_cache(maxsize=4096)
def unit_of(header: str) -> str:
    """The unit in a header, one of FACTORS or "%" ("" where it names none)."""
    text = re.sub(r"[\s\[\](){},;]+", " ", plain(header))
    text = re.sub(r"\b[ldL]['\u2019](?=[a-z])", "", text)  # l'air is not a litre
    for words, unit in _WORDS:
        text = re.sub(words, unit, text)
    text = _RATE.sub(r"\1/\2", text)
    found = _UNIT.findall(text)
    kind = kind_of(header)
    fitting = [unit for unit in found if unit == "%" or _KIND_OF_UNIT[unit] == kind]
    return (fitting or [""])[-1]


def is_unit(cell: str) -> bool:
    """Whether a cell holds nothing but a unit: [L], (s), mL/s."""
    text = re.sub(r"[\s\[\](){}]+", "", plain(cell))
    return bool(text) and text not in ("t", "v", "f") and (text in FACTORS or text in ("%", "-", "sec", "l/sec", "ltr", "litre", "liter"))


def phase_of(text: str) -> str | None:
    """ "pre", "post" (bronchodilator) or None; CDC's word for after is Bron."""
    text = plain(text)
    if _AFTER.search(text):
        return "post"
    return "pre" if _BEFORE.search(text) else "post" if text.strip() == "bron" else None


def label_of(header: str) -> str:
    """What is left of a header without the quantity and its unit: the trial or the phase ("Volume (L) trial 2" -> "trial 2")."""
    text = re.sub(r"[\[(].*?[\])]", " ", plain(header))
    text = re.sub(r"\b(?:volum\w*|vol|flow|flujo|fluxo|flusso|fluss|debit|stroom|time|zeit|temps|tiempo|tempo|tijd|exhaled|v|f|t)\b", " ", text)
    text = re.sub(r"\b(?:m?l ?[/.*]? ?(?:s|sec|min)(?: ?\^?-1)?|m?l|ms|s|sec|lpm|litres?|liters?)\b", " ", text)
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text).split())


def is_trial(label: str) -> bool:
    """Whether a label tells one blow from another: a number, a single letter, or before and after."""
    return bool(re.search(r"\d", label) or re.fullmatch(r"[a-h]|(?:trial|blow|effort|test|curve) [a-z]", label) or phase_of(label))


def rate_in(lines: list[str]) -> float | None:
    """Samples per second where the lines above a table, or its header, state a sampling rate or an interval."""
    for line in lines:
        text = plain(line[:300])
        if found := _HERTZ.search(text):
            return float(found[1].replace(",", ".")) * (1000.0 if found[2] else 1.0)
        if (found := _STEP_NAMED.search(text)) and float(found[1].replace(",", ".")) > 0:
            return (1000.0 if found[2] == "ms" else 1.0) / float(found[1].replace(",", "."))
        if found := _RATE_NAMED.search(text):
            return float(found[1].replace(",", "."))
    return None


def date_of(text: str) -> str | None:
    """An ISO date at the start of a cell, or None."""
    found = re.match(r"\s*(\d{4}-\d{2}-\d{2})(?:$|[T\s])", text)
    try:
        return dt.date.fromisoformat(found[1]).isoformat() if found else None
    except ValueError:
        return None
