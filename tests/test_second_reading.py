"""A question that the reader is not sure of: its likeliest other reading is answered too, where that says something new."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from assistant import Assistant
from assistant.retrieval import GuidelineLibrary
from assistant.scripted import EXAMPLES
from assistant.second_reading import LEAST_WORDS, WORDS, Besides, besides
from assistant.session import Session
from assistant.understood import asking_of

Read = tuple[tuple[str, float], ...]


@pytest.fixture(scope="module")
def session(assistant: Assistant) -> Session:
    return assistant.open(sorted((EXAMPLES / "mild_obstruction").iterdir()))


@pytest.fixture
def second(assistant: Assistant, session: Session, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Besides | None]:
    def found(question: str, read: Read, intent: str, said: str = "") -> Besides | None:
        monkeypatch.setattr(GuidelineLibrary, "intents", lambda self, asked: tuple((one, chance**0.5) for one, chance in read))
        return besides(asking_of(session, assistant.library, question), assistant.library, question, intent, said)

    return found


def test_the_other_reading_of_a_doubtful_question_is_answered_from_the_record(second: Callable[..., Besides | None]) -> None:
    found = second("is it my lungs or just my age", (("not_just_age", 0.5), ("quality", 0.4)), "not_just_age", "Age alone does not explain it.")
    assert found is not None and found.intent == "quality" and not found.passages and LEAST_WORDS <= len(found.text.split()) <= WORDS + 20


def test_or_from_the_library_with_its_passage(second: Callable[..., Besides | None]) -> None:
    found = second("does vaping harm the lungs", (("smoked_ever", 0.5), ("unknown", 0.4)), "smoked_ever", "Your record says you smoke.")
    assert found is not None and found.intent == "unknown" and found.passages[0].topic == "smoking" and found.text.endswith("[1].")


@pytest.mark.parametrize(
    ("read", "intent"),
    [
        ((("quality", 0.8), ("unknown", 0.2)), "quality"),  # surely read
        ((("quality", 0.6), ("why_pattern", 0.1)), "quality"),  # nothing else is likely
        ((("quality", 0.5), ("usable_at_all", 0.5)), "quality"),  # much the same
        ((("quality", 0.5), ("privacy", 0.5)), "quality"), ((("quality", 0.5), ("dose", 0.5)), "quality"), ((("quality", 0.5), ("shorter", 0.5)), "quality"),
        ((("quality", 0.5), ("not_held", 0.5)), "quality"), ((("premise", 0.1), ("quality", 0.9)), "premise"), ((("quality", 1.0), ("unknown", 0.0)), "why_pattern"),
    ],
)  # fmt: skip
def test_nothing_is_said_besides(second: Callable[..., Besides | None], read: Read, intent: str) -> None:
    assert second("does vaping harm the lungs", read, intent, "Said.") is None


def test_what_was_said_is_not_said_again(second: Callable[..., Besides | None]) -> None:
    read = (("not_just_age", 0.5), ("quality", 0.4))
    first = second("is it my lungs or just my age", read, "not_just_age")
    assert first is not None and second("is it my lungs or just my age", read, "not_just_age", first.text) is None


def test_an_answer_holds_both_and_its_numbers_and_citations_pass(assistant: Assistant, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    question = "does vaping harm the lungs"
    monkeypatch.setattr(GuidelineLibrary, "intents", lambda self, asked: (("quality", 0.75), ("unknown", 0.6)))
    turn = list(assistant.ask(session, question))[-1]
    assert "quality grade" in turn.answer and any(one.topic == "smoking" for one in (assistant.library.passages[c.id] for c in turn.citations))
    assert turn.checks.numbers_supported and turn.checks.citations_valid
    assert {c.id for c in turn.citations} <= {name for name, _ in turn.seen.passages}


def test_a_question_without_an_answer_after_another_is_asked_by_itself(assistant: Assistant) -> None:
    session = assistant.open(sorted((EXAMPLES / "poor_effort").iterdir()))
    first = list(assistant.ask(session, "I had a chest cold last week and I'm still coughing, should I wait before doing the test again?"))[-1]
    turn = list(assistant.ask(session.add(first), "Anything I should avoid on the day?"))[-1]
    assert turn.citations and "smoke" in turn.answer
