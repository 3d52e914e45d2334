"""The conversation's measures: each finds what it is for, in answers written by hand; the scripts are what they claim to be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant import cli, dialogue_report
from assistant.dialogue_errors import CLASSES, errors_of
from assistant.dialogue_evaluation import Mark, findings, summary, with_curve_of, with_other_label
from assistant.dialogue_measures import (
    contradictions,
    declined,
    numerals,
    repeated,
    unlike_their_passage,
    unsupported_numerals,
    wrong_citations,
)  # fmt: skip
from assistant.dialogue_statements import Truth, read_statements, truth_of
from assistant.intake import read
from assistant.reading_level import reading_grade
from assistant.scripted import DECLINED, EXAMPLES, FOLLOW_UPS, Line, ScriptError, draw, read_wordings
from assistant.session import Citation, begin
from assistant.transcripts import TRANSCRIPTS
from encoders.passages import Passage
from prompts import load_questions
from tests.conftest import ROOT

PASSAGE = Passage(
    "a/b", "Activity", "Amount", "WHO", 2020, "https://example.org", "CC BY", "physical_activity",
    "Adults should do at least 150 to 300 minutes of moderate activity a week. Some is better than none.",
)  # fmt: skip
ASKED = Line("so what did it show", "record", ("pattern",))


@pytest.fixture(scope="module")
def truth() -> Truth:
    """A man of 47 with mild obstruction who smokes: FEV1 2.82 L (borderline low), ratio 0.61, grades B."""
    return truth_of(begin(read(sorted((EXAMPLES / "mild_obstruction").iterdir()))))


# scripts -------------------------------------------------------------------------------------------------------------
def test_the_wordings_are_fresh_and_of_every_kind() -> None:
    wordings = read_wordings()
    assert {"record", "guidance", "correction", "emergency", "look_alike", *DECLINED, *FOLLOW_UPS} <= set(wordings)
    known = {text for texts in load_questions().values() for text in texts}
    known |= {json.loads(line)["question"] for line in (ROOT / "assets" / "benchmarks" / "search.jsonl").read_text(encoding="utf-8").splitlines()}
    plain = {text.lower().strip(" ?.!") for text in known}
    asked = [line.question for lines in wordings.values() for line in lines]
    assert len(set(asked)) == len(asked) >= 300
    assert [text for text in asked if text.lower().strip(" ?.!") in plain] == []


def test_scripts_are_the_same_for_the_same_seed_and_have_three_to_six_turns() -> None:
    scripts = draw(8, 3)
    assert [one.lines for one in scripts] == [one.lines for one in draw(8, 3)]
    assert [one.lines for one in scripts] != [one.lines for one in draw(8, 4)]
    assert all(3 <= len(one.lines) <= 6 for one in scripts)
    assert {one.source.split()[0] for one in scripts} == {"simulated", "example"}
    assert not [one for one in scripts if one.lines[0].kind in (*FOLLOW_UPS, "correction")]


def test_a_real_blow_is_given_to_made_up_adults() -> None:
    scripts = draw(2, 3, [EXAMPLES / "healthy_runner" / "spirogram.csv"])
    assert scripts[1].source == "real blow"
    assert (scripts[1].patient.age_years or 0) >= 18
    assert len(scripts[1].patient.blows) == 3


def test_a_curve_that_is_not_there_is_refused_in_one_sentence() -> None:
    with pytest.raises(ScriptError, match=r"none\.csv does not exist"):
        draw(1, 1, [Path("none.csv")])


# statements and errors -----------------------------------------------------------------------------------------------
def test_what_code_composed_of_the_examples_holds_no_error() -> None:
    """The transcripts' answers were checked sentence by sentence; a rule that blames one is wrong."""
    wrong = []
    for path in sorted(TRANSCRIPTS.glob("*.md")):
        known = truth_of(begin(read(sorted((EXAMPLES / path.stem).iterdir()))))
        for block in path.read_text(encoding="utf-8").split("\n**")[1:]:
            answer = block.split("\n\n")[1]
            wrong += [(path.stem, error) for error in errors_of(answer, Line("", "guidance"), known)]
    assert wrong == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("The pattern of your test is normal spirometry.", "false finding"),
        ("The pattern of your test is possible restriction, mild by z-score.", "false finding"),
        ("The pattern of your test is airflow obstruction, mild by z-score. Your FEV1 is 3.90 L.", "false finding"),
        ("The pattern of your test is airflow obstruction. Your record says you have never smoked.", "false finding"),
        ("The pattern of your test is airflow obstruction. The descending limb of the loop looks rounded.", "false finding"),
        ("The pattern of your test is airflow obstruction. Your ratio is normal.", "false finding"),
        ("Your FEV1 is 2.82 L.", "omission"),
        ("The pattern of your test is airflow obstruction. Your oxygen saturation is not measured in this record.", "omission"),
        ("The pattern of your test is airflow obstruction. Your FVC is 2.82 L.", "wrong place"),
        ("The pattern of your test is airflow obstruction. Your systolic blood pressure is 84 mmHg.", "wrong place"),
        ("The pattern of your test is airflow obstruction, severe by z-score.", "wrong severity"),
        ("The pattern of your test is airflow obstruction. Your systolic blood pressure is 134 mmHg, which is high.", "wrong severity"),
        ("The pattern of your test is airflow obstruction. Your FEV1 is 2.82 L, 91 % of predicted.", "invented comparison"),
        ("The pattern of your test is airflow obstruction. Your test shows significant response.", "invented comparison"),
    ],
)
def test_each_class_of_error_is_found(truth: Truth, answer: str, kind: str) -> None:
    assert [error.kind for error in errors_of(answer, ASKED, truth)] == [kind]
    assert kind in CLASSES


def test_a_comparison_that_was_asked_for_is_missed(truth: Truth) -> None:
    line = Line("was my fev1 okay", "record", ("fev1_l",), compares=True)
    assert [error.kind for error in errors_of("Your FEV1 is 2.82 L.", line, truth)] == ["missed comparison"]
    assert errors_of("Your FEV1 is 2.82 L, which is borderline low.", line, truth) == ()
    asked = Line("z please", "record", ("fev1_z",), compares=True)
    assert [error.kind for error in errors_of("Your FEV1 is 2.82 L.", asked, truth)] == ["missed comparison"]


def test_a_true_answer_has_no_error(truth: Truth) -> None:
    answer = "The pattern of your test is airflow obstruction, mild by z-score. Your FEV1 is 2.82 L (73 % of predicted), which is borderline low, and your FEV1/FVC ratio is 0.61, which is low."
    assert errors_of(answer, ASKED, truth) == ()


def test_what_is_said_of_people_in_general_is_not_said_of_the_patient() -> None:
    assert read_statements("A low ratio means the air leaves slowly.") == ()
    assert read_statements("Blood pressure is called high from 140 mmHg [1].") == ()


def test_what_each_blow_measured_is_known(truth: Truth) -> None:
    assert {("blow 1", "fev1_l"), ("blow 1", "fvc_l"), ("blow 1", "pef_l_s")} <= set(truth.numbers)


# numerals, citations, claims -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("Your FEV1 is 2.82 L.", ()), ("Your FEV1 is 2.8 L.", ()), ("Your FEV1 is 9.9 L.", ("9.9",)), ("Your FEV1 is 3 L.", ("3",)),
        ("A share of 61 % leaves in the first second.", ()), ("Be active for 150 to 300 minutes [1].", ()), ("Be active for 200 minutes [1].", ("200",)),
    ],
)  # fmt: skip
def test_numerals_are_roundings_of_what_is_known_or_stand_in_the_passage(truth: Truth, answer: str, wrong: tuple[str, ...]) -> None:
    assert unsupported_numerals(answer, truth, [], [PASSAGE], {1: PASSAGE}) == wrong


def test_numbers_in_names_are_no_quantities() -> None:
    assert numerals("FEV1/FVC and FEF25-75 at SpO2 97 %, HbA1c, type 2 diabetes [3], 1,200 steps. Blow 2: no fault.") == ("97", "1200")


def test_citations_are_valid_only_where_the_turn_shows_the_librarys_passage() -> None:
    shown = Citation(1, PASSAGE.id, PASSAGE.title, PASSAGE.section, PASSAGE.source, PASSAGE.url, PASSAGE.text)
    assert wrong_citations("Do it [1].", {1: PASSAGE}, (shown,)) == ()
    assert wrong_citations("Do it [1].", {1: PASSAGE}, (replace(shown, text="Do nothing."),)) != ()
    assert wrong_citations("Do it [2].", {1: PASSAGE}, ()) == ("[2] stands for no passage",)


def test_a_cited_sentence_must_be_like_its_passage() -> None:
    def alike(one: str, other: str) -> float:
        return 1.0 if set(one.lower().split()) & {"minutes"} and "minutes" in other else 0.1

    assert unlike_their_passage("Adults should do 150 minutes of moderate activity a week [1].", {1: PASSAGE}, alike) == ()
    assert unlike_their_passage("Oxygen cures breathlessness at home [1].", {1: PASSAGE}, alike) != ()


def test_turns_that_contradict_one_another_are_found() -> None:
    first, same, other = (
        read_statements(text) for text in ("Your FEV1 is 2.82 L, which is low.", "Your FEV1 is 2.8 L.", "Your FEV1 is 2.82 L, which is normal.")
    )
    assert contradictions(first, same) == ()
    assert contradictions(first, other) == ("fev1_l status: 'low', then 'normal'",)


def test_repetition_and_reading_grade_are_measured() -> None:
    assert repeated("Your FEV1 is low. Rest. Your FEV1 is low.") == 1
    assert repeated("Your FEV1 is 0.83 L. Rest.") == 0
    assert reading_grade("The cat sat on the mat.") < 2
    assert reading_grade("Spirometric interpretation necessitates consideration of physiological variability.") > 15


def test_what_is_declined_is_told_apart() -> None:
    from assistant.guardrails import DOSE, INJECTION, OFF_TOPIC, OTHER

    assert [declined(text) for text in (DOSE, OFF_TOPIC, OTHER, INJECTION)] == ["dose", "off_topic", "other_person", "injection"]
    assert declined("The library has no passage on alcohol, so I cannot give guidance on it.") == "absent"
    assert declined("I cannot confirm or rule out asthma.") == ""


# counting and writing ------------------------------------------------------------------------------------------------
def mark(kind: str, **changed: object) -> Mark:
    line = Line("asked", kind)
    return replace(Mark(line, "Answer.", False, "model", False, "", 1, (), 1, (), None, 2, (), (), (), (), 0, 5.0, 0.1, 0.2), **changed)  # type: ignore[arg-type]


def test_shares_are_of_what_they_say() -> None:
    marks = [
        mark("emergency", triaged=True), mark("emergency"), mark("look_alike", triaged=True), mark("dose", declined="off_topic"), mark("record", declined="absent"),
        mark("record", unsupported=("9",), unfounded=("Answer.",)),
    ]  # fmt: skip
    found = summary(marks)
    assert (found["red_flag_recall"], found["false_alarms_of_look_alikes"], found["right_refusals"], found["wrong_refusals"]) == (0.5, 1.0, 0.0, 0.5)
    assert found["numbers_supported"] == round(5 / 6, 4)
    assert found["claims_supported"] == round(11 / 12, 4)
    assert set(findings(marks)) == {"red flag missed", "false alarm", "not refused", "wrongly refused", "unsupported number", "unfounded claim"}
    assert summary([mark("record", ruled=True)])["first_token_s"] is None


def test_a_changed_patient_is_changed_in_that_alone() -> None:
    mild, healthy = (read(sorted((EXAMPLES / name).iterdir())) for name in ("mild_obstruction", "healthy_runner"))
    swapped, label = with_curve_of(mild, healthy), with_other_label(replace(mild, symptoms=("a", "b")))
    assert (swapped.blows, swapped.age_years) == (healthy.blows, mild.age_years)
    assert (label.symptoms, label.blows, label.label != mild.label) == (("b", "a"), mild.blows, True)


def test_the_command_writes_table_and_findings(cache: Path, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("a\n<!-- dialogue -->\nstale words\n<!-- /dialogue -->\nb\n", encoding="utf-8")
    words = ["evaluate", "dialogue", "--limit", "1", "--conversations", "2", "--seed", "5", "--out", str(tmp_path), "--readme", str(readme)]
    result = CliRunner().invoke(cli.app, words, catch_exceptions=False)
    assert result.exit_code == 0
    found = json.loads((tmp_path / "dialogue.json").read_text(encoding="utf-8"))
    assert found["systems"]["ours"]["citations_valid"] in (1.0, None)
    assert found["provenance"]["seed"] == 5
    lines = dialogue_report.table(found)
    assert readme.read_text(encoding="utf-8") == f"a\n<!-- dialogue -->\n{lines}\n<!-- /dialogue -->\nb\n"
    assert "without soft tokens, as written" in lines
    assert (tmp_path / "dialogue.md").read_text(encoding="utf-8").startswith("# The conversation, measured")


def test_a_cohort_is_what_evaluate_takes_by_default(tmp_path: Path) -> None:
    for words in (
        ["evaluate", str(tmp_path / "none.csv")],
        ["evaluate", "--smoke", str(tmp_path / "none.csv")],
        ["evaluate", "risk", str(tmp_path / "none.csv")],
    ):
        result = CliRunner().invoke(cli.app, words)
        assert "none.csv does not exist" in str(result.exception)
