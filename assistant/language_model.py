"""The chat model as LangChain sees it, over an engine of this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict

from assistant.engine import Engine, Memory
from encoders.batch import TEXT, Encoded, Person

_ROLES = {"system": "system", "human": "user", "ai": "assistant"}


class BreathwiseChatModel(BaseChatModel):
    """A causal language model that also reads a person's soft tokens.

    Messages may hold the marks of ``encoders.batch``. Beside LangChain's own arguments ``stream`` and ``invoke`` take
    ``person`` (what the encoders read), ``memory`` (the kept prefix of this conversation), ``allowed`` (words with digits that
    may be written), ``banned`` (token ids), ``max_new_tokens``, ``temperature``, ``seed``, ``stop_event`` and ``begun`` (the beginning of the answer, which is written on
    and not given again).
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)
    engine: Engine

    @property
    def _llm_type(self) -> str:
        return "breathwise"

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        *,
        person: Person | None = None,
        memory: Memory | None = None,
        stop_event: threading.Event | None = None,
        begun: str = "",
        **settings: Any,
    ) -> Iterator[ChatGenerationChunk]:
        model = self.engine.model
        prompt = model.encode([{"role": _ROLES[message.type], "content": str(message.content)} for message in messages], add_generation_prompt=True)
        if begun:
            more = model.tokenizer(begun, add_special_tokens=False)["input_ids"]
            prompt = Encoded([*prompt.ids, *more], [*prompt.kinds, *[TEXT] * len(more)], [*prompt.learned, *[False] * len(more)])
        ids: list[int] = []
        text, shown, read = "", 0, 0  # ids before ``shown`` are as good as written; those before ``read`` are in ``text``
        for token in self.engine.stream(prompt, memory or Memory(), person, stop=stop_event, **settings):
            ids.append(token)
            before, now = (model.tokenizer.decode(ids[shown:end], skip_special_tokens=False) for end in (read, len(ids)))
            if now.endswith("\ufffd"):
                continue  # half a character: the next token completes it
            piece, shown, read = now[len(before) :], read, len(ids)
            text += piece
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
            if stop and any(word in text for word in stop):
                return
            if run_manager:
                run_manager.on_llm_new_token(str(chunk.message.content), chunk=chunk)
            yield chunk
        if not shown:  # LangChain takes a stream without a chunk for a fault
            yield ChatGenerationChunk(message=AIMessageChunk(content=""))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **settings: Any,
    ) -> ChatResult:
        text = "".join(str(chunk.message.content) for chunk in self._stream(messages, stop, run_manager, **settings))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text))])


def banned_tokens(model: Any, known: Sequence[str]) -> list[int]:
    """Special tokens that an answer may not hold: the template's, and those of facts this patient does not have."""
    named = {f"<|{name}|>" for name in known}
    tokenizer = model.tokenizer
    ends = {tokenizer.eos_token_id}
    return [index for index in tokenizer.all_special_ids if index not in ends and tokenizer.convert_ids_to_tokens(index) not in named]
