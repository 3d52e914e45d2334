"""The wordings that the second net is taught: written out from the templates in ``assets/triage``, in the styles in which people write."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from encoders.passages import GUIDELINES

TEMPLATES = GUIDELINES.parent / "triage"
HARMLESS, EMERGENCY, SELF_HARM = "harmless", "emergency", "self_harm"
EACH = {HARMLESS: 22, EMERGENCY: 14, SELF_HARM: 24, "vignettes": 18}  # wordings of one template at most
_CHOICE, _NAME = re.compile(r"\[([^\[\]]*)\]"), re.compile(r"\{(\w+)\}")
_LIST = re.compile(r"(\w+) = (.*)$")
_BEFORE = ("hi, ", "hello doctor, ", "please help, ", "sorry for my english, ", "excuse me, ", "um ", "quick question: ", "ok so ", "pls ", "I wanted to tell you: ")  # fmt: skip
_AFTER = {
    HARMLESS: (" please", " thanks", " ?", " just curious", "...", " is this normal?"),
    EMERGENCY: (" please", " help", " thanks", " !!", " what should I do?", " is this normal?", "...", " what now?", " pls advise"),
}


@dataclass(frozen=True)
class Taught:
    """A wording, what it is (harmless, emergency or self_harm) and the template it came from."""

    text: str
    kind: str
    template: str


def write_out(seed: int = 7) -> tuple[Taught, ...]:
    """All templates, each in at most ``EACH`` wordings, about two thirds of them with typing errors, greetings or pleas; the same for a seed."""
    chance = random.Random(seed)
    found: list[Taught] = []
    for name, most in EACH.items():
        lists, lines = _read(name)
        for line in lines:
            kind, template = line.split(": ", 1) if name == "vignettes" else (name, line)
            texts = dict.fromkeys(_fill(template, lists, chance) for _ in range(2 * most))
            found += [Taught(text if name == "vignettes" else _styled(text, kind, chance), kind, line) for text in list(texts)[:most] if text]
    return tuple(found)


def _read(name: str) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The lists and the templates of one file."""
    lists: dict[str, tuple[str, ...]] = {}
    lines: list[str] = []
    for line in (TEMPLATES / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        named = _LIST.match(line)
        if named:
            lists[named[1]] = tuple(one.strip() for one in re.split(r" \| |\|$", named[2]))
        elif line.strip() and not line.startswith("#"):
            lines.append(line)
    return lists, lines


def _fill(template: str, lists: dict[str, tuple[str, ...]], chance: random.Random) -> str:
    """One wording of a template."""
    text, before = template, ""
    while text != before:
        before = text
        text = _NAME.sub(lambda found: chance.choice(lists[found[1]]), text)
        text = _CHOICE.sub(lambda found: chance.choice(found[1].split("|")), text)
    return re.sub(r"\s+([,.?])", r"\1", " ".join(text.split()))


def _styled(text: str, kind: str, chance: random.Random) -> str:
    how = chance.random()
    if how < 0.35:
        return text
    if how < 0.5:
        return _mistyped(text, chance)
    if how < 0.6:
        return text.lower().replace("'", "")
    if how < 0.8:
        return chance.choice(_BEFORE) + text
    return text.rstrip(".?") + chance.choice(_AFTER[HARMLESS if kind == HARMLESS else EMERGENCY])


def _mistyped(text: str, chance: random.Random) -> str:
    """With a letter missing, swapped or doubled in about one word of twelve."""
    words = text.split(" ")
    for _ in range(1 + len(words) // 12):
        n = chance.randrange(len(words))
        word = words[n]
        if len(word) >= 4:
            i = chance.randrange(1, len(word) - 1)
            words[n] = chance.choice((word[:i] + word[i + 1 :], word[:i] + word[i + 1] + word[i] + word[i + 2 :], word[: i + 1] + word[i:]))
    return " ".join(words)
