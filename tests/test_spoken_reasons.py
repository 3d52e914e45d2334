"""Reasons in words, in pictures and in reports: they go the way of the estimate and mark the stretch that they name."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assistant import report, spoken_reasons
from assistant.guardrails import check
from assistant.interface.risk_panel import drawn_for, reasons_text, table_of_risks
from assistant.reasons import contributions, explain, spoken_stretch, stretches
from assistant.risk import Risk
from assistant.risk_picture import field_bars, risk_bars, stretch_loop
from assistant.session import Contribution, RiskEstimate, Seen, Session, Turn, begin, turn_json
from encoders.cases import risk_fact
from encoders.record import RISK_TRAITS, Patient, Sex, Smoking
from encoders.spirogram.simulate import simulate
from encoders.tabular import COLUMNS
from tests import tiny

PATIENT = Patient(sex=Sex.MALE, age_years=65.0, height_cm=175.0, smoking_status=Smoking.CURRENT, pack_years=40.0)
AGE, SMOKER, FVC = (COLUMNS.index(name) for name in ("age_years", "smoker", "fvc_l"))
RISKS = tuple(RiskEstimate(trait, words, 0.2, 0.1, 0.3, 0.1, 0.15, ("HbA1c",)) for trait, words in RISK_TRAITS)


class Reads:
    """Log-odds that are written down: age and smoking raise them, FVC and flow from 1 to 2 L lower them."""

    asked = 0

    def score(self, people: list[Any], questions: Any, system: str) -> Any:
        self.asked += 1
        flow = np.array([0.0 if one.curve is None else one.curve[0, 34:66].mean() for one in people])
        tables = np.stack([one.table for one in people])
        return (tables[:, 0, AGE] + 0.7 * tables[:, 0, SMOKER] - 0.5 * tables[:, 0, FVC] - 9.0 * flow)[:, None] * np.ones(len(questions))


def helper() -> Any:
    return SimpleNamespace(reader=Reads(), risk=Risk({"traits": {trait: {"calibration": [0.0, 1.0]} for trait, _ in RISK_TRAITS}}))


def person(fev1_l: float = 1.8, fvc_l: float = 3.6, patient: Patient = PATIENT) -> Session:
    bare = begin(replace(patient, blows=(simulate(fev1_l, fvc_l),)))
    known = tuple(risk_fact(one.trait, one.label, one.probability, one.population) for one in RISKS)
    return replace(bare, facts=(*bare.facts, *known), risks=RISKS)


def told(question: str = "Why is my risk of COPD so high?", answer: str = "", session: Session | None = None, intent: str = "why_risk") -> tuple[str, Turn]:
    return spoken_reasons.add(helper(), session or person(), Turn(question), intent, answer)


def test_the_score_comes_first_and_no_word_changes_it() -> None:
    answer, turn = told()
    assert answer.startswith(
        "The estimated risk of COPD is 20 % (higher than usual), with an interval from 10 % to 30 %; 10 % is usual for your age and sex. What raises it most is your "
    )
    assert turn.reasons == contributions(Reads(), PATIENT, person().spirometry, "copd")


def test_every_reason_has_the_sign_of_its_contribution_and_was_measured() -> None:
    session = person()
    answer, turn = told(session=session)
    raised = answer.split(" lowers ")[0]
    assert "age (65 years)" in raised
    assert "weight" not in answer.lower() and "HbA1c" not in answer, "what was not measured is no reason"
    assert {one.name for one in turn.reasons}.isdisjoint({"weight_kg", "hba1c_percent", "glucose_mg_dl"})
    assert check(answer, (*session.facts, *spoken_reasons.figures(session)), ()).numbers_supported
    younger, _ = told(session=person(patient=replace(PATIENT, age_years=25.0)))
    assert "age (25 years)" in younger.split("hat lowers")[1]


@pytest.mark.parametrize("place", range(6))
def test_the_marked_stretch_is_the_one_that_the_words_name(place: int) -> None:
    edges = np.linspace(0.0, 3.6, 7)
    found = (
        Contribution("curve", "The whole curve", 0.5),
        *(Contribution(f"part_{n}", "", 0.3 if n == place else 0.01, (float(edges[n]), float(edges[n + 1]))) for n in range(6)),
    )
    spoken = spoken_stretch(found)
    assert spoken is not None and spoken.stretch_l == (edges[place], edges[place + 1])
    assert f"the {spoken_reasons.SIXTHS[place]} sixth of the breath out" in spoken_reasons.curve_in_words(found)[0]


def test_the_plot_marks_what_the_turn_speaks_of() -> None:
    session = person()
    _, turn = told(session=session)
    assert turn.plot == "flow_volume" and turn.mark_l == spoken_stretch(turn.reasons).stretch_l  # type: ignore[union-attr]
    assert session.spirometry is not None and turn.mark_l is not None
    axes = drawn_for(turn, session.spirometry).axes[0]
    spans = [patch.get_x() for patch in axes.patches if patch.get_width() == pytest.approx(turn.mark_l[1] - turn.mark_l[0])]  # type: ignore[attr-defined]
    assert spans and spans[0] == pytest.approx(turn.mark_l[0])
    assert not drawn_for(replace(turn, mark_l=None), session.spirometry).axes[0].patches


def test_another_curve_has_other_contributions() -> None:
    first, second = (stretches(explain(helper(), person(*size), "copd")) for size in ((1.8, 3.6), (3.0, 3.6)))
    assert [one.log_odds for one in first] != [one.log_odds for one in second]


def test_a_small_real_model_is_explained_in_one_pass() -> None:
    model = tiny.model()
    found = contributions(model, PATIENT, person().spirometry, "copd")
    assert len(stretches(found)) == 6 and all(np.isfinite(one.log_odds) for one in found)
    assert not {"weight_kg", "hba1c_percent"} & {one.name for one in found}


def test_what_was_reckoned_once_is_kept_with_its_session_alone() -> None:
    one, other, desk = person(), person(), helper()
    explain(desk, one, "copd")
    explain(desk, one.add(Turn("and?")), "copd")
    assert desk.reader.asked == 1 and "copd" not in other.explained
    assert explain(desk, replace(other, risks=()), "copd") == (), "a risk that is not estimated has no reasons"


def test_reasons_are_said_once_and_short_and_those_of_a_model_are_let_go() -> None:
    answer, _ = told(answer="The estimated risk of COPD is 20 % (higher than usual). Never having smoked speaks against it.")
    assert "Never having smoked" not in answer and "speak" not in answer
    assert len(re.split(r"(?<=[.!?]) (?=[A-Z])", answer)) == 4
    raised = re.search(r"What raises it most is (.+?)[;.] ", answer)
    assert raised is not None and raised[1].count("your ") <= 2
    assert answer.endswith("it is not a diagnosis.")


def test_a_field_that_does_little_beside_the_strongest_is_no_reason() -> None:
    found = (Contribution("age_years", "Age", 1.0), Contribution("smoking_status", "Smoking status", 0.2), Contribution("pack_years", "Pack-years", -0.3))
    said = spoken_reasons.reasons_in_words(person().facts, found)
    assert "age" in said and "40" in said.split("lowers")[1] and "smoking status" not in said


def test_the_interval_and_the_usual_chance_are_numbers_that_an_answer_may_hold() -> None:
    session = person()
    answer, _ = told(session=session)
    assert "10 %" in answer and "30 %" in answer
    assert check(answer, (*session.facts, *spoken_reasons.figures(session)), ()).numbers_supported


def test_why_after_a_risk_is_about_that_risk() -> None:
    before = Turn("What is my risk of stroke?", "...", seen=Seen(intent="risks", raw="x", said="<|risk_stroke|>"))
    assert told("Why?", session=person().add(before), intent="why")[0].startswith("The estimated risk of stroke is")
    plain = person().add(replace(before, seen=Seen(intent="quality", raw="x")))
    assert told("Why?", "Because.", session=plain, intent="why")[0] == "Because."


def test_why_this_pattern_after_a_risk_is_about_the_pattern() -> None:
    session = person().add(Turn("What is my risk of COPD?", "...", seen=Seen(intent="risks", raw="x", said="<|risk_copd|>")))
    answer, turn = told("Why this pattern?", "Because of the risk.", session, "why")
    assert answer.startswith("The pattern is ") and "risk" not in answer and "ratio is 0.5" in answer and not turn.reasons


def test_a_scooped_curve_speaks_for_obstruction_and_its_stretch_is_marked() -> None:
    session = person()
    answer, turn = told("Why this pattern?", "Because your ratio is low.", session, "why")
    assert answer.startswith("The pattern is ") and "speaks for it" in answer
    assert session.spirometry is not None and turn.mark_l is not None
    low, high, off = spoken_reasons.bend(session.spirometry.maneuvers[0]) or (0.0, 0.0, 0.0)
    assert turn.mark_l == (low, high) and off < -spoken_reasons.BENT
    place = round(6 * low / (session.spirometry.maneuvers[0].fvc_l or 1.0))
    assert f"the {spoken_reasons.SIXTHS[place]} sixth" in answer
    assert told("Which pattern is it?", "It is.", session, "pattern")[0] == "It is.", "reasons are given where they are asked for"


def test_the_whole_limb_and_its_part_do_not_speak_against_each_other() -> None:
    session = person()
    limb = "On the curve, the nearly straight limb of the loop after the peak speaks against it, and nothing clear speaks for it."
    answer, turn = told("Why this pattern?", f"The pattern is airflow obstruction. {limb}", session, "why_pattern")
    assert limb in answer and turn.mark_l is not None
    rest = answer.replace(limb, "")
    assert "marked on the loop" in rest and "speaks for it" not in rest


def test_the_pictures_show_every_risk_and_its_figures() -> None:
    session = person()
    found = explain(helper(), session, "copd")
    for dark in (False, True):
        axes = risk_bars(session.risks, dark=dark).axes[0]
        assert len(axes.get_yticklabels()) == len(RISKS) and sum(line.get_marker() == "D" for line in axes.lines) == len(RISKS)
        assert field_bars(found, "COPD", dark=dark).axes[0].patches
        assert session.spirometry is not None and stretch_loop(session.spirometry, found, "COPD", dark=dark) is not None
        assert stretch_loop(session.spirometry, tuple(one for one in found if one.stretch_l is None), "COPD", dark=dark) is None
    text = reasons_text(session, "copd", found)
    assert text.count("<tr>") == len(found) + 1 and "HbA1c" in table_of_risks(session.risks)


def test_reports_hold_the_picture_and_the_reasons_that_were_asked_for(tmp_path: Path) -> None:
    session = person()
    assert "What they rest on" not in report.markdown(session)
    _, turn = told(session=session)
    explain(helper(), session, "copd")
    text = report.markdown(session.add(turn))
    assert "![Risks](data:image/png" in text and "What raises it most is" in text and "Not measured, so not read: HbA1c." in text
    assert report.document(session)["reasons"]["copd"][0]["odds_ratio"] > 0
    assert turn_json(turn)["mark_l"] == turn.mark_l and len(turn_json(turn)["reasons"]) == len(turn.reasons)
    report.write(session, tmp_path / "risks.pdf")
    assert (tmp_path / "risks.pdf").read_bytes().startswith(b"%PDF")
