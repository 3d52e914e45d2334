"""The net that tells what a question asks: taught with every wording, sure of what it knows, and of what is for the library alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant import intents
from assistant.intents import UNKNOWN, IntentReader, fingerprint, load_taught, made_of, plain, read_right
from assistant.told_by_code import BY_CODE
from encoders.teacher import INTENTS


def test_the_shipped_net_was_taught_with_the_wordings_as_they_are() -> None:
    assert made_of()["taught"] == fingerprint(), "run `breathwise library intents`"
    assert set(IntentReader.load().names) == set(load_taught()) == {*INTENTS, *BY_CODE, UNKNOWN}


def test_a_wording_has_one_intent_and_is_read_as_it() -> None:
    once = [plain(text) for texts in load_taught().values() for text in texts]
    assert len(once) == len(set(once)) >= 9000
    reader = IntentReader.load()
    assert reader.choose("What is FEV1?") == reader.choose("  what is fev1??? ") == ("what_is_fev1", 1.0)


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("how bad must it get before they give me a machine for oxygen at home", "need_oxygen"), ("is any of what i typed kept on a server somewhere", "privacy"),
        ("which of the readings is the furthest from where it ought to be", "lowest_value"), ("her brother wants to know whether he will have inherited the same lungs", "inherited"),
        ("am I all right to go under for my gallbladder", "surgery"), ("pop both loops in one picture for me", "overlaid"),
    ],
)  # fmt: skip
def test_what_is_said_in_other_words_is_understood(question: str, intent: str) -> None:
    assert question not in load_taught()[intent]
    found, sure = IntentReader.load().choose(question)
    assert found == intent and 0.5 < sure < 1.0


@pytest.mark.parametrize(
    "question", ["does manuka honey soothe a sore throat", "who discovered penicillin", "is a sleep study painful", "the bus was late again"]
)
def test_what_no_answer_of_ours_fits_is_left_to_the_library(question: str) -> None:
    assert IntentReader.load().choose(question)[0] in (UNKNOWN, "off_topic")


def test_a_missing_net_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="breathwise library intents"):
        IntentReader.load(tmp_path / "intents.npz")


def test_teaching_writes_what_reading_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: texts[:15] for name, texts in list(load_taught().items())[:6]}
    monkeypatch.setattr(intents, "load_taught", lambda: few)
    found = intents.teach(tmp_path / "net.npz")
    assert found["intents"] == 6 and found["wordings"] == 90 and found["right"] > 0.5
    assert intents.made_of(tmp_path / "net.npz")["taught"] == intents.fingerprint()
    reader = IntentReader.load(tmp_path / "net.npz")
    name, texts = next(iter(few.items()))
    assert reader.choose(texts[0]) == (name, 1.0)
    assert reader.choose(texts[0] + " please")[0] == name


@pytest.mark.slow
def test_wordings_left_out_are_mostly_read_right() -> None:
    found = read_right()
    assert found["right"] > 0.74 and found["of_three"] > 0.9 and found["library_known"] > 0.8 and found["taken_for_library"] < 0.05
