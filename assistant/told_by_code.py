"""Questions that code answers from the record, in words that the language model was not taught: their wordings, and the answer to each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from assistant.answers_of_blows import OF_BLOWS
from assistant.answers_of_finding import OF_FINDING
from assistant.answers_of_person import OF_PERSON
from assistant.answers_of_test import OF_TEST
from assistant.answers_of_use import OF_USE
from assistant.asked_measures import Measured
from assistant.asking import Asking
from encoders.passages import GUIDELINES, Passage
from encoders.record import Fact

WORDINGS = GUIDELINES.parent / "questions"
BY_CODE: Mapping[str, Callable[[Asking], str | Measured]] = {**OF_TEST, **OF_BLOWS, **OF_PERSON, **OF_FINDING, **OF_USE}
OF_VALUES = (
    "normal_for_me",
    "percentile",
    "lowest_value",
    "lung_age",
    "lost_function",
    "gold_stage",
    "can_it_improve",
    "certainty",
    "how_real",
    "above_predicted",
    "own_value_good",
    "worked_out",
    "percent_without",
)  # these speak of values that they may name
SURE = 0.6  # from here a question is taken to be one of these; under it the library is looked through first
_CITES = re.compile(r"\[([a-z0-9_]+/[a-z0-9_-]+)\]")


@dataclass(frozen=True)
class Told:
    """An answer, facts as tokens, the passages that its bracketed numbers stand for, in order, and the figures that code worked out."""

    text: str
    passages: tuple[Passage, ...] = ()
    figures: tuple[Fact, ...] = ()


@lru_cache(maxsize=1)
def load_wordings(folder: Path = WORDINGS) -> dict[str, tuple[str, ...]]:
    """Human wordings of each of these intents: intent -> lines of assets/questions/<intent>.txt."""
    return {path.stem: tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()) for path in sorted(folder.glob("*.txt"))}


def told(intent: str, asking: Asking) -> Told | None:
    """The answer to one of these intents; None where it is none of them, or where code has nothing to say for this person."""
    return cited(BY_CODE[intent](asking), asking) if intent in BY_CODE else None


def cited(said: str | Measured, asking: Asking) -> Told | None:
    """An answer whose passages stand by id, with their numbers; None where it is empty."""
    figures = said.figures if isinstance(said, Measured) else ()
    text = " ".join((said.text if isinstance(said, Measured) else said).split())
    if not text:
        return None
    names = tuple(dict.fromkeys(_CITES.findall(text)))
    passages = tuple(asking.library[name] for name in names)
    return Told(_CITES.sub(lambda found: f"[{names.index(found[1]) + 1}]", text), passages, figures)
