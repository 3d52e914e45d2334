"""Faults are named, clean blows are left in peace, and grades follow the standard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from encoders.spirogram.measure import measure
from encoders.spirogram.quality import best_of, judge
from encoders.spirogram.read import Blow
from encoders.spirogram.results import Maneuver
from encoders.spirogram.simulate import simulate, simulate_person


def judged(fev1: float = 3.1, fvc: float = 4.0, faults: tuple[str, ...] = (), seed: int = 0) -> Maneuver:
    return judge(measure(simulate(fev1, fvc, faults=faults, seed=seed)), 40.0)


def test_a_clean_blow_is_acceptable_for_both() -> None:
    m = judged()
    assert (m.acceptable_fev1, m.acceptable_fvc, m.findings) == (True, True, ())


@pytest.mark.parametrize("fault", ["slow_start", "cough", "early_end"])
def test_the_commonest_faults_are_named(fault: str) -> None:
    named = [fault in {finding.code for finding in judged(faults=(fault,), seed=seed).findings} for seed in range(20)]
    assert np.mean(named) >= 0.9


def test_few_clean_blows_are_blamed() -> None:
    rng = np.random.default_rng(5)
    clean = [person["blows"][0] for person in (simulate_person(rng) for _ in range(150)) if not person["faults"]]
    blamed = [bool(judge(measure(blow)).findings) for blow in clean]
    assert np.mean(blamed) <= 0.03


def test_an_early_end_spoils_the_fvc_but_not_the_fev1() -> None:
    for seed in range(12):
        m = judged(faults=("early_end",), seed=seed)
        assert not m.acceptable_fvc
        if m.fev1_l is not None:
            assert m.usable_fev1


def test_the_start_limit_is_that_of_2019() -> None:
    assert "slow_start" in {finding.code for finding in judge(measure(simulate(1.4, 1.8, 3.5, None, 0.14))).findings}
    assert "slow_start" not in {finding.code for finding in judge(measure(simulate(1.4, 1.8, 3.8, None, 0.08))).findings}


def with_values(*values: float) -> list[Maneuver]:
    base = judged()
    return [replace(base, fev1_l=value, fvc_l=value + 1) for value in values]


@pytest.mark.parametrize(
    ("values", "grade"),
    [((3.0, 2.9, 2.88), "A"), ((3.0, 2.86), "B"), ((3.0, 2.82), "C"), ((3.0, 2.76), "D"), ((3.0, 2.6), "E"), ((3.0,), "E"), ((3.0, 2.9, 2.5), "B")],
)
def test_grades_follow_the_distance_of_the_two_largest(values: tuple[float, ...], grade: str) -> None:
    best = best_of(with_values(*values), 40.0)
    assert best is not None
    assert (best.fev1_grade, best.fvc_grade) == (grade, grade)


def test_one_blow_never_grades_above_e_and_says_why() -> None:
    best = best_of([judged()])
    assert best is not None
    assert best.fev1_grade == "E"
    assert "single blow never grades above E" in best.grade_reasons[0]


def test_the_largest_values_may_come_from_different_blows() -> None:
    base = judged()
    best = best_of([replace(base, fev1_l=3.0, fvc_l=3.9), replace(base, fev1_l=2.9, fvc_l=4.0)])
    assert best is not None
    assert (best.fev1_l, best.fvc_l, best.fev1_fvc) == (3.0, 4.0, 0.75)


@pytest.mark.parametrize("kind", ["noise", "breathing", "silence"])
def test_what_is_no_blow_is_called_so_and_gets_no_values(kind: str) -> None:
    time = np.arange(1200) * 0.01
    rng = np.random.default_rng(1)
    volume = {"noise": rng.normal(0, 1, 1200), "breathing": 0.25 * (1 - np.cos(2 * np.pi * time / 4)), "silence": np.zeros(1200)}[kind]
    m = judge(measure(Blow(time, volume, np.gradient(volume, time))))
    assert [finding.code for finding in m.findings] == ["not_an_expiration"]
    assert not m.usable_fev1
    assert not m.usable_fvc
    assert best_of([m]) is None


def test_an_fev1_larger_than_the_usable_fvc_gives_no_ratio_and_says_why() -> None:
    strong, weak = judged(3.4, 4.0, faults=("early_end",)), judged(2.6, 3.1)
    assert strong.fev1_l and weak.fvc_l and strong.fev1_l > weak.fvc_l and not strong.usable_fvc
    best = best_of((strong, weak), 40.0)
    assert best is not None and best.fev1_fvc is None
    assert any("larger than the largest usable FVC" in reason for reason in best.grade_reasons)
