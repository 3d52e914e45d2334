"""The library: guideline passages in an embedded Chroma, found by meaning and by words. Nothing of a patient enters it."""

from __future__ import annotations

import copy
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from langchain_core.embeddings import Embeddings

from assistant.answering import FIRST, Fitting, affirmed, candidates, stated
from assistant.intents import load_taught
from assistant.lay_words import in_library_words, library_words, written_out
from assistant.local_passages import library_folder, read_local
from assistant.minilm import MiniLM, minilm
from assistant.minilm import write_vectors as write_vectors_of
from assistant.passage_index import PassageIndex, as_embedded, index_folder
from assistant.reader import Laid, QuestionReader, Read, after
from assistant.spelling import Speller
from assistant.word_index import STOP, WordIndex, terms
from encoders.passages import GUIDELINES, Passage, PassageError, read_passages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assistant.settings import Settings

NEAREST = 0.42  # relevance; a question whose best passage has less gets none. Chosen on one half of assets/benchmarks/search.jsonl
COVER = 0.1  # what the share of a question's words in a passage adds to the cosine; chosen there, as are the next two
BY_WORDS, RANK_OFFSET = 0.3, 20  # reciprocal rank fusion: the weight of BM25 beside vectors, and the usual constant
FEW = 2  # words of meaning in a question that says little beside a lay word
WHOLE = 0.4  # of a sentence's score is how near its passage as a whole is
SENTENCE_WORDS, PASSAGE_WORDS = 0.2, 0.1  # what the shared words of a sentence and of its passage add to their likeness; chosen on the same half
ALIKE = 8.0  # what likeness (the cosine, the shared words) counts beside the reader's log odds; this and the next were chosen on authors whom the reader had not read
NONE = 4.4  # the sum of "no sentence answers"
BOTH = 0.5  # weight of a question and those before, read as one text, beside the question as it follows them; chosen on an author whom the reader had not read
# log odds that a sentence gains when the answer before cited its topic, and its passage; chosen on follow-ups of nine authors whom the reader had not read
SAME_TOPIC, SAME_PASSAGE = 1.0, 0.5
OTHER_SUBJECT = 20.0  # taken from the sums of sentences on another value than the one that "it" stands for
_SUBJECTS = {  # a topic -> how the value that it is about is named
    "cholesterol": r"cholesterol|\bldl\b|\bhdl\b|triglycerid", "blood_pressure": r"blood pressure|\bbp\b|hypertens|\b\d{2,3} ?(?:/|over) ?\d{2,3}\b",
    "diabetes": r"hba1c|\bsugar|glucose|diabet", "weight": r"\bbmi\b|\bweigh|obes",
}  # fmt: skip
_OF_TEST = re.compile(r"\b(?:tests?|blow\w*|blew|breath\w*|spiro\w*|lungs?|fev ?1|fvc|ratio|inhalers?)\b")
KNOWN_WORDING = 1.0  # a question is one of the wordings
COMMON, OFTEN = 3, 15  # wordings that hold a word, at least, before a mistyped one is taken for it; one that no vocabulary knows may itself be a slip
_ADDRESS = re.compile(r"^\W*(?:(?:and|but|so|ok|okay|well|also|now|then|hi|hello|please|sorry|doctor|hm+|um+|one more question|can i ask)\b[ ,:]*)+")
_LEANING = re.compile(
    r"^(?:and|but|so|or|ok|why|then|also|what about|how about|what else|what if)\b|\b(?:it|its|that|this|those|these|them|they|first|too|instead|else)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Hit:
    passage: Passage
    score: float  # cosine, 0-1


@dataclass(frozen=True)
class Match:
    """How well a passage fits a question: by meaning (cosine), by words (BM25), and the share of the question's words it holds, 0-1."""

    cosine: float
    words: float
    covered: float

    @property
    def relevance(self) -> float:
        return self.cosine + COVER * self.covered

    def mean(self, other: Match) -> Match:
        return Match(*((one + two) / 2 for one, two in ((self.cosine, other.cosine), (self.words, other.words), (self.covered, other.covered))))


@dataclass(frozen=True)
class SearchResult:
    """Passages, best first; ``enough`` is False when nothing relevant stands in the library (then there are none)."""

    results: tuple[Hit, ...]
    enough: bool


P = ParamSpec("P")
R = TypeVar("R")


def _once(work: Callable[Concatenate[GuidelineLibrary, P], R]) -> Callable[Concatenate[GuidelineLibrary, P], R]:
    """What is worked out once in a library for one question, see ``GuidelineLibrary.asked``."""

    @wraps(work)
    def found(self: GuidelineLibrary, *args: P.args, **kwargs: P.kwargs) -> R:
        if self._found is None:
            return work(self, *args, **kwargs)
        key = (work.__name__, *args, *kwargs.items())
        if key not in self._found:
            self._found[key] = work(self, *args, **kwargs)
        return self._found[key]

    return found


class GuidelineLibrary:
    """Passages in an embedded Chroma that this process owns, and what a question asks. It holds no text of anybody: what is found for a question goes with ``asked``."""

    before = ""  # the questions before the one that is asked
    _spoken: tuple[str, ...] = ()  # ids of the passages that the answer before cited
    _topics: frozenset[str] = frozenset()  # that were spoken of
    _found: dict[Any, Any] | None = None  # what was worked out for a question

    def __init__(self, passages: Sequence[Passage], folder: Path | None, embeddings: Embeddings) -> None:
        self.passages = {passage.id: passage for passage in passages}
        if len(self.passages) != len(passages):
            twice = [name for name, count in Counter(p.id for p in passages).items() if count > 1]
            raise PassageError(f"two passages share the id {twice[0]}; give each one of its own")
        self.embeddings = embeddings
        self._reader = QuestionReader.load()
        self._vectors: dict[str, list[float]] = {}  # of sentences of the library
        self.index = PassageIndex(passages, folder, embeddings)
        self._words = WordIndex({p.id: f"{p.title} {p.title} {p.topic.replace('_', ' ')} {p.text}" for p in passages})
        knows = embeddings.knows if isinstance(embeddings, MiniLM) else lambda word: False
        texts = [f"{p.title} {p.title} {p.text}" for p in passages]
        asked = Counter(word for wordings in load_taught().values() for text in wordings for word in text.lower().split())
        common = " ".join(f"{word} " * count for word, count in asked.items() if count >= (COMMON if knows(word.strip(".,?!")) else OFTEN))
        self._speller = Speller([*texts, common], knows, texts, lambda word: word in STOP or word in self._words)

    @classmethod
    def load(cls, settings: Settings | None = None, *, root: Path = GUIDELINES) -> GuidelineLibrary:
        """Open the index, building it first if it is missing, damaged or of other passages."""
        local = read_local(library_folder(settings.library_dir if settings else None))
        return cls((*read_passages(root), *local), index_folder(settings.cache_dir if settings else None), minilm())

    # asking -------------------------------------------------------------------------------------------------------
    def asked(self, before: str = "", spoken: Sequence[str] = (), of_value: str = "") -> GuidelineLibrary:
        """The same library for one question, which it reads as what follows ``before``; what it works out for that is kept, and is gone with it.

        ``spoken``: ids of the passages that the answer before cited: who goes on asking mostly stays with their topics. ``of_value``: the question before, where it was
        for a value of the record, which has a topic too.
        """
        _ = self._own_sentences  # worked out once for all
        found = copy.copy(self)
        found.before, found._spoken, found._found = before, tuple(spoken), {}
        found._topics = frozenset(self.passages[name].topic for name in spoken if name in self.passages) | _topics_named(of_value)
        return found

    def _goes_on(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Log odds that sentences of these passages gain by what was spoken of."""
        return np.array([SAME_TOPIC * (self.passages[name].topic in self._topics) + SAME_PASSAGE * (name in self._spoken) for name in ids], dtype=np.float32)

    def search(self, query: str, k: int = 4, before: str | None = None, nearest: float = NEAREST) -> SearchResult:
        """Vectors and BM25, their ranks fused; then each is checked for relevance, and ``enough`` says whether the best has any.

        ``before`` is the question before: a question that leans on it ("and is that bad?") is read together with it. ``nearest``: the
        relevance that the best passage must have.
        """
        if not query.strip() or not self.passages:
            return SearchResult((), False)
        found = self.matches(query)
        if before is not None and before.strip() and leans_back(query):
            both = self.matches(f"{before} {query}")
            if max(one.relevance for one in both.values()) > max(one.relevance for one in found.values()):
                found = both
        best = max(match.relevance for match in found.values())
        if best < nearest:
            return SearchResult((), False)
        kept = [name for name in fuse(found) if found[name].relevance >= max(nearest - 0.08, best - 0.25)][:k]
        return SearchResult(tuple(Hit(self.passages[name], round(found[name].cosine, 4)) for name in kept), True)

    @_once
    def matches(self, query: str) -> dict[str, Match]:
        """The passages nearest in meaning, at most 40, by id: of the question, and of it with its lay words in those of the library, the mean of both."""
        written = written_out(self._speller.as_library(query))
        query = query if written == query.lower() else written  # as it was typed, its vector may be at hand
        translated = in_library_words(query)
        if translated != query and len(terms(query)) <= FEW:  # "can I keep my cat?": little else is said
            translated = "; ".join(library_words(query))
        found = self._matches(query)
        if translated == query:
            return found
        other = self._matches(translated)
        least, least_other = (min(one.cosine for one in both.values()) for both in (found, other))
        none, none_other = Match(least, 0.0, 0.0), Match(least_other, 0.0, 0.0)
        return {name: found.get(name, none).mean(other.get(name, none_other)) for name in dict.fromkeys([*found, *other])}

    def _matches(self, query: str) -> dict[str, Match]:
        asked = terms(query)
        found = {}
        for name, cosine in self.index.nearest(self._vector(query), 40).items():
            found[name] = Match(cosine, self._words.bm25(name, asked), self._words.share(set(asked), set(self._words.words[name])))
        return found

    def intents(self, question: str) -> tuple[tuple[str, float], ...]:
        """What a question may be about, the likeliest first, and how sure each is, see ``QuestionReader.read``; "unknown": nothing but the library can tell.

        Where that is not sure, it is also read with its slips put right and without a word of address before it; the surest reading counts.
        """
        if not question.strip():
            return (("unknown", 0.0),)
        typed = self._read(question, self.before).intents
        if typed[0][1] >= 0.9:
            return typed
        spelt = self.spelt(question)
        readings = {one for one in (spelt, _ADDRESS.sub("", spelt)) if one.strip() and one != question.lower()}
        return max((typed, *(self._read(one, self.before).intents for one in sorted(readings))), key=lambda found: found[0][1])

    def intent(self, question: str) -> tuple[str, float]:
        """The likeliest of ``intents``."""
        return self.intents(question)[0]

    def near(self, question: str, k: int = 10) -> tuple[Passage, ...]:
        """The passages of ours whose sentences the reader lays nearest to a question, of its ``k`` nearest sentences."""
        found, laid = self._own_sentences
        if not found or not question.strip():
            return ()
        lies = self._nearness(self.spelt(question), laid)
        lies = lies + self._goes_on(found) if self._topics else lies
        return tuple(dict.fromkeys(self.passages[found[n]] for n in np.argsort(-lies)[:k]))

    def around(self, question: str) -> tuple[Passage, ...]:
        """The passages that may answer a question: those nearest by the reader, then those of the search."""
        return tuple({one.id: one for one in (*self.near(question), *(hit.passage for hit in self.search(question).results))}.values())

    def _laid(self, texts: Sequence[str]) -> list[list[float]]:
        """The vectors of sentences of the library, each worked out once."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        self._vectors.update(zip(new, self.embeddings.embed_documents(new), strict=True))
        return [self._vectors[text] for text in texts]

    @cached_property
    def _own_sentences(self) -> tuple[tuple[str, ...], Laid]:
        """The passages of all our sentences, and the sentences as they are asked for."""
        found = candidates([one for one in self.passages.values() if not one.local])
        texts = [stated(passage, sentence) for _, passage, sentence in found]
        vectors = np.array(self._laid(texts), dtype=np.float32).reshape(-1, 384)
        return tuple(passage.id for _, passage, _ in found), self._reader.as_asked(texts, vectors)

    @_once
    def _read(self, question: str, before: str) -> Read:
        return self._reader.read(question, before)

    @_once
    def _vector(self, question: str) -> list[float]:
        return self.embeddings.embed_query(question)

    @_once
    def spelt(self, question: str) -> str:
        """A question in small letters with slips of the hand put right."""
        return self._speller.corrected(question)

    def likeness(self, one: str, other: str) -> float:
        """How near two texts are in meaning: the cosine of their vectors."""
        first, second = self.embeddings.embed_documents([one, other])
        return sum(a * b for a, b in zip(first, second, strict=True))

    def answering(self, question: str, passages: Sequence[Passage]) -> tuple[Fitting, ...]:
        """The sentences of passages that can stand by themselves, the likeliest to answer first; their chances and that of none are together one.

        How the reader lays them beside the question is weighed with how like it they are in meaning and words.
        """
        found = candidates(passages)
        if not found:
            return ()
        asked = written_out(affirmed(self.spelt(question)))
        ways = list(dict.fromkeys([asked, in_library_words(asked)]))
        texts = [stated(passage, sentence) for _, passage, sentence in found]
        questions, answers = [self._vector(one) for one in ways], self._laid(texts)
        own = [sum(a * b for one in questions for a, b in zip(one, vector, strict=True)) / len(ways) for vector in answers]
        of_passage = {name: match.cosine for name, match in self.matches(question).items()}
        least = min(of_passage.values(), default=0.0)
        scores = [(1 - WHOLE) * score + WHOLE * of_passage.get(passage.id, least) for score, (_, passage, _) in zip(own, found, strict=True)]
        scores = [score + FIRST * passage.text.startswith(sentence) for score, (_, passage, sentence) in zip(scores, found, strict=True)]
        words = set(terms(ways[-1]))
        shared = [self._words.share(words, set(terms(f"{passage.title} {sentence}"))) for _, passage, sentence in found]
        in_passage = [self._words.share(words, set(self._words.words[passage.id])) for _, passage, _ in found]
        likes = [score + SENTENCE_WORDS * one + PASSAGE_WORDS * other for score, one, other in zip(scores, shared, in_passage, strict=True)]
        lies = self._nearness(asked, self._reader.as_asked(texts, np.array(answers, dtype=np.float32)))
        sums = np.array([float(near) + ALIKE * like for near, like in zip(lies, likes, strict=True)])
        barred = _other_subjects(question, self.before)
        sums -= np.array([OTHER_SUBJECT * (passage.topic in barred) for _, passage, _ in found])
        most = max(float(sums.max()), NONE)
        odds = np.exp(sums - most)
        chances = odds / (odds.sum() + math.exp(NONE - most))
        if self._topics:  # among the sentences alone: what was spoken of makes it no likelier that any answers
            weighed = chances * np.exp(self._goes_on([passage.id for _, passage, _ in found]))
            chances = weighed * (chances.sum() / weighed.sum())
        order = np.argsort(-chances)
        return tuple(Fitting(found[n][0], found[n][2], float(chances[n]), shared[n]) for n in order)

    def _nearness(self, question: str, laid: Laid) -> NDArray[np.float32]:
        """``QuestionReader.nearness`` of a question, and of it and those before as if they were one."""
        near = self._reader.nearness(self._read(question, self.before), laid)
        if not self.before.strip():
            return near
        both = self._reader.nearness(self._read(after(self.before, question), ""), laid)
        found: NDArray[np.float32] = ((near + BOTH * both) / (1 + BOTH)).astype(np.float32)
        return found

    def by_words(self, query: str) -> dict[str, float]:
        """BM25 of every passage that shares a word with a question."""
        asked = terms(written_out(self._speller.as_library(query)))
        return {name: score for name in self._words.words if (score := self._words.bm25(name, asked))}

    def list(self) -> tuple[Passage, ...]:
        return tuple(self.passages.values())

    def verify(self) -> tuple[str, ...]:
        """What is wrong with the library, a sentence each; empty when nothing is."""
        wrong = []
        stored = self.index.ids()
        wrong += [f"{name} is in the index but not among the files" for name in sorted(stored - set(self.passages))]
        wrong += [f"{name} is not in the index" for name in sorted(set(self.passages) - stored)]
        wrong += [f"{p.id} has no https address" for p in self.passages.values() if not p.local and not p.url.startswith("https://")]
        wrong += [f"{p.id} lacks a title, a source or a licence" for p in self.passages.values() if not (p.title and p.source and p.licence)]
        texts = Counter(p.text for p in self.passages.values())
        wrong += [f"{p.id} repeats the text of another passage" for p in self.passages.values() if texts[p.text] > 1]
        return tuple(wrong)


def write_vectors(path: Path | None = None) -> int:
    """Work out the vectors of our own passages and their sentences and write them to assets; returns how many."""
    return write_vectors_of(our_texts(), path)


def our_texts() -> tuple[str, ...]:
    """All that is turned into vectors of what travels with Breathwise."""
    passages = read_passages()
    sentences = (stated(passage, sentence) for _, passage, sentence in candidates(passages))
    return (
        *(as_embedded(passage) for passage in passages),
        *sentences,
    )


def _other_subjects(question: str, before: str) -> frozenset[str]:
    """The topics on values that a question which points back ("how do I bring it down?") cannot mean: all but those that it or the questions before it name."""
    text = question.lower()
    if not _LEANING.search(text) or any(re.search(words, text) for words in _SUBJECTS.values()):
        return frozenset()
    named = _topics_named(before)
    if not named:
        return frozenset()
    return frozenset(_SUBJECTS) - named | (frozenset() if _OF_TEST.search(f"{before} {text}".lower()) else frozenset({"spirometry"}))


def _topics_named(text: str) -> frozenset[str]:
    """The topics of the values of the record that a text names."""
    return frozenset(topic for topic, words in _SUBJECTS.items() if re.search(words, text.lower()))


def leans_back(query: str) -> bool:
    """Whether a question needs the one before it: it is of few words and points back."""
    return len(terms(query)) <= 4 and bool(_LEANING.search(query))


def fuse(found: dict[str, Match]) -> list[str]:
    """Ids by reciprocal rank fusion of their cosines and their BM25."""
    ranks = {name: 1 / (RANK_OFFSET + rank) for rank, name in enumerate(sorted(found, key=lambda name: -found[name].cosine))}
    for rank, name in enumerate(sorted((name for name in found if found[name].words), key=lambda name: -found[name].words)):
        ranks[name] += BY_WORDS / (RANK_OFFSET + rank)
    return sorted(ranks, key=lambda name: -ranks[name])
