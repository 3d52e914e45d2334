"""No sentence about a patient is shown that the facts or a cited passage do not give."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import intake
from assistant.answer import NO_ANSWER, composed
from assistant.session import examine
from encoders.passages import read_passages
from encoders.record import facts
from encoders.spirogram import facts as spirometry_facts
from encoders.teacher import Case, converse
from encoders.teacher.sayable import Asked, Sayable, compose, sentences, unsupported

NAMES = ("healthy_runner", "mild_obstruction", "missing_data", "poor_effort", "possible_restriction", "pre_and_post", "severe_obstruction")


def case_of(patients: Path, name: str) -> Case:
    patient = intake.read(sorted((patients / name).iterdir()))
    test = examine(patient)
    return Case(patient, test, (*(spirometry_facts(test) if test else ()), *facts(patient)))


@pytest.mark.parametrize("name", NAMES)
def test_what_the_teacher_says_is_always_supported(patients: Path, name: str) -> None:
    case, library = case_of(patients, name), read_passages()
    for seed in range(25):
        asked: list[Asked] = []
        for turn in converse(case, library, random.Random(seed), turns=4):
            asked.append(Asked(turn.intent, turn.question, turn.passages))
            assert unsupported(turn.answer, case, asked) == ()


@pytest.mark.parametrize(
    "sentence",
    [
        "Your record says you smoke, so stopping is worth it at any age.",  # the record says never
        "Your FEV1 is <|fev1_l|>, which is low.",
        "The z-score of your FEV1 is <|fev1_l|> and of the ratio <|fev1_fvc_z|>; your FEV1 is normal.",
        "A single blow never grades above E.",  # there are three
        "The pattern of your test is airflow obstruction, mild by z-score.",
        "Your systolic blood pressure is 14 %, which is raised, and the diastolic is 1c.",
        "You have asthma.",
        "Adults should do at least 500 minutes of activity a week [1].",
    ],
)
def test_a_false_or_broken_sentence_is_found(patients: Path, sentence: str) -> None:
    case = case_of(patients, "healthy_runner")
    passages = tuple(p for p in read_passages() if p.topic == "physical activity")[:1] or read_passages()[:1]
    assert unsupported(sentence, case, [Asked("exercise", "should I exercise?", passages)]) == (sentence,)


def test_a_sentence_of_a_passage_needs_that_passages_number(patients: Path) -> None:
    case, (first, second) = case_of(patients, "healthy_runner"), read_passages()[:2]
    words = first.text.split(". ")[0].rstrip(".")
    turn = [Asked("exercise", "should I exercise?", (first, second))]
    assert unsupported(f"{words} [1].", case, turn) == ()
    assert unsupported(f"{words} [2].", case, turn)
    assert unsupported(f"{words} [7].", case, turn)


def test_the_teachers_sentence_with_another_number_is_not_supported(patients: Path) -> None:
    case, library = case_of(patients, "healthy_runner"), read_passages()
    good = next(p for p in library if p.id == "physical_activity/adults" or "minutes of moderate" in p.text)
    other = next(p for p in library if p.topic == "vaccines")
    turn = [Asked("exercise", "Should I exercise?", (good, other))]
    reply = compose(case, turn)
    assert reply is not None
    assert "[1]" in reply.text
    assert unsupported(reply.text, case, turn) == ()
    assert unsupported(reply.text.replace("[1]", "[2]"), case, turn)


def test_an_answer_to_another_question_does_not_pass_as_one_to_this(patients: Path) -> None:
    case = case_of(patients, "healthy_runner")
    asked = [Asked("quality", "how good was the test?")]
    right = compose(case, asked)
    other = compose(case, [Asked("explain_result", "explain my result")])
    assert right is not None
    assert other is not None
    assert Sayable(case, asked).begins(sentences(right.text)[0])
    assert not Sayable(case, asked).begins(sentences(other.text)[0])


def test_where_nothing_can_be_composed_a_passage_speaks_or_nobody(patients: Path) -> None:
    case = case_of(patients, "healthy_runner")
    passage = next(p for p in read_passages() if p.topic == "vaccines")
    said = composed(case, [Asked("unknown", "hm?", (passage,))])
    assert said.endswith("[1].")
    assert unsupported(said, case, [Asked("unknown", "hm?", (passage,))]) == ()
    assert composed(case, [Asked("unknown", "hm?")]) == NO_ANSWER


def test_a_follow_up_is_composed_about_the_turn_before(patients: Path) -> None:
    case = case_of(patients, "mild_obstruction")
    quality, result = Asked("quality", "how good was the test?"), Asked("explain_result", "explain my result")
    why = Asked("why", "why?")
    replies = [compose(case, [before, why]) for before in (quality, result)]
    assert all(replies)
    assert replies[0] != replies[1]


def test_facts_that_are_not_there_are_not_said(patients: Path) -> None:
    case = case_of(patients, "mild_obstruction")
    without = replace(case, patient=replace(case.patient, smoking_status=None), facts=tuple(f for f in case.facts if f.name != "smoking_status"))
    reply = compose(without, [Asked("stop_smoking", "how do I stop smoking?", ())])
    assert reply is not None
    assert "not recorded" in reply.text or "no passage" in reply.text
