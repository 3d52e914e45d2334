"""The whole range of people: every number right, every fault named, clean blows left in peace."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.spirogram.measure import measure
from encoders.spirogram.plain import plain
from encoders.spirogram.quality import best_of, judge, judge_all
from encoders.spirogram.read import Blow
from encoders.spirogram.results import Maneuver
from encoders.spirogram.simulate import FAULTS, simulate, whole_range

PEOPLE = 60
RATES = (50.0, 100.0, 200.0, 500.0, 1000.0)


@lru_cache(maxsize=1)
def people() -> tuple[dict[str, float], ...]:
    """What made-up people of 5 to 90 years with z from -6 to +3 blow."""
    rng = np.random.default_rng(11)
    return tuple(whole_range(rng) for _ in range(PEOPLE))


def test_the_numbers_are_those_that_were_blown() -> None:
    right: Counter[str] = Counter()
    for person in people():
        m = measure(simulate(**person))
        for name in ("fev1_l", "fvc_l", "pef_l_s", "fef25_75_l_s", "bev_l"):
            right[name] += abs((getattr(m, name) or 0.0) - person[name]) <= max(0.01 * person[name], 0.010) + 1e-9
    assert {name: count / PEOPLE >= 0.95 for name, count in right.items()} == dict.fromkeys(right, True), right
    assert right["fvc_l"] == PEOPLE


@settings(max_examples=60, deadline=None)
@given(index=st.integers(0, PEOPLE - 1), rate=st.sampled_from(RATES))
def test_a_plain_loop_written_apart_finds_the_same(index: int, rate: float) -> None:
    blow = simulate(**people()[index], sampling_hz=rate)
    m, other = measure(blow), plain(blow.time_s.tolist(), blow.volume_l.tolist())
    for name in ("fvc_l", "fev1_l", "bev_l", "fef25_75_l_s", "time_zero_s"):
        assert getattr(m, name) == pytest.approx(other[name], abs=2e-3)


@pytest.mark.parametrize("rate", [50, 100, 250, 500])
def test_the_sampling_rate_leaves_the_volumes_alone(rate: int) -> None:
    for person in people()[:15]:
        fine = simulate(**person, sampling_hz=1000)
        step = 1000 // rate
        time, volume = fine.time_s[::step], fine.volume_l[::step]
        coarse, truth = measure(Blow(time, volume, np.gradient(volume, time))), measure(fine)
        for name in ("fev1_l", "fvc_l", "bev_l"):
            assert getattr(coarse, name) == pytest.approx(getattr(truth, name), rel=0.01, abs=0.012)
        assert coarse.fef25_75_l_s == pytest.approx(truth.fef25_75_l_s, rel=0.02, abs=0.02)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_injected_fault_is_named(fault: str) -> None:
    lowest = {"glottic_closure": 0.85, "leak": 0.9}.get(fault, 0.95)
    named = [fault in codes(judge(measure(simulate(**person, faults=(fault,), seed=seed, noise_l_s=0.015)))) for seed, person in enumerate(people())]
    assert np.mean(named) >= lowest


def test_at_most_two_in_a_hundred_clean_blows_are_blamed() -> None:
    blamed = [
        codes(judge(measure(simulate(**person, sampling_hz=rate, seed=seed, noise_l_s=0.02 if rate <= 200 else 0.0))))
        for seed, person in enumerate(people())
        for rate in (50.0, 100.0, 200.0)
    ]
    assert np.mean([bool(found) for found in blamed]) <= 0.02, blamed


def codes(m: Maneuver) -> set[str]:
    return {finding.code for finding in m.findings}


def test_a_syringe_is_no_patient() -> None:
    time = np.arange(0, 4, 0.01)
    volume = np.clip((time - 0.5) * 2.5, 0, 3.0)
    m = judge(measure(Blow(time, volume, np.gradient(volume, time))))
    assert codes(m) == {"not_an_expiration"}
    assert "syringe" in m.findings[0].text


def test_of_several_breaths_the_forced_one_is_measured() -> None:
    blow = simulate(3.1, 4.0, 8.0, 3.0, 0.06, 7.0)
    rest = 0.5 * (1 - np.cos(2 * np.pi * np.arange(0, 8, 0.01) / 4)) * 0.5
    fill = np.linspace(0, -2.8, 150)
    volume = np.concatenate([rest, fill, blow.volume_l - 2.8, blow.volume_l[-1] - 2.8 - np.linspace(0, 4.0, 160), -2.8 + rest + 0.2])
    time = np.arange(len(volume)) * 0.01
    m, alone = measure(Blow(time, volume, np.gradient(volume, time))), measure(blow)
    assert m.fvc_l == pytest.approx(alone.fvc_l, abs=0.02)
    assert m.fev1_l == pytest.approx(alone.fev1_l, abs=0.03)


def test_a_larger_first_loop_does_not_lend_its_depth_to_the_second() -> None:
    first, second = simulate(3.0, 3.9, 8.0), simulate(3.1, 4.0, 8.5)
    breath = np.linspace(0, 1, 150)
    volume = np.concatenate([first.volume_l - 0.3, 3.6 - 3.5 * breath, second.volume_l + 0.1])
    time = np.arange(len(volume)) * 0.01
    m = measure(Blow(time, volume, np.gradient(volume, time)))
    assert m.fvc_l == pytest.approx(4.0, abs=0.05)


def short(fvc: float) -> Blow:
    """An expiration whose recording stops with about 60 mL in its last second: lungs that empty early, nearly empty."""
    blow = simulate(0.8 * fvc, fvc, fet_s=7.0)
    second = blow.volume_l[100:] - blow.volume_l[:-100]
    keep = np.arange(len(blow.time_s)) < 200 + int(np.argmax(second[100:] < 0.06))
    return replace(blow, time_s=blow.time_s[keep], volume_l=blow.volume_l[keep], flow_l_s=blow.flow_l_s[keep])


def test_an_fvc_that_repeats_the_one_before_has_reached_its_end() -> None:
    first, second = judge_all([measure(short(3.00)), measure(short(2.95))], 30.0)
    assert "early_end" in codes(first)
    assert "early_end" not in codes(second)
    assert second.acceptable_fvc
    far = judge_all([measure(short(3.40)), measure(short(2.95))], 30.0)[1]
    assert "early_end" in codes(far)


def test_two_recordings_cut_alike_do_not_vouch_for_each_other() -> None:
    blow = simulate(2.4, 4.0, fet_s=12.0)
    keep = blow.time_s < 1.8
    cut = replace(blow, time_s=blow.time_s[keep], volume_l=blow.volume_l[keep], flow_l_s=blow.flow_l_s[keep])
    both = judge_all([measure(cut), measure(cut)], 50.0)
    assert not any(m.acceptable_fvc or m.usable_fvc for m in both)
    best = best_of(both, 50.0)
    assert best is not None
    assert best.fvc_l is None
