"""The code teacher: whatever it says about a patient stands in that patient's prompt."""

from __future__ import annotations

import random
import re
import time

import numpy as np
import pytest

from encoders import teacher
from encoders.passages import Passage, read_passages
from encoders.record import RISK_TRAITS, Fact, Patient, Sex, Smoking
from encoders.record import facts as record_facts
from encoders.spirogram.read import Blow
from encoders.spirogram.results import (
    Best,
    Interpretation,
    Maneuver,
    Response,
    Spirometry,
)
from encoders.teacher import INTENTS, Case, answer, converse, drills, fictional
from encoders.teacher.follow import FOLLOW_UPS
from encoders.teacher.guidance import cited, fits, sentences
from encoders.teacher.numbers import NUMBERS, asked_number
from encoders.teacher.themes import THEMES
from encoders.teacher.view import View

TOKEN = re.compile(r"<\|(\w+)\|>")
WORD_WITH_DIGIT = re.compile(r"FEV1(?:/FVC)?|HbA1c")
PATTERN_TEXT = {
    "normal": "normal spirometry",
    "obstruction": "airflow obstruction",
    "possible_mixed": "possible mixed pattern",
    "possible_restriction": "possible restriction",
    "preserved_ratio_impaired": "preserved-ratio impaired spirometry",
    "possible_dysanapsis": "possible dysanapsis",
}
BLOW = Blow(np.arange(3.0), np.arange(3.0), np.zeros(3))
TEXTS = {
    "physical_activity": "Adults should do at least 150 minutes of moderate activity a week. Walking counts. Strength exercise twice a week adds to it.",
    "smoking": "Support together with nicotine replacement works better than willpower alone. It is never too late to stop.",
    "blood_pressure": "Blood pressure below 120 over 70 mmHg is not elevated. Less salt lowers the pressure.",
    "copd": "In COPD the airflow stays limited. Pursed-lip breathing is a breathing technique that can ease breathlessness.",
    "asthma": "Asthma symptoms vary over time and in intensity.",
}


def passage(topic: str, text: str, number: int = 1) -> Passage:
    return Passage(
        id=f"{topic}-{number}", title=topic.replace("_", " "), section="", source="A made-up source", year=2024, url="",
        licence="CC0", text=text, topic=topic,
    )  # fmt: skip


LIBRARY = tuple(
    passage(
        theme.topics[0],
        TEXTS.get(
            theme.topics[0],
            f"{theme.topics[0]} {theme.keys[0]} matters for most adults, on 3 days of 7.",
        ),
        n,
    )
    for n, theme in enumerate(THEMES.values())
) + (passage("spirometry", "Spirometry is a test of the breath.", 99),)


def known(pattern: str, z: float, rng: random.Random) -> tuple[Fact, ...]:
    """Facts of a test, as the wing names them."""
    low = "low" if z < -1.645 else "normal"
    ratio = "low" if pattern in {"obstruction", "possible_mixed", "possible_dysanapsis"} else "normal"
    fvc = "low" if pattern in {"possible_restriction", "possible_mixed"} else "normal"
    values = {
        "pattern": (PATTERN_TEXT[pattern], ""),
        "fev1_l": (f"{rng.uniform(0.9, 4):.2f} L", low),
        "fev1_lln_l": ("2.94 L", ""),
        "fev1_predicted_l": ("3.84 L", ""),
        "fev1_z": (f"{z:.2f}", low),
        "fev1_percent_predicted": ("62 %", ""),
        "fvc_l": ("3.10 L", fvc),
        "fvc_z": ("-1.02", fvc),
        "fev1_fvc": ("0.58", ratio),
        "fev1_fvc_z": ("-2.90", ratio),
        "pef_l_s": ("5.10 L/s", ""),
        "fet_s": ("7.2 s", ""),
        "fev1_grade": ("B", ""),
        "fvc_grade": ("C", ""),
        "blows": ("2", ""),
    }
    if pattern != "normal":
        values["severity"] = ("moderate", "")
    return tuple(Fact(name, name, text, status=status) for name, (text, status) in values.items())


def a_case(pattern: str = "obstruction", seed: int = 0, *, test: str = "read") -> Case:
    """A made-up person. ``test``: read, reported (no curve), unusable, none, no_reference."""
    rng = random.Random(seed)
    patient = Patient(
        sex=Sex.MALE,
        age_years=float(rng.randint(20, 80)),
        height_cm=175.0,
        weight_kg=rng.choice((60.0, 82.0, None)),
        smoking_status=rng.choice((*Smoking, None)),
        pack_years=rng.choice((None, 22.0)),
        systolic_bp_mmhg=rng.choice((118.0, 150.0, None)),
        diastolic_bp_mmhg=rng.choice((66.0, 92.0)),
        spo2_percent=rng.choice((90.0, 97.0, None)),
        hba1c_percent=rng.choice((5.2, 6.9, None)),
        conditions=rng.choice(((), ("asthma",))),
    )
    risks = tuple(Fact(f"risk_{trait}", words, "12 %", 0.12, status="higher than usual") for trait, words in RISK_TRAITS)
    mine = (*record_facts(patient), *(risks if seed % 2 else ()))
    if test == "none":
        return Case(patient, None, mine)
    z = rng.uniform(-1, 1) if pattern == "normal" else rng.uniform(-4, -1.7)
    facts = known(pattern, z, rng)
    if test == "unusable":
        facts = tuple(f for f in facts if f.name == "blows") + (
            Fact("fev1_grade", "", "F"),
            Fact("findings", "", "cough, slow start"),
        )
    if test == "no_reference":
        facts = tuple(f for f in facts if f.name in {"fev1_l", "fvc_l", "fev1_fvc", "fev1_grade", "blows"})
    reading = Interpretation(pattern, None, ()) if test in {"read", "reported"} else None
    shape = (
        rng.choice(("scooped", "nearly straight", "rounded")),
        rng.choice(("sharp early", "late and blunt")),
        "small",
        "long tail",
    )
    curve = test in {"read", "unusable", "no_reference"}
    response = Response(4.0, 3.0, False, "") if seed % 3 == 0 else None
    if response and test in {"read", "reported"}:
        facts = (*facts, Fact("bronchodilator", "", "no significant response"))
    best = Best(2.0, 3.0, 0.6, "B", "C")
    measured = Spirometry(
        (Maneuver(BLOW),) if curve else (),
        best,
        None,
        "gli-global-2022",
        {},
        reading,
        response,
        shape if curve else (),
    )
    return Case(patient, measured, (*facts, *mine))


CASES = tuple(
    a_case(pattern, seed, test=test) for seed in range(3) for pattern in PATTERN_TEXT for test in ("read", "reported", "unusable", "none", "no_reference")
)


@pytest.fixture(autouse=True)
def wordings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wordings as files, whatever else prompts holds."""
    from pathlib import Path

    folder = Path(teacher.__file__).parents[2] / "prompts" / "questions"
    found = {path.stem: tuple(path.read_text(encoding="utf-8").split("\n")[:-1]) for path in folder.glob("*.txt")}
    monkeypatch.setattr(teacher, "_questions", lambda: found)


@pytest.fixture(scope="module")
def talks() -> list[tuple[Case, teacher.TaughtTurn]]:
    from pathlib import Path

    folder = Path(teacher.__file__).parents[2] / "prompts" / "questions"
    found = {path.stem: tuple(path.read_text(encoding="utf-8").split("\n")[:-1]) for path in folder.glob("*.txt")}
    kept, teacher._questions = teacher._questions, lambda: found
    rng = random.Random(7)
    told = [(case, turn) for case in CASES for _ in range(12) for turn in converse(case, LIBRARY, rng, turns=4)]
    told += [(case, drills(case, rng)) for case in CASES for _ in range(5)]
    teacher._questions = kept
    return told


def test_every_intent_has_forty_wordings_and_an_answer() -> None:
    assert set(teacher._questions()) == set(INTENTS)
    for intent, lines in teacher._questions().items():
        assert len(lines) >= 40, intent
        assert len(set(lines)) == len(lines), intent
        assert all(line.strip() == line and line for line in lines), intent


def test_an_answer_names_only_facts_that_the_patient_has(talks) -> None:
    for case, turn in talks:
        assert set(TOKEN.findall(turn.answer)) <= {fact.name for fact in case.facts}, turn


def test_no_digit_stands_outside_tokens_citations_and_quoted_passages(talks) -> None:
    for _, turn in talks:
        text = TOKEN.sub("", turn.answer)
        for n, shown in enumerate(turn.passages, 1):
            for sentence in sentences(shown.text):
                quoted = cited(sentence, n)
                text = text.replace(quoted, "").replace(quoted[0].lower() + quoted[1:], "")
        assert not re.search(r"\d", WORD_WITH_DIGIT.sub("", text)), turn


def test_a_citation_points_at_a_passage_of_the_turn_on_that_theme(talks) -> None:
    seen = 0
    for _, turn in talks:
        numbers = [int(n) for n in re.findall(r"\[(\d+)\]", turn.answer)]
        assert all(1 <= n <= len(turn.passages) for n in numbers), turn
        assert bool(numbers) == (turn.evidence == "library"), turn
        if turn.intent in THEMES and numbers:
            seen += 1
            assert turn.passages[numbers[0] - 1].topic in THEMES[turn.intent].topics
    assert seen > 100


def test_answers_are_short_and_whole_sentences(talks) -> None:
    for _, turn in talks:
        assert turn.answer.endswith((".", "?")) and "  " not in turn.answer and ".." not in turn.answer, turn
        assert len(turn.answer.split()) <= 85, (len(turn.answer.split()), turn.answer)
        assert turn.question, turn


def test_shape_words_are_told_only_when_there_is_a_curve(talks) -> None:
    for case, turn in talks:
        told = re.findall(r"limb of the loop looks (\w+)", turn.answer)
        assert not told or (case.spirometry is not None and case.spirometry.shape[0].startswith(told[0])), turn


def test_different_patients_get_different_answers() -> None:
    for intent in (
        "explain_result",
        "curve_shape",
        "pattern",
        "why_risk",
        "exercise",
        "blood_pressure",
    ):
        told = {answer(intent, "", View(case), LIBRARY, random.Random(1)).text for case in CASES}
        assert len(told) >= 3, intent


@pytest.mark.parametrize("test", ["none", "unusable"])
def test_without_a_readable_test_no_pattern_is_named(test: str) -> None:
    for intent in (
        "explain_result",
        "pattern",
        "curve_shape",
        "is_it_bad",
        "what_is_fev1",
        "next_steps",
        "do_i_have_asthma",
    ):
        case = a_case(test=test)
        if intent in FOLLOW_UPS:
            continue
        text = answer(intent, "Do I have asthma?", View(case), (), random.Random(2)).text
        assert "<|pattern|>" not in text and "normal range" not in text
        assert "no breathing test" in text or "quality of this test" in text


def test_one_blow_is_said_never_to_grade_above_e() -> None:
    case = a_case()
    one = tuple(Fact("blows", "", "1") if fact.name == "blows" else fact for fact in case.facts)
    assert (
        "never grades above E"
        in answer(
            "quality",
            "",
            View(Case(case.patient, case.spirometry, one)),
            (),
            random.Random(3),
        ).text
    )


def test_a_dose_is_declined_and_a_diagnosis_neither_confirmed_nor_ruled_out() -> None:
    view = View(a_case())
    assert "pharmacist" in answer("dose", "What dose of salbutamol should I take?", view, (), random.Random(4)).text
    assert answer("do_i_have_asthma", "Is it COPD?", view, (), random.Random(4)).text.startswith("I cannot confirm or rule out COPD.")


def test_without_a_fitting_passage_the_library_is_said_to_have_none() -> None:
    only = (passage("vaccines", "Influenza vaccine is given every year."),)
    for intent in THEMES:
        if intent == "vaccines":
            continue
        reply = answer(intent, "", View(a_case()), only, random.Random(5))
        assert reply.text.startswith("The library has no passage on") and reply.evidence != "library", intent


def test_a_missing_value_is_said_not_to_be_measured() -> None:
    view = View(Case(Patient(), None, ()))
    for name, _, keys in NUMBERS:
        text = answer("my_numbers", f"what is my {keys[0]}", view, (), random.Random(6)).text
        assert "not measured" in text, name


def test_a_varied_passage_keeps_its_topic_and_changes_its_numbers() -> None:
    first = LIBRARY[0]
    told = {fictional(first, random.Random(seed)).text for seed in range(30)}
    assert len(told) > 4 and any("150" not in text for text in told)
    assert fictional(first, random.Random(1)).topic == first.topic


def test_the_same_seed_gives_the_same_conversation() -> None:
    assert converse(CASES[0], LIBRARY, random.Random(9)) == converse(CASES[0], LIBRARY, random.Random(9))


def test_the_teacher_keeps_up_with_training() -> None:
    rng, start = random.Random(10), time.process_time()
    for _ in range(300):
        converse(CASES[0], LIBRARY, rng)
    assert time.process_time() - start < 1.0


def test_every_wording_about_one_value_names_a_value() -> None:
    for line in teacher._questions()["my_numbers"]:
        assert asked_number(line), line
    assert asked_number("what is my oxygen saturation") == "spo2_percent"
    assert asked_number("tell me something") == ""


def test_a_question_about_obstruction_is_answered_yes_or_no() -> None:
    for name, word in (("obstruction", "Yes."), ("normal", "No."), ("possible_restriction", "No.")):
        text = answer("pattern", "Is there airflow obstruction?", View(a_case(name)), (), random.Random(8)).text
        assert text.startswith(word)


def test_the_cited_sentence_follows_the_words_of_the_question() -> None:
    shelf = (
        passage("smoking", "Support works better than willpower alone. Nicotine patches ease craving.", 1),
        passage("smoking", "Vaping is less harmful than smoking but is not free of harm.", 2),
    )
    view, rng = View(a_case()), random.Random(0)
    assert "Nicotine patches ease craving [1]." in answer("stop_smoking", "Do nicotine patches work?", view, shelf, rng).text
    assert "free of harm [2]." in answer("stop_smoking", "Is vaping ok?", view, shelf, rng).text


def test_the_library_holds_a_passage_for_every_theme() -> None:
    library = read_passages()
    for intent in THEMES:
        assert any(fits(one, intent) for one in library), intent


def test_yes_is_said_only_where_yes_answers() -> None:
    view, rng = View(a_case()), random.Random(0)
    assert answer("exercise", "Should I exercise?", view, LIBRARY, rng).text.startswith("Yes")
    for question in ("How much should I walk?", "Is it dangerous to exercise with low lung function?"):
        assert not answer("exercise", question, view, LIBRARY, rng).text.startswith("Yes"), question
