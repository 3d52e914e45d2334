"""The wordings that the second net is taught: the templates in ``assets/triage`` written out in the styles in which people write, and the wordings of
people in its files ``*_said``, as they stand and with slips of the hand, so that a slip by itself is no alarm.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from encoders.passages import GUIDELINES

TEMPLATES = GUIDELINES.parent / "triage"
HARMLESS, EMERGENCY, SELF_HARM, VIGNETTES = "harmless", "emergency", "self_harm", "vignettes"
EACH = {EMERGENCY: 14, SELF_HARM: 24, HARMLESS: 22, VIGNETTES: 18}  # wordings of one template at most
SAID = {EMERGENCY: 2, SELF_HARM: 2, HARMLESS: 3, VIGNETTES: 0}  # copies with slips of the hand of one that is written out already
PLAIN, SLIPPED, CASE = 1.5, 0.7, 3.0  # what such a wording, its copy and a case count beside one of a template
TEMPLATES_SEED, STYLES_SEED = 0, 3
_CHOICE, _NAME, _LIST = re.compile(r"\[([^\[\]]*)\]"), re.compile(r"\{(\w+)\}"), re.compile(r"(\w+) = (.+)$")
_BEFORE = (
    "hi, ", "hello doctor, ", "please help, ", "sorry for my english, ", "excuse me, ", "um ", "quick question: ", "ok so ", "pls ", "hey ", "I wanted to tell you: ", "Dear team, ",
)  # fmt: skip
_AFTER_ALARM = (" please", " help", " thanks", " !!", " what should I do?", " is this normal?", "...", " what now?", " pls advise")
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_AFTER = (" please", " thanks", " ?", " just curious", "...", " is this normal?")


@dataclass(frozen=True)
class Taught:
    """A wording, what it is (harmless, emergency or self_harm), the template it came from and what it counts."""

    text: str
    kind: str
    template: str
    weight: float = 1.0


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
    for name, copies in SAID.items():
        for line in _read(f"{name}_said")[1]:
            kind, text = line.split(": ", 1) if name == VIGNETTES else (name, line)
            found.append(Taught(text, kind, line, CASE if name == VIGNETTES else PLAIN))
            found += [Taught(mistyped(text, hand), kind, line, SLIPPED) for _ in range(copies)]
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
        return mistyped(text, hand)
    if how < 0.6:
        return text.lower().replace("'", "")
    if how < 0.8:
        return hand.choice(_BEFORE) + text
    return text.rstrip(".?") + hand.choice(_AFTER_ALARM if alarm else _AFTER)


def mistyped(text: str, hand: random.Random) -> str:
    """With slips in about one word of seven, sometimes without a space or in small letters without apostrophes."""
    words = text.split(" ")
    for _ in range(1 + len(words) // 7):
        n = hand.randrange(len(words))
        if len(words[n]) >= 4 and words[n].isalpha():
            words[n] = _slipped(words[n], hand)
    if len(words) > 2 and hand.random() < 0.15:
        n = hand.randrange(len(words) - 1)
        words[n : n + 2] = [words[n] + words[n + 1]]
    found = " ".join(words)
    return found.lower().replace("'", "") if hand.random() < 0.5 else found


def _slipped(word: str, hand: random.Random) -> str:
    """With a letter missing, swapped, doubled or replaced by its neighbour on the keyboard."""
    i, slip = hand.randrange(1, len(word) - 1), hand.random()
    if slip < 0.3:
        return word[:i] + word[i + 1 :]
    if slip < 0.6:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if slip < 0.75:
        return word[:i] + word[i] + word[i:]
    row = next((row for row in _KEYS if word[i].lower() in row), "aa")
    n = row.index(word[i].lower()) if word[i].lower() in row else 0
    return word[:i] + row[n - 1 if n else 1] + word[i + 1 :]
