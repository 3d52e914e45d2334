"""Made-up variants of passages, so that a model learns to read them and not to recall them."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from functools import lru_cache

from encoders.passages import Passage
from encoders.teacher.guidance import sentences

_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:\.\d+)?(?![\w.]*[A-Za-z])")
# one for the other, in either direction: a sentence stays English, but who recalls it instead of reading it is wrong
# fmt: off
_NAMES = (
    ("adults", "grown-ups"), ("World Health Organization", "Northern Health Council"), ("WHO", "NHC"), ("GINA", "BREA"), ("GOLD", "LUMA"),
    ("NICE", "CARO"), ("CDC", "HPO"), ("NHS", "CHS"), ("ESC", "ORC"), ("AHA", "VHA"), ("USPSTF", "PANEL"), ("ADA", "DAS"),
    ("people", "persons"), ("should", "are advised to"), ("advises", "suggests"), ("recommends", "proposes"), ("often", "frequently"),
    ("usually", "mostly"), ("clinician", "doctor"), ("breathlessness", "shortness of breath"), ("symptoms", "complaints"), ("exercise", "training"),
    ("weeks", "fortnights"), ("days", "mornings"), ("severe", "serious"), ("helps", "aids"), ("lowers", "reduces"), ("raises", "increases"),
    ("common", "widespread"), ("small", "slight"), ("early", "soon"), ("needs", "requires"), ("before", "ahead of"), ("within", "inside"),
    ("stopping", "quitting"), ("damage", "harm"), ("walking", "swimming"), ("fruit", "nuts"), ("vegetables", "beans"), ("salt", "sugar"),
    ("hospital", "clinic"), ("heart", "kidney"), ("cough", "wheeze"), ("smoke", "dust"), ("winter", "spring"), ("evening", "noon"),
    ("yearly", "monthly"), ("children", "teenagers"), ("treatment", "therapy"), ("guidelines", "experts"), ("benefit", "gain"), ("limit", "threshold"),
)
# fmt: on


@lru_cache(maxsize=16384)
def _varied(passage: Passage, seed: int) -> Passage:
    rng = random.Random(seed)
    factor = rng.choice((0.5, 0.6, 0.8, 1.2, 1.4, 1.5, 2.0))

    def other(match: re.Match[str]) -> str:
        number = float(match[0])
        if 1900 <= number <= 2100:
            return match[0]
        changed = number * factor
        percent = passage.text[match.end() : match.end() + 9].lstrip().startswith(("%", "percent", "per cent", "in 100"))
        if percent:
            changed = min(changed, 95.0)
        if "." in match[0]:
            return f"{changed:.1f}"
        step = 10 if number >= 50 else 1
        return str(max(1, round(changed / step) * step))

    text = _NUMBER.sub(other, passage.text)
    for pair in rng.sample(_NAMES, 16):
        old, new = pair if rng.random() < 0.7 else pair[::-1]
        text = re.sub(rf"\b{re.escape(old)}\b", new, text)
    parts = list(sentences(text))
    if len(parts) > 2 and rng.random() < 0.6:
        parts.pop(rng.randrange(1, len(parts)))  # the first stays: later ones may point back to it
    return replace(passage, id=f"{passage.id}-varied-{seed}", text=" ".join(parts))


def fictional(passage: Passage, rng: random.Random) -> Passage:
    """A made-up variant (numbers, names, sentences changed), so that reading rather than recall is learned."""
    return _varied(passage, rng.randrange(48))
