"""The decoding loop: the kept prefix, stopping, and the limit on numerals."""

from __future__ import annotations

import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from assistant.engine import Engine, Memory
from assistant.language_model import BreathwiseChatModel
from assistant.numerals import finished, words_with_digits
from encoders.batch import Person
from tests import tiny


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(tiny.model())


def ask(engine: Engine, memory: Memory, person: Person, messages: list[dict[str, str]], **settings: object) -> list[int]:
    prompt = engine.model.encode(messages, add_generation_prompt=True)
    return list(engine.stream(prompt, memory, person, **settings))  # type: ignore[arg-type]


def test_a_kept_prefix_gives_the_same_tokens_as_a_full_recompute(engine: Engine) -> None:
    memory, person = Memory(), tiny.person()
    messages = tiny.chat()
    for turn in range(4):
        kept = ask(engine, memory, person, messages, max_new_tokens=12)
        fresh = ask(engine, Memory(), person, messages, max_new_tokens=12)
        assert kept == fresh
        assert memory.cache.get_seq_length() == len(memory.ids)
        text = engine.model.tokenizer.decode(kept)
        messages = [*messages, {"role": "assistant", "content": text}, {"role": "user", "content": f"yes {turn}"}]


def test_an_edited_question_reuses_only_what_is_still_true(engine: Engine) -> None:
    memory, person = Memory(), tiny.person()
    ask(engine, memory, person, tiny.chat("What does my z-score mean?"), max_new_tokens=8)
    edited = ask(engine, memory, person, tiny.chat("Is that low?"), max_new_tokens=8)
    assert edited == ask(engine, Memory(), person, tiny.chat("Is that low?"), max_new_tokens=8)


def test_stop_stops_within_one_token_and_leaves_the_memory_usable(engine: Engine) -> None:
    memory, person, stop = Memory(), tiny.person(), threading.Event()
    prompt = engine.model.encode(tiny.chat(), add_generation_prompt=True)
    seen = []
    for token in engine.stream(prompt, memory, person, stop=stop, max_new_tokens=50):
        seen.append(token)
        if len(seen) == 3:
            stop.set()
    assert len(seen) == 3
    assert memory.cache.get_seq_length() == len(memory.ids)
    assert ask(engine, memory, person, tiny.chat(), max_new_tokens=6) == ask(engine, Memory(), person, tiny.chat(), max_new_tokens=6)


def test_closing_the_generator_leaves_cache_and_ids_of_one_length(engine: Engine) -> None:
    memory = Memory()
    stream = engine.stream(engine.model.encode(tiny.chat(), add_generation_prompt=True), memory, tiny.person())
    next(stream)
    stream.close()
    assert memory.cache.get_seq_length() == len(memory.ids)


def test_whatever_the_model_prefers_only_allowed_numerals_are_written(engine: Engine) -> None:
    allowed = words_with_digits(["1.85 L", "62 %"]) | {"[1]"}
    tokenizer = engine.model.tokenizer
    digits, limit = engine.limit.with_digit, engine.limit.to(allowed)
    for seed in range(30):
        generator = torch.Generator().manual_seed(seed)
        text = ""
        for _ in range(60):
            logits = torch.randn(len(engine.limit.texts), generator=generator)
            logits[digits] += 3.0  # a model that loves numerals
            token = int(limit.forbid(logits, text[-64:]).argmax())
            text += engine.limit.texts[token] or " "
        whole = text.rsplit(None, 1)[0] if len(text.split()) > 1 else ""
        assert all(finished(chunk, allowed) for chunk in whole.split()), repr(text)
    assert tokenizer.decode(tokenizer("FEV1")["input_ids"]) == "FEV1"


@given(st.floats(0.1, 99.0))
def test_a_numeral_is_finished_only_if_it_stands_in_the_facts(value: float) -> None:
    text = f"{value:.2f}"
    allowed = words_with_digits([f"{text} L"])
    assert finished(text, allowed)
    assert finished(f"({text}).", allowed)
    assert not finished(text + "7", allowed)
    assert finished("FEV1", allowed)
    assert not finished("[1]", allowed)


def test_langchain_sees_a_chat_model_that_streams_and_invokes(engine: Engine) -> None:
    chat = BreathwiseChatModel(engine=engine)
    messages = [(message["role"], message["content"]) for message in tiny.chat()]
    streamed = "".join(str(chunk.content) for chunk in chat.stream(messages, person=tiny.person(), max_new_tokens=10))
    assert chat.invoke(messages, person=tiny.person(), max_new_tokens=10).content == streamed


def test_banned_tokens_are_never_written(engine: Engine) -> None:
    first = ask(engine, Memory(), tiny.person(), tiny.chat(), max_new_tokens=5)
    second = ask(engine, Memory(), tiny.person(), tiny.chat(), max_new_tokens=5, banned=first)
    assert not set(first) & set(second)
