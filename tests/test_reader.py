"""The reader: taught with every wording and every sentence of the library, sure of what it knows, and of what nothing answers."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from assistant import intents, reader_lessons, reader_teaching
from assistant.intents import UNKNOWN, load_taught, read_natural
from assistant.minilm import minilm
from assistant.reader import QuestionReader, made_of
from assistant.reader_lessons import OF_PASSAGES, library_sentences, natural_asked, read_asked, taught_with
from assistant.scripted import read_wordings
from assistant.search_benchmark import read_questions
from assistant.slips import plain
from assistant.told_by_code import BY_CODE
from encoders.passages import PassageError, read_passages
from encoders.teacher import INTENTS


def test_the_shipped_reader_was_taught_with_wordings_and_library_as_they_are() -> None:
    assert made_of()["taught"] == taught_with(), "run `breathwise library reader`"
    assert set(QuestionReader.load().names) == set(load_taught()) == {*INTENTS, *BY_CODE, UNKNOWN}


def test_a_wording_has_one_intent_and_is_read_as_it() -> None:
    once = [plain(text) for texts in load_taught().values() for text in texts]
    assert len(once) == len(set(once)) >= 12_000
    reader = QuestionReader.load()
    assert reader.read("What is FEV1?").intents == reader.read("  what is fev1??? ").intents == (("what_is_fev1", 1.0),)


def test_no_question_that_judges_was_taught() -> None:
    taught = {plain(text) for texts in load_taught().values() for text in texts} | {plain(one.text) for one in read_asked()}
    judges = {plain(one.question) for one in read_questions()} | {plain(line.question) for lines in read_wordings().values() for line in lines}
    shared = {one for one in taught & judges if len(one.split()) > 4}  # "what is a z-score?" is everybody's
    assert len(shared) <= 0.02 * len(judges), sorted(shared)[:10]


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("is any of what i typed kept on a server somewhere", "privacy"),
        ("which of the readings is the furthest from where it ought to be", "lowest_value"),
        ("am I all right to go under for my gallbladder", "surgery"), ("pop both loops in one picture for me", "overlaid"),
        ("does thirty percent mean three in ten of us get it", "risk_meaning"), ("how do i get this onto paper for the district nurse", "export"),
    ],
)  # fmt: skip
def test_what_is_said_in_other_words_is_understood(question: str, intent: str) -> None:
    assert question not in load_taught()[intent]
    found, sure = QuestionReader.load().read(question).intents[0]
    assert found == intent and 0.4 < sure < 1.0


def test_what_is_not_read_first_is_among_the_two_that_are_answered() -> None:
    two = dict(QuestionReader.load().read("her brother wants to know whether he will have inherited the same lungs").intents[:2])
    assert 0.4 < two.get("inherited", 0.0) < 1.0


@pytest.mark.parametrize(
    "question", ["does manuka honey soothe a sore throat", "who discovered penicillin", "is a sleep study painful", "the bus was late again"]
)
def test_what_no_answer_of_ours_fits_is_left_to_the_library(question: str) -> None:
    assert QuestionReader.load().read(question).intents[0][0] in (UNKNOWN, "off_topic")


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("does losing a few pounds help my breathing", "weight/"), ("how soon after packing in the fags does the body notice", "smoking/"),
        ("is a cabin pressurised like at sea level", "travel_and_altitude/"),
    ],
)  # fmt: skip
def test_a_question_lies_nearest_to_the_sentence_that_answers_it(question: str, passage: str) -> None:
    texts, of = library_sentences()
    reader = QuestionReader.load()
    vectors = np.array(minilm().embed_documents(texts), dtype=np.float32)
    near = reader.nearness(reader.read(question), reader.as_asked(texts, vectors))
    assert of[int(near.argmax())].startswith(passage) and near.max() > 0.0


@pytest.mark.parametrize(
    ("before", "question", "passage"),
    [
        ("is 162 over 88 high?", "what can he do to bring it down?", "blood_pressure/"), ("my total cholesterol is 245, too high?", "which foods should I eat less of?", "cholesterol/"),
        ("what does the blue inhaler do?", "and can it make me shaky?", "medicines/"),
    ],
)  # fmt: skip
def test_a_question_that_leans_on_the_one_before_is_read_with_it(before: str, question: str, passage: str) -> None:
    texts, of = library_sentences()
    reader = QuestionReader.load()
    laid = reader.as_asked(texts, np.array(minilm().embed_documents(texts), dtype=np.float32))
    assert of[int(reader.nearness(reader.read(question, before), laid).argmax())].startswith(passage)


@pytest.mark.parametrize(
    ("question", "intent"), [("What grade did the test get and can it be trusted?", "quality"), ("which tablets are on his list", "lists_held"), ("print this for me", "export")]
)  # fmt: skip
def test_one_that_stands_alone_takes_nothing_of_the_one_before(question: str, intent: str) -> None:
    reader = QuestionReader.load()
    for before in ("", "is 162 over 88 high?", "what does the blue inhaler do? and can it make me shaky?"):
        assert reader.read(question, before).intents[0][0] == intent


def test_a_sentence_that_was_never_taught_is_found_too() -> None:
    texts = ["Fire drill: The fire drill of this clinic is on the first Monday of the month.", "Parking: Patients park behind the clinic."]
    reader = QuestionReader.load()
    laid = reader.as_asked(texts, np.array(minilm().embed_documents(texts), dtype=np.float32))
    near = reader.nearness(reader.read("where can my mother leave the car when she comes in"), laid)
    assert near[1] > near[0]


def test_questions_beside_results_name_what_exists() -> None:
    natural = read_natural()
    assert len(natural) >= 12_000 and len({one.author for one in natural}) >= 30 and sum(bool(one.before) for one in natural) >= 1_500
    assert {intent for one in natural for intent in one.intents} <= set(load_taught())
    asked = natural_asked(natural)
    assert sum(one.sentence >= 0 for one in asked) >= 1_500 and sum(one.sentence < 0 for one in asked) >= 1_000


def test_a_line_that_says_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "natural.tsv").write_text("1\tmy_numbers\n")
    monkeypatch.setattr(intents, "NATURAL", tmp_path / "natural.tsv")
    with pytest.raises(PassageError, match="a line is an author"):
        intents.read_natural.__wrapped__()


def test_every_sentence_of_the_library_is_asked_for_and_every_passage_nearly() -> None:
    texts, _ = library_sentences()
    asked = Counter(one.sentence for one in read_asked())
    assert all(asked[n] >= 3 for n in range(len(texts))), [texts[n] for n in range(len(texts)) if asked[n] < 3][:5]
    assert asked[-1] >= 500 and {one.passage for one in read_asked()} == {passage.id for passage in read_passages()}


def test_a_question_for_no_sentence_is_refused(tmp_path: Path) -> None:
    (tmp_path / "asked.tsv").write_text("asthma/control\t99\thow well is it controlled\n")
    with pytest.raises(PassageError, match="asthma/control 99"):
        read_asked(tmp_path / "asked.tsv")


def test_a_missing_reader_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="breathwise library reader"):
        QuestionReader.load(tmp_path / "reader")


def test_teaching_writes_what_reading_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: texts[:40] for name, texts in list(load_taught().items())[:4]}
    lines = OF_PASSAGES.read_text(encoding="utf-8").splitlines()[:80]
    (tmp_path / "asked.tsv").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(reader_lessons, "load_taught", lambda: few)
    monkeypatch.setattr(reader_lessons, "read_asked", lambda: read_asked(tmp_path / "asked.tsv"))
    some = [one for one in read_natural() if set(one.intents) <= set(few)][:30]
    monkeypatch.setattr(reader_lessons, "read_natural", lambda: tuple(some))
    found = reader_teaching.teach(tmp_path / "reader", epochs=3)
    assert found["intents"] == 4 and found["wordings"] == 160 and found["questions"] == 80 and found["natural"] == len(some) > 5 and found["right"] > 0.5
    assert json.loads((tmp_path / "reader" / "reader.json").read_text())["made_of"] == found
    reader = QuestionReader.load(tmp_path / "reader")
    name, texts = next(iter(few.items()))
    assert reader.read(f"{texts[0]} then").intents[0][0] in few and abs(float(np.linalg.norm(reader.read(texts[0]).vector)) - 1.0) < 1e-5
    assert not any(str(tmp_path) in path.read_text() for path in (tmp_path / "reader").glob("*.json")), name
