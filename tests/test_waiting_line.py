"""Who is answered next: first come first served, each told how many are before them, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from assistant.interface import faults
from assistant.session import Session, Turn
from assistant.waiting_line import STOPPED, LineFullError, WaitingLine, in_line, place_said
from encoders.record import Patient

NOBODY = Session(Patient())
Ask = Callable[..., Iterator[Turn]]


def slow(begun: list[str], go_on: threading.Event) -> Ask:
    """Answers that end when the test says so."""

    def ask(_: Session, question: str, **__: Any) -> Iterator[Turn]:
        begun.append(question)
        yield Turn(question, "It")
        go_on.wait(30)
        yield Turn(question, "It is.", done=True)

    return ask


def in_background(ask: Ask, question: str, said: list[Turn], **settings: Any) -> threading.Thread:
    thread = threading.Thread(target=lambda: said.extend(ask(NOBODY, question, **settings)))
    thread.start()
    return thread


def until(held: Callable[[], bool]) -> None:
    for _ in range(600):
        if held():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within 30 s")


def test_questions_are_answered_in_the_order_in_which_they_came() -> None:
    begun: list[str] = []
    go_on = threading.Event()
    line = WaitingLine(1, 10)
    ask, said = in_line(slow(begun, go_on), line), [[] for _ in range(6)]  # type: ignore[var-annotated]
    threads = []
    for number in range(6):
        threads.append(in_background(ask, str(number), said[number]))
        until(lambda number=number: len(line._places) == number + 1)  # type: ignore[misc]
    assert begun == ["0"]
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert begun == ["0", "1", "2", "3", "4", "5"]
    assert said[3][0].before == 3
    assert [turn.before for turn in said[3] if turn.before] == sorted({turn.before for turn in said[3] if turn.before}, reverse=True)
    assert all(one[-1].answer == "It is." for one in said)


def test_a_waiting_visitor_reads_how_many_are_before_them() -> None:
    assert place_said(Turn("q", before=2)) == "2 people are before you."
    assert place_said(Turn("q", before=1)) == "One person is before you."
    assert place_said(Turn("q", "It is")) == ""


def test_as_many_as_fit_are_answered_at_once() -> None:
    begun: list[str] = []
    go_on = threading.Event()
    ask, said = in_line(slow(begun, go_on), WaitingLine(3, 10)), [[] for _ in range(4)]  # type: ignore[var-annotated]
    threads = [in_background(ask, str(number), one) for number, one in enumerate(said)]
    until(lambda: len(begun) == 3 and any(one and one[0].before == 1 for one in said))
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert len(begun) == 4


def test_a_full_line_is_one_sentence_and_the_place_is_free_again_later() -> None:
    go_on = threading.Event()
    line = WaitingLine(1, 1)
    ask = in_line(slow([], go_on), line)
    first, second = ask(NOBODY, "one"), ask(NOBODY, "two")
    assert next(first).answer == "It"
    assert next(second).before == 1
    with pytest.raises(LineFullError, match="1 questions are waiting already"):
        next(ask(NOBODY, "three"))
    with pytest.raises(LineFullError) as full:
        next(ask(NOBODY, "three"))
    assert faults.said(full.value).endswith("ask again in a minute.")
    go_on.set()
    assert list(first)[-1].done
    assert list(second)[-1].done
    assert list(ask(NOBODY, "three"))[-1].done


def test_who_stops_or_leaves_while_waiting_makes_room() -> None:
    go_on, stop = threading.Event(), threading.Event()
    begun: list[str] = []
    line = WaitingLine(1, 5)
    ask = in_line(slow(begun, go_on), line)
    first, second, third = ask(NOBODY, "one"), ask(NOBODY, "two", stop=stop), ask(NOBODY, "three")
    next(first)
    assert (next(second).before, next(third).before) == (1, 2)
    stop.set()
    assert [(turn.answer, turn.done) for turn in second] == [(STOPPED, True)]
    assert next(third).before == 1
    third.close()  # the page was left
    go_on.set()
    list(first)
    assert begun == ["one"]
    assert not line._places


def test_an_answer_that_fails_gives_its_place_back() -> None:
    def ask(_: Session, question: str, **__: Any) -> Iterator[Turn]:
        yield Turn(question, "It")
        raise RuntimeError("planted")

    line = WaitingLine(1, 0)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="planted"):
            list(in_line(ask, line)(NOBODY, "one"))
    assert not line._places


def test_a_red_flag_waits_for_nobody() -> None:
    ask = in_line(slow([], threading.Event()), WaitingLine(1, 0))
    first = ask(NOBODY, "one")
    next(first)
    assert next(ask(NOBODY, "I have crushing chest pain")).answer == "It"
    with pytest.raises(LineFullError):
        next(ask(NOBODY, "two"))


def test_an_answer_stopped_before_its_first_word_says_so() -> None:
    def ask(_: Session, question: str, **__: Any) -> Iterator[Turn]:
        yield Turn(question, done=True)

    stop = threading.Event()
    stop.set()
    assert [turn.answer for turn in in_line(ask, WaitingLine(1, 1))(NOBODY, "one", stop=stop)] == [STOPPED]
