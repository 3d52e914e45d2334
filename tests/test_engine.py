"""The decoding loop: the kept prefix, stopping, and the limit on numerals."""

from __future__ import annotations

import threading
import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from assistant.engine import Engine, Memory, Row
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


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_where_nothing_may_be_written_the_answer_ends(engine: Engine, temperature: float) -> None:
    everything = range(engine.model.lm.get_input_embeddings().weight.shape[0])
    assert ask(engine, Memory(), tiny.person(), tiny.chat(), banned=everything, temperature=temperature, max_new_tokens=5) == []


def test_langchain_sees_a_chat_model_that_streams_and_invokes(engine: Engine) -> None:
    chat = BreathwiseChatModel(engine=engine)
    messages = [(message["role"], message["content"]) for message in tiny.chat()]
    streamed = "".join(str(chunk.content) for chunk in chat.stream(messages, person=tiny.person(), max_new_tokens=10))
    assert chat.invoke(messages, person=tiny.person(), max_new_tokens=10).content == streamed


def test_banned_tokens_are_never_written(engine: Engine) -> None:
    first = ask(engine, Memory(), tiny.person(), tiny.chat(), max_new_tokens=5)
    second = ask(engine, Memory(), tiny.person(), tiny.chat(), max_new_tokens=5, banned=first)
    assert not set(first) & set(second)


# several at once -----------------------------------------------------------------------------------------------------
QUESTIONS = ("What does my z-score mean?", "Is that low?", "yes no", "FEV1 0 1 2 3", "Regular activity helps.", "What does my FEV1 mean? yes")


def together(engine: Engine, asks: list[dict[str, object]]) -> list[list[int]]:
    """Every question at the same time, each from a thread of its own."""
    found: list[list[int]] = [[] for _ in asks]

    def one(number: int, memory: Memory, person: Person, messages: list[dict[str, str]], **settings: object) -> None:
        found[number] = ask(engine, memory, person, messages, **settings)

    threads = [threading.Thread(target=one, args=(number,), kwargs=given) for number, given in enumerate(asks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return found


def asks(count: int, **settings: object) -> list[dict[str, object]]:
    """``count`` people with questions, lengths, limits and seeds of their own."""
    return [
        {
            "memory": Memory(), "person": tiny.person(number, curve=bool(number % 3)), "messages": tiny.chat(QUESTIONS[number % 6] * (1 + number % 4), curve=bool(number % 3)),
            "max_new_tokens": 4 + 3 * (number % 7), "allowed": words_with_digits([f"{number}.{number}5 L"]) if number % 2 else None, "seed": number, **settings,
        }
        for number in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_each_of_many_answers_is_the_one_it_would_be_alone(engine: Engine, temperature: float) -> None:
    assert engine._together
    alone = [ask(engine, **one) for one in asks(20, temperature=temperature)]  # type: ignore[arg-type]
    given = asks(20, temperature=temperature)
    assert together(engine, given) == alone
    assert len({tuple(one) for one in alone}) > 5
    for one in given:
        assert one["memory"].cache.get_seq_length() == len(one["memory"].ids)  # type: ignore[attr-defined]


def test_a_memory_from_among_many_is_as_good_as_one_from_alone(engine: Engine) -> None:
    given = asks(6)
    first = together(engine, given)
    for one, words in zip(given, first, strict=True):
        text = engine.model.tokenizer.decode(words)
        one["messages"] = [*one["messages"], {"role": "assistant", "content": text}, {"role": "user", "content": "Is that low?"}]  # type: ignore[misc]
    fresh = [ask(engine, **{**one, "memory": Memory()}) for one in given]  # type: ignore[arg-type]
    assert together(engine, given) == fresh


def test_rows_really_share_a_pass(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    read = engine._read
    monkeypatch.setattr(engine, "_read", lambda rows: (sizes.append(len(rows)), read(rows))[1])
    together(engine, asks(8, max_new_tokens=40, banned=sorted(engine.ends)))
    assert max(sizes) > 1


@pytest.mark.parametrize("at_once", [1, 10_000])
def test_prompts_that_come_at_once_are_read_in_one_pass_beside_the_others_words(engine: Engine, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    alone = [ask(engine, **one) for one in asks(12)]  # type: ignore[arg-type]
    passes: list[list[int]] = []
    read = engine._read

    def slowly(rows: list[Row]) -> torch.Tensor:
        passes.append([row.unread for row in rows])
        time.sleep(0.02)  # meanwhile others come
        return read(rows)

    monkeypatch.setattr(engine, "_read", slowly)
    monkeypatch.setattr("assistant.engine.READ_AT_ONCE", at_once)
    assert together(engine, asks(12)) == alone
    prompts = max(sum(new > 1 for new in one) for one in passes)
    assert (prompts > 1) == (at_once > 1), "several prompts of differing lengths in one pass, or one where no more are allowed"
    assert any(1 in one and max(one) > 1 for one in passes), "a prompt is read in the pass that writes others on"


def test_a_prompt_after_kept_turns_is_read_among_others_as_alone(engine: Engine) -> None:
    """Some bring a kept prefix and few new positions, some a whole prompt, some soft tokens."""
    given, fresh = asks(9), asks(9)
    for one in given[::3]:
        ask(engine, **{**one, "max_new_tokens": 5})  # type: ignore[arg-type]
    alone = [ask(engine, **one) for one in fresh]  # type: ignore[arg-type]
    assert together(engine, given) == alone


def test_a_prompt_whose_soft_tokens_do_not_fit_fails_alone(engine: Engine) -> None:
    given = asks(4)
    given[1]["person"] = None
    alone = [ask(engine, **one) if number != 1 else [] for number, one in enumerate(asks(4))]  # type: ignore[arg-type]
    found: list[object] = [None] * 4

    def one(number: int) -> None:
        try:
            found[number] = ask(engine, **given[number])  # type: ignore[arg-type]
        except ValueError as error:
            found[number] = str(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert "soft-token slots but the projector gave 0" in str(found[1])
    assert [words for number, words in enumerate(found) if number != 1] == [words for number, words in enumerate(alone) if number != 1]


def test_a_row_that_fails_ends_alone(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    given = asks(5, max_new_tokens=12, banned=sorted(engine.ends))
    alone = [ask(engine, **one) for one in asks(5, max_new_tokens=12, banned=sorted(engine.ends))]  # type: ignore[arg-type]
    broken, read = given[2]["memory"], engine._read

    def fail(rows: list[Row]) -> torch.Tensor:
        if any(row.memory is broken and row.left == 5 for row in rows):
            for row in rows:  # as a fault in the middle of a pass leaves them: the first layer is ahead of the others
                if row.memory.cache is None:
                    continue
                layer = row.memory.cache.layers[0]
                layer.update(layer.keys[..., -1:, :], layer.values[..., -1:, :])
            raise MemoryError
        return read(rows)

    monkeypatch.setattr(engine, "_read", fail)
    found: list[object] = [None] * 5

    def one(number: int) -> None:
        try:
            found[number] = ask(engine, **given[number])  # type: ignore[arg-type]
        except MemoryError:
            found[number] = "failed"

    threads = [threading.Thread(target=one, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert found[2] == "failed"
    assert [words for number, words in enumerate(found) if number != 2] == [words for number, words in enumerate(alone) if number != 2]
    monkeypatch.undo()
    assert ask(engine, **given[2]) == alone[2]  # type: ignore[arg-type]


def test_two_answers_over_one_memory_come_one_after_the_other(engine: Engine) -> None:
    one = asks(1)[0]
    alone = ask(engine, **asks(1)[0])  # type: ignore[arg-type]
    assert together(engine, [one, dict(one)]) == [alone, alone]


def test_the_thread_ends_when_idle_and_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.engine.IDLE_S", 0.05)
    small = Engine(tiny.model())
    first = ask(small, **asks(1)[0])  # type: ignore[arg-type]
    for _ in range(200):
        if small._thread is None:
            break
        time.sleep(0.05)
    assert small._thread is None
    assert ask(small, **asks(1)[0]) == first  # type: ignore[arg-type]


@pytest.mark.parametrize("family", ["LlamaConfig", "Gemma3TextConfig", "MistralConfig"])
def test_other_causal_models_are_read_together_too(family: str) -> None:
    import transformers

    own = tiny.tokenizer()
    config = getattr(transformers, family)(
        vocab_size=len(own), hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=1, head_dim=32,
        sliding_window=None if family == "LlamaConfig" else 4096, bos_token_id=None, eos_token_id=own.eos_token_id, pad_token_id=own.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    engine = Engine(tiny.model(lm=transformers.AutoModelForCausalLM.from_config(config, attn_implementation="sdpa")))
    assert engine._together
    alone = [ask(engine, **one) for one in asks(6)]  # type: ignore[arg-type]
    assert together(engine, asks(6)) == alone


def test_a_model_whose_layers_cannot_share_a_pass_answers_row_by_row() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    own = tiny.tokenizer()
    torch.manual_seed(0)
    lm = GPT2LMHeadModel._from_config(GPT2Config(vocab_size=len(own), n_embd=64, n_layer=2, n_head=2, n_positions=512, bos_token_id=None, eos_token_id=own.eos_token_id), attn_implementation="eager")  # fmt: skip
    engine = Engine(tiny.model(lm=lm))
    assert not engine._together
    alone = [ask(engine, **one) for one in asks(4)]  # type: ignore[arg-type]
    assert together(engine, asks(4)) == alone


def test_a_model_whose_window_slid_on_reads_anew_what_it_cannot_go_back_to() -> None:
    from transformers import MistralConfig, MistralForCausalLM

    own = tiny.tokenizer()
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=len(own), hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=32,
        sliding_window=16, bos_token_id=None, eos_token_id=own.eos_token_id, pad_token_id=own.pad_token_id,
    )  # fmt: skip
    engine = Engine(tiny.model(lm=MistralForCausalLM(config)))
    memory, person = Memory(), tiny.person()
    for question in QUESTIONS:
        edited = ask(engine, memory, person, tiny.chat(question), max_new_tokens=8)
        assert edited == ask(engine, Memory(), person, tiny.chat(question), max_new_tokens=8)
    assert together(engine, asks(6)) == [ask(engine, **one) for one in asks(6)]  # type: ignore[arg-type]


def test_a_fault_of_the_thread_itself_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    engine = Engine(tiny.model())

    def fail(_: list[Row]) -> None:
        raise MemoryError

    monkeypatch.setattr(engine, "_step", fail)
    with pytest.raises(MemoryError):
        ask(engine, **asks(1)[0])  # type: ignore[arg-type]
    monkeypatch.undo()
    assert ask(engine, **asks(1)[0])  # type: ignore[arg-type]
