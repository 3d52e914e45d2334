"""The small parts of FHIR, read with care: codes, words, numbers, units, references and dates of any JSON that comes."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

from assistant.fhir_codes import KNOWN_SYSTEMS, LOINC, SPELLINGS
from assistant.guardrails import clean
from encoders.record import QUANTITY

Resource = dict[str, Any]
_EARLY = dt.datetime.min.replace(tzinfo=dt.UTC)


def dicts(value: Any) -> list[Resource]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def dict_of(value: Any) -> Resource:
    return value if isinstance(value, dict) else {}


def codes_of(concept: Any) -> list[str]:
    """LOINC codes, and our own."""
    coding = dicts(concept.get("coding")) if isinstance(concept, dict) else []
    return [str(one.get("code")) for one in coding if str(one.get("system") or LOINC) in KNOWN_SYSTEMS]


def any_codes(concept: Any) -> list[str]:
    return [str(one.get("code")) for one in dicts(concept.get("coding"))] if isinstance(concept, dict) else []


def text_of(concept: Any) -> str:
    """The words of a CodeableConcept: its text, else the first display."""
    if not isinstance(concept, dict):
        return ""
    words = [concept.get("text"), *(one.get("display") for one in dicts(concept.get("coding")))]
    return next((word for word in words if isinstance(word, str) and word.strip()), "")


def plain(text: Any, longest: int) -> str:
    """Words of a file as one clean line; a leading sign of a formula is taken off, as in tables."""
    return " ".join(clean(str(text)).split()).lstrip("=+@")[:longest].strip() if isinstance(text, str) else ""


def number_of(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def unit_of(quantity: Resource) -> str:
    """The unit as intake spells it; the code before the words."""
    unit = quantity.get("code") if isinstance(quantity.get("code"), str) else quantity.get("unit")
    unit = unit.strip().lower()[:30] if isinstance(unit, str) else ""
    return SPELLINGS.get(unit, unit)


def label_of(field: str) -> str:
    return QUANTITY[field].label if field in QUANTITY else field.rsplit("_l", 1)[0].replace("_", " ").upper()


def tail_of(reference: Any) -> str:
    """The id at the end of ``Patient/1``, ``urn:uuid:1``, ``#1`` or an address; a version is taken off."""
    return re.split(r"[/:#]", reference.split("/_history/")[0])[-1] if isinstance(reference, str) else ""


def phase_of(text: str) -> str | None:
    """ "pre" or "post" where a code's words name the bronchodilator."""
    if not re.search(r"bronch|\bbd\b", text, re.IGNORECASE):
        return None
    return "post" if re.search(r"\bpost|\bafter\b", text, re.IGNORECASE) else "pre" if re.search(r"\bpre\b|\bpre-|\bbefore\b", text, re.IGNORECASE) else None


def id_of(observation: Resource) -> str:
    identifier = next((one.get("value") for one in dicts(observation.get("identifier"))), None)
    return plain(identifier, 60) or plain(observation.get("id"), 60) or "1"


def moment_of(resource: Resource) -> tuple[dt.datetime, dt.date | None]:
    """When it was observed: for sorting, and as the day that is written there."""
    period = dict_of(resource.get("effectivePeriod"))
    for text in (resource.get("effectiveDateTime"), resource.get("effectiveInstant"), period.get("end"), period.get("start"), resource.get("issued")):
        date = date_of(text)
        if date is None:
            continue
        try:
            moment = dt.datetime.fromisoformat(str(text))
        except ValueError:
            moment = dt.datetime(date.year, date.month, date.day)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)), date
    return _EARLY, None


def date_of(text: Any) -> dt.date | None:
    """The day of a FHIR date or dateTime; of a bare year its middle, of a bare month its middle."""
    match = re.match(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T|$)", text) if isinstance(text, str) else None
    if match is None:
        return None
    try:
        return dt.date(int(match[1]), int(match[2] or 7), int(match[3] or (15 if match[2] else 1)))
    except ValueError:
        return None
