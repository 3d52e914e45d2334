"""The wordings that the second net is taught: written out from the templates in ``assets/triage``, in the styles in which people write."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from encoders.passages import GUIDELINES

TEMPLATES = GUIDELINES.parent / "triage"
HARMLESS, EMERGENCY, SELF_HARM, VIGNETTES = "harmless", "emergency", "self_harm", "vignettes"
EACH = {EMERGENCY: 14, SELF_HARM: 24, HARMLESS: 22, VIGNETTES: 18}  # wordings of one template at most
TEMPLATES_SEED, STYLES_SEED = 0, 3
_CHOICE, _NAME, _LIST = re.compile(r"\[([^\[\]]*)\]"), re.compile(r"\{(\w+)\}"), re.compile(r"(\w+) = (.+)$")
_BEFORE = (
    "hi, ", "hello doctor, ", "please help, ", "sorry for my english, ", "excuse me, ", "um ", "quick question: ", "ok so ", "pls ", "hey ", "I wanted to tell you: ", "Dear team, ",
)  # fmt: skip
_AFTER_ALARM = (" please", " help", " thanks", " !!", " what should I do?", " is this normal?", "...", " what now?", " pls advise")
_AFTER = (" please", " thanks", " ?", " just curious", "...", " is this normal?")


@dataclass(frozen=True)
class Taught:
    """A wording, what it is (harmless, emergency or self_harm) and the template it came from."""

    text: str
    kind: str
    template: str


def write_out() -> tuple[Taught, ...]:
    """Each template in at most ``EACH`` wordings, about two thirds of them with typing errors, greetings or pleas; always the same."""
    hand = random.Random(STYLES_SEED)
    found: list[Taught] = []
    for name, most in EACH.items():
        chance = random.Random(TEMPLATES_SEED)
        lists, lines = _read(name)
        for line in lines:
            texts: set[str] = set()
            for _ in range(3 * most):
                text = _fill(line, lists, chance)
                texts |= {text} if text else set()
                if len(texts) >= most:
                    break
            for text in sorted(texts):
                if name == VIGNETTES:
                    kind, case = text.split(": ", 1)
                    found.append(Taught(case.strip(), kind, line))
                else:
                    found.append(Taught(_styled(text, name != HARMLESS, hand), name, line))
    return tuple(found)


def _read(name: str) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The lists and the templates of one file."""
    lists: dict[str, tuple[str, ...]] = {}
    lines: list[str] = []
    for line in (TEMPLATES / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        named = _LIST.match(line)
        if named:
            lists[named[1]] = tuple(re.split(r" \| ", named[2])) if "[" in named[2] else tuple(one.strip() for one in named[2].split("|"))
        elif line and not line.startswith("#"):
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


def _styled(text: str, alarm: bool, hand: random.Random) -> str:
    how = hand.random()
    if how < 0.35:
        return text
    if how < 0.5:
        return _mistyped(text, hand)
    if how < 0.6:
        return text.lower().replace("'", "")
    if how < 0.8:
        return hand.choice(_BEFORE) + text
    return text.rstrip(".?") + hand.choice(_AFTER_ALARM if alarm else _AFTER)


def _mistyped(text: str, hand: random.Random) -> str:
    """With a letter missing, swapped or doubled in about one word of twelve."""
    words = text.split(" ")
    for _ in range(1 + len(words) // 12):
        n = hand.randrange(len(words))
        word = words[n]
        if len(word) >= 4:
            i, slip = hand.randrange(1, len(word) - 1), hand.random()
            swapped = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
            words[n] = word[:i] + word[i + 1 :] if slip < 0.4 else swapped if slip < 0.8 else word[:i] + word[i] + word[i:]
    return " ".join(words)
