"""A question is taken for what it asks: lay names of values, slips of the hand, lay words, sentences that answer, and of whom it speaks."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import Assistant
from assistant.answering import Fitting, affirmed, for_the_young, for_this_illness, of_kind, quotes, speaks_to, to_quote, unsaid_first
from assistant.asked_values import asked_values, canonical, named_values, values_in_words
from assistant.lay_words import in_library_words, written_out
from assistant.question import understand
from assistant.recall import said_before
from assistant.retrieval import GuidelineLibrary
from assistant.ruled import before_and_after, by_rule, faults
from assistant.session import Seen, Session, Turn, begin
from assistant.spelling import Speller
from assistant.whom import HE, SHE, THEY, YOU, said_of, whom
from encoders.passages import Passage
from encoders.record import Patient, Sex, write_out
from encoders.spirogram.simulate import simulate
from encoders.teacher.numbers import LABELS, asked_number
from encoders.teacher.view import View
from tests.test_sayable import case_of


# values --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("how heavy do they say I am", ("weight_kg",)), ("my FEV1 and FVC", ("fev1_l", "fvc_l")), ("what is the ratio of FEV1 and FVC", ("fev1_fvc",)),
        ("my height, weight and pulse", ("height_cm", "weight_kg", "heart_rate_bpm")), ("what is the total cholesterol", ("total_cholesterol_mg_dl",)), ("tell me something", ()),
        ("what z-score does my FEV1 have", ("fev1_z",)), ("the z-scores of my FEV1 and FVC", ("fev1_z", "fvc_z")), ("what is the lower limit for the ratio", ("fev1_fvc_lln",)),
        ("how much was my FVC expected to be", ("fvc_predicted_l",)), ("my FVC in percent", ("fvc_percent_predicted",)), ("my fev1 over fvc", ("fev1_fvc",)),
        ("what percentage of predicted did I reach", ("fev1_percent_predicted",)), ("my first second volume and the total volume", ("fev1_l", "fvc_l")),
        ("do we have a blood pressure or sats for him", ("systolic_bp_mmhg", "spo2_percent")), ("is my fev1 high or low", ("fev1_l",)),
    ],
)  # fmt: skip
def test_every_value_that_is_named_is_found(question: str, names: tuple[str, ...]) -> None:
    assert named_values(question) == names


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("how heavy am i in this file", True), ("what's my hb a1c", True), ("do i smoke according to this", True), ("my bmi?", True), ("what height did you use", True),
        ("is her cholesterol high", True), ("how do I lower my blood pressure", False), ("what does my weight mean for asthma", False), ("does oxygen help", False),
        ("what is FEV1", False), ("what is a normal oxygen level", False), ("remind me of my weight", True), ("why is my ratio low", False), ("what is the risk of stroke at my weight", False), ("should I check my pulse at home", False),
    ],
)  # fmt: skip
def test_a_value_is_told_apart_from_advice_that_names_it(question: str, asks: bool) -> None:
    assert bool(asked_values(question)) is asks


def test_a_value_is_said_or_that_it_is_not_in_the_record(patients: Path) -> None:
    case = case_of(patients, "mild_obstruction")
    said = write_out(values_in_words(View(case), ("weight_kg", "hba1c_percent", "smoking_status", "conditions")), case.facts)
    assert (
        said
        == "Your weight is 86.0 kg. Your HbA1c is not measured in this record. Your record says you smoke, with 22 pack-years. Your record lists no conditions."
    )


def test_every_value_is_asked_for_by_its_own_question(patients: Path) -> None:
    assert [name for name in LABELS if asked_number(canonical(name)) != name] == []
    case = case_of(patients, "missing_data")
    assert write_out(values_in_words(View(case), ("systolic_bp_mmhg",)), case.facts).count("blood pressure is") == 2


def test_a_value_of_a_test_that_cannot_be_read_is_not_called_missing(patients: Path) -> None:
    assert "quality of this test" in values_in_words(View(case_of(patients, "poor_effort")), ("fev1_l",))


# words ---------------------------------------------------------------------------------------------------------------
def test_one_slip_is_put_right_and_a_known_word_is_left_alone() -> None:
    speller = Speller(["the reading of the number is trustworthy, should I repeat it"], {"kids"}.__contains__)
    assert speller.corrected("is teh raeding trustwrthy, shd u repeat the nmuber") == "is teh reading trustworthy, should you repeat the number"
    assert speller.corrected("the reading of kids") == "the reading of kids"


def test_lay_words_and_short_forms_are_also_said_in_the_words_of_the_library() -> None:
    assert "reliever" in in_library_words("is it bad that i only use my blue inhaler")
    assert in_library_words("What is FEV1?") == "What is FEV1?"
    assert "blood pressure" in written_out("is 162 over 88 dangerous")
    assert "embolism" in written_out("what is a PE") and "embolism" not in written_out("can he do PE at school")


# sentences that answer -----------------------------------------------------------------------------------------------
FOUND = (
    Fitting(1, "Walking is good for the lungs.", 0.8),
    Fitting(2, "Be active for 150 minutes a week.", 0.15),
    Fitting(1, "It helps at any age and in any weather, so start now.", 0.05),
)


def test_how_often_is_answered_only_by_a_sentence_that_says_how_often() -> None:
    assert [one.number for one in of_kind("How often?", FOUND)] == [2]
    assert of_kind("is walking good", FOUND) == FOUND


def test_a_short_sentence_is_quoted_with_the_next_of_its_passage_and_no_other_is() -> None:
    passages = [
        Passage(id=f"{topic}/1", topic=topic, title="", section="", text=text, source="", year=2020, url="", licence="")
        for topic, text in (("a", f"{FOUND[0].sentence} {FOUND[2].sentence}"), ("b", FOUND[1].sentence))
    ]
    chosen = to_quote(FOUND, passages)
    assert [one.number for one in chosen] == [1, 1]
    assert quotes("Walking is good for the lungs [1].", chosen) and not quotes("Be active for 150 minutes a week [2].", chosen)


def test_a_sentence_that_is_nearly_as_likely_is_quoted_beside_the_likeliest() -> None:
    long = "Walking is good for the lungs, the heart, the mood and the sleep of nearly everyone."
    passages = [
        Passage(id=f"{topic}/1", topic=topic, title="", section="", text=text, source="", year=2020, url="", licence="")
        for topic, text in (("a", long), ("b", FOUND[1].sentence))
    ]
    both = to_quote((Fitting(1, long, 0.5), Fitting(2, FOUND[1].sentence, 0.3)), passages)
    assert [one.number for one in both] == [1, 2]
    assert [one.number for one in to_quote((Fitting(1, long, 0.7), Fitting(2, FOUND[1].sentence, 0.2)), passages)] == [1]


def test_a_sentence_of_another_topic_must_be_likelier_to_be_quoted_beside_the_first() -> None:
    long = "Walking is good for the lungs, the heart, the mood and the sleep of nearly everyone, at any age and in any weather."
    topics = {"b": [1], "a": [1, 2]}
    for topic, numbers in topics.items():
        passages = [
            Passage(id=f"{one}/{n}", topic=one, title="", section="", text=text, source="", year=2020, url="", licence="")
            for n, (one, text) in enumerate((("a", long), (topic, FOUND[1].sentence)))
        ]
        assert [one.number for one in to_quote((Fitting(1, long, 0.6), Fitting(2, FOUND[1].sentence, 0.1)), passages)] == numbers


def test_what_was_said_a_moment_ago_is_not_said_again_while_there_is_more() -> None:
    left = unsaid_first(FOUND, "Walking is good for the lungs [1].")
    assert [one.sentence for one in left] == [FOUND[1].sentence, FOUND[2].sentence]
    assert left[0].score > FOUND[1].score and sum(one.score for one in left) < 1.0
    assert unsaid_first(FOUND, "Something else.") == FOUND
    surely = (Fitting(1, "Walking is good for the lungs.", 0.8), Fitting(2, "Be active for 150 minutes a week.", 0.05))
    assert unsaid_first(surely, "Walking is good for the lungs [1].") == surely  # the same was asked in other words
    assert unsaid_first(FOUND[:1], "Walking is good for the lungs [1].")[0].sentence == FOUND[0].sentence  # better than nothing


def test_the_young_get_sentences_on_adults_last() -> None:
    found = (
        Fitting(1, "The NHS counts a total cholesterol below 5 mmol/L as healthy in adults.", 0.6),
        Fitting(2, "In children a total cholesterol of 200 mg/dL is high.", 0.3),
    )
    assert [one.number for one in for_the_young(found, "is 277 too high", 16.0)] == [2, 1]
    assert for_the_young(found, "is 277 too high", 40.0) == found
    assert for_the_young(found, "what is the limit in adults", 16.0) == found


def test_a_sentence_on_an_illness_that_nobody_named_comes_after_others() -> None:
    found = (Fitting(1, "Exercise is one of the best treatments for osteoarthritis.", 0.4), Fitting(2, "Adults should be active.", 0.3))
    after = for_this_illness(found, "and should I exercise? asthma")
    assert [one.number for one in after] == [2, 1] and sum(one.score for one in after) < 1.0
    assert for_this_illness(found, "should I exercise with osteoarthritis") == found


def test_a_sentence_for_others_is_not_quoted() -> None:
    older = "WHO recommends that adults aged 65 and over do varied activity."
    assert not speaks_to(older, "is yoga all right", 41.0, "female") and speaks_to(older, "is yoga all right", 70.0, "female")
    assert not speaks_to("Children need an hour of activity a day.", "should I exercise", 40.0, "male")
    assert speaks_to("Children need an hour of activity a day.", "how much should kids move", 40.0, "male")
    assert speaks_to("E-cigarettes are not safe, and children and non-smokers should never use them.", "what does vaping do to me", 40.0, "male")
    assert not speaks_to("An HbA1c below 4 % is unusual.", "how do I lower my hba1c of 8.3", 50.0, "male") and speaks_to(
        "An HbA1c below 4 % is unusual.", "is 3.9 too low", 50.0, "male"
    )
    steady = "From 180/100 mmHg people should speak to a doctor before new exercise."
    assert not speaks_to(steady, "can I start running", 50.0, "male") and speaks_to(steady, "can I run with high blood pressure", 50.0, "male")


def test_what_is_denied_is_not_what_is_asked_about() -> None:
    assert affirmed("no blood, no fever, only a tickly cough") == "only a tickly cough"
    assert affirmed("no cough") == "no cough"


# by rule -------------------------------------------------------------------------------------------------------------
def test_before_and_after_a_bronchodilator_is_said_with_its_litres(assistant: Assistant, patients: Path) -> None:
    session = begin(assistant.open(sorted((patients / "pre_and_post").iterdir())).patient)
    assert session.spirometry is not None
    for question in ("by how much did fev1 go up", "did the inhaler help?", "is his inhaler working", "how big was the bronchodilator effect"):
        found = by_rule(session, question)
        assert found is not None and found.answer == before_and_after(session.spirometry, question)
        assert "1.86 L before" in found.answer and "2.36 L after" in found.answer
        assert ("FVC was" in found.answer) is ("fev1" not in question)
    for question in (
        "show me the curve before and after",
        "can I use my inhaler on a plane",
        "what should I do to improve my FEV1",
        "what is a bronchodilator response",
    ):
        assert by_rule(session, question) is None


def test_what_went_wrong_is_said_for_each_blow() -> None:
    session = begin(
        Patient(sex=Sex.MALE, age_years=25.0, height_cm=181.0, blows=(simulate(3.9, 4.9, 6.4, 3.6, 0.06, 6.0, faults=["cough", "early_end"], seed=13),))
    )
    assert session.spirometry is not None
    found = by_rule(session, "what went wrong exactly")
    assert found is not None and found.answer == faults(session.spirometry) and "cough" in found.answer
    assert by_rule(session, "what is wrong with my lungs?") is None


@pytest.mark.parametrize("message", ["thanks, that helps", "ok thank you", "Great, thanks!", "thanks for explaining"])
def test_thanks_are_thanks(message: str) -> None:
    found = by_rule(Session(Patient()), message)
    assert found is not None and found.seen.intent == "thanks"


def test_more_or_less_of_a_medicine_just_spoken_of_is_a_dose() -> None:
    before = Turn("how do I use the tiotropium", "...", seen=Seen(said="x"))
    session = Session(Patient()).add(before)
    found = by_rule(session, "should i use it more often when I am short of breath")
    assert found is not None and found.seen.intent == "dose"
    assert by_rule(Session(Patient()).add(replace(before, question="how do I sleep")), "should i do it more often") is None


def test_being_reminded_of_a_value_that_was_not_spoken_of_is_asking_for_it() -> None:
    assert said_before((), "remind me of my weight", lambda text: ("weight", 1.0)) is None
    found = said_before((), "what did you say about my mattress?", lambda text: ("unknown", 0.0))
    assert found is not None and "what about my mattress?" in found.answer


# of whom -------------------------------------------------------------------------------------------------------------
WOMAN, MAN = Patient(sex=Sex.FEMALE), Patient(sex=Sex.MALE)


@pytest.mark.parametrize(
    ("question", "patient", "person"),
    [
        ("is my ratio normal", WOMAN, YOU), ("my mother has a cough, what does her test show", WOMAN, SHE), ("My son wheezes at night", MAN, HE), ("Patient asks whether he can fly", MAN, HE),
        ("what is the patient's FEV1", Patient(), THEY), ("my father had a stroke, what is my risk", WOMAN, YOU), ("explain it to my wife", MAN, YOU), ("can he do sports", MAN, HE),
        ("my son worries, are my lungs all right", WOMAN, YOU), ("her sats came up as 94, should I recheck that?", WOMAN, SHE), ("should I use his inhaler", WOMAN, YOU),
        ("My GP said she is worried about the FEV1. Do I have COPD?", WOMAN, YOU), ("The nurse said she wasn't sure, did I blow hard enough?", WOMAN, YOU),
    ],
)  # fmt: skip
def test_of_whom_a_question_speaks(question: str, patient: Patient, person: object) -> None:
    assert whom(question, (), patient) == person


def test_a_question_that_names_nobody_speaks_of_the_one_before() -> None:
    told = (Turn("My son wheezes at night. What does his test show?"),)
    assert whom("and is that bad?", told, MAN) == HE
    assert whom("is my own result normal", told, MAN) == YOU


def test_an_answer_speaks_of_the_same_person_and_leaves_quotations_alone() -> None:
    said = "Your FEV1 is 1.75 L, which is low. Your record says you smoke, so ask your care team. If you are ill, rest [1]."
    assert said_of(said, HE) == "His FEV1 is 1.75 L, which is low. His record says he smokes, so ask his care team. If you are ill, rest [1]."
    assert said_of("Talk to your care team before you fly or go high.", HE) == "Talk to his care team before he flies or goes high."
    assert said_of("You may take the test again, as it helps you.", SHE) == "She may take the test again, as it helps her."
    assert said_of(said, YOU) == said


# together ------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def session(assistant: Assistant, patients: Path) -> Session:
    patient = assistant.open(sorted((patients / "mild_obstruction").iterdir())).patient
    return begin(patient)


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("how did i do on the blowing contraption", "explain_result"), ("how heavy did they put me down as", "my_numbers"), ("were the puffs i gave good enough", "quality"),
        ("is the raeding trustworthy, shd i do it again", "quality"), ("is lifting weights ok with dodgy lungs", "exercise"), ("is 162 over 88 dangerous", "judged_value"),
        ("and should I exercise?", "exercise"), ("is this result abnormal for a 12 year old?", "explain_result"), ("so is it scarring of the lungs", "damaged"),
        ("do I need the covid booster", "vaccines"), ("what's my biggest risk", "risks"),
    ],
)  # fmt: skip
def test_lay_wordings_with_slips_are_understood(assistant: Assistant, session: Session, question: str, intent: str) -> None:
    assert understand(session, assistant.library, question, 3).intent == intent


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("whats the point of stopping now after so many years", "smoking/why-stop"),
        ("how do i blow better next time", "spirometry/good-blow"),
        ("is it ok to do PE at school", "school"),
    ],
)
def test_the_sentence_quoted_is_of_the_passage_that_answers(assistant: Assistant, session: Session, question: str, passage: str) -> None:
    found = understand(session, assistant.library, question, 3)
    quoted = found.passages[found.fitting[0].number - 1].id if found.fitting else found.passages[0].id if found.said else ""
    assert passage in quoted


def test_the_highest_risk_is_the_highest(assistant: Assistant, patients: Path) -> None:
    one = assistant.open(sorted((patients / "severe_obstruction").iterdir()))
    said = understand(one, assistant.library, "what's his biggest risk", 3).said
    assert max(one.risks, key=lambda risk: risk.probability).label in said.split(".")[0]


def test_risks_are_told_beside_each_other(assistant: Assistant, patients: Path) -> None:
    one = assistant.open(sorted((patients / "severe_obstruction").iterdir()))

    def said(question: str) -> str:
        return understand(one, assistant.library, question, 3).said

    both = said("what are the heart attack and stroke figures for this patient?")
    assert "<|risk_myocardial_infarction|>" in both and "<|risk_stroke|>" in both and "copd" not in both.lower()
    of_heart = said("rank his heart and circulation risks, highest first")
    assert of_heart.count("<|risk_") == 5 and "asthma" not in of_heart
    order = [fact.text for name in re.findall(r"risk_\w+", of_heart) for fact in one.facts if fact.name == name]
    assert order == sorted(order, key=lambda text: -float(re.findall(r"\d+", text)[0]))
    healthy = assistant.open(sorted((patients / "healthy_runner").iterdir()))
    assert understand(healthy, assistant.library, "which of her risks, if any, stands above what is usual?", 3).said.startswith("None of the estimated risks")


@pytest.mark.parametrize(
    ("name", "question", "said"),
    [
        ("pre_and_post", "How many mls did the FEV1 go up by?", "+497 mL"), ("pre_and_post", "He had a significant response to the inhaler. What does that suggest?", "fits asthma but does not prove it"),
        ("pre_and_post", "Does that mean it's asthma then?", "fits asthma but does not prove it"), ("severe_obstruction", "How bad is my dad's result, in plain words?", "By z-score the pattern is severe"),
        ("mild_obstruction", "shouldn't he be on an inhaler too with these results?", "for a clinician to decide"), ("mild_obstruction", "What is his LDL?", "hold no LDL"),
        ("mild_obstruction", "But a ratio of 0.61 is under 0.7, isn't that obstruction anyway?", "The fixed limit of 0.70"), ("mild_obstruction", "Would a poor FVC change the ratio much?", ""),
        ("missing_data", "If I measure her height now is that enough, or does she need to blow again?", "Once your height is added"), ("missing_data", "How can I lose some weight without starving myself?", "Eating fewer calories"),
        ("possible_restriction", "Could the RA or her weight be behind it?", "Rheumatoid arthritis can inflame the lungs"), ("severe_obstruction", "Does that fit with the COPD on his problem list?", "The test shows airflow obstruction"),
        ("severe_obstruction", "Is he someone for pulmonary rehab and which vaccines should be up to date?", "ulmonary rehabilitation"), ("mild_obstruction", "134 over 84 in a man of 47, what's next?", "repeated or home measurements"),
        ("poor_effort", "I coughed during the test, does that mean something's wrong with my chest?", "by itself it says nothing about the chest"), ("severe_obstruction", "Should he have any jabs before he goes?", "pneumococcal"),
        ("mild_obstruction", "I gave up smoking, so does my heart attack risk come down now?", "It describes people with a record like this one"), ("mild_obstruction", "I'm his wife, which of his risks on here should we take most seriously?", "The highest of the estimated risks"),
        ("severe_obstruction", "What are his heart and stroke risks?", "heart failure"), ("missing_data", "Once I've measured her height, could I rely on this blow?", "height is added"),
        ("healthy_runner", "How many acceptable blows did she do and what were the grades?", "grade A"), ("healthy_runner", "which numbers came out above predicted?", "Above predicted are your FEV1 and FVC"),
        ("healthy_runner", "Can you explain what FEF25-75 means and what hers is?", "FEF25-75 is"), ("healthy_runner", "I've got a half marathon in three weeks, is there anything in my blow that says I should hold back?", "Nothing in this breathing test speaks against it"),
    ],
)  # fmt: skip
def test_questions_that_were_once_answered_beside_the_point(assistant: Assistant, patients: Path, name: str, question: str, said: str) -> None:
    session = assistant.open(sorted((patients / name).iterdir()))
    turn = list(assistant.ask(session, question))[-1]
    assert said in turn.answer and "Which value" not in turn.answer and "cannot change it" not in turn.answer and turn.question == question


def test_what_goes_on_from_a_value_is_of_that_value(assistant: Assistant, patients: Path) -> None:
    session = assistant.open(sorted((patients / "mild_obstruction").iterdir()))
    session = session.add(list(assistant.ask(session, "Is my blood pressure too high?"))[-1])
    turn = list(assistant.ask(session, "what about coffee?"))[-1]
    assert "coffee" in turn.answer or "caffeine" in turn.answer


def test_a_question_that_points_back_keeps_what_was_said(session: Session, assistant: Assistant) -> None:
    after = session.add(Turn("what is my risk of stroke", "...", seen=Seen(intent="risks", said="<|risk_stroke|>", prompt="x")))
    found = understand(after, assistant.library, "how could I lower that one then", 3)
    assert found.passages and (found.intent == "what_would_change" or found.passages[0].topic == "stroke")


def test_our_own_texts_have_their_vectors_so_that_answers_are_quick(assistant: Assistant) -> None:
    library: GuidelineLibrary = assistant.library
    passage = library.passages["smoking/why-stop"]
    assert library.answering("why stop smoking", [passage])[0].sentence in passage.text
