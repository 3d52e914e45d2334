"""What code tells of values, blows, risks and the record when it is asked for them: the right one, beside the right thing, and nothing where nothing is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assistant.asked_blows import asked_blows
from assistant.asked_measures import asked_measures, measures_named
from assistant.asked_risks import asked_risks, asks_to_trust
from assistant.asking import Asking
from assistant.comparisons import compares
from assistant.guardrails import check
from assistant.ranked_risks import asks_to_rank, ranked_risks
from assistant.record_mentions import mentioned
from assistant.session import RiskEstimate, Seen, Session, Turn, begin
from encoders.passages import read_passages
from encoders.record import Fact, Patient, ReportedSpirometry, Sex, write_out
from encoders.teacher import Case
from encoders.teacher.view import View
from tests.test_told_by_code import session_of

LIBRARY = {passage.id: passage for passage in read_passages()}


def told(session: Session, question: str, turns: tuple[Turn, ...] = ()) -> str:
    """What code tells, numerals checked against the facts and what it worked out from them; empty where it tells nothing."""
    session = replace(session, turns=turns)
    found = asked_measures(session, question) or asked_blows(session, question)
    if found is None:
        return ""
    answer = write_out(found.text, session.facts)
    assert check(answer, (*session.facts, *found.figures), ()).numbers_supported, answer
    assert answer[0].isupper() and answer.endswith(".") and "<|" not in answer
    return answer


@pytest.mark.parametrize(
    ("name", "question", "said"),
    [
        ("mild_obstruction", "how many litres below expected is his fev1", "2.82 L, 73 % of predicted, which is borderline low. Predicted is 3.87 L, so it lies 1.05 L below that."),
        ("mild_obstruction", "how far below the lower limit of normal is the ratio?", "The lower limit of normal is 0.69, so it lies 0.08 below that."),
        ("possible_restriction", "what's the z score for fvc", "FVC is 1.92 L, with a z-score of -2.25"), ("possible_restriction", "z-scores of fev1 and fvc", "z-score of -1.96"),
        ("mild_obstruction", "how far below the lower limit of normal is he", "FEV1/FVC ratio is 0.61"), ("mild_obstruction", "is 0.61 below the lower limit of normal?", "Yes. Your FEV1/FVC ratio"),
        ("healthy_runner", "is her ratio below the lower limit of normal?", "No. Your FEV1/FVC ratio"), ("mild_obstruction", "how severe by percent predicted of the fev1", "the pattern is mild"),
        ("pre_and_post", "is the post fev1/fvc still under 0.7?", "No. After the bronchodilator your FEV1/FVC ratio is 0.71"), ("pre_and_post", "is the ratio back to normal afterwards?", "still below normal"),
        ("pre_and_post", "post-bronchodilator z score for fev1", "82 % of predicted, with a z-score of -1.19"), ("pre_and_post", "is she still obstructed after the inhaler", "ratio is 0.71"),
        ("pre_and_post", "and by the older 12% and 200 ml rule?", "Yes. By the rule of ATS/ERS 2005"), ("pre_and_post", "how is the change calculated, percent of what?", "(2.36 - 1.86) / 2.86 = 17.4 %"),
        ("missing_data", "if she were 160 cm what would the predicted fev1 be?", "With a height of 160 cm, an FEV1 of 2.04 L would be expected"), ("healthy_runner", "peak flow in l/min?", "L/s, which is 47"),
        ("healthy_runner", "what is the fef25-75 here", "FEF25-75, the mean flow over the middle half"),
    ],
)  # fmt: skip
def test_a_value_is_told_beside_what_it_is_asked_beside(patients: Path, name: str, question: str, said: str) -> None:
    assert said in told(session_of(patients, name), question)


@pytest.mark.parametrize(
    ("name", "question", "said"),
    [
        ("healthy_runner", "did all three blows agree with each other?", "3 acceptable blows, the two largest 0.03 L apart"), ("mild_obstruction", "only two blows - is that enough?", "it falls short of a full test"),
        ("mild_obstruction", "what was the fev1 of the second blow", "Blow 2: FEV1 2.75 L"), ("mild_obstruction", "and blow 3?", "holds 2 blows, so there is no blow 3"),
        ("poor_effort", "which blow did you use", "None of them"), ("healthy_runner", "which of the blows was best", "The FEV1 of 3.42 L comes from blow 1"),
        ("pre_and_post", "which blows were pre and which post", "Blows 1 and 2 were before the bronchodilator; blows 3 and 4 were after it."), ("pre_and_post", "which inhaler was given before the second pair?", "do not say which medicine"),
        ("healthy_runner", "did she reach a plateau", "reached its end"), ("poor_effort", "how good is the start of the blow?", "Blow 2 started well"),
        ("severe_obstruction", "peak flow of each blow?", "Blow 3: FEV1 0.82 L, FVC 3.02 L, PEF 2.7 L/s; acceptable"),
    ],
)  # fmt: skip
def test_single_blows_are_told_by_their_number(patients: Path, name: str, question: str, said: str) -> None:
    assert said in told(session_of(patients, name), question)


@pytest.mark.parametrize(
    "question",
    [
        "why is the ratio low", "what does percent predicted mean", "how can i raise my fev1", "explain the z-score of the fev1", "should i stop smoking", "how do i do the next blow better",
        "what should he do differently next time", "is asthma the reason", "what is my fev1", "draw the curves before and after", "how many blows are allowed", "what does back extrapolated volume mean",
    ],
)  # fmt: skip
def test_what_asks_for_no_value_and_no_blow_gets_none(patients: Path, question: str) -> None:
    for name in ("healthy_runner", "pre_and_post"):
        assert told(session_of(patients, name), question) == ""


def test_a_question_that_points_back_is_of_the_measure_before(patients: Path) -> None:
    before = (Turn("is a ratio of 0.83 normal?", "Yes.", seen=Seen(intent="own_value_good", said="Yes.")),)
    session = session_of(patients, "healthy_runner")
    assert "ratio is 0.83" in told(session, "and the lower limit for that?", before)
    assert told(session, "and the lower limit for that?") == ""
    flow = (Turn("what is his peak flow?", "Your peak flow is 7.9 L/s.", seen=Seen(intent="my_numbers", said="x")),)
    assert "L/min" in told(session, "what is that in litres per minute", flow)


def test_where_nothing_can_be_compared_no_value_is_told_beside_another(patients: Path) -> None:
    assert told(session_of(patients, "missing_data"), "z score of the fev1") == ""
    assert told(session_of(patients, "poor_effort"), "fvc percent predicted?") == ""
    nobody = begin(Patient(label="nobody"))
    assert told(nobody, "how far below the lower limit of normal is he") == told(nobody, "which blow was best") == ""


def test_measures_are_found_by_their_names_in_their_order() -> None:
    assert measures_named("FVC and its z score, then the FEV1/FVC") == ("fvc", "fev1_fvc")
    assert measures_named("fev1 over the fvc") == ("fev1_fvc",)
    assert measures_named("blood pressure") == ()


def risky(patients: Path, name: str = "missing_data") -> Session:
    one = RiskEstimate("stroke", "stroke", 0.07, 0.05, 0.09, 0.06, missing=("height_cm", "smoking_status", "curve"))
    session = session_of(patients, name)
    return replace(session, risks=(one,), facts=(*session.facts, Fact("risk_stroke", "Estimated risk of stroke", "7 %", 0.07)))


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("how reliable is the stroke risk?", "The estimated risk of stroke is 7 %. The estimates were made without height, smoking status and the curve"), ("can i trust these risks", "never guessed"),
        ("how can you guess the stroke risk when the smoking box is empty", "without height"), ("what would the stroke risk be if he stopped smoking", "it cannot say how it would change"),
        ("which other information would make the estimates better", "without height"),
    ],
)  # fmt: skip
def test_a_risk_says_how_far_it_can_be_trusted_and_what_it_lacked(patients: Path, question: str, said: str) -> None:
    session = risky(patients)
    assert said in write_out(asked_risks(Asking(session, question, LIBRARY)), session.facts)


def test_a_risk_of_a_test_that_meets_no_standard_says_so(patients: Path) -> None:
    assert "No blow meets the standard" in asked_risks(Asking(risky(patients, "poor_effort"), "should we believe the risks", LIBRARY))


@pytest.mark.parametrize(
    "question",
    ["what is my stroke risk", "why is it so high", "how do i lower my risk", "is smoking a risk", "can i trust the fev1", "which other risks are raised"],
)
def test_other_questions_on_risks_are_left_to_others(patients: Path, question: str) -> None:
    assert asked_risks(Asking(risky(patients), question, LIBRARY)) == ""
    assert asked_risks(Asking(session_of(patients, "missing_data"), "can i trust these risks", LIBRARY)) == ""


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("does the record mention joint disease", "Yes: your record lists rheumatoid arthritis."), ("is there anything about arthritis in her notes", "Yes: your record lists rheumatoid arthritis."),
        ("any history of tuberculosis?", "No, your record does not mention that."), ("is there a ct scan on file?", "No, your record does not mention that."),
        ("what is not on her file", ""), ("is her blood pressure on file", ""), ("is the loop normal", ""), ("does the record say whether she smokes", ""),
    ],
)  # fmt: skip
def test_the_record_is_asked_for_a_thing_by_its_meaning(patients: Path, question: str, said: str) -> None:
    def cosine(one: str, other: str) -> float:
        return 0.6 if {one, other} == {"joint disease", "rheumatoid arthritis"} else 0.1

    session = session_of(patients, "possible_restriction")
    answer = write_out(mentioned(View(Case(session.patient, session.spirometry, session.facts)), question, cosine), session.facts)
    assert answer.startswith(said) and bool(answer) == bool(said)


@pytest.mark.parametrize(
    ("name", "question", "said"),
    [
        ("weight_kg", "is his weight over 200 pounds?", "Yes"), ("height_cm", "is his height above 6 feet?", "No"), ("fev1_fvc", "is the ratio below 70?", "Yes"),
        ("fev1_fvc", "is the ratio above 0.7?", "No"), ("hba1c_percent", "is the hba1c above 42 mmol/mol?", "Yes"), ("fev1_l", "is the fev1 above 1500 ml?", "Yes"), ("fev1_l", "how low is the fev1", ""),
    ],
)  # fmt: skip
def test_a_limit_is_compared_in_its_unit(name: str, question: str, said: str) -> None:
    person = Patient(sex=Sex.MALE, age_years=60.0, height_cm=170.0, weight_kg=95.0, hba1c_percent=6.2, reported=(ReportedSpirometry(fev1_l=1.6, fvc_l=3.2),))
    session = begin(person)
    assert compares(View(Case(person, session.spirometry, session.facts)), name, question) == said


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("and which of his come out lower than usual?", "These are lower than usual: stroke 7 %."), ("which of the eight are not above usual for her?", "stroke 7 % (lower than usual)"),
        ("which risks aren't lower than usual?", "None of the estimated risks is higher than usual or about usual."), ("which risks are about usual?", "None of the estimated risks is about usual."), ("which risks are above usual?", "None of the estimated risks is higher than usual."),
    ],
)  # fmt: skip
def test_estimates_are_told_by_how_they_stand_beside_what_is_usual(patients: Path, question: str, told: str) -> None:
    session = risky(patients)
    session = replace(session, facts=(*session.facts[:-1], replace(session.facts[-1], status="lower than usual")))
    assert asks_to_rank(question, of_them=True) and told in write_out(ranked_risks(Asking(session, question, LIBRARY)), session.facts)


def test_values_below_normal_are_no_estimates() -> None:
    assert not asks_to_rank("which ones are below normal?") and asks_to_rank("which ones are below normal?", of_them=True)
    assert not any(asks_to_rank(one, of_them=True) for one in ("what percentage of predicted is below normal?", "which values of his are below normal?"))


def test_whether_an_estimate_means_anything_is_asked_of_its_trust() -> None:
    assert asks_to_trust("the copd estimate is only 3% yet she brings up sputum. how much trust should i put in it?")
    assert asks_to_trust("does the copd estimate of 5% mean anything in a 25 year old?")
    assert not asks_to_trust("can i trust the fev1?") and not asks_to_trust("what is the estimate?")
