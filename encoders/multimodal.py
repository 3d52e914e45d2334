"""Encoders, projectors and a causal language model as one: embed, forward, score, generate, save, load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from encoders.batch import CURVE, IGNORED, RECORD, TEXT, TOLD, TOLD_MARK, Batch, Encoded, Person, collate, encode_chat
from encoders.model_folder import ADAPTER, WEIGHTS, ModelError, load_language_model, read_manifest, write_manifest
from encoders.projector import Projector, embedding_rms
from encoders.risk_reader import RiskReader, RiskReaderConfig
from encoders.spirogram.encode import SpirogramEncoder, SpirogramEncoderConfig
from encoders.tabular import TabularEncoder, TabularEncoderConfig, told

MOST_KEPT = 64  # sets of questions whose prompts are kept
_PADDING = -1  # the kind of a position that holds nothing


@dataclass(frozen=True)
class MultimodalConfig:
    curve: SpirogramEncoderConfig = field(default_factory=SpirogramEncoderConfig)
    table: TabularEncoderConfig = field(default_factory=TabularEncoderConfig)
    risk: RiskReaderConfig = field(default_factory=RiskReaderConfig)

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> MultimodalConfig:
        parts = {"curve", "table", "risk"}
        if set(given) != parts:
            raise ModelError(
                f"the model's configuration is of another version (it holds {sorted(given)}, not {sorted(parts)}); restore the folder or train again"
            )
        curve = {**given["curve"], "widths": tuple(given["curve"]["widths"])}
        return cls(SpirogramEncoderConfig(**curve), TabularEncoderConfig(**given["table"]), RiskReaderConfig(**given["risk"]))


class MultimodalLM(nn.Module):
    """A language model that reads a curve and a table as soft tokens at placeholder positions of its input."""

    def __init__(self, lm: Any, tokenizer: Any, config: MultimodalConfig | None = None, *, reads: bool = True) -> None:
        """``reads=False``: a language model without an adapter of ours; it has no encoders and takes text alone."""
        super().__init__()
        self.config = config or MultimodalConfig()
        self.lm, self.tokenizer, self.reads = lm, tokenizer, reads
        self._kept: dict[tuple[tuple[str, ...], str], list[Encoded]] = {}
        if not reads:
            return
        weight = lm.get_input_embeddings().weight
        self.encode_curve = SpirogramEncoder(self.config.curve)
        self.encode_table = TabularEncoder(self.config.table)
        self.project_curve = Projector(self.config.curve.width, weight.shape[1], embedding_rms(weight))
        self.project_table = Projector(self.config.table.width, weight.shape[1], embedding_rms(weight))
        self.read_risk = self._risk_readers(self.config.risk.readers)

    def forget_risks(self, seed: int, readers: int | None = None) -> None:
        """Fresh weights for the risk prompt's soft tokens (of ``readers``, else as configured), which are then to be taught again."""
        torch.manual_seed(seed)
        self.read_risk = self._risk_readers(readers or self.config.risk.readers).to(self.device)

    def _risk_readers(self, count: int) -> nn.ModuleList:
        weight = self.lm.get_input_embeddings().weight
        size, rms = (self.config.curve.width, self.config.curve.tokens, weight.shape[1]), embedding_rms(weight)
        return nn.ModuleList(RiskReader(self.config.risk, *size, rms) for _ in range(count))

    # what it is ---------------------------------------------------------------------------------------------------
    @property
    def device(self) -> torch.device:
        weight: Tensor = self.lm.get_input_embeddings().weight
        return weight.device

    @property
    def dtype(self) -> torch.dtype:
        weight: Tensor = self.lm.get_input_embeddings().weight
        return weight.dtype

    @property
    def _body(self) -> Any:
        """The language model without its output layer, LoRA or not."""
        plain = self.lm.get_base_model() if hasattr(self.lm, "peft_config") else self.lm
        return plain.base_model

    @property
    def names_facts(self) -> bool:
        """Whether the tokenizer has a token of its own for each fact (the embedded model does)."""
        return self.tokenizer.convert_tokens_to_ids("<|fev1_l|>") not in (None, self.tokenizer.unk_token_id)

    def encode(self, messages: Sequence[dict[str, str]], *, add_generation_prompt: bool = False) -> Encoded:
        return encode_chat(
            self.tokenizer, messages, curve_tokens=self.config.curve.tokens, record_tokens=self.config.table.tokens,
            add_generation_prompt=add_generation_prompt,
        )  # fmt: skip

    def batch(self, rows: Sequence[Encoded], people: Sequence[Person | None]) -> Batch:
        pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else self.tokenizer.eos_token_id
        return collate(rows, people, pad).to(self.device)

    # reading ------------------------------------------------------------------------------------------------------
    def soft_curve(self, curves: Tensor) -> Tensor:
        return self.project_curve(self.encode_curve(curves))  # (batch, slot, width)

    def soft_table(self, tables: Tensor) -> Tensor:
        return self.project_table(self.encode_table(tables))  # (batch, slot, width)

    def soften(self, person: Person | None) -> dict[int, Tensor]:
        """One person's soft tokens by kind, (slot, width) each: computed once, reused by every turn."""
        soft: dict[int, Tensor] = {}
        if not self.reads:
            return soft
        with torch.inference_mode():
            if person is not None and person.curve is not None:
                soft[CURVE] = self.soft_curve(torch.from_numpy(person.curve[None]).to(self.device))[0]
            if person is not None:
                soft[RECORD] = self.soft_table(torch.from_numpy(person.table[None]).to(self.device))[0]
        return soft

    def embed(self, batch: Batch) -> Tensor:
        """Token embeddings with the soft tokens in their places: (batch, token, width)."""
        text = self.lm.get_input_embeddings()(batch.input_ids)
        for kind, given, soften in (
            (CURVE, batch.curves, self.soft_curve),
            (RECORD, batch.tables, self.soft_table),
        ):
            slots = batch.kinds == kind
            if not slots.any() and not len(given):
                continue
            soft = soften(given)
            wanted = slots.sum(1)
            rows = wanted.nonzero().flatten()
            if len(rows) != len(soft):
                raise ValueError(f"the batch has slots for {len(rows)} people but the encoder was given {len(soft)}")
            for row in rows.tolist():
                if wanted[row] != soft.shape[1]:
                    raise ValueError(f"batch row {row} has {int(wanted[row])} soft-token slots but the projector gave {soft.shape[1]}")
            text = text.masked_scatter(slots[..., None], soft.to(text.dtype))
        return text

    def forward(self, batch: Batch) -> Tensor:
        """The mean loss over the positions that are to be learned; only there are logits computed."""
        hidden = self._body(inputs_embeds=self.embed(batch), attention_mask=batch.attention_mask, use_cache=False).last_hidden_state  # (batch, token, width)
        learned = batch.labels[:, 1:] != IGNORED
        logits = self.lm.get_output_embeddings()(hidden[:, :-1][learned])  # (learned, vocabulary)
        return nn.functional.cross_entropy(logits.float(), batch.labels[:, 1:][learned])

    def next_token_logits(self, batch: Batch) -> Tensor:
        """Logits after the last real token of each row: (batch, vocabulary)."""
        last = batch.attention_mask.sum(1) - 1
        hidden = self._body(inputs_embeds=self.embed(batch), attention_mask=batch.attention_mask, use_cache=False).last_hidden_state
        return self.lm.get_output_embeddings()(hidden[torch.arange(len(last)), last]).float()

    # risk ---------------------------------------------------------------------------------------------------------
    @torch.inference_mode()
    def score(
        self, people: Sequence[Person], questions: Sequence[str], system: str, *, told: bool | None = None, tokens: bool = True, batch: int = 16,
    ) -> NDArray[np.float64]:  # fmt: skip
        """Log-odds of "yes" against "no" as the first word of the answer: (people, questions).

        ``system`` is the message that everyone shares, with the marks of the soft tokens and of the record as text. ``told``
        and ``tokens`` leave the text or the soft tokens away, for ablations (None: as the model was made). The mean over the
        readers of risks.
        """
        parts = []
        for start in range(0, len(people), batch):
            some = people[start : start + batch]
            has_curve = np.array([person.curve is not None for person in some]) & tokens
            encoded = torch.zeros(len(some), self.config.curve.tokens, self.config.curve.width, device=self.device, dtype=self.dtype)
            drawn = {id(person.curve): person.curve for person, given in zip(some, has_curve, strict=True) if given and person.curve is not None}
            if drawn:  # a person asked about in many ways has one curve
                place = {key: index for index, key in enumerate(drawn)}
                read = self.encode_curve(torch.from_numpy(np.stack(list(drawn.values()))).to(self.device, self.dtype))
                encoded[torch.from_numpy(has_curve)] = read[[place[id(person.curve)] for person, given in zip(some, has_curve, strict=True) if given]]
            tables = np.stack([person.table for person in some])
            reads_table = np.full(len(some), tokens)
            each = [
                self.log_odds(tables, encoded, has_curve, questions, system, reader=reader, told=told, reads_table=reads_table)
                for reader in range(len(self.read_risk))
            ]
            parts.append(torch.stack(each).double().mean(0).cpu().numpy())
        return np.concatenate(parts) if parts else np.zeros((0, len(questions)))

    def log_odds(
        self, tables: NDArray[np.float32], encoded: Tensor, has_curve: NDArray[np.bool_], questions: Sequence[str], system: str, *,
        reader: int, told: bool | None = None, reads_table: NDArray[np.bool_] | None = None,
    ) -> Tensor:  # fmt: skip
        """``score`` by one of the readers, with gradients, from curves that are already encoded (people, slot, width): (people, questions).

        One forward pass: a row is the person's prefix and after it every question, each of which sees the prefix and itself.
        The slots of a curve that is not there are seen by nothing and take no position; a table that is not read is one in
        which nothing was measured.
        """
        written = self.config.risk.told if told is None else told
        ids, kinds, tails = self._risk_prompts(tables, questions, system if written else system.replace(TOLD_MARK, ""))
        valid = kinds != _PADDING
        valid[(kinds == CURVE) & ~torch.from_numpy(has_curve).to(self.device)[:, None]] = False
        look_up, own = self.lm.get_input_embeddings(), cast(RiskReader, self.read_risk[reader])
        text = look_up(ids)
        text = text.masked_scatter((kinds == CURVE)[..., None], own.read_curves(encoded).to(text.dtype))
        read = tables if reads_table is None else np.where(reads_table[:, None, None], tables, np.float32(0.0))
        soft = own.read_tables(torch.from_numpy(read).to(self.device, encoded.dtype))
        text = text.masked_scatter((kinds == RECORD)[..., None], soft.to(text.dtype))
        before, lengths = ids.shape[1], [len(tail) for tail in tails]
        asked = torch.tensor([word for tail in tails for word in tail], device=self.device)
        whole = torch.cat([text, look_up(asked).expand(len(text), -1, -1).to(text.dtype)], 1)
        may = torch.ones(whole.shape[1], whole.shape[1], dtype=torch.bool)
        may[before:, before:] = torch.block_diag(*(torch.ones(length, length) for length in lengths)).bool()
        may = (may & torch.ones_like(may).tril()).to(self.device)
        seen = torch.cat([valid, valid.new_ones(len(text), len(asked))], 1)
        mask = (may & seen[:, None]) | torch.eye(len(may), dtype=torch.bool, device=self.device)
        place = torch.cat([torch.arange(length) for length in lengths]).to(self.device)
        positions = torch.cat([(valid.cumsum(1) - 1).clamp(min=0), valid.sum(1, keepdim=True) + place], 1)
        kind = self.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else whole.dtype
        bias = torch.zeros(mask.shape, dtype=dtype, device=self.device).masked_fill(~mask, torch.finfo(dtype).min)[:, None]
        hidden = self._body(inputs_embeds=whole, attention_mask=bias, position_ids=positions, use_cache=False).last_hidden_state
        ends = before + torch.tensor(lengths, device=self.device).cumsum(0) - 1
        yes, no = (self.tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in ("yes", "no"))
        words = self.lm.get_output_embeddings().weight[[yes, no]].float()
        logits = nn.functional.linear(hidden[:, ends].float(), words)
        return logits[..., 0] - logits[..., 1]

    def _asked(self, questions: tuple[str, ...], system: str) -> list[Encoded]:
        """The prompt of each question without a person, kept, as everyone is asked the same."""
        found = self._kept.get((questions, system))
        if found is None:
            found = [
                encode_chat(
                    self.tokenizer, [{"role": "system", "content": system}, {"role": "user", "content": question}], add_generation_prompt=True,
                    curve_tokens=self.config.curve.tokens, record_tokens=self.config.risk.tokens,
                )
                for question in questions
            ]  # fmt: skip
            self._kept = {**(self._kept if len(self._kept) < MOST_KEPT else {}), (questions, system): found}
        return found

    def _risk_prompts(self, tables: NDArray[np.float32], questions: Sequence[str], system: str) -> tuple[Tensor, Tensor, list[list[int]]]:
        """Each person's prefix as ids and kinds (people, token), padded on the right, and what is left of each question."""
        asked = self._asked(tuple(questions), system)
        shared = min(_common([row.ids for row in asked]), min(len(row.ids) for row in asked) - 1)
        ids, kinds = asked[0].ids[:shared], asked[0].kinds[:shared]
        rows = [(ids, kinds)] * len(tables)
        if TOLD in kinds:
            at = kinds.index(TOLD)
            texts = self.tokenizer([told(table) for table in tables], add_special_tokens=False)["input_ids"]
            rows = [([*ids[:at], *new, *ids[at + 1 :]], [*kinds[:at], *[TEXT] * len(new), *kinds[at + 1 :]]) for new in texts]
        longest = max(len(row) for row, _ in rows)
        padded = torch.tensor([[*row, *[0] * (longest - len(row))] for row, _ in rows], device=self.device)
        kind = torch.tensor([[*row, *[_PADDING] * (longest - len(row))] for _, row in rows], device=self.device)
        return padded, kind, [row.ids[shared:] for row in asked]

    # writing ------------------------------------------------------------------------------------------------------
    @torch.inference_mode()
    def generate(self, batch: Batch, **settings: Any) -> Tensor:
        """New token ids (batch, token), by transformers' own generate over ``embed``; give ``max_new_tokens``.

        Rows must be of one length (a conversation has its own loop in ``assistant.engine``).
        """
        pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else self.tokenizer.eos_token_id
        new: Tensor = self.lm.generate(inputs_embeds=self.embed(batch), attention_mask=batch.attention_mask, pad_token_id=pad, **settings)
        return new

    # adapters -----------------------------------------------------------------------------------------------------
    def attach_lora(self, rank: int = 16, alpha: int = 32) -> None:
        """Put a trainable LoRA on every linear layer of the language model (PEFT)."""
        from peft import LoraConfig, get_peft_model

        self.lm = get_peft_model(self.lm, LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear", task_type="CAUSAL_LM"))

    def _own(self) -> dict[str, Tensor]:
        return {name: tensor for name, tensor in self.state_dict().items() if not name.startswith("lm.")}

    def save(self, folder: Path, *, base_model: str | None = None) -> None:
        """Write the encoders beside the language model, or, for another base model, beside its LoRA adapter only."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        if hasattr(self.lm, "peft_config"):
            self.lm.save_pretrained(folder / ADAPTER)
        elif base_model is None:
            self.lm.save_pretrained(folder, max_shard_size="14MB")
            self.tokenizer.save_pretrained(folder)
        save_file({name: tensor.contiguous().cpu() for name, tensor in self._own().items()}, folder / WEIGHTS)
        width = int(self.lm.get_input_embeddings().weight.shape[1])
        write_manifest(folder, base_model=base_model, width=width, config=asdict(self.config))

    @classmethod
    def load(cls, folder: Path, *, base_model: str | None = None, device: str = "cpu", dtype: torch.dtype = torch.float32) -> MultimodalLM:
        """Read what ``save`` wrote. Nothing is ever initialised at random: what does not fit raises ModelError."""
        from safetensors.torch import load_file

        manifest, weights = read_manifest(folder, base_model), folder / WEIGHTS
        lm, tokenizer = load_language_model(manifest["base_model"] or str(folder), dtype=dtype)
        width = int(lm.get_input_embeddings().weight.shape[1])
        if width != manifest["width"]:
            raise ModelError(f"the encoders were made for width {manifest['width']} but the language model has {width}")
        if (folder / ADAPTER).is_dir():
            from peft import PeftModel

            lm = PeftModel.from_pretrained(lm, str(folder / ADAPTER)).merge_and_unload()
        model = cls(lm, tokenizer, MultimodalConfig.from_dict(manifest["config"]))
        own = load_file(weights)
        expected = model._own()
        wrong = [name for name in sorted({*own, *expected}) if name not in own or name not in expected]
        wrong += [name for name in own if name in expected and own[name].shape != expected[name].shape]
        if wrong:
            raise ModelError(f"{folder.name}/{WEIGHTS} does not fit this model (first mismatch: {wrong[0]}); train again")
        model.load_state_dict({**own, **{name: t for name, t in model.state_dict().items() if name.startswith("lm.")}})
        return model.to(device).eval()


def choose_device(device: str = "auto", precision: str = "auto") -> tuple[str, torch.dtype]:
    """A GPU in bf16 when there is one, else the CPU in float32; "auto" may be replaced by a choice of either."""
    where = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    if precision != "auto":
        return where, {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    return where, torch.bfloat16 if where.startswith("cuda") else torch.float32


def _common(rows: Sequence[Sequence[int]]) -> int:
    """The length of the longest common beginning."""

    def alike() -> Iterator[bool]:
        for column in zip(*rows, strict=False):
            yield len(set(column)) == 1

    count = 0
    for same in alike():
        if not same:
            break
        count += 1
    return count
