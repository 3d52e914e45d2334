"""Interpretation by the ERS/ATS 2022 standard: every pattern, the exact edges, GOLD beside it, and what each sentence rests on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from encoders.spirogram import analyse, analyse_reported, to_json
from encoders.spirogram.interpret import FIRMNESS, GOLD, GRADES, QUALITY, STANDARD, WORDS, bronchodilator_response, gold_grade, interpret, severity_of
from encoders.spirogram.results import PATTERNS, Best, Interpretation, Reference
from encoders.spirogram.simulate import simulate

BODY = {"sex": "male", "age_years": 50.0, "height_cm": 175.0}
LLN_RATIO = 0.66


def refs(
    fev1: float | None = 0.0, fvc: float | None = 0.0, ratio: float | None = 0.0, *, measured: float = 0.75, percent: float = 90.0, lln: float = LLN_RATIO
) -> dict[str, Reference]:
    """References with these z-scores; ``measured`` and ``lln`` of the ratio, ``percent`` of predicted of FEV1."""
    return {
        "fev1": Reference(3.0, 3.3, 2.6, fev1, percent), "fvc": Reference(4.0, 4.2, 3.4, fvc, 95.0),
        "fev1_fvc": Reference(measured, 0.79, lln, ratio, None),
    }  # fmt: skip


def read(found: Interpretation | None) -> str:
    assert found is not None
    return " ".join(statement.text for statement in found.statements)


CASES = [
    # FEV1 z, FVC z, ratio z, pattern, severity, what would settle it
    (0.0, 0.0, 0.0, "normal", None, ""), (2.1, 2.3, -0.4, "normal", None, ""), (-1.645, -1.645, -1.645, "normal", None, ""),
    (-1.646, 0.0, -1.646, "obstruction", "mild", "after a bronchodilator"), (-2.5, -1.0, -2.0, "obstruction", "moderate", "after a bronchodilator"),
    (-4.0, -1.0, -3.0, "obstruction", "moderate", "after a bronchodilator"), (-4.001, -1.5, -3.0, "obstruction", "severe", "after a bronchodilator"),
    (-3.0, -2.0, -2.0, "possible_mixed", "moderate", "Lung volumes"), (-1.0, -1.7, -1.7, "possible_mixed", None, "Lung volumes"),
    (-1.0, -1.646, 0.5, "possible_restriction", "mild", "Lung volumes"), (-5.0, -2.5, 0.5, "possible_restriction", "moderate", "Lung volumes"),
    (-3.0, -4.1, 0.5, "possible_restriction", "severe", "Lung volumes"), (-1.7, -1.6, -1.6, "preserved_ratio_impaired", "mild", "repeat"),
    (-1.0, 0.3, -1.9, "possible_dysanapsis", None, "dysanapsis"), (-1.645, -1.0, -1.646, "possible_dysanapsis", None, "dysanapsis"),
]  # fmt: skip


@pytest.mark.parametrize(("fev1", "fvc", "ratio", "pattern", "severity", "settles"), CASES)
def test_pattern_severity_and_what_would_settle_it(fev1: float, fvc: float, ratio: float, pattern: str, severity: str | None, settles: str) -> None:
    found = interpret(refs(fev1, fvc, ratio))
    assert found is not None
    assert (found.pattern, found.severity) == (pattern, severity)
    assert WORDS[pattern] in found.statements[0].text
    assert settles in read(found)
    if severity:
        assert f": {severity} (" in read(found)


def test_every_pattern_is_in_the_table() -> None:
    assert {case[3] for case in CASES} == set(PATTERNS)


@pytest.mark.parametrize(
    ("z", "severity"),
    [(-1.645, None), (-1.6451, "mild"), (-2.4999, "mild"), (-2.5, "moderate"), (-4.0, "moderate"), (-4.0001, "severe"), (5.0, None)],
)
def test_severity_at_its_edges(z: float, severity: str | None) -> None:
    assert severity_of(z) == severity


@pytest.mark.parametrize("missing", ["fev1", "fvc", "fev1_fvc"])
def test_one_missing_value_means_no_interpretation(missing: str) -> None:
    table = refs()
    assert interpret({name: ref for name, ref in table.items() if name != missing}) is None
    assert interpret({**table, missing: Reference(None, 3.0, 2.5, None, None)}) is None


@pytest.mark.parametrize(("z", "is_borderline"), [(-1.445, True), (-1.845, True), (-1.4449, False), (-1.8451, False), (-1.645, True)])
def test_borderline_is_within_two_tenths_of_the_limit(z: float, is_borderline: bool) -> None:
    found = interpret(refs(z, 0.0, 0.0))
    assert found is not None
    assert (found.borderline == ("fev1",)) is is_borderline
    assert ("Borderline: FEV1" in read(found)) is is_borderline


def test_a_degree_near_its_limit_is_called_borderline_too() -> None:
    assert "borderline between mild and moderate" in read(interpret(refs(-2.45, -1.0, -2.0)))
    assert "borderline between moderate and severe" in read(interpret(refs(-4.15, -1.0, -2.0)))
    assert "borderline between" not in read(interpret(refs(-3.2, -1.0, -2.0)))


def test_every_statement_carries_its_source_and_all_but_the_quality_their_numbers() -> None:
    for fev1, fvc, ratio, *_ in CASES:
        for when in (None, "pre", "post"):
            found = interpret(refs(fev1, fvc, ratio, measured=0.69 if ratio > -1.645 else 0.6), bronchodilator=when, grades=("E", "B"))
            assert found is not None
            assert found.statements[0].source == QUALITY
            for statement in found.statements[1:]:
                assert statement.source in {STANDARD, GOLD}
                assert statement.numbers, statement
                assert statement.text.endswith(".")


@pytest.mark.parametrize("grade", list(GRADES))
def test_the_grade_is_said_first_and_how_firm_it_makes_the_reading(grade: str) -> None:
    found = interpret(refs(), grades=(grade, "A"))
    assert found is not None
    assert f"FEV1 grade {grade} and FVC grade A" in found.statements[0].text
    assert GRADES[grade] in found.statements[0].text
    assert found.statements[0].text.endswith(FIRMNESS[grade])
    assert "Pattern" in found.statements[1].text


def test_values_without_a_curve_say_that_their_quality_is_unknown() -> None:
    found = interpret(refs(), grades=("", ""))
    assert found is not None
    assert "quality is not known" in found.statements[0].text


@pytest.mark.parametrize(("percent", "grade"), [(100.0, 1), (80.0, 1), (79.9, 2), (50.0, 2), (49.9, 3), (30.0, 3), (29.9, 4)])
def test_gold_grades_at_their_edges_and_only_after_a_bronchodilator(percent: float, grade: int) -> None:
    assert gold_grade(percent) == grade
    table = refs(-2.0, -1.0, -2.5, measured=0.6, percent=percent)
    assert f"GOLD grade {grade} by FEV1" in read(interpret(table, bronchodilator="post"))
    for when in ("pre", None):
        said = read(interpret(table, bronchodilator=when))
        assert "GOLD grade " not in said.replace("no GOLD grade", "")
        assert "defined after a bronchodilator" in said


def test_gold_stands_apart_from_the_pattern() -> None:
    found = interpret(refs(-2.0, -1.0, -2.5, measured=0.6), bronchodilator="post")
    assert found is not None
    gold = [statement for statement in found.statements if "GOLD" in statement.text]
    assert [statement.source for statement in gold] == [GOLD]
    assert gold[0].text.startswith("Beside it:")
    assert "Pattern" not in gold[0].text


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (0.60, 0.65, "after the bronchodilator GOLD's fixed ratio of 0.70 is undercut (0.65); GOLD grade 2"),
        (0.60, 0.72, "the ratio is 0.72, so"),
        (0.75, 0.80, ""),
    ],
)
def test_where_a_visit_holds_both_gold_speaks_of_the_blows_after(before: float, after: float, said: str) -> None:
    text = read(interpret(refs(-2.0, -1.0, -2.5, measured=before), bronchodilator="pre", after=replace(best(2.4, 4.0), fev1_fvc=after)))
    assert said in text
    assert ("GOLD" in text) is bool(said)


def test_gold_is_not_spoken_of_above_its_ratio_or_in_children() -> None:
    assert "GOLD" not in read(interpret(refs(measured=0.70), bronchodilator="post"))
    assert "GOLD" not in read(interpret(refs(-2.0, -1.0, -2.5, measured=0.6), bronchodilator="post", age_years=11.0))


@pytest.mark.parametrize(
    ("ratio_z", "measured", "lln", "said"),
    [
        (-1.2, 0.68, 0.65, "older age"), (-1.8, 0.74, 0.76, "younger age"), (-1.8, 0.64, 0.65, ""), (0.0, 0.80, 0.70, ""), (-1.645, 0.70, 0.70, ""),
    ],
)  # fmt: skip
def test_where_the_two_limits_disagree_it_is_said_and_why(ratio_z: float, measured: float, lln: float, said: str) -> None:
    text = read(interpret(refs(0.0, 0.0, ratio_z, measured=measured, lln=lln)))
    assert ("The two limits disagree" in text) is bool(said)
    assert ("the same for everyone" in text) is bool(said)
    assert said in text


def test_a_bronchodilator_test_that_was_done_is_not_asked_for_again() -> None:
    low = refs(-2.0, -1.0, -2.5)
    assert "would show how much of it is reversible" in read(interpret(low, bronchodilator="pre"))
    assert "would show how much of it is reversible" not in read(interpret(low, bronchodilator="pre", after=best(2.6, 4.0)))
    assert "whether it stays" in read(interpret(low, bronchodilator="post"))


def best(fev1: float | None, fvc: float | None) -> Best:
    return Best(fev1, fvc, None, "A", "A")


@pytest.mark.parametrize(
    ("pre", "post", "significant"),
    [
        ((3.0, 4.0), (3.4, 4.0), False),  # exactly 10 % of 4.0 L
        ((3.0, 4.0), (3.404, 4.0), True), ((3.0, 4.0), (3.0, 4.5), False), ((3.0, 4.0), (3.0, 4.51), True), ((3.0, 4.0), (2.4, 3.0), False),
        ((3.0, None), (3.5, None), True), ((None, None), (3.5, 4.4), False),
    ],
)  # fmt: skip
def test_a_response_is_more_than_ten_percent_of_predicted(
    pre: tuple[float | None, float | None], post: tuple[float | None, float | None], significant: bool
) -> None:
    found = bronchodilator_response(best(*pre), best(*post), {"fev1": 4.0, "fvc": 5.0})
    assert found.significant is significant
    assert ("a significant response" in found.text) is significant


def test_a_single_blow_is_read_with_its_grade_e_first() -> None:
    result = analyse([simulate(3.0, 4.0)], **BODY)  # type: ignore[arg-type]
    assert result.interpretation is not None
    assert "grade E" in result.interpretation.statements[0].text
    document = to_json(result)["interpretation"]
    assert document["statements"][0].startswith("Quality")
    assert [one["text"] for one in document["sources"]] == document["statements"]
    assert all(one["source"] for one in document["sources"])


def test_reported_values_are_read_with_their_quality_unknown() -> None:
    from encoders.record import ReportedSpirometry

    result = analyse_reported(ReportedSpirometry(fev1_l=2.0, fvc_l=4.0), **BODY)  # type: ignore[arg-type]
    assert "quality is not known" in read(result.interpretation)
