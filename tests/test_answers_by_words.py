"""Questions known by their words alone, and what of them is told: what was missing is put in, what is on file, which values need attention, what confirms a finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.answering import speaks_to
from assistant.answers_by_words import (
    BY_WORDS,
    above,
    actual_value,
    confirming_test,
    coughed_in_blow,
    held_test,
    needs_attention,
    once_added,
    own_inhaler,
    to_find_out,
    when_to_call,
)
from assistant.answers_of_blows import OF_BLOWS, fault_meant
from assistant.answers_of_finding import smoked_ever
from assistant.asked_of_finding import asked_of_finding
from assistant.asking import Asking
from assistant.judged_values import judged_value
from assistant.lay_words import written_out
from assistant.lowered_values import lowered
from assistant.scope import scope
from assistant.session import Seen, Session, Turn, begin
from assistant.whom import HE, said_of
from encoders.record import Patient, Sex, write_out
from tests.test_told_by_code import LIBRARY, session_of

ILL = begin(
    Patient(
        sex=Sex.FEMALE,
        age_years=46.0,
        smoking_status="former",
        pack_years=11.0,
        systolic_bp_mmhg=186.0,
        diastolic_bp_mmhg=104.0,
        hba1c_percent=7.0,
        spo2_percent=98.0,
    )
)


def told_by(answer: object, session: Session, question: str) -> str:
    return write_out(answer(Asking(session, question, LIBRARY)), session.facts)  # type: ignore[operator]


def after(session: Session, question: str, intent: str, said: str = "So it is.") -> Session:
    return session.add(Turn(question, said, seen=Seen(intent=intent, said=said), done=True))


def test_a_height_that_is_measured_afterwards_needs_no_new_blow(patients: Path) -> None:
    session = after(session_of(patients, "missing_data"), "why is there no predicted value?", "why_not_read")
    assert "every value is compared" in told_by(once_added, session, "so if i measure her now and put it in, would the result be usable?")
    assert told_by(once_added, session_of(patients, "missing_data"), "so if i measure her now and put it in, would the result be usable?") == ""
    for other in ("what if she gets worse?", "if she gets fitter would her results be better?", "if i give it up, would the result be better?"):
        assert told_by(once_added, session, other) == ""


def test_what_test_is_on_file_is_told_and_that_there_is_none(patients: Path) -> None:
    assert "no breathing test" in told_by(held_test, ILL, "what lung function have we got on file for her?")
    assert "airflow obstruction" in told_by(held_test, session_of(patients, "mild_obstruction"), "what spirometry is there on record?")
    for other in (
        "what does a breathing test show?",
        "what lung function tests are there?",
        "is there a breathing test for asthma there?",
        "which breathing test has he to do next?",
    ):
        assert told_by(held_test, ILL, other) == ""


def test_the_values_that_need_attention_are_those_outside_their_limits_with_what_is_dangerous() -> None:
    said = told_by(needs_attention, ILL, "which of her readings today need attention first?")
    assert "systolic blood pressure 186 mmHg (high)" in said and "HbA1c 7.0 % (high)" in said and "oxygen" not in said and "emergency" in said
    well = begin(Patient(age_years=40.0, spo2_percent=98.0))
    assert told_by(needs_attention, well, "which of her readings need attention?").startswith("No value of the record that I have limits for is outside them.")
    others = (
        "which readings does the app take?",
        "what number should i ring if i'm worried?",
        "at what oxygen reading should i worry?",
        "what blood pressure readings are abnormal?",
    )
    assert not [one for one in others if told_by(needs_attention, ILL, one)]


def test_what_is_deadly_among_the_values_is_said_and_what_has_no_limits_is_named() -> None:
    ill = begin(Patient(sex=Sex.MALE, age_years=70.0, spo2_percent=84.0, respiratory_rate_bpm=32.0, glucose_mg_dl=420.0))
    said = told_by(needs_attention, ill, "which of his readings need attention?")
    assert "oxygen saturation 84 % (low)" in said and "Call an ambulance" in said and "I do not judge here: glucose 420 mg/dL" in said
    child = begin(Patient(sex=Sex.MALE, age_years=4.0, heart_rate_bpm=105.0, respiratory_rate_bpm=24.0))
    assert "Outside" not in told_by(needs_attention, child, "which of his readings need attention?")


def test_names_of_values_are_those_that_people_know(patients: Path) -> None:
    said = told_by(needs_attention, session_of(patients, "severe_obstruction"), "which of his values are outside the limits?")
    assert "FEV1 0.88 L (low)" in said and "fev1 l" not in said


def test_a_possible_restriction_is_confirmed_by_lung_volumes_and_nothing_else_is(patients: Path) -> None:
    session = after(session_of(patients, "possible_restriction"), "why is it called restriction?", "why_pattern")
    assert "lung volumes" in told_by(confirming_test, session, "what test would confirm it?")
    assert (
        told_by(confirming_test, after(session_of(patients, "possible_restriction"), "is my sugar bad?", "judged_value"), "what test would confirm it?") == ""
    )
    assert told_by(confirming_test, after(session_of(patients, "mild_obstruction"), "why?", "why_pattern"), "what test would confirm it?") == ""
    for other in ("what blood test would confirm diabetes?", "which test would be best to confirm sleep apnoea?"):
        assert told_by(confirming_test, session, other) == ""


def test_no_question_has_two_such_answers_and_plain_ones_have_none(patients: Path) -> None:
    session = session_of(patients, "possible_restriction")
    for question in ("what is fev1?", "how do i stop smoking?", "which vaccines do i need?", "is my blood pressure ok?", "what can i eat?"):
        assert not [name for name, answer in BY_WORDS.items() if answer(Asking(session, question, LIBRARY))], question


def test_two_faults_in_one_question_are_both_explained(patients: Path) -> None:
    said = told_by(fault_meant, session_of(patients, "poor_effort"), 'what do "early end" and "truncated" actually mean on this test?')
    assert "makes the FVC too small" in said and "cut off before it had ended" in said


def test_after_a_cold_the_test_is_best_repeated_when_well(patients: Path) -> None:
    assert "best repeated when well" in told_by(OF_BLOWS["test_was_ill"], session_of(patients, "mild_obstruction"), "i had a cold, should i wait?")


def test_that_no_day_is_known_is_said_only_where_it_is_asked() -> None:
    assert told_by(smoked_ever, ILL, "does it know when she gave up smoking?").endswith("It does not say when.")
    assert "when" not in told_by(smoked_ever, ILL, "did she ever smoke?")


@pytest.mark.parametrize(
    ("age", "question", "told"),
    [
        (60.0, "is the creatinine of 0.98 fine for her age?", "Yours lies within that."),
        (17.0, "is the creatinine of 0.98 fine for her age?", ""),
        (60.0, "what is creatinine?", ""),
    ],
)
def test_a_creatinine_is_judged_by_the_range_of_adults_only_for_adults(age: float, question: str, told: str) -> None:
    session = begin(Patient(sex=Sex.FEMALE, age_years=age, creatinine_mg_dl=0.98))
    said = told_by(judged_value, session, question)
    assert told in said and ("0.6 to 1.1" in said) == bool(told)


def test_what_one_can_do_lowers_the_value_spoken_of_and_not_itself() -> None:
    session, question = (
        begin(Patient(sex=Sex.MALE, age_years=47.0, systolic_bp_mmhg=134.0, diastolic_bp_mmhg=84.0, height_cm=179.0, weight_kg=86.0)),
        "would losing a bit of weight bring it down?",
    )
    said = write_out(
        lowered(Asking(session, question, LIBRARY), "is 134 over 84 anything?", "Your systolic blood pressure is <|systolic_bp_mmhg|>."), session.facts
    )
    assert "134 mmHg" in said and "Less salt" in said and "body mass" not in said
    assert lowered(Asking(session, question, LIBRARY), "is my fev1 low?", "Your FEV1 is <|fev1_l|>.") == ""
    for other in (
        "would eating more salt help my blood pressure?",
        "would drinking less help with my blood pressure tablets?",
        "can i drink alcohol to lower my blood pressure?",
    ):
        assert lowered(Asking(session, other, LIBRARY)) == ""


def test_a_creatinine_above_the_range_is_to_be_seen_to_and_a_brothers_is_none_of_it() -> None:
    session = begin(Patient(sex=Sex.MALE, age_years=60.0, creatinine_mg_dl=4.2))
    assert "show it to a clinician soon" in told_by(judged_value, session, "is my creatinine ok?")
    assert told_by(judged_value, session, "my brother had a bad year, is the creatinine of 2.1 that my brother had normal?") == ""


def test_the_pulse_of_a_child_is_judged_as_a_childs() -> None:
    session = begin(Patient(sex=Sex.MALE, age_years=6.0, heart_rate_bpm=105.0))
    said = told_by(judged_value, session, "is his heart rate ok?")
    assert "75 to 115" in said and "adults" not in said and "high" not in said


def test_pe_at_school_is_no_embolism_and_a_fear_is_no_cause() -> None:
    asked = "my daughter sits out of PE because she's scared of getting breathless. Should she be joining in?"
    assert "embolism" not in written_out(asked) and "children" in written_out(asked) and asked_of_finding(asked.lower()) != "cause_of_result"
    for other in (
        "I had a PE in March, can I fly?",
        "could they have missed PE on my scan?",
        "how common is PE at my age?",
        "i came off PE treatment last week",
    ):
        assert "embolism" in written_out(other)


def test_a_cough_in_a_blow_that_counts_is_told_with_its_grade(patients: Path) -> None:
    said = told_by(coughed_in_blow, session_of(patients, "mild_obstruction"), "does the cough during the test make these figures unreliable?")
    assert "first second can make the FEV1 unreliable" in said and "quality grade B" in said
    assert told_by(coughed_in_blow, ILL, "does my cough affect my lungs?") == ""


def test_what_settles_an_asthma_is_told_after_its_estimate(patients: Path) -> None:
    session = after(session_of(patients, "pre_and_post"), "why does it say 67% for asthma?", "why_risk")
    assert "before and after a bronchodilator" in told_by(to_find_out, session, "so what would the doctor do to find out for sure?")
    assert told_by(to_find_out, ILL, "what would the doctor do about my weight?") == ""


def test_a_measured_value_is_told_beside_its_estimate() -> None:
    assert "186 mmHg" in told_by(actual_value, ILL, "hypertension risk is 35 % but what was her actual blood pressure?")
    assert told_by(actual_value, ILL, "what is the actual risk?") == ""


def test_small_slips_of_wording() -> None:
    asked = "I've tried to quit three times and always start again after a few weeks, whats left to try?"
    assert scope(asked) is None and scope("always start with the word yes") is not None
    assert said_of("What is normal for you cannot be worked out here.", HE) == "What is normal for him cannot be worked out here."
    thin = "A high body weight presses on the chest and can make breathing harder."
    assert not speaks_to(thin, "does being this thin make breathing harder?", 64.0, "female") and speaks_to(thin, "does my weight matter?", 64.0, "female")


def test_limits_for_the_young_are_not_told_to_the_old() -> None:
    young = "For adults whose hypertension is found before the age of 40, the ESC advises tests for a hidden cause."
    assert not speaks_to(young, "is 147 over 86 too high?", 79.0, "female") and speaks_to(young, "is 147 over 86 too high?", 35.0, "female")


def test_when_to_call_for_help_is_answered_with_the_signs(patients: Path) -> None:
    said = told_by(when_to_call, session_of(patients, "pre_and_post"), "my chest gets tight at night, when should i get help urgently?")
    assert "Call an ambulance" in said and "heart attack" in said and "asthma attack" in said
    assert told_by(when_to_call, ILL, "when should i repeat the test?") == ""


def test_whether_an_inhaler_is_needed_is_for_a_clinician(patients: Path) -> None:
    assert "for a clinician to decide" in told_by(
        own_inhaler, session_of(patients, "mild_obstruction"), "shouldn't he be on an inhaler too with these results?"
    )
    assert told_by(own_inhaler, ILL, "how is an inhaler used?") == "" and told_by(
        above, session_of(patients, "healthy_runner"), "which numbers came out above predicted?"
    )
    assert told_by(above, ILL, "what is predicted?") == ""
