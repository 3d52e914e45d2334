"""What the reader is taught with: wordings, natural questions and questions for single sentences of the library, read once through MiniLM."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assistant.answering import candidates, stated
from assistant.intents import NATURAL, OF_PASSAGES, Natural, fingerprint, load_taught, read_natural
from assistant.minilm import minilm
from assistant.reader import BUCKETS, SPELLINGS, after
from assistant.text_features import WIDTH, buckets, meanings, spellings
from encoders.passages import PassageError, read_passages

SECOND = 0.4  # of the label, what the second of two things asked gets
OF_THE_PATIENT = (
    "my_numbers", "explain_result", "pattern", "quality", "risks", "why_risk", "why_pattern", "show_flow_volume", "show_volume_time", "missing_data", "what_is_missing",
    "percentile", "lowest_value", "lung_age", "which_blow", "every_blow", "lists_held", "open_record", "app_use", "export", "not_held", "two_values", "odd_record", "letter",
    "privacy", "greeting", "thanks", "shorter", "plain_words", "why", "is_it_bad", "off_topic", "risk_meaning", "risk_made_how", "over_time", "normal_for_me", "own_value_good",
    "why_not_read", "headline", "no_curve", "axes", "overlaid", "a_program", "capabilities", "change_record", "not_able", "other_language", "certainty", "how_real",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A question of the library: which sentence answers it (-1: none of its passage's, or none at all where no passage is named), and the passage."""

    text: str
    sentence: int
    passage: str
    before: str = ""


def library_sentences() -> tuple[list[str], list[str]]:
    """All sentences that can be quoted, as they are turned into vectors, and their passages' ids."""
    found = [(stated(passage, sentence), passage.id) for passage in read_passages() for _, _, sentence in candidates([passage])]
    return [text for text, _ in found], [name for _, name in found]


def read_asked(path: Path = OF_PASSAGES) -> tuple[Asked, ...]:
    """The questions of the library. Raises PassageError for a line whose passage or sentence does not exist."""
    place = _Places()
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition("\t")
        number, _, text = rest.partition("\t")
        if not number.isdigit() or not text:
            raise PassageError(f"{path.name} has the line {line[:60]!r}; a line is a passage, the number of its sentence or 0, and a question")
        found.append(Asked(text, place.of(name, int(number), path.name), name))
    return tuple(found)


def natural_asked(natural: Sequence[Natural]) -> tuple[Asked, ...]:
    """The natural questions that a sentence of the library answers, and those that surely none does."""
    place = _Places()
    found = [Asked(one.text, place.of(name, number, NATURAL.name), name, one.before) for one in natural for name, number in one.sentences[:1]]
    return (*found, *(Asked(one.text, -1, "", one.before) for one in natural if not one.answered or set(one.intents) <= set(OF_THE_PATIENT)))


class _Places:
    """Where the sentences of each passage stand among all."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        self._count: dict[str, int] = {}
        for n, name in enumerate(library_sentences()[1]):
            self._first.setdefault(name, n)
            self._count[name] = self._count.get(name, 0) + 1

    def of(self, name: str, number: int, file: str) -> int:
        if number > self._count.get(name, -1):
            raise PassageError(f"{file} names {name} {number}, which is no sentence of the library; 0 is for none of a passage's")
        return self._first[name] + number - 1 if number else -1


class Lessons:
    """All that is taught, as the net takes it: texts with their states, labels and answers."""

    def __init__(self) -> None:
        self.natural = read_natural()
        wordings = [Natural("", text, (intent,), (), True) for intent, texts in load_taught().items() for text in texts]
        self.questions = [*wordings, *self.natural]
        self.names = sorted({one.intents[0] for one in wordings})
        strange = sorted({intent for one in self.natural for intent in one.intents} - set(self.names))
        if strange:
            raise PassageError(f"{NATURAL.name} names {strange[0]}, which is no intent")
        self.asked = read_asked()
        self.sentences, of = library_sentences()
        self.of_passage = np.array(of)
        self.vectors = torch.tensor(np.array(minilm().embed_documents(self.sentences), dtype=np.float32))
        chance = np.random.default_rng(0)
        others = [one.text for one in self.natural if not one.before]
        self._strange = {one.text: str(other) for one, other in zip(self.questions, chance.choice(others, len(self.questions)), strict=True)} if others else {}
        pairs = [after(self.before(one.text, one.before), one.text) for one in self.questions if one.author]
        self._place: dict[str, int] = {
            text: n for n, text in enumerate(dict.fromkeys([*(one.text for one in self.questions), *(one.text for one in self.asked), *pairs]))
        }
        self._states = torch.tensor(meanings(list(self._place)))
        self._bags = {
            one.text: (np.array(buckets(one.text, BUCKETS), dtype=np.int64), np.array(spellings(one.text, SPELLINGS), dtype=np.int64)) for one in self.questions
        }

    def states(self, texts: Sequence[str]) -> Tensor:
        return self._states[[self._place[text] for text in texts]]

    def before(self, text: str, before: str) -> str:
        """The question that one goes on from; for one that stands alone, any other."""
        return before or self._strange[text]

    def both(self, texts: Sequence[tuple[str, str]]) -> Tensor:
        """The states of questions with those before them (both texts of each); zeros where there is none."""
        found = torch.zeros(len(texts), WIDTH)
        some = [n for n, (_, before) in enumerate(texts) if before]
        found[some] = self.states([after(texts[n][1], texts[n][0]) for n in some])
        return found

    def bags(self, texts: Sequence[str]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        return [self._bags[text] for text in texts]

    def labels(self, some: Sequence[Natural]) -> Tensor:
        """(question, intent): shares of one."""
        found = torch.zeros(len(some), len(self.names))
        for n, one in enumerate(some):
            first, *others = [self.names.index(intent) for intent in one.intents]
            found[n, first] = 1.0 - SECOND * bool(others)
            for other in others[:1]:
                found[n, other] = SECOND
        return found


def taught_with() -> str:
    """A fingerprint of all wordings, questions and sentences: another one where any has changed."""
    return hashlib.sha256((fingerprint() + OF_PASSAGES.read_text(encoding="utf-8") + json.dumps(library_sentences())).encode()).hexdigest()[:16]
