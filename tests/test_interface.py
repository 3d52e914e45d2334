"""The page's panels, and that it is closed to others by default. The page itself: tests/test_browser.py."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from assistant import intake
from assistant.dialogue import examine
from assistant.interface import layout, panels, server
from assistant.session import Citation, RiskEstimate, Session, Turn
from assistant.settings import Settings
from encoders.record import facts
from tests.conftest import ROOT

NAMES = [folder for _, folder in layout.examples()]


def session(name: str) -> Session:
    patient = intake.read(sorted((ROOT / "assets" / "patients" / name).iterdir()))
    return Session(patient, examine(patient), facts(patient))


def test_there_are_at_least_six_examples_of_the_named_kinds() -> None:
    assert {"healthy_runner", "mild_obstruction", "severe_obstruction", "possible_restriction", "poor_effort", "missing_data"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_of_every_example_is_filled(name: str) -> None:
    one = session(name)
    assert "Not measured" in panels.patient_card(one)
    assert "uality" in panels.quality(one.spirometry) or "No usable blow" in panels.quality(one.spirometry)
    assert "FEV1 (L)" in panels.numbers(one.spirometry)


def test_quality_is_named_before_an_interpretation_and_bad_blows_get_none() -> None:
    one = session("poor_effort")
    assert "not allow an interpretation" in panels.numbers(one.spirometry).replace("does not", "not")
    assert "bstruction" not in panels.numbers(one.spirometry)


def test_missing_values_say_so() -> None:
    assert "not measured" in panels.numbers(session("poor_effort").spirometry)
    assert "Smoking status" not in panels.patient_card(session("missing_data")).split("Not measured")[0]


def test_text_of_people_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "record.csv").write_text("name,sex,age,symptoms\n<b>Eve</b>,female,50,<img src=x onerror=alert(1)> cough\n", encoding="utf-8")
    patient = intake.read([tmp_path / "record.csv"])
    card = panels.patient_card(Session(patient, None, facts(patient)))
    assert "<img" not in card
    assert "<b>" not in card
    shown = panels.message(Turn("q", "see <script>alert(1)</script> ![x](http://evil) [y](javascript:1)", done=True))
    assert "<script" not in shown
    assert "](" not in shown


def test_citations_open_their_passage() -> None:
    cited = Turn("q", "Walk [1].", citations=(Citation(1, "walk", "Walking", "Activity", "WHO", "https://www.who.int/", "Walking helps."),), done=True)
    shown = panels.message(cited)
    assert "<details>" in shown
    assert "Walking helps." in shown
    assert "https://www.who.int/" in shown


def test_an_export_says_what_it_is_and_holds_every_turn() -> None:
    one = session("healthy_runner").add(Turn("Is it good?", "Yes.", done=True)).add(Turn("Why?", "Because.", done=True))
    text = panels.transcript(one)
    assert "Research and education" in text
    assert text.index("Is it good?") < text.index("Because.")


def test_risks_stand_beside_the_population_and_the_classical_model() -> None:
    one = Session(session("healthy_runner").patient, risks=(RiskEstimate("diabetes", "diabetes", 0.08, 0.05, 0.12, 0.10, 0.07, ("waist",)),))
    shown = panels.risks(one)
    assert all(part in shown for part in ("8.0 %", "5.0 to 12.0", "10.0 %", "7.0 %", "waist"))


def test_suggestions_fit_the_conversation_and_do_not_repeat() -> None:
    one = session("healthy_runner").add(Turn("Explain my result", "It is normal.", done=True))
    offered = layout.suggestions(one)
    assert len(offered) == 4
    assert "Explain my result" not in offered


def test_the_page_is_not_opened_to_others_without_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    with pytest.raises(ValueError, match="BREATHWISE_PASSWORD"):
        server.launch(SimpleNamespace(settings=Settings()), host="0.0.0.0", port=7999)
