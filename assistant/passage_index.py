"""The vectors of passages in an embedded Chroma that this process owns: built once, kept in a folder named by what it holds. Nothing of a patient enters it."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from assistant.minilm import MINILM_SHA256
from encoders.passages import Passage

if TYPE_CHECKING:
    from langchain_chroma import Chroma

INDEX_VERSION = 6


class PassageIndex:
    """Which passages lie near to a question. ``folder``: where it is kept; None where it lives in memory."""

    def __init__(self, passages: Sequence[Passage], folder: Path | None, embeddings: Embeddings) -> None:
        self._passages, self._embeddings = tuple(passages), embeddings
        own = folder / f"library-{self.key()}" if folder is not None else None
        if own is not None and (own / "complete").is_file() and (own / "chroma.sqlite3").is_file():
            try:
                self._attach(own)
                if self.count() == len(self._passages):
                    return
            except Exception:  # a damaged index shows itself in many ways; the cure is always to build it again
                pass
        try:
            self._build(own)
        except Exception:  # such as a full disk, or another process at the same folder: work in memory rather than not at all
            if own is None:
                raise
            self._build(None)

    def key(self) -> str:
        """What the folder of exactly these passages and vectors is named by."""
        content = json.dumps([[vars(p) for p in self._passages], INDEX_VERSION, MINILM_SHA256])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def count(self) -> int:
        return int(self.chroma._collection.count())

    def ids(self) -> frozenset[str]:
        return frozenset(self.chroma.get()["ids"])

    def nearest(self, vector: list[float], k: int) -> dict[str, float]:
        """The ``k`` nearest passages by id, each with its cosine."""
        near = self.chroma.similarity_search_by_vector_with_relevance_scores(vector, k=min(k, len(self._passages)))
        return {str(document.metadata["id"]): 1.0 - float(distance) for document, distance in near}

    def _build(self, folder: Path | None) -> None:
        if folder is not None:
            import shutil

            from chromadb.api.client import SharedSystemClient

            SharedSystemClient.clear_system_cache()  # it keeps what it opened at this path, also what failed to open
            shutil.rmtree(folder, ignore_errors=True)
        self._attach(folder)
        documents = [Document(as_embedded(p), id=p.id, metadata={"id": p.id, "topic": p.topic}) for p in self._passages]
        if documents:
            self.chroma.add_documents(documents)
        if folder is not None:
            (folder / "complete").touch()

    def _attach(self, folder: Path | None) -> None:
        self.folder = folder
        self.chroma = collection("guidelines", folder, self._embeddings)


def as_embedded(passage: Passage) -> str:
    """What of a passage is turned into a vector."""
    return f"{passage.title}. {passage.text}"


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


def collection(name: str, folder: Path | None, embeddings: Embeddings) -> Chroma:
    """A Chroma collection by cosine, in a folder or in memory."""
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
