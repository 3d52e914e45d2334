"""How a question is read: what it asks (an intent), and where in the library its answer may stand (a vector beside those of its sentences).

all-MiniLM-L6-v2 with a small adapter (peft, LoRA), a head for the intents, and the level under which no sentence answers, taught by ``breathwise library reader`` (``reader_teaching``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.intents import load_taught
from assistant.slips import plain
from assistant.text_features import LAYERS, WIDTH, buckets, spellings
from encoders.passages import GUIDELINES

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = GUIDELINES.parent / "reader"
FILES = ("adapter_config.json", "adapter_model.safetensors", "heads.safetensors", "reader.json")
BUCKETS = SPELLINGS = 2**13  # of words and pairs of words; of runs of letters
LONGEST = 96  # tokens of a question that are read


@dataclass(frozen=True)
class Read:
    """What a question was read as: its likeliest intents, each with how sure that is (0-1, the root of its chance), and its ``vector`` (384,) of length one,
    comparable with the vectors of the library's sentences."""

    intents: tuple[tuple[str, float], ...]
    vector: NDArray[np.float32]


class QuestionReader:
    """One for the process; it holds no text of anybody."""

    def __init__(self, folder: Path) -> None:
        import torch
        from peft import PeftModel
        from safetensors.numpy import load_file

        from assistant.minilm import load_minilm

        self._torch = torch
        model, self._tokenizer = load_minilm()
        adapted: Any = PeftModel.from_pretrained(model, str(folder), torch_device="cpu")
        self._model = adapted.merge_and_unload().eval()
        heads = load_file(folder / "heads.safetensors")
        self._weights, self._bias = heads["weights"].astype(np.float32), heads["bias"].astype(np.float32)
        about = json.loads((folder / "reader.json").read_text(encoding="utf-8"))
        self.names: tuple[str, ...] = tuple(about["intents"])
        self.sharpness, self.scale, self.none = float(about["sharpness"]), float(about["scale"]), float(about["none"])
        if self._weights.shape != (len(self.names), WIDTH + BUCKETS + SPELLINGS):
            raise ValueError(f"assets/{folder.name} does not hold together; install again or run `breathwise library reader`")
        self._known = {plain(text): intent for intent, texts in load_taught().items() for text in texts}

    @classmethod
    @cache
    def load(cls, folder: Path = FOLDER) -> QuestionReader:
        """The shipped one. FileNotFoundError where it is missing."""
        if not all((folder / name).is_file() for name in FILES):
            raise FileNotFoundError(
                f"assets/{folder.name} is missing or not whole, without which no question is understood; install again or run `breathwise library reader`"
            )
        return cls(folder)

    def read(self, question: str) -> Read:
        """An exact wording that was taught is surely what it was taught as."""
        states = self._states(question)
        vector = states[-1]
        exact = self._known.get(plain(question))
        if exact is not None:
            return Read(((exact, 1.0),), vector)
        sums = self._weights[:, :WIDTH] @ np.concatenate(states) + self._bias
        for start, found in ((WIDTH, buckets(question, BUCKETS)), (WIDTH + BUCKETS, spellings(question, SPELLINGS))):
            sums += self._weights[:, [start + one for one in found]].sum(1) / max(len(found), 1) ** 0.5
        chances = np.exp(self.sharpness * (sums - sums.max()))
        chances /= chances.sum()
        first = np.argsort(-chances)[:3]
        return Read(tuple((self.names[n], float(chances[n]) ** 0.5) for n in first), vector)

    def nearness(self, vector: NDArray[np.float32], sentences: NDArray[np.float32]) -> NDArray[np.float32]:
        """How near a question lies to each sentence (sentence, 384): log odds against "no sentence answers"."""
        found: NDArray[np.float32] = self.scale * (sentences @ vector - self.none)
        return found

    def _states(self, question: str) -> list[NDArray[np.float32]]:
        torch = self._torch
        batch = self._tokenizer(question, truncation=True, max_length=LONGEST, return_tensors="pt")
        with torch.inference_mode():
            hidden = self._model(**batch, output_hidden_states=True).hidden_states
        return [torch.nn.functional.normalize(hidden[layer][0].mean(0), dim=-1).numpy() for layer in LAYERS]


def made_of(folder: Path = FOLDER) -> dict[str, Any]:
    """What was found when the shipped reader was taught: of questions and wordings that it was not taught."""
    found: dict[str, Any] = json.loads((folder / "reader.json").read_text(encoding="utf-8"))["made_of"]
    return found
