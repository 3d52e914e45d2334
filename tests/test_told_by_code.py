"""Questions that code answers: every wording has an answer, every answer is true of every example patient, and what a question takes for granted is checked."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import guardrails
from assistant.answers_by_words import flare_signs, one_low_the_other_not
from assistant.answers_of_blows import fault_meant
from assistant.asking import Asking
from assistant.comparisons import compares
from assistant.intents import UNKNOWN
from assistant.judged_values import judged_value
from assistant.lay_words import in_library_words
from assistant.lowered_values import lowered
from assistant.premises import contradicted, named_by_number, not_judged, of_another_time
from assistant.question import understand
from assistant.retrieval import GuidelineLibrary
from assistant.ruled import PROGNOSIS, by_rule
from assistant.session import Session, begin
from assistant.several import parts
from assistant.spelling import Speller
from assistant.told_by_code import BY_CODE, cited, load_wordings, told
from assistant.whom import HE, SHE, YOU, Whom, whom
from encoders.cases import risk_fact
from encoders.passages import read_passages
from encoders.record import Patient, ReportedSpirometry, Sex, write_out
from encoders.teacher.view import View
from prompts import load_questions
from tests.test_sayable import case_of

EXAMPLES = ("healthy_runner", "mild_obstruction", "severe_obstruction", "poor_effort", "possible_restriction", "missing_data", "pre_and_post")
LIBRARY = {passage.id: passage for passage in read_passages()}


def session_of(patients: Path, name: str) -> Session:
    case = case_of(patients, name)
    return Session(case.patient, case.spirometry, case.facts)


def view_of(patients: Path, name: str) -> View:
    return View(case_of(patients, name))


def sessions(patients: Path) -> list[Session]:
    """The example patients, a person with values but no curve, and one with nothing but a name."""
    values = Patient(sex=Sex.FEMALE, age_years=62.0, height_cm=155.0, reported=(ReportedSpirometry(fev1_l=1.62, fvc_l=2.05),))
    return [*(session_of(patients, name) for name in EXAMPLES), begin(values), begin(Patient(label="nobody"))]


# answers -------------------------------------------------------------------------------------------------------------
def test_every_intent_has_wordings_and_every_wording_an_answer() -> None:
    wordings = load_wordings()
    assert set(wordings) == {*BY_CODE, *load_questions(), UNKNOWN}
    assert all(len(texts) >= 6 for texts in wordings.values())


@pytest.mark.parametrize("intent", sorted(BY_CODE))
def test_an_answer_by_code_is_true_of_every_patient(patients: Path, intent: str) -> None:
    told_any = False
    for session in sessions(patients):
        for question in load_wordings()[intent]:
            found = told(intent, Asking(session, question.lower(), LIBRARY))
            if found is None:
                continue
            told_any = True
            answer = write_out(found.text, session.facts)
            checks = guardrails.check(answer, (*session.facts, *found.figures), found.passages)
            assert checks.numbers_supported and checks.citations_valid and not checks.notes, (session.patient.label, answer)
            assert answer[0].isupper() and answer[-1] in ".?" and "  " not in answer and ".." not in answer and "<|" not in answer, answer
    assert told_any


@pytest.mark.parametrize(
    ("name", "intent", "question", "said"),
    [
        ("healthy_runner", "normal_for_me", "whats normal for someone my age", "normal is an FEV1 of about 3.21 L"), ("healthy_runner", "percentile", "what percentile am i in", "about seven in ten"),
        ("severe_obstruction", "lowest_value", "which value is worst", "the FEV1/FVC ratio lies lowest"), ("severe_obstruction", "gold_stage", "what gold stage", "GOLD grade 4"),
        ("healthy_runner", "gold_stage", "what gold stage", "None."), ("poor_effort", "next_blow", "how do i do it better", "blast the air out at once"),
        ("poor_effort", "why_not_read", "why cant you read it", "no blow meets the standard"), ("pre_and_post", "can_it_improve", "is it reversible", "Part of it can"),
        ("mild_obstruction", "can_it_improve", "will my lungs recover if i quit", "if you stop smoking"), ("possible_restriction", "surgery", "can i have an operation", "saturation was 95 %"),
        ("missing_data", "normal_for_me", "what is normal for me", "height is not recorded"), ("possible_restriction", "causes_of_pattern", "what can cause restriction", "scarring"),
        ("severe_obstruction", "healthy", "what is out of range", "HbA1c (5.9 %, raised)"), ("mild_obstruction", "difference", "difference between fev1 and fvc", "FVC is all the air"),
    ],
)  # fmt: skip
def test_an_answer_by_code_is_about_this_patient(patients: Path, name: str, intent: str, question: str, said: str) -> None:
    session = session_of(patients, name)
    found = told(intent, Asking(session, question, LIBRARY))
    assert found is not None and said in write_out(found.text, session.facts)


def test_a_passage_that_the_library_lacks_is_not_cited(patients: Path) -> None:
    found = told("repeat_test", Asking(session_of(patients, "healthy_runner"), "how often", {}))
    assert found is not None and not found.passages and "[" not in found.text
    assert cited("", Asking(session_of(patients, "healthy_runner"), "", {})) is None


# premises ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "question", "wrong"),
    [
        ("healthy_runner", "since my fvc is so low, should i worry about fibrosis?", "Your FVC is not low"), ("healthy_runner", "why is my resting heart rate so low?", "heart rate is not low"),
        ("poor_effort", "my test was fine, so what is my lung age?", "cannot be called normal"), ("severe_obstruction", "as the test was normal, what else could it be?", "not in the normal range"),
        ("healthy_runner", "my test was bad, what now?", "not abnormal"), ("severe_obstruction", "since my ratio is low, what now?", ""), ("healthy_runner", "is my fvc low?", ""),
        ("healthy_runner", "is it ok that my fev1 is higher than predicted?", ""), ("healthy_runner", "if my fev1 is low, what then", ""), ("missing_data", "why is my fvc so low", ""),
    ],
)  # fmt: skip
def test_what_a_question_takes_for_granted_is_checked(patients: Path, name: str, question: str, wrong: str) -> None:
    said = contradicted(view_of(patients, name), question)
    assert (wrong in said) if wrong else said == ""


def test_a_number_alone_names_the_value_that_has_it(patients: Path) -> None:
    view = view_of(patients, "mild_obstruction")
    assert named_by_number(view, "is 0.61 bad") == "fev1_fvc"
    assert named_by_number(view, "is a peak flow of 7.4 good?", ("pef_l_s",)) == "pef_l_s"
    assert named_by_number(view, "is it dangerous to fly with 96") == "" == named_by_number(view, "is 5.55 bad")


def test_a_value_of_another_time_is_not_the_one_of_the_record(patients: Path) -> None:
    view = view_of(patients, "healthy_runner")
    assert "does not say" in of_another_time(view, "total_cholesterol_mg_dl", "what was my cholesterol in 2015")
    assert of_another_time(view, "total_cholesterol_mg_dl", "what is my cholesterol") == ""


def test_a_comparison_is_answered_with_yes_or_no(patients: Path) -> None:
    view = view_of(patients, "severe_obstruction")
    asked = {"is the ratio below 0.7?": "Yes", "is the ratio above 0.7?": "No", "is his ratio lower than the limit": "Yes", "what is the ratio": ""}
    assert {question: compares(view, "fev1_fvc", question) for question in asked} == asked
    assert compares(view, "fev1_percent_predicted", "is my fev1 above 80 percent") == "No"


def test_a_value_without_a_verdict_says_why(patients: Path) -> None:
    assert "height is not recorded" in not_judged(view_of(patients, "missing_data"), ("fev1_l",), "is my fev1 normal")
    assert not_judged(view_of(patients, "healthy_runner"), ("fev1_l",), "is my fev1 normal") == ""
    assert "no normal range" in not_judged(view_of(patients, "healthy_runner"), ("pef_l_s",), "is my peak flow normal")


@pytest.mark.parametrize(
    ("name", "question", "said"),
    [
        ("missing_data", "do i have high blood pressure", "162 mmHg"), ("missing_data", "is a blood pressure of 162/88 dangerous", "hypertension from 140/90"), ("possible_restriction", "am i obese", "34.5 kg/m2"),
        ("possible_restriction", "is my blood sugar ok", "prediabetes"), ("healthy_runner", "is my cholesterol high", "172 mg/dL"), ("severe_obstruction", "his oxygen says 93 %, is that bad?", "96 to 98 %"), ("healthy_runner", "how do i lower my cholesterol", ""), ("healthy_runner", "is my diabetes risk high", ""),
    ],
)  # fmt: skip
def test_a_value_of_the_record_is_judged_by_its_limits(patients: Path, name: str, question: str, said: str) -> None:
    session = session_of(patients, name)
    found = write_out(judged_value(Asking(session, question, LIBRARY)), session.facts)
    assert (said in found) if said else found == ""


def test_a_low_blood_pressure_is_told_what_is_dangerous_and_a_high_one_what_to_do_and_how_soon() -> None:
    low = begin(Patient(sex=Sex.FEMALE, age_years=79.0, systolic_bp_mmhg=84.0, diastolic_bp_mmhg=44.0))
    found = write_out(judged_value(Asking(low, "is a blood pressure of 84/44 dangerous", LIBRARY)), low.facts)
    assert "84 mmHg" in found and "call an ambulance" in found and "hypertension" not in found
    high = begin(Patient(sex=Sex.FEMALE, age_years=71.0, systolic_bp_mmhg=162.0, diastolic_bp_mmhg=88.0))
    found = write_out(judged_value(Asking(high, "my top number was 162. how quickly should i get that looked at?", LIBRARY)), high.facts)
    assert "confirmed by repeated or home measurements" in found and "180/120 mmHg" in found


@pytest.mark.parametrize(
    ("question", "held", "said"),
    [
        ("her sats came up as 94, should i recheck that?", Patient(spo2_percent=94.0), "warm the hand"),
        ("does her blood pressure of 162/88 need rechecking?", Patient(systolic_bp_mmhg=162.0, diastolic_bp_mmhg=88.0), "repeated or home measurements"),
        ("hba1c of 6.8, how worried should we be?", Patient(hba1c_percent=6.8), "6.5 % or more"),
        ("is 153 over 90 dangerous at 32?", Patient(systolic_bp_mmhg=153.0, diastolic_bp_mmhg=90.0), "180/120 mmHg"),
    ],
)  # fmt: skip
def test_a_value_that_worries_is_told_with_what_to_do(question: str, held: Patient, said: str) -> None:
    session = begin(replace(held, sex=Sex.FEMALE, age_years=50.0))
    assert said in write_out(judged_value(Asking(session, question, LIBRARY)), session.facts)


@pytest.mark.parametrize(
    ("question", "held", "said"),
    [
        ("is my blood sugar of 6.2 something i can bring down with diet?", Patient(hba1c_percent=6.2), "turned back to normal"), ("how do i get my sugar down", Patient(hba1c_percent=8.3), "Vegetables, beans"),
        ("what can i eat to bring my triglycerides down?", Patient(triglycerides_mg_dl=333.0), "sugar and refined starch"), ("how do i lower my blood pressure", Patient(systolic_bp_mmhg=150.0), "Less salt"),
        ("how do i lower my blood pressure", Patient(systolic_bp_mmhg=110.0), ""), ("what is my blood pressure", Patient(systolic_bp_mmhg=150.0), ""),
    ],
)  # fmt: skip
def test_a_raised_value_is_told_with_what_lowers_it(question: str, held: Patient, said: str) -> None:
    session = begin(replace(held, sex=Sex.FEMALE, age_years=50.0))
    found = write_out(lowered(Asking(session, question, LIBRARY)), session.facts)
    assert (said in found) if said else found == ""


def test_what_lowers_it_is_of_what_was_spoken_of() -> None:
    session = begin(Patient(sex=Sex.FEMALE, age_years=50.0, hba1c_percent=6.2, systolic_bp_mmhg=150.0))
    assert "[diabetes/prevent]" in lowered(Asking(session, "can i get it back to normal?", LIBRARY), "is my hba1c of 6.2 bad?")
    assert lowered(Asking(session, "can i get it back to normal?", LIBRARY), "do i like music?") == ""


@pytest.mark.parametrize(
    ("question", "person"),
    [
        ("how do i bring my sugar down", Patient(age_years=8.0, hba1c_percent=8.3)), ("how do i bring my sugar down", Patient(age_years=40.0, hba1c_percent=8.3, conditions=("type 1 diabetes",))),
        ("how can i get my sugar down in pregnancy?", Patient(age_years=30.0, hba1c_percent=6.8)), ("what is the lower number in blood pressure?", Patient(age_years=50.0, systolic_bp_mmhg=150.0)),
        ("do statins lower cholesterol?", Patient(age_years=50.0, total_cholesterol_mg_dl=260.0)), ("does vinegar lower blood sugar?", Patient(age_years=50.0, hba1c_percent=8.3)),
    ],
)  # fmt: skip
def test_what_lowers_a_value_is_for_whom_it_is_meant(question: str, person: Patient) -> None:
    assert lowered(Asking(begin(person), question, LIBRARY)) == ""


@pytest.mark.parametrize(
    ("question", "person", "said", "unsaid"),
    [
        ("does my glucose need rechecking?", Patient(glucose_mg_dl=320.0), "", "need not"), ("does my blood pressure need rechecking?", Patient(age_years=50.0, systolic_bp_mmhg=118.0, diastolic_bp_mmhg=104.0), "Yes", "need not"),
        ("does my blood pressure need rechecking?", Patient(age_years=50.0, systolic_bp_mmhg=84.0, diastolic_bp_mmhg=44.0), "call an ambulance", "One high reading"),
        ("is 165/112 dangerous when pregnant", Patient(age_years=30.0, sex=Sex.FEMALE), "160/110", "180/120"), ("is 84/44 dangerous", Patient(age_years=50.0), "call an ambulance", "hypertension"),
        ("is a bp of 150/95 dangerous for my son?", Patient(age_years=7.0), "", "hypertension"), ("what can i do about my fev1, i am 162 cm tall?", Patient(age_years=50.0, systolic_bp_mmhg=162.0), "", "mmHg"),
        ("is a peak flow of 200/450 low", Patient(age_years=50.0), "", "mmHg"), ("how dangerous is low blood sugar?", Patient(age_years=50.0, hba1c_percent=5.0), "", "HbA1c"),
    ],
)  # fmt: skip
def test_a_verdict_fits_the_person_and_the_value(question: str, person: Patient, said: str, unsaid: str) -> None:
    session = begin(person)
    found = write_out(judged_value(Asking(session, question, LIBRARY)), session.facts)
    assert said in found and unsaid not in found, found


@pytest.mark.parametrize(
    "question",
    ["what would help a flare-up?", "what is the best way to treat the symptoms of a flare up?", "what does a flare-up do to the lungs", "how do i tell a flare-up from a cold", "what symptoms would tell me that my crohn's is flaring up?", "how do i know my bronchiectasis is flaring up"],
)  # fmt: skip
def test_other_questions_on_flare_ups_are_left_to_the_library(question: str) -> None:
    assert flare_signs(Asking(begin(Patient(conditions=("COPD",))), question, LIBRARY)) == ""


def test_the_signs_of_a_flare_up_are_of_the_illness_that_is_meant() -> None:
    of_copd, nobody = begin(Patient(conditions=("COPD",))), begin(Patient())
    asked = "what signs would mean my chest is flaring up?"
    assert "COPD flare-up" in flare_signs(Asking(of_copd, asked, LIBRARY)) and "asthma" not in flare_signs(Asking(of_copd, asked, LIBRARY)).lower()
    assert "asthma attack" in flare_signs(Asking(of_copd, "how do i know an asthma flare-up is coming", LIBRARY))
    assert "lips turn blue" in flare_signs(Asking(nobody, asked, LIBRARY))
    assert (
        flare_signs(Asking(of_copd, "how do i know a gout flare-up is coming", LIBRARY))
        == flare_signs(Asking(of_copd, "how can flare-ups be prevented", LIBRARY))
        == ""
    )


def test_why_one_volume_is_low_and_the_other_is_not(patients: Path) -> None:
    restricted = session_of(patients, "possible_restriction")
    found = write_out(one_low_the_other_not(Asking(restricted, "why is the ratio normal when my fvc is low?", LIBRARY)), restricted.facts)
    assert "the share stays normal" in found and "FVC is 1.92 L, which is low" in found
    healthy = session_of(patients, "healthy_runner")
    assert one_low_the_other_not(Asking(healthy, "why is the ratio normal when my fvc is low?", LIBRARY)) == ""


def test_without_a_height_a_better_blow_is_not_all_that_is_needed(patients: Path) -> None:
    session = session_of(patients, "missing_data")
    found = write_out(str(BY_CODE["next_blow"](Asking(session, "what do i need to do to get a proper result from her", LIBRARY))), session.facts)
    assert "height is not recorded" in found


@pytest.mark.parametrize(
    ("name", "question", "said"),
    [
        ("severe_obstruction", "is 142/78 bad for him", "142 mmHg, which is"), 
        ("mild_obstruction", "is 2.82 good for me", "FEV1 is 2.82 L"), ("healthy_runner", "is 54 ok for my pulse", "54 beats/min"),
    ],
)  # fmt: skip
def test_a_number_that_is_asked_whether_it_is_good_is_told_for_what_it_is(patients: Path, name: str, question: str, said: str) -> None:
    session = session_of(patients, name)
    found = write_out(str(BY_CODE["own_value_good"](Asking(session, question, LIBRARY))), session.facts)
    assert said in found


def test_an_estimate_that_is_asked_whether_it_is_high_is_told_with_what_is_usual(patients: Path) -> None:
    session = session_of(patients, "mild_obstruction")
    session = replace(session, facts=(*session.facts, risk_fact("asthma_current", "current asthma", 0.16, 0.09)))
    found = write_out(str(BY_CODE["own_value_good"](Asking(session, "is 16 % for asthma high at 45", LIBRARY))), session.facts)
    assert "risk of current asthma is 16 % (higher than usual)" in found and "FEV1" not in found


def test_a_fault_is_explained_by_its_name(patients: Path) -> None:
    asking = Asking(session_of(patients, "poor_effort"), "what does slow start mean", LIBRARY)
    assert "back-extrapolated" in fault_meant(asking) and "cut off" in fault_meant(Asking(asking.session, "what is a truncated blow", LIBRARY))
    assert fault_meant(Asking(asking.session, "should i start slowly", LIBRARY)) == ""


# rules and words -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("tell me my risk of lung cancer", None), ("show me the record of John Smith", "other_person"), ("my hair has been falling out, why?", "off_topic"), ("whats the treatment for kidney stones", "off_topic"),
        ("my boyfriend smokes in the flat, does it matter for me", None), ("will i need an inhaler", "dose"),
    ],
)  # fmt: skip
def test_what_is_declined_and_what_is_not(message: str, kind: str | None) -> None:
    refusal = guardrails.scope(message)
    assert (refusal.kind if refusal else None) == kind


def test_the_time_that_is_left_is_not_guessed_for_anybody(patients: Path) -> None:
    for question in ("how long has he got", "What's the prognosis?", "is 28 percent survivable?", "how long do i have left"):
        found = by_rule(session_of(patients, "severe_obstruction"), question)
        assert found is not None and found.answer == PROGNOSIS, question


def test_somebody_of_the_family_who_is_ill_is_not_the_patient(patients: Path) -> None:
    assert whom("my mum has COPD, should I worry", (), case_of(patients, "healthy_runner").patient) not in (SHE, HE)


def test_hay_fever_is_no_hay() -> None:
    assert "farmer" not in in_library_words("can my hay fever tablets affect the test") and "farmer" in in_library_words("i work with hay")


def test_one_speller_knows_words_and_the_words_of_the_library() -> None:
    speller = Speller(["the spirometry test"], library=["rehabilitation helps"], holds=lambda word: word == "helps")
    assert speller.corrected("the sprometry test") == "the spirometry test"
    assert speller.as_library("rehabillitaton helps") == "rehabilitation helps"


def test_reasons_asked_with_a_value_do_not_split_a_question(library: GuidelineLibrary) -> None:
    assert parts("What grade did it get and why", library) == ("What grade did it get and why",)


@pytest.fixture(scope="module")
def library() -> GuidelineLibrary:
    return GuidelineLibrary.load()


@pytest.mark.parametrize(
    ("name", "question", "intent"),
    [
        ("mild_obstruction", "should i be using my blue inhaler before a run", "reliever_before_sport"), ("healthy_runner", "How often should I repeat this test?", "repeat_test"),
        ("possible_restriction", "Could my rheumatoid arthritis be affecting my lungs?", "cause_of_result"), ("severe_obstruction", "Can he have a knee replacement under general anaesthetic?", "surgery"),
        ("severe_obstruction", "Give me the key findings in two lines for the referral letter", "letter"), ("healthy_runner", "what would you tell my insurance company", "fit_for_it"),
        ("mild_obstruction", "Does 22 pack years mean I should be screened for lung cancer?", "unknown"), ("severe_obstruction", "why is he so thin?", "unknown"),
        ("healthy_runner", "is it dangerous to swim with lungs like mine", "exercise"), ("poor_effort", "whats my fev1 and fvc", "my_numbers"),
    ],
)  # fmt: skip
def test_questions_of_people_reach_the_answer_that_fits(library: GuidelineLibrary, patients: Path, name: str, question: str, intent: str) -> None:
    assert understand(session_of(patients, name), library, question, 3).intent == intent


def test_values_that_cannot_be_trusted_are_named(library: GuidelineLibrary, patients: Path) -> None:
    session = session_of(patients, "poor_effort")
    said = understand(session, library, "whats my fev1 and fvc", 3).said
    assert said.startswith("This test gives no FEV1 or FVC that can be trusted.")


def test_every_passage_that_code_quotes_is_in_the_library() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (Path(__file__).parent.parent / "assistant").glob("*.py"))
    quoted = set(re.findall(r"""quote\(["']([a-z0-9_]+/[a-z0-9_-]+)["']""", code))
    assert len(quoted) > 40 and quoted <= set(LIBRARY)


@pytest.mark.parametrize(
    "question",
    ["how do i know when a flare-up is over?", "do you know how long a flare-up lasts?", "how do i know which inhaler to use in a flare-up", "how do i recognise a flare-up of diverticulitis?", "did you know my cat is playing up", "how do i know that my gout is flaring up"],
)  # fmt: skip
def test_the_signs_of_a_flare_up_answer_nothing_else(question: str) -> None:
    assert flare_signs(Asking(begin(Patient(conditions=("COPD",))), question, LIBRARY)) == ""


@pytest.mark.parametrize(
    "question",
    [
        "what counts as a flare up?",
        "how do i recognise a flare-up of my asthma?",
        "what symptoms do you get in an exacerbation",
        "how would i know my chest is playing up",
    ],
)
def test_the_signs_of_a_flare_up_are_told_however_they_are_asked_for(question: str) -> None:
    assert flare_signs(Asking(begin(Patient(conditions=("COPD",))), question, LIBRARY))


@pytest.mark.parametrize(
    ("name", "question", "said"),
    [
        ("mild_obstruction", "why is the fvc normal when the fev1 is low?", "your FVC is 4.60 L, which is normal"), ("mild_obstruction", "why is a normal fvc possible with a low ratio?", "ratio is 0.61, which is low"), ("mild_obstruction", "how come my fvc is fine but not the ratio", "ratio"),
        ("mild_obstruction", "why is the ratio normal though the fvc is reduced?", ""), ("mild_obstruction", "why is the fev1 normal when the ratio isn't low?", ""), ("possible_restriction", "why isn't the ratio low when my fvc is low?", "the share stays normal"),
        ("possible_restriction", "why is the fvc normal when the fev1 is low?", ""),
    ],
)  # fmt: skip
def test_only_what_is_so_is_explained(patients: Path, name: str, question: str, said: str) -> None:
    session = session_of(patients, name)
    found = write_out(one_low_the_other_not(Asking(session, question, LIBRARY)), session.facts)
    assert said in found and bool(said) == bool(found), found


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("My sister has asthma. Can I use her inhaler?", YOU), ("My sister smokes in her flat, should I worry?", YOU), ("my mum died of her emphysema, could I get it too?", YOU),
        ("her sats are 94, should I recheck?", SHE), ("Should I push for a CT of her chest?", SHE), ("My wife has asthma and her sats are 94, should I recheck?", SHE),
    ],
)  # fmt: skip
def test_what_a_relative_has_is_asked_of_for_the_one_who_types(question: str, meant: Whom) -> None:
    assert whom(question, (), Patient(sex=Sex.FEMALE)) == meant
