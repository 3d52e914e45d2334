"""A model as a folder: weights, a manifest with a hash of every file that can change an answer, and a language model beside them."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import torch

MANIFEST, WEIGHTS, ADAPTER = "breathwise.json", "encoders.safetensors", "adapter"
_SEALED = (".safetensors", ".json", ".jinja")
_FREE = (MANIFEST, "training.json")  # the manifest itself, and the history of the teaching, which changes no answer


class ModelError(RuntimeError):
    """Weights that are missing, broken or of another model. The message says which and what to do."""


def write_manifest(folder: Path, *, base_model: str | None, width: int, config: dict[str, Any]) -> None:
    """The manifest of a folder whose files are all written."""
    _write(folder, {"base_model": base_model, "width": width, "config": config})


def seal(folder: Path) -> None:
    """Take the hashes anew, after a file was added to a folder that has a manifest."""
    _write(folder, json.loads((folder / MANIFEST).read_text(encoding="utf-8")))


def read_manifest(folder: Path, base_model: str | None = None) -> dict[str, Any]:
    """The manifest of a folder in which nothing is missing or changed. Raises ModelError."""
    path = folder / MANIFEST
    if not path.is_file():
        raise ModelError(
            f"no {MANIFEST} in {folder.name}/: this folder holds no Breathwise model; restore it from the repository or make one with `breathwise train`"
        )
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        sealed, made_for = dict(manifest["sha256"]), manifest["base_model"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder.name}/{MANIFEST} is damaged; restore the folder from the repository") from error
    if base_model is not None and made_for != base_model:
        raise ModelError(
            f"{folder.name}/ was trained for {made_for or 'the embedded model'}, not for {base_model}; train an adapter for it with `breathwise train --base-model`"
        )
    if WEIGHTS not in sealed:
        raise ModelError(f"{folder.name}/{MANIFEST} names no {WEIGHTS}; restore the folder from the repository")
    for name, known in sealed.items():
        if not (folder / name).is_file():
            raise ModelError(f"{folder.name}/{name} is missing; restore it from the repository or train again")
        if _sha256(folder / name) != known:
            raise ModelError(f"{folder.name}/{name} is damaged or was changed (its hash differs); restore it or train again")
    return manifest


@cache
def fingerprint(folder: Path) -> str:
    """What tells these weights from others: the beginning of the hash of all weights, whatever files they are spread over."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.safetensors")))).hexdigest()[:16]


def _write(folder: Path, manifest: dict[str, Any]) -> None:
    files = sorted(path for path in folder.rglob("*") if path.suffix in _SEALED and path.name not in _FREE)
    manifest["sha256"] = {path.relative_to(folder).as_posix(): _sha256(path) for path in files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_language_model(name: str, *, dtype: torch.dtype = torch.float32) -> tuple[Any, Any]:
    """A causal language model and its tokenizer, by Hub id or folder. safetensors only, no code from elsewhere."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    show = logging.disable_progress_bar if Path(name).is_dir() else logging.enable_progress_bar  # a bar is for downloads
    show()
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        lm, report = AutoModelForCausalLM.from_pretrained(name, dtype=dtype, trust_remote_code=False, use_safetensors=True, output_loading_info=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"the language model {Path(name).name!r} cannot be loaded ({type(error).__name__}); check the name, the network "
            "or, for a folder, that its config.json, tokenizer.json and *.safetensors are complete"
        ) from error
    missing = [key for key in report["missing_keys"] if "lm_head" not in key or not lm.config.tie_word_embeddings]
    if missing or report["mismatched_keys"]:
        raise ModelError(f"the weights of {Path(name).name!r} are incomplete (first missing: {missing[:1]}); restore them")
    if tokenizer.chat_template is None:
        raise ModelError(f"{Path(name).name!r} has no chat template; choose an instruction-tuned model")
    return lm, tokenizer
