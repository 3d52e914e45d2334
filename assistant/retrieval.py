"""The library: guideline passages in an embedded Chroma, found by meaning and by words. Nothing of a patient enters it."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import os
import re
import secrets
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from assistant.answering import FIRST, Fitting, affirmed, candidates, stated
from assistant.intents import load_taught
from assistant.lay_words import in_library_words, library_words, written_out
from assistant.local_passages import library_folder, read_local
from assistant.minilm import MINILM_SHA256, MiniLM, minilm
from assistant.minilm import write_vectors as write_vectors_of
from assistant.reader import QuestionReader, after
from assistant.spelling import Speller
from encoders.passages import GUIDELINES, Passage, PassageError, read_passages

if TYPE_CHECKING:
    from langchain_chroma import Chroma
    from numpy.typing import NDArray

    from assistant.settings import Settings

NEAREST = 0.42  # relevance; a question whose best passage has less gets none. Chosen on one half of assets/benchmarks/search.jsonl
COVER = 0.1  # what the share of a question's words in a passage adds to the cosine; chosen there, as are the next two
BY_WORDS, RANK_OFFSET = 0.3, 20  # reciprocal rank fusion: the weight of BM25 beside vectors, and the usual constant
FEW = 2  # words of meaning in a question that says little beside a lay word
WHOLE = 0.4  # of a sentence's score is how near its passage as a whole is
SENTENCE_WORDS, PASSAGE_WORDS = 0.2, 0.1  # what the shared words of a sentence and of its passage add to their likeness; chosen on the same half
ALIKE = 6.0  # what likeness (the cosine, the shared words) counts beside the reader's log odds; this and the next were chosen on authors whom the reader had not read
NONE = 4.0  # the sum of "no sentence answers"
BOTH = 0.5  # weight of a question and those before, read as one text, beside the question as it follows them; chosen on an author whom the reader had not read
OTHER_SUBJECT = 20.0  # taken from the sums of sentences on another value than the one that "it" stands for
_SUBJECTS = {  # a topic -> how the value that it is about is named
    "cholesterol": r"cholesterol|\bldl\b|\bhdl\b|triglycerid", "blood_pressure": r"blood pressure|\bbp\b|hypertens|\b\d{2,3} ?(?:/|over) ?\d{2,3}\b",
    "diabetes": r"hba1c|\bsugar|glucose|diabet", "weight": r"\bbmi\b|\bweigh|obes",
}  # fmt: skip
KNOWN_WORDING = 1.0  # a question is one of the wordings
INDEX_VERSION = 6
COMMON, OFTEN = 3, 15  # wordings that hold a word, at least, before a mistyped one is taken for it; one that no vocabulary knows may itself be a slip
_WORD = re.compile(r"[a-z0-9]+")
_STOP = frozenset(
    "a am an and any are as at be but by can do does dont for from get got have how i if im in is it me my of ok on or should so that the there they this to "
    "was wat what whats when which will with you your".split()
)
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


class GuidelineLibrary:
    """Passages in an embedded Chroma that this process owns, and what a question asks."""

    _before = ""  # the question before the one that is asked, see ``after``

    def __init__(self, passages: Sequence[Passage], folder: Path | None, embeddings: Embeddings) -> None:
        self.passages = {passage.id: passage for passage in passages}
        if len(self.passages) != len(passages):
            twice = [name for name, count in Counter(p.id for p in passages).items() if count > 1]
            raise PassageError(f"two passages share the id {twice[0]}; give each one of its own")
        self.embeddings = embeddings
        self._reader = QuestionReader.load()
        self.folder = folder
        self._open()
        self._words = {p.id: Counter(_terms(f"{p.title} {p.title} {p.topic.replace('_', ' ')} {p.text}")) for p in passages}
        self._rarity = _rarity(list(self._words.values()))
        knows = embeddings.knows if isinstance(embeddings, MiniLM) else lambda word: False
        texts = [f"{p.title} {p.title} {p.text}" for p in passages]
        asked = Counter(word for wordings in load_taught().values() for text in wordings for word in text.lower().split())
        common = " ".join(f"{word} " * count for word, count in asked.items() if count >= (COMMON if knows(word.strip(".,?!")) else OFTEN))
        self._speller = Speller([*texts, common], knows, texts, lambda word: word in _STOP or _stem(word) in self._rarity)
        self._length = sum(sum(words.values()) for words in self._words.values()) / max(1, len(self._words))

    @classmethod
    def load(cls, settings: Settings | None = None, *, root: Path = GUIDELINES) -> GuidelineLibrary:
        """Open the index, building it first if it is missing, damaged or of other passages."""
        local = read_local(library_folder(settings.library_dir if settings else None))
        return cls((*read_passages(root), *local), index_folder(settings.cache_dir if settings else None), minilm())

    # building -----------------------------------------------------------------------------------------------------
    def _key(self) -> str:
        content = json.dumps([[vars(p) for p in self.passages.values()], INDEX_VERSION, MINILM_SHA256])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def _open(self) -> None:
        """The index of exactly these passages: a folder named by their hash, marked complete when it is."""
        folder = self.folder / f"library-{self._key()}" if self.folder is not None else None
        if folder is not None and (folder / "complete").is_file() and (folder / "chroma.sqlite3").is_file():
            try:
                self._attach(folder)
                if self._guidelines._collection.count() == len(self.passages):
                    return
            except Exception:  # a damaged index shows itself in many ways; the cure is always to build it again
                pass
        try:
            self._build(folder)
        except Exception:  # such as a full disk, or another process at the same folder: work in memory rather than not at all
            if folder is None:
                raise
            self._build(None)

    def _build(self, folder: Path | None) -> None:
        if folder is not None:
            import shutil

            from chromadb.api.client import SharedSystemClient

            SharedSystemClient.clear_system_cache()  # it keeps what it opened at this path, also what failed to open
            shutil.rmtree(folder, ignore_errors=True)
        self._attach(folder)
        documents = [Document(_embedded(p), id=p.id, metadata={"id": p.id, "topic": p.topic}) for p in self.passages.values()]
        if documents:
            self._guidelines.add_documents(documents)
        if folder is not None:
            (folder / "complete").touch()

    def _attach(self, folder: Path | None) -> None:
        self._guidelines = _collection("guidelines", folder, self.embeddings)

    # asking -------------------------------------------------------------------------------------------------------
    def after(self, question: str) -> GuidelineLibrary:
        """The same library, which reads what it is asked as what follows a question."""
        _ = self._own_sentences  # worked out once for all
        found = copy.copy(self)
        found._before = question
        return found

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

    def matches(self, query: str) -> dict[str, Match]:
        """The passages nearest in meaning, at most 40, by id: of the question, and of it with its lay words in those of the library, the mean of both."""
        written = written_out(self._speller.as_library(query))
        query = query if written == query.lower() else written  # as it was typed, its vector may be at hand
        translated = in_library_words(query)
        if translated != query and len(_terms(query)) <= FEW:  # "can I keep my cat?": little else is said
            translated = "; ".join(library_words(query))
        found = self._matches(query)
        if translated == query:
            return found
        other = self._matches(translated)
        least, least_other = (min(one.cosine for one in both.values()) for both in (found, other))
        none, none_other = Match(least, 0.0, 0.0), Match(least_other, 0.0, 0.0)
        return {name: found.get(name, none).mean(other.get(name, none_other)) for name in dict.fromkeys([*found, *other])}

    def _matches(self, query: str) -> dict[str, Match]:
        near = self._guidelines.similarity_search_with_score(query, k=min(40, len(self.passages)))
        terms = _terms(query)
        asked = set(terms)
        found = {}
        for document, distance in near:
            name = str(document.metadata["id"])
            found[name] = Match(1.0 - float(distance), self._bm25(name, terms), self._share(asked, set(self._words[name])))
        return found

    def intents(self, question: str) -> tuple[tuple[str, float], ...]:
        """What a question may be about, the likeliest first, and how sure each is, see ``QuestionReader.read``; "unknown": nothing but the library can tell.

        Where that is not sure, it is also read with its slips put right and without a word of address before it; the surest reading counts.
        """
        if not question.strip():
            return (("unknown", 0.0),)
        typed = self._reader.read(question, self._before).intents
        if typed[0][1] >= 0.9:
            return typed
        spelt = self.spelt(question)
        readings = {one for one in (spelt, _ADDRESS.sub("", spelt)) if one.strip() and one != question.lower()}
        return max((typed, *(self._reader.read(one, self._before).intents for one in sorted(readings))), key=lambda found: found[0][1])

    def intent(self, question: str) -> tuple[str, float]:
        """The likeliest of ``intents``."""
        return self.intents(question)[0]

    def near(self, question: str, k: int = 10) -> tuple[Passage, ...]:
        """The passages of ours whose sentences the reader lays nearest to a question, of its ``k`` nearest sentences."""
        found, vectors = self._own_sentences
        if not found or not question.strip():
            return ()
        lies = self._nearness(self.spelt(question), vectors)
        return tuple(dict.fromkeys(self.passages[found[n]] for n in np.argsort(-lies)[:k]))

    def around(self, question: str) -> tuple[Passage, ...]:
        """The passages that may answer a question: those nearest by the reader, then those of the search."""
        return tuple({one.id: one for one in (*self.near(question), *(hit.passage for hit in self.search(question).results))}.values())

    @cached_property
    def _own_sentences(self) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """The passages of all our sentences, and the sentences as they are asked for."""
        found = candidates([one for one in self.passages.values() if not one.local])
        if not found:
            return (), np.zeros((0, 384), dtype=np.float32)
        texts = [stated(passage, sentence) for _, passage, sentence in found]
        vectors = np.array(self.embeddings.embed_documents(texts), dtype=np.float32)
        return tuple(passage.id for _, passage, _ in found), self._reader.as_asked(texts, vectors)

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
        vectors = self.embeddings.embed_documents([*ways, *texts])
        questions, answers = vectors[: len(ways)], vectors[len(ways) :]
        own = [sum(a * b for one in questions for a, b in zip(one, vector, strict=True)) / len(ways) for vector in answers]
        of_passage = {name: match.cosine for name, match in self.matches(question).items()}
        least = min(of_passage.values(), default=0.0)
        scores = [(1 - WHOLE) * score + WHOLE * of_passage.get(passage.id, least) for score, (_, passage, _) in zip(own, found, strict=True)]
        scores = [score + FIRST * passage.text.startswith(sentence) for score, (_, passage, sentence) in zip(scores, found, strict=True)]
        terms = set(_terms(ways[-1]))
        shared = [self._share(terms, set(_terms(f"{passage.title} {sentence}"))) for _, passage, sentence in found]
        in_passage = [self._share(terms, set(self._words[passage.id])) for _, passage, _ in found]
        likes = [score + SENTENCE_WORDS * one + PASSAGE_WORDS * other for score, one, other in zip(scores, shared, in_passage, strict=True)]
        lies = self._nearness(asked, self._reader.as_asked(texts, np.array(answers, dtype=np.float32)))
        sums = np.array([float(near) + ALIKE * like for near, like in zip(lies, likes, strict=True)])
        barred = _other_subjects(question, self._before)
        sums -= np.array([OTHER_SUBJECT * (passage.topic in barred) for _, passage, _ in found])
        most = max(float(sums.max()), NONE)
        odds = np.exp(sums - most)
        chances = odds / (odds.sum() + math.exp(NONE - most))
        order = np.argsort(-chances)
        return tuple(Fitting(found[n][0], found[n][2], float(chances[n]), shared[n]) for n in order)

    def _nearness(self, question: str, laid: NDArray[np.float32]) -> NDArray[np.float32]:
        """``QuestionReader.nearness`` of a question, and of it and those before as if they were one."""
        near = self._reader.nearness(self._reader.read(question, self._before).vector, laid)
        if not self._before.strip():
            return near
        both = self._reader.nearness(self._reader.read(after(self._before, question)).vector, laid)
        found: NDArray[np.float32] = ((near + BOTH * both) / (1 + BOTH)).astype(np.float32)
        return found

    def _share(self, terms: set[str], held: set[str]) -> float:
        """The share of a question's words, the rarer counting for more, that a text holds, 0-1."""
        rare = math.log(1 + 2 * len(self.passages))  # the weight of a word that no passage holds
        total = sum(self._rarity.get(term, rare) for term in terms)
        return sum(self._rarity.get(term, rare) for term in terms & held) / total if total else 0.0

    def by_words(self, query: str) -> dict[str, float]:
        """BM25 of every passage that shares a word with a question."""
        terms = _terms(written_out(self._speller.as_library(query)))
        return {name: score for name in self._words if (score := self._bm25(name, terms))}

    def _bm25(self, name: str, terms: Sequence[str]) -> float:
        """BM25 (k1 1.5, b 0.75) of a passage."""
        words = self._words[name]
        length = sum(words.values()) / self._length
        return sum(self._rarity[term] * words[term] * 2.5 / (words[term] + 1.5 * (0.25 + 0.75 * length)) for term in terms if term in words)

    def list(self) -> tuple[Passage, ...]:
        return tuple(self.passages.values())

    def verify(self) -> tuple[str, ...]:
        """What is wrong with the library, a sentence each; empty when nothing is."""
        wrong = []
        stored = set(self._guidelines.get()["ids"])
        wrong += [f"{name} is in the index but not among the files" for name in sorted(stored - set(self.passages))]
        wrong += [f"{name} is not in the index" for name in sorted(set(self.passages) - stored)]
        wrong += [f"{p.id} has no https address" for p in self.passages.values() if not p.local and not p.url.startswith("https://")]
        wrong += [f"{p.id} lacks a title, a source or a licence" for p in self.passages.values() if not (p.title and p.source and p.licence)]
        texts = Counter(p.text for p in self.passages.values())
        wrong += [f"{p.id} repeats the text of another passage" for p in self.passages.values() if texts[p.text] > 1]
        return tuple(wrong)


def _embedded(passage: Passage) -> str:
    """What of a passage is turned into a vector."""
    return f"{passage.title}. {passage.text}"


def write_vectors(path: Path | None = None) -> int:
    """Work out the vectors of our own passages and their sentences and write them to assets; returns how many."""
    return write_vectors_of(our_texts(), path)


def our_texts() -> tuple[str, ...]:
    """All that is turned into vectors of what travels with Breathwise."""
    passages = read_passages()
    sentences = (stated(passage, sentence) for _, passage, sentence in candidates(passages))
    return (
        *(_embedded(passage) for passage in passages),
        *sentences,
    )


def index_folder(chosen: Path | None) -> Path | None:
    """Where the index is kept; None (in memory, built at each start) where nothing can be written."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for folder in (chosen, cache / "breathwise") if chosen is None else (chosen,):
        if folder is None:
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None


def _collection(name: str, folder: Path | None, embeddings: Embeddings) -> Chroma:
    import chromadb
    from chromadb.config import Settings as ChromaSettings
    from langchain_chroma import Chroma

    settings = ChromaSettings(anonymized_telemetry=False)
    client: Any
    if folder is None:
        client = chromadb.EphemeralClient(settings)
        name = f"{name}-{secrets.token_hex(8)}"  # one store in memory serves the whole process
    else:
        folder.mkdir(parents=True, exist_ok=True)
        client = chromadb.PersistentClient(str(folder), settings)
    return Chroma(client=client, collection_name=name, embedding_function=embeddings, collection_configuration={"hnsw": {"space": "cosine"}})


def _terms(text: str) -> list[str]:
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP]


def _stem(word: str) -> str:
    """A word without its ending, so that "smoking" finds "smoke" and "smokes"."""
    for ending in ("ing", "edly", "ies", "es", "ed", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def _other_subjects(question: str, before: str) -> frozenset[str]:
    """The topics on values that a question which points back ("how do I bring it down?") cannot mean: all but those that it or the questions before it name."""
    text = question.lower()
    if not _LEANING.search(text) or any(re.search(words, text) for words in _SUBJECTS.values()):
        return frozenset()
    named = {topic for topic, words in _SUBJECTS.items() if re.search(words, before.lower())}
    return frozenset(_SUBJECTS) - named if named else frozenset()


def leans_back(query: str) -> bool:
    """Whether a question needs the one before it: it is of few words and points back."""
    return len(_terms(query)) <= 4 and bool(_LEANING.search(query))


def fuse(found: dict[str, Match]) -> list[str]:
    """Ids by reciprocal rank fusion of their cosines and their BM25."""
    ranks = {name: 1 / (RANK_OFFSET + rank) for rank, name in enumerate(sorted(found, key=lambda name: -found[name].cosine))}
    for rank, name in enumerate(sorted((name for name in found if found[name].words), key=lambda name: -found[name].words)):
        ranks[name] += BY_WORDS / (RANK_OFFSET + rank)
    return sorted(ranks, key=lambda name: -ranks[name])


def _rarity(all_words: Sequence[Counter[str]]) -> dict[str, float]:
    count = Counter(word for words in all_words for word in words)
    return {word: math.log(1 + (len(all_words) - n + 0.5) / (n + 0.5)) for word, n in count.items()}
