"""Pictures say what was measured, for every example, without pyplot's global state."""

from __future__ import annotations

import datetime as dt
from dataclasses import astuple, replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from assistant import intake
from assistant.session import examine
from encoders.record import ReportedSpirometry
from encoders.spirogram import analyse, plot
from encoders.spirogram.read import Blow
from encoders.spirogram.results import Finding, Spirometry
from encoders.spirogram.simulate import simulate
from encoders.spirogram.visits import Visits, follow
from tests.conftest import ROOT

NAMES = sorted(path.name for path in (ROOT / "assets" / "patients").iterdir() if path.is_dir())


@cache
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


BODY: dict[str, Any] = {"sex": "male", "age_years": 60.0, "height_cm": 175.0}


def named(*blows: Blow, states: tuple[str | None, ...] = ()) -> list[Blow]:
    return [replace(blow, id=str(index + 1), bronchodilator=states[index] if states else None) for index, blow in enumerate(blows)]


def whole_loop(blow: Blow, pif_l_s: float = 6.0) -> Blow:
    """The blow with the inspiration after it: a half sine of flow that draws nearly all of the volume in again."""
    step = float(blow.time_s[1] - blow.time_s[0])
    volume = 0.98 * float(blow.volume_l[-1])
    inward = -pif_l_s * np.sin(np.linspace(0.0, np.pi, round(volume * np.pi / 2.0 / pif_l_s / step)))
    inward *= volume / (-inward.sum() * step)
    return Blow(
        np.arange(len(blow.time_s) + len(inward)) * step, np.concatenate([blow.volume_l, blow.volume_l[-1] + np.cumsum(inward) * step]),
        np.concatenate([blow.flow_l_s, inward]),
    )  # fmt: skip


CASES = (
    "normal", "severe_obstruction", "cough", "slow_start", "early_end", "hesitation", "glottic_closure", "many_faults", "three_blows", "eight_blows",
    "pre_and_post", "six_pre_and_post", "whole_loop", "small_child", "no_reference",
)  # fmt: skip


@cache
def case(name: str) -> Spirometry:
    if name in ("cough", "slow_start", "early_end", "hesitation", "glottic_closure"):
        return analyse([simulate(3.2, 4.2, faults=(name,), seed=1)], **BODY)
    if name == "small_child":
        return analyse([simulate(1.1, 1.25, 2.6, None, 0.03, 2.5)], sex="male", age_years=7.0, height_cm=122.0)
    if name == "no_reference":
        return analyse([simulate(3.4, 4.4)], sex=None, age_years=None, height_cm=None)
    blows = {
        "normal": lambda: [simulate(3.4, 4.4)],
        "severe_obstruction": lambda: [simulate(0.8, 2.6, 2.2, 0.3, 0.05, 12.0)],
        "many_faults": lambda: [simulate(3.2, 4.2, faults=("slow_start", "cough", "early_end"), seed=1)],
        "three_blows": lambda: named(simulate(3.4, 4.4), simulate(3.3, 4.3), simulate(3.25, 4.35, 7.0)),
        "eight_blows": lambda: named(*(simulate(3.4 - 0.02 * k, 4.4 - 0.02 * k) for k in range(8))),
        "pre_and_post": lambda: named(simulate(2.0, 3.8, 5.0), simulate(2.5, 4.1, 6.0), states=("pre", "post")),
        "six_pre_and_post": lambda: named(
            *(simulate(fev1, 1.9 * fev1, 2.5 * fev1) for fev1 in (2.0, 1.95, 1.9, 2.3, 2.25, 2.2)), states=("pre",) * 3 + ("post",) * 3
        ),
        "whole_loop": lambda: [whole_loop(simulate(3.4, 4.4))],
    }[name]()
    return analyse(blows, **BODY)


def told(year: int, fev1: float | None = None, fvc: float | None = None, ratio: float | None = None) -> ReportedSpirometry:
    return ReportedSpirometry(fev1_l=fev1, fvc_l=fvc, fev1_fvc=ratio, date=dt.date(year, 3, 1))


SERIES = {
    "two_visits": [told(2020, 3.0, 4.0), told(2022, 2.85, 3.9)],
    "six_visits": [told(2014 + 2 * k, 3.1 - 0.1 * k, 4.1 - 0.07 * k) for k in range(6)],
    "ratios": [told(2011 + k, ratio=ratio) for k, ratio in enumerate((0.71, 0.59, 0.67, 0.53, 0.59, 0.51, 0.71, 0.74, 0.53))],
    "weeks": [replace(told(2024, 3.0 - 0.1 * k, 4.0), date=dt.date(2024, 1 + k, 5)) for k in range(2)],
}


def series(name: str, **body: Any) -> Visits:
    found = follow(reported=SERIES[name], **(body or BODY))
    assert found is not None
    return found


def texts(figure: Figure) -> list[Text]:
    """Everything that is written on the picture and seen."""
    axes = figure.axes[0]
    ticks = []
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks += [tick.label1 for tick in axis.get_major_ticks() if low - 1e-9 <= tick.get_loc() <= high + 1e-9]
    legend = [text for box in figure.legends for text in box.get_texts()]
    written = [*axes.texts, axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, figure._suptitle, *ticks, *legend]  # type: ignore[attr-defined]
    return [text for text in written if text is not None and text.get_visible() and text.get_text().strip()]


def assert_readable(figure: Figure) -> None:
    """All words lie inside the picture, the labels inside the axes, and none on another."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    width, height = canvas.get_width_height()
    boxes = [(text.get_text(), Text.get_window_extent(text, renderer)) for text in texts(figure)]
    for said, box in boxes:
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1, f"{said!r} leaves the picture"
    frame = figure.axes[0].get_window_extent(renderer)
    for text in figure.axes[0].texts:
        if text.get_text():
            box = Text.get_window_extent(text, renderer)
            assert box.x0 >= frame.x0 - 2 and box.x1 <= frame.x1 + 2 and box.y0 >= frame.y0 - 2 and box.y1 <= frame.y1 + 2, (
                f"{text.get_text()!r} leaves the axes"
            )
    for (one, first), (other, second) in combinations(boxes, 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        up = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert across <= 0.5 or up <= 0.5, f"{one!r} and {other!r} overlap"


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("draw", [plot.flow_volume, plot.volume_time])
def test_words_lie_inside_and_apart(name: str, draw: Any) -> None:
    assert_readable(draw(case(name), dark=name == "six_pre_and_post"))


@pytest.mark.parametrize(("fev1", "fvc"), [(3.4, 4.4), (0.3, 1.2), (6.3, 7.5)])
def test_words_on_the_bars_lie_inside_and_apart(fev1: float, fvc: float) -> None:
    assert_readable(plot.z_bars(analyse([simulate(fev1, fvc)], **BODY)))


@pytest.mark.parametrize("name", list(SERIES))
def test_words_on_a_trend_lie_inside_and_apart(name: str) -> None:
    assert_readable(plot.trend(series(name), dark=name == "two_visits"))
    assert_readable(plot.trend(series(name, sex=None)))


def test_a_word_on_another_or_outside_is_noticed() -> None:
    figure = plot.z_bars(case("normal"))
    figure.axes[0].annotate("astray", (-6.0, 0.0), (-300, 0), textcoords="offset points")
    with pytest.raises(AssertionError, match="leaves the"):
        assert_readable(figure)
    figure = plot.z_bars(case("normal"))
    for _ in range(2):
        figure.axes[0].annotate("twice", (-3.0, 1.0))
    with pytest.raises(AssertionError, match="overlap"):
        assert_readable(figure)


def test_words_on_the_example_patients_lie_inside_and_apart() -> None:
    for name in NAMES:
        assert_readable(plot.flow_volume(example(name)))
        assert_readable(plot.volume_time(example(name)))


@pytest.mark.parametrize("fault", ["cough", "slow_start", "early_end", "hesitation", "glottic_closure"])
def test_a_fault_is_shaded_and_named_on_both_pictures(fault: str) -> None:
    for draw in (plot.flow_volume, plot.volume_time):
        shaded = [patch for patch in draw(case(fault)).axes[0].patches if patch.get_hatch()]
        assert shaded
        assert fault.replace("_", " ") in words(draw(case(fault)))
        assert len(draw(case("normal")).axes[0].patches) == 0


def test_a_fault_without_a_place_and_those_of_other_blows_are_named_above() -> None:
    result = case("three_blows")
    first, second, third = result.maneuvers
    spoiled = replace(
        result,
        maneuvers=(
            replace(first, findings=(Finding("low_sampling_rate", "..."),)), replace(second, findings=(Finding("cough", "...", 0.3, 0.5),)), third,
        ),
    )  # fmt: skip
    for draw in (plot.flow_volume, plot.volume_time):
        assert "blow 1: low sampling rate; blow 2: cough" in words(draw(spoiled))


def test_all_blows_are_drawn_and_the_chosen_one_is_bold() -> None:
    result = case("three_blows")
    assert result.best is not None
    lines = [line for line in plot.flow_volume(result).axes[0].lines if str(line.get_label()).startswith("blow")]
    assert len(lines) == 3
    bold = max(lines, key=lambda line: line.get_linewidth())
    assert bold.get_label() == f"blow {result.maneuvers[result.best.chosen or 0].blow.id}, chosen"
    assert sum(line.get_linewidth() > 2 for line in lines) == 1


def test_before_and_after_stand_in_one_frame_each_with_a_bold_blow() -> None:
    lines = [line for line in plot.volume_time(case("six_pre_and_post")).axes[0].lines if str(line.get_label()).endswith("chosen")]
    assert [str(line.get_label()) for line in lines] == ["blow 1 (pre), chosen", "blow 4 (post), chosen"]
    assert lines[0].get_linestyle() != lines[1].get_linestyle()
    said = words(plot.volume_time(case("six_pre_and_post")))
    assert "FEV1 2.0" in said
    assert "FEV1 post 2.3" in said


def test_no_two_blows_share_a_line_in_grey() -> None:
    lines = [line for line in plot.flow_volume(case("six_pre_and_post")).axes[0].lines if str(line.get_label()).startswith("blow")]
    assert len({(line.get_linewidth(), str(line._unscaled_dash_pattern)) for line in lines}) == len(lines) == 6  # type: ignore[attr-defined]


def luminance(color: str) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("ink", [plot.LIGHT, plot.DARK])
def test_inks_stand_out_from_their_paper(ink: Any) -> None:
    """WCAG 2.2: 4.5 for words, 3 for lines."""

    def contrast(color: str) -> float:
        low, high = sorted((luminance(color), luminance(ink.paper)))
        return (high + 0.05) / (low + 0.05)

    assert len(set(astuple(ink))) == 8
    assert all(contrast(color) >= 4.5 for color in (ink.text, ink.reference))
    assert all(contrast(color) >= 3.0 for color in (ink.pre, ink.post, ink.faint))


def test_an_inspiration_is_drawn_where_the_blow_holds_one() -> None:
    loop, blow = plot.flow_volume(case("whole_loop")), plot.flow_volume(case("normal"))
    assert "inspiration" in words(loop)
    assert loop.axes[0].get_ylim()[0] < -4
    assert min(float(np.min(line.get_ydata())) for line in loop.axes[0].lines) < -4
    assert "inspiration" not in words(blow)
    assert blow.axes[0].get_ylim()[0] == 0


@pytest.mark.parametrize("name", ["severe_obstruction", "whole_loop", "small_child", "eight_blows"])
def test_every_loop_keeps_the_standards_proportions(name: str) -> None:
    figure = plot.flow_volume(case(name))
    FigureCanvasAgg(figure).draw()
    axes = figure.axes[0]
    (x0, y0), (x1, y1) = axes.transData.transform([(0.0, 0.0), (1.0, 2.0)])
    assert x1 - x0 == pytest.approx(y1 - y0, rel=1e-6)  # 1 L as long as 2 L/s


def test_predicted_and_limits_stand_on_both_pictures() -> None:
    loop, curve = plot.flow_volume(case("normal")), words(plot.volume_time(case("normal")))
    assert "FVC LLN 3.14 L" in words(loop)
    assert any("FVC predicted" in text.get_text() for box in loop.legends for text in box.get_texts())
    for said in ("FEV1 LLN", "FEV1 predicted", "FVC LLN", "FVC predicted", "time zero", "end plateau"):
        assert said in curve


def test_a_blow_that_ends_early_has_no_plateau() -> None:
    assert "end plateau" not in words(plot.volume_time(case("early_end")))


def test_names_from_a_file_are_written_as_they_are() -> None:
    result = analyse([replace(simulate(3.4, 4.4), id="$x^2$ <b> _a very long name of a blow")], **BODY)
    figure = plot.flow_volume(result)
    FigureCanvasAgg(figure).draw()
    assert "\\$x^2\\$" in str(figure.axes[0].lines[0].get_label())
    assert_readable(figure)


def test_breathing_at_rest_is_drawn_without_marks() -> None:
    time = np.arange(0.0, 8.0, 0.01)
    volume = 0.25 * (1 - np.cos(2 * np.pi * time / 4.0))
    result = analyse([Blow(time, volume, np.gradient(volume, time))], **BODY)
    for draw in (plot.flow_volume, plot.volume_time):
        figure = draw(result)
        assert "not an expiration" in words(figure)
        assert_readable(figure)


def test_a_trend_shows_litres_with_their_limits_or_the_ratio_alone() -> None:
    litres, ratios = plot.trend(series("six_visits")), plot.trend(series("ratios"))
    legend = [text.get_text() for text in litres.legends[0].get_texts()]
    assert legend == ["FVC", "FVC predicted", "FVC LLN", "FEV1", "FEV1 predicted", "FEV1 LLN"]
    assert "FEV1 -50 mL a year" in words(litres)
    assert words(ratios).count("Volume") == 0
    assert [text.get_text() for text in ratios.legends[0].get_texts()] == ["FEV1/FVC", "FEV1/FVC predicted", "FEV1/FVC LLN"]
    assert "a year" not in words(plot.trend(series("weeks")))
