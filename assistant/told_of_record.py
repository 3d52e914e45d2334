"""What code answers from the record: what the words of a question plainly ask, values, and, where nothing answers surely, what is likely meant."""

from __future__ import annotations

import re

from assistant.answers_of_blows import fault_meant
from assistant.answers_of_finding import unclear
from assistant.asked_blows import agreement
from assistant.asked_of_finding import about_the_result, asked_of_finding
from assistant.asked_values import asked_values, canonical, told_by_model, values_in_words
from assistant.asking import cite
from assistant.comparisons import compares
from assistant.disputes import OF_AN_ESTIMATE
from assistant.judged_pressure import asks_how_soon
from assistant.judged_values import asks_plainly, judged_value, told_with_limits
from assistant.lowered_values import lowered, lowered_by_doing
from assistant.meaning import ASSERTING, FOLLOW_UPS
from assistant.premises import meant_by_number, not_judged, why_of_record
from assistant.retrieval import GuidelineLibrary
from assistant.ruled import before_and_after
from assistant.session import Session
from assistant.told_by_code import BY_CODE, cited, told
from assistant.understood import OF_RECORD, OF_THE_LUNGS, Question, asking_of, of_record, said_by_code
from encoders.record import Fact
from encoders.teacher.risk import asked_trait
from encoders.teacher.sayable import Asked
from encoders.teacher.themes import THEMES
from encoders.teacher.view import View

WITH_LIMITS = {"diabetes_glucose": ("hba1c_percent",), "cholesterol": ("total_cholesterol_mg_dl",), "weight": ("bmi_kg_m2",)}
OF_THE_RESULT = ("explain_result", "pattern", "quality")  # which the language model answers by itself
OF_THE_TEST = ("explain_result", "pattern", "curve_shape", "quality", "next_steps", "my_numbers", "unknown", *FOLLOW_UPS)  # what a clinician's terms are for
GUESSED = frozenset(BY_CODE) - frozenset(ASSERTING)  # what is answered where it is likely only; the others assert too much for that
AS_SURE = 0.7  # of the sureness of the likeliest intent, with which another is answered where that one has no answer
UNANSWERABLE, LIKELY_ALONE = 0.2, 0.55  # a chance under which the library has no answer; sureness of another reading that is then enough
LIKELY = 0.42  # sureness of an intent on the test that is answered rather than refused
ADVICE = re.compile(
    r"\b(?:what (?:should|can|could|shall|do|to)|how (?:can|do|should|to)|steps?|tips?|advice|advise|suggest\w*|recommend\w*|help\w*|ways?|eat\w*|food|meals?|diet|cut (?:out|down)|do about|dangerous|safe|bring (?:it|that) down|lower (?:it|that))\b",
    re.IGNORECASE,
)
RISK_ASKED = re.compile(r"risk|chance|estimat|likel|odds|probab|(?:will|going to) (?:i |he |she )?(?:get|have|develop)")
_NOT_ESTIMATED = re.compile(
    r"\b(?:risk|chances?|odds|likelihood|probability) (?:of|for|that i (?:get|have|develop)) (?:\w+ ){0,2}(?:cancer|fibrosis|dementia|alzheimer\w*|pneumonia|kidney disease|emphysema|bronchitis|(?:blood )?clots?|embolism|dying|death)\b"
)
_OF_GRADE = re.compile(
    r"\bgrade\b.*\b(?:why|what|how|not)\b|\b(?:why|what (?:would |does |did )?(?:make|give|earn)\w*|how come|reason)\b.*\bgrade\b|\b(?:why|how come)\b.*\b(?:an? )?[a-f]\b"
)
_PERSON = re.compile(r"\b(?:i|my|me|we|he|his|him|she|her|they|it|this|that|dad|mum|mom)\b")


def plainly_asked(session: Session, library: GuidelineLibrary, question: str, read: str) -> Question | None:
    """The answer of code to a question whose words say plainly which finding they circle; None where they do not, or it is surely ``read`` as another."""
    spelt = library.spelt(question)
    intent = asked_of_finding(spelt)
    if (
        not intent
        or (
            read
            and (intent, read)
            not in (
                (intent, intent),
                ("sport", "unknown" if about_the_result(spelt) else ""),
                ("my_vaccines", "vaccines"),
                ("my_vaccines", "unknown"),
                ("percent_without", "unknown"),
                ("letter", "unknown"),
            )
        )
        or (intent == "for_child" and session.told and not about_the_result(spelt))
    ):  # "explain that to a child" is of what was said
        return None
    before = session.told[-1].seen.intent if session.told else ""
    of_else = before in OF_RECORD or before in THEMES or (before in OF_AN_ESTIMATE and intent == "cause_of_result")
    if intent in ("cause_of_result", "own_inhaler_before") and of_else and not about_the_result(spelt):
        return None  # "is that from my weight?" is of what was spoken of
    if intent == "percent_without" and read == "unknown" and session.patient.height_cm is not None:
        return None
    asking = asking_of(session, library, spelt)
    answer = cited(BY_CODE[intent](asking), asking)
    return said_by_code(intent, question, answer.text, answer.passages, answer.figures) if answer is not None else None


def by_code(session: Session, library: GuidelineLibrary, question: str, spelt: str, intent: str, of_library: bool) -> Question | None:
    """The answer of code to what the language model was not taught; None where the question is no such one. ``of_library``: the library is surely asked."""
    asking = asking_of(session, library, spelt)
    view = asking.view
    if _NOT_ESTIMATED.search(spelt) and not asked_trait(spelt) and RISK_ASKED.search(spelt):
        intent = "risk_not_estimated"
    if "none" in spelt.split() and re.search(r", none\b|^none,", view.text("symptoms")):  # the list contradicts itself
        intent = "odd_record"
    test = session.spirometry
    if intent == "quality" and _OF_GRADE.search(spelt) and test is not None and test.best is not None and test.maneuvers:
        agreed = agreement(session)
        return said_by_code("quality", question, agreed.text, figures=agreed.figures) if agreed is not None else None
    if intent == "bronchodilator" and test is not None and test.response is not None and re.search(r"\bhow (?:much|big|large)\b|\bper ?cent|%|\bml\b", spelt):
        changed = before_and_after(test, question)
        return said_by_code("bronchodilator", question, changed, figures=(Fact("response", "response to the bronchodilator", changed),))
    name = why_of_record(view, spelt)
    if name:
        sentence, passage = asking.near(spelt)
        said = f"The record does not say why. {values_in_words(view, (name,))}"
        found = (library.passages[passage],) if passage else ()
        more = f" {cite(sentence, '1')}" if passage else ""
        return said_by_code("why_value", question, said + more, found)
    judged, fault = judged_value(asking) if not of_library or asks_how_soon(spelt) or asks_plainly(spelt) else "", fault_meant(asking)
    answer = cited(judged or fault, asking)
    intent = "judged_value" if judged else "fault_meant" if fault else intent
    answer = answer or told(intent, asking)
    if answer is None:
        return None
    return said_by_code(intent, question, answer.text, answer.passages, answer.figures)


def of_values(view: View, names: tuple[str, ...], question: str, spelt: str) -> Question:
    """The answer to a question for values: by the model where it knows them, else by code."""
    unjudged = not_judged(view, names, spelt)
    yes_or_no = compares(view, names[0], spelt) if len(names) == 1 else ""
    by_model = told_by_model(view, names) and not (unjudged or yes_or_no)
    put = canonical(names[0]) if by_model else question
    said = "" if by_model else " ".join(part for part in (f"{yes_or_no}." if yes_or_no else "", values_in_words(view, names), unjudged) if part)
    return Question(put, "my_numbers", (), (), (Asked("my_numbers", put),), said=said)


def within_limits(session: Session, library: GuidelineLibrary, question: str, spelt: str, intent: str) -> Question | None:
    """The value of the record that a question of its theme names by its figure, with the limits it is judged by; None where something else is asked."""
    asking = asking_of(session, library, spelt)
    before = session.told[-1] if session.told else None
    lower = None
    if intent in (*WITH_LIMITS, "blood_pressure") or lowered_by_doing(spelt):
        lower = cited(lowered(asking, before.question.lower() if before else "", before.seen.said if before else ""), asking)
    if lower is not None:
        return said_by_code("lowered_value", question, lower.text, lower.passages)
    number = meant_by_number(asking.view, spelt) if intent in WITH_LIMITS and not ADVICE.search(spelt) else ""
    answer = cited(told_with_limits(asking, number), asking) if number in WITH_LIMITS.get(intent, ()) else None
    return said_by_code("judged_value", question, answer.text, answer.passages, answer.figures) if answer is not None and answer.passages else None


def likely_meant(session: Session, library: GuidelineLibrary, question: str, spelt: str, answerable: float) -> Question | None:
    """What is said before a question is refused: of the likeliest intent on the test, else what the test found; None where it is of neither.

    ``answerable``: the chance that a sentence of the library answers; where there is next to none, how sure the other readings are among themselves counts.
    """
    asking = asking_of(session, library, spelt)
    likely = library.intents(question)
    of_person = about_the_result(spelt) or asked_trait(spelt) != ""
    if likely[0][0] == "unknown" and answerable < UNANSWERABLE and likely[0][1] < 1.0 and of_person:
        left = 1.0 - likely[0][1] ** 2
        likely = (likely[0], *((one, (sure**2 / left) ** 0.5) for one, sure in likely[1:]))
        if likely[1][0] == "risks" and likely[1][1] >= LIKELY_ALONE and session.risks:
            return Question(question, "risks", (), (), (Asked("risks", question),))
        if likely[1][1] < LIKELY_ALONE:
            likely = likely[:1]
    least = LIKELY if likely[0][0] == "unknown" else max(LIKELY, AS_SURE * likely[0][1])  # the library was asked, and has no answer
    number = meant_by_number(asking.view, spelt)
    for one, sure in likely:
        if one == "my_numbers" and sure >= least:
            names = asked_values(spelt, known_as_value=True)
            if names:
                return of_values(asking.view, names, question, spelt)
            if number:
                break
        if one in OF_THE_LUNGS and of_record(session.told, spelt):
            continue
        if one in OF_THE_RESULT and sure >= LIKELY and asking.view.state == "read":
            return Question(question, one, (), (), (Asked(one, question),))
        answer = told(one, asking) if sure >= least and one in GUESSED else None
        if answer is not None:
            return said_by_code(one, question, answer.text, answer.passages, answer.figures)
    answer = cited(told_with_limits(asking, number), asking) if number else None
    if answer is not None:
        return said_by_code("judged_value", question, answer.text, answer.passages, answer.figures)
    intent, near = likely[0]
    if about_the_result(spelt) or (
        near >= LIKELY and intent in OF_THE_TEST and intent not in ("unknown", "shorter", "plain_words", "why") and _PERSON.search(spelt)
    ):
        return said_by_code("unclear", question, unclear(asking))
    return None
