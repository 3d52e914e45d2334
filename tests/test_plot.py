"""Pictures say what was measured, for every example, without pyplot's global state."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from assistant import intake
from assistant.dialogue import examine
from encoders.spirogram import plot
from encoders.spirogram.results import Spirometry
from tests.conftest import ROOT

NAMES = sorted(path.name for path in (ROOT / "assets" / "patients").iterdir() if path.is_dir())


def example(name: str) -> Spirometry:
    spirometry = examine(intake.read(sorted((ROOT / "assets" / "patients" / name).iterdir())))
    assert spirometry is not None
    return spirometry


def words(figure: Figure) -> str:
    axes = figure.axes[0]
    return " ".join([axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel(), *(text.get_text() for text in axes.texts)])


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_drawn(name: str, tmp_path: Path) -> None:
    for draw in (plot.flow_volume, plot.volume_time, plot.z_bars):
        for dark in (False, True):
            figure = draw(example(name), dark=dark)
            figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 3000


def test_marks_carry_the_measured_values() -> None:
    spirometry = example("severe_obstruction")
    assert spirometry.best is not None
    loop, curve = words(plot.flow_volume(spirometry)), words(plot.volume_time(spirometry))
    assert f"PEF {spirometry.best.pef_l_s:.1f} L/s" in loop
    assert f"FEV1 {spirometry.best.fev1_l:.2f} L" in loop
    assert "FVC LLN" in loop
    assert f"FEV1 {spirometry.best.fev1_l:.2f} L" in curve
    assert "time zero" in curve
    assert "FEV1 LLN" in curve


def test_a_loop_keeps_the_standards_proportions() -> None:
    figure = plot.flow_volume(example("healthy_runner"))
    assert figure.axes[0].get_aspect() == 0.5


def test_faults_are_pointed_out() -> None:
    assert "cough" in words(plot.volume_time(example("poor_effort"))) + words(plot.flow_volume(example("poor_effort"))) or "slow start" in words(
        plot.volume_time(example("poor_effort"))
    )


def test_without_reference_values_nothing_is_compared() -> None:
    assert "LLN" not in words(plot.flow_volume(example("missing_data")))
