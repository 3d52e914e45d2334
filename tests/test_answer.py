"""An answer is shown a sentence at a time, each one checked before, and what was shown stays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.answer import Draft, Judge, speak, whole_sentences
from assistant.session import Written
from encoders.record import write_out
from encoders.teacher.sayable import Asked, compose, sentences
from tests.test_sayable import case_of


class Scripted:
    """A model that says what stands in a queue, in pieces, and keeps what it was asked to write on."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.begun, self.heat = list(answers), [], []

    def __call__(self, begun: str, temperature: float, seed: int) -> Iterator[str]:
        self.begun.append(begun)
        self.heat.append(temperature)
        yield from (f"{word} " for word in (self.answers.pop(0) if self.answers else "").split())


@pytest.fixture
def judge(patients: Path) -> Judge:
    return Judge(case_of(patients, "mild_obstruction"), [Asked("explain_result", "explain my result")])


@pytest.fixture
def right(judge: Judge) -> tuple[str, ...]:
    reply = compose(judge.sayable.case, judge.asked)
    assert reply is not None
    return sentences(reply.text)


def drafts(model: Scripted, judge: Judge, stop: threading.Event | None = None) -> tuple[list[str], Draft]:
    shown, draft = [], Draft()
    for draft in speak(model, judge, stop):
        shown.append(draft.text)
    return shown, draft


def test_a_sentence_is_whole_once_the_next_begins_or_the_text_ends() -> None:
    assert list(whole_sentences(["Your FEV1", " is 3", ".2 L", ".", " It is", " low."])) == ["Your FEV1 is 3.2 L.", "It is low."]
    assert list(whole_sentences(["The pattern of"])) == ["The pattern of"]


def test_sentences_are_shown_one_by_one_and_never_taken_back(judge: Judge, right: tuple[str, ...]) -> None:
    shown, draft = drafts(Scripted(" ".join(right)), judge)
    assert shown == [" ".join(right[: n + 1]) for n in range(len(right))]
    assert draft.written_by == "model"
    assert draft.raw.split() == " ".join(right).split()


def test_a_sentence_that_fails_is_written_again_once_from_what_was_accepted(judge: Judge, right: tuple[str, ...]) -> None:
    model = Scripted(f"{right[0]} You have asthma.", right[1], " ".join(right[2:]))
    shown, draft = drafts(model, judge)
    assert model.begun[:2] == ["", right[0]]
    assert model.heat == [0.0, 0.7, 0.0]
    assert [one.by for one in draft.said] == ["model", "model, second try", *["model"] * (len(right) - 2)]
    assert all(later.startswith(earlier) for earlier, later in zip(shown, shown[1:], strict=False))
    assert not any("asthma" in text for text in shown)
    assert any("asthma" in note for note in draft.notes)


def test_what_fails_twice_is_composed_of_what_is_still_unsaid(judge: Judge, right: tuple[str, ...]) -> None:
    shown, draft = drafts(Scripted(f"{right[0]} You have asthma.", "You smoke a lot."), judge)
    assert draft.said[0].by == "model"
    assert {one.by for one in draft.said[1:]} == {"code"}
    assert len({one.text for one in draft.said}) == len(draft.said) > 1
    assert not any("asthma" in text or "smoke" in text for text in shown)


def test_an_answer_to_something_else_does_not_begin(judge: Judge, patients: Path) -> None:
    quality = compose(judge.sayable.case, [Asked("quality", "how good was it?")])
    assert quality is not None
    _, draft = drafts(Scripted(quality.text, quality.text), judge)
    assert {one.by for one in draft.said} == {"code"}
    assert any("not an answer to what was asked" in note for note in draft.notes)


def test_a_model_that_says_nothing_is_spoken_for(judge: Judge) -> None:
    _, draft = drafts(Scripted(""), judge)
    assert draft.written_by == "code"


def test_a_repeated_sentence_is_left_out(judge: Judge, right: tuple[str, ...]) -> None:
    _, draft = drafts(Scripted(f"{right[0]} {right[0]} {right[1]}"), judge)
    assert [one.text for one in draft.said] == list(right[:2])


def test_a_stop_leaves_only_sentences_that_passed(judge: Judge, right: tuple[str, ...]) -> None:
    stop = threading.Event()

    def write(begun: str, temperature: float, seed: int) -> Iterator[str]:
        yield f"{right[0]} And "
        stop.set()
        yield "you have"

    shown, draft = [], Draft()
    for draft in speak(write, judge, stop):
        shown.append(draft.text)
    assert shown == [right[0]]
    assert draft.text == right[0]


def test_a_wrong_number_or_citation_is_a_fault(judge: Judge, right: tuple[str, ...]) -> None:
    assert judge.fault("Your FEV1 is 9.99 L.", [])
    assert judge.fault("Adults should move more [4].", [])
    assert not judge.fault(right[0], [])
    assert write_out(right[0], judge.facts) != right[0]


def test_a_true_sentence_that_is_beside_the_question_is_not_said(patients: Path) -> None:
    limb = "The descending limb of the loop looks scooped."
    case = case_of(patients, "mild_obstruction")
    about_pressure = Judge(case, [Asked("blood_pressure", "what about my blood pressure?")])
    first = about_pressure.sayable.replies[0].text
    begun = [Written(sentences(first)[0], "model")]
    assert "beside the question" in about_pressure.fault(limb, begun)
    shape = Judge(case, [Asked("explain_result", "explain my result")])
    begun = [Written(sentences(shape.sayable.replies[0].text)[0], "model")]
    assert not shape.fault(limb, begun)
