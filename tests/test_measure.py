"""The numbers of a blow, against simulated truth and the public UK Biobank example."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.spirogram.measure import measure
from encoders.spirogram.read import Blow, read_curves
from encoders.spirogram.simulate import simulate

BLOW = simulate(3.1, 4.0, 8.0, 3.0, 0.06, 7.0)


@pytest.mark.parametrize("file", ["ukb_3066_demo_string.txt", "ukb_3066_demo.csv"])
def test_the_public_example_measures_to_its_published_values(shared_data: Path, file: str) -> None:
    m = measure(read_curves(shared_data / file)[0])
    assert m.fvc_l == pytest.approx(5.836, abs=0.005)
    assert m.fev1_l == pytest.approx(4.68, abs=0.03)
    assert m.bev_l == pytest.approx(0.06, abs=0.005)
    assert m.fef25_75_l_s == pytest.approx(4.45, rel=0.05)
    assert m.pef_l_s is not None
    assert 10.0 <= m.pef_l_s <= 11.5
    assert m.fet_s == pytest.approx(11.8, abs=0.2)


@settings(max_examples=40, deadline=None)
@given(
    fvc=st.floats(1.2, 6.5), ratio=st.floats(0.40, 0.88), peak=st.floats(2.3, 3.0), start=st.floats(0.015, 0.03), longer=st.floats(0.0, 4.0)
)  # fmt: skip
def test_a_simulated_blow_measures_to_what_was_wished(fvc: float, ratio: float, peak: float, start: float, longer: float) -> None:
    fev1, bev, fet = fvc * ratio, start * fvc, 6.0 + 12.0 * max(0.0, 0.8 - ratio) + longer  # narrow airways need time
    fef = fvc * 0.763 * float(np.exp(4.7 * (ratio - 0.8)))
    m = measure(simulate(fev1, fvc, peak * fev1, fef, bev, fet))
    for got, wished in ((m.fev1_l, fev1), (m.fvc_l, fvc), (m.pef_l_s, peak * fev1)):
        assert got == pytest.approx(wished, rel=0.02, abs=0.02)
    assert m.fef25_75_l_s == pytest.approx(fef, rel=0.05, abs=0.02)
    assert m.bev_l == pytest.approx(bev, abs=0.03)


@given(shift=st.integers(0, 300), tail=st.integers(0, 400))
@settings(max_examples=20, deadline=None)
def test_silence_before_and_after_changes_nothing(shift: int, tail: int) -> None:
    volume = np.concatenate([np.zeros(shift), BLOW.volume_l, np.full(tail, BLOW.volume_l[-1])])
    time = np.arange(len(volume)) * 0.01
    moved, still = measure(Blow(time, volume, np.gradient(volume, time))), measure(BLOW)
    for name in ("fev1_l", "fvc_l", "bev_l", "fef25_75_l_s", "fet_s"):
        assert getattr(moved, name) == pytest.approx(getattr(still, name), abs=1e-6)


@pytest.mark.parametrize("hertz", [50, 100, 200, 500, 1000])
def test_the_sampling_rate_changes_nothing_that_matters(hertz: int) -> None:
    fine = simulate(3.1, 4.0, 8.0, 3.0, 0.06, 7.0, sampling_hz=1000)
    step = 1000 // hertz
    time, volume = fine.time_s[::step], fine.volume_l[::step]
    m, truth = measure(Blow(time, volume, np.gradient(volume, time))), measure(fine)
    assert m.fev1_l == pytest.approx(truth.fev1_l, rel=0.01)
    assert m.fvc_l == pytest.approx(truth.fvc_l, rel=0.01)
    assert m.fef25_75_l_s == pytest.approx(truth.fef25_75_l_s, rel=0.02)
    assert m.bev_l == pytest.approx(truth.bev_l, abs=0.01)


def test_an_inspiration_before_and_after_is_not_part_of_the_blow() -> None:
    breath = np.linspace(0.0, -1.2, 120)
    after = np.linspace(BLOW.volume_l[-1], BLOW.volume_l[-1] - 4.0, 150)
    volume = np.concatenate([breath, BLOW.volume_l - 1.2, after - 1.2])
    time = np.arange(len(volume)) * 0.01
    m, alone = measure(Blow(time, volume, np.gradient(volume, time))), measure(BLOW)
    assert m.fvc_l == pytest.approx(alone.fvc_l, abs=0.02)
    assert m.fev1_l == pytest.approx(alone.fev1_l, abs=0.03)
    assert m.fivc_l == pytest.approx(4.0, abs=0.05)


def test_a_curve_cut_within_a_second_has_no_fev1() -> None:
    keep = BLOW.time_s < 0.9
    cut = replace(BLOW, time_s=BLOW.time_s[keep], volume_l=BLOW.volume_l[keep], flow_l_s=BLOW.flow_l_s[keep])
    assert measure(cut).fev1_l is None


@pytest.mark.parametrize("volume", [np.zeros(500), np.full(500, 2.0), np.linspace(3, 0, 500)], ids=["nothing", "constant", "only inspiration"])
def test_what_is_no_expiration_has_no_numbers(volume: np.ndarray) -> None:
    time = np.arange(500) * 0.01
    assert measure(Blow(time, volume, np.gradient(volume, time))).fvc_l is None


def test_rebuilt_curves_agree_with_the_recorded_indices_of_real_people(shared_data: Path) -> None:
    import pandas as pd

    from encoders.spirogram.simulate import rebuild

    table = pd.read_csv(shared_data / "nhanes_2007_2010.csv.gz").sample(150, random_state=3)
    good = []
    for row in table.itertuples():
        m = measure(rebuild(row.fev1_l, row.fvc_l, row.pef_l_s, row.fef25_75_l_s, row.bev_ml / 1000, row.fet_s))
        pairs = [(m.fev1_l, row.fev1_l), (m.fvc_l, row.fvc_l), (m.pef_l_s, row.pef_l_s), (m.fef25_75_l_s, row.fef25_75_l_s)]
        good.append(all(abs(a - b) <= max(0.01 * b, 0.010) + 1e-9 for a, b in pairs if not np.isnan(b)))
    assert np.mean(good) >= 0.88
