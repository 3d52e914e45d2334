"""A question as it was understood: what is put to the language model, or what code says to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.answering import Fitting
from assistant.asked_of_finding import about_the_result
from assistant.asked_values import asked_values
from assistant.asking import Asking
from assistant.looked_up import nearest_sentence
from assistant.retrieval import GuidelineLibrary
from assistant.session import Session, Turn
from encoders.passages import Passage
from encoders.record import Fact
from encoders.teacher.sayable import Asked

OF_RECORD = ("judged_value", "diabetes_glucose", "blood_pressure", "cholesterol", "weight")  # answers about a value of the record
OF_THE_LUNGS = ("can_it_improve", "will_it_worsen", "lost_function", "all_clear", "cause_of_result")


@dataclass(frozen=True)
class Question:
    """A question as it is put to the model: its words, what it is about, the passages with their scores, and what came before."""

    text: str
    intent: str
    passages: tuple[Passage, ...]
    scores: tuple[float, ...]
    asked: tuple[Asked, ...]
    fitting: tuple[Fitting, ...] = ()  # the sentences of the passages to quote; none where the record answers
    said: str = ""  # the answer, fact tokens not yet written out, where code knows it and the language model is not asked
    about: str = ""  # where the intent only says how an answer is wanted: of what
    figures: tuple[Fact, ...] = ()  # numbers in ``said`` that code worked out from the facts


def said_by_code(intent: str, question: str, text: str, passages: tuple[Passage, ...] = (), figures: tuple[Fact, ...] = ()) -> Question:
    return Question(question, intent, passages, (0.0,) * len(passages), (Asked(intent, question, passages),), said=text, figures=figures)


def asking_of(session: Session, library: GuidelineLibrary, spelt: str) -> Asking:
    """A question (small letters, slips put right) as the code that answers it sees it."""
    return Asking(session, spelt, library.passages, lambda asked: nearest_sentence(library, session.patient, asked))


def of_record(told: Sequence[Turn], spelt: str) -> bool:
    """Whether a question goes on about a value of the record: "can I get it back to normal?" after a blood sugar is not of the lungs."""
    return bool(told) and told[-1].seen.intent in OF_RECORD and not about_the_result(spelt) and not asked_values(spelt)
