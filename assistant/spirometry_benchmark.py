"""How fast curves are read and measured and people compared with the reference: one process, one core, ratios within one run."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from assistant.benchmark import commit, hardware
from encoders.spirogram.measure import measure_many
from encoders.spirogram.plain import plain
from encoders.spirogram.quality import judge
from encoders.spirogram.read import read_curves
from encoders.spirogram.reference import evaluate_frame
from encoders.spirogram.simulate import FAULTS, simulate, whole_range

SECONDS, HERTZ = 12.0, 100


def run(*, blows: int = 10_000, people: int = 1_000_000, seed: int = 7, progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Read and measure ``blows`` CSV files of 12 s at 100 Hz (held in memory) and evaluate z for ``people``; seconds and rates."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    progress("making the blows")
    texts = [_file(rng) for _ in range(min(blows, 250))]
    files = [texts[index % len(texts)] for index in range(blows)]
    progress("reading")
    started = time.perf_counter()
    read = [read_curves(text, "blow.csv")[0] for text in files]
    reading = time.perf_counter() - started
    progress("measuring")
    started = time.perf_counter()
    measured = measure_many(read)
    measuring = time.perf_counter() - started
    started = time.perf_counter()
    for maneuver in measured[: min(blows, 1000)]:
        judge(maneuver)
    judging = (time.perf_counter() - started) * blows / min(blows, 1000)
    progress("the plain loop")
    some = [(blow.time_s.tolist(), blow.volume_l.tolist()) for blow in read[: min(blows, 200)]]
    started = time.perf_counter()
    for moments, volumes in some:
        plain(moments, volumes)
    looped = (time.perf_counter() - started) * blows / len(some)
    progress("the reference")
    table = pd.DataFrame(
        {
            "sex": rng.choice(["female", "male"], people), "age_years": rng.uniform(3.0, 95.0, people), "height_cm": rng.uniform(95.0, 205.0, people),
            "fev1": rng.uniform(0.5, 6.0, people),
        }
    )  # fmt: skip
    started = time.perf_counter()
    z = evaluate_frame(table, "fev1")["z"]
    reference = time.perf_counter() - started
    return {
        "blows": blows, "seconds_a_blow": SECONDS, "sampling_hz": HERTZ, "read_s": round(reading, 3), "measure_s": round(measuring, 3),
        "judge_s": round(judging, 3), "blows_per_s": round(blows / (reading + measuring), 1), "plain_loop_s": round(looped, 3),
        "times_the_plain_loop": round(looped / measuring, 2), "people": people, "z_s": round(reference, 3), "z_known": int(z.notna().sum()),
        "hardware": hardware(), "seed": seed, "commit": commit(), "date": dt.date.today().isoformat(),
    }  # fmt: skip


def _file(rng: np.random.Generator) -> str:
    """A blow of 12 s as a device would export it."""
    fvc = float(rng.uniform(2.0, 6.0))
    blow = simulate(fvc * float(rng.uniform(0.5, 0.85)), fvc, fet_s=10.0, sampling_hz=HERTZ)
    samples = round(SECONDS * HERTZ)
    volume = np.concatenate([blow.volume_l, np.full(samples, blow.volume_l[-1])])[:samples]
    return "time_s,volume_l\n" + "\n".join(f"{index / HERTZ:.2f},{value:.4f}" for index, value in enumerate(volume)) + "\n"


LABELS_OF = {"fev1_l": "FEV1", "fvc_l": "FVC", "pef_l_s": "PEF", "fef25_75_l_s": "FEF25-75", "bev_l": "BEV"}
MEASURES = tuple(LABELS_OF)


def quality(*, people: int = 500, seed: int = 7, progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Simulated people over the whole range: shares of values within 1 % or 10 mL, of faults named, of clean blows blamed."""
    rng = np.random.default_rng(seed)
    right, named, blamed = Counter[str](), Counter[str](), Counter[str]()
    for number in range(people):
        if number % 50 == 0:
            progress(f"person {number} of {people}")
        person: dict[str, Any] = whole_range(rng)
        hertz = float(rng.choice([50, 100, 200, 500, 1000]))
        noise = float(rng.uniform(0.0, 0.03)) if hertz <= 200 else 0.0
        clean = measure_many([simulate(**person, sampling_hz=hertz)])[0]
        for name in MEASURES:
            right[name] += abs((getattr(clean, name) or 0.0) - person[name]) <= max(0.01 * person[name], 0.010) + 1e-9
        for fault in (None, *FAULTS):
            blow = simulate(**person, sampling_hz=hertz, faults=(fault,) if fault else (), seed=seed * people + number, noise_l_s=noise)
            codes = {finding.code for finding in judge(measure_many([blow])[0]).findings}
            if fault is None:
                blamed["any"] += bool(codes)
            else:
                named[fault] += fault in codes
    return {
        "people": people, "within_1_percent_or_10_ml": {name: round(right[name] / people, 4) for name in MEASURES},
        "named": {fault: round(named[fault] / people, 4) for fault in FAULTS}, "clean_blamed": round(blamed["any"] / people, 4),
        "hardware": hardware(), "seed": seed, "commit": commit(), "date": dt.date.today().isoformat(),
    }  # fmt: skip


def quality_table(found: dict[str, Any]) -> str:
    """The README's lines."""
    values = [(LABELS_OF[name], share) for name, share in found["within_1_percent_or_10_ml"].items()]
    faults = [(f"{name.replace('_', ' ')}, named where it was put in", share) for name, share in found["named"].items()]
    rows = [*((f"{name} within 1 % or 10 mL", share) for name, share in values), *faults, ("clean blows that were blamed", found["clean_blamed"])]
    return "\n".join(
        [
            f"| {found['people']:,} simulated people of 5 to 90 years, z from -6 to +3 | share |", "|---|---|",
            *(f"| {name} | {100 * share:.1f} % |" for name, share in rows), "",
            f"Sampled at 50 to 1000 Hz; faults and false alarms with up to 0.03 L/s of noise at 200 Hz or less. {found['hardware']}, commit {found['commit']}, seed {found['seed']}, "
            f"{found['date']}, by `breathwise benchmark quality`.",
        ]
    )  # fmt: skip


def table(found: dict[str, Any]) -> str:
    """The README's lines."""
    each = 1000.0 / found["blows"]
    return "\n".join(
        [
            "| spirometry, one core | |", "|---|---|",
            f"| read and measure {found['blows']:,} blows of 12 s at 100 Hz | {found['blows_per_s']:.0f} blows a second |",
            f"| of that, a blow: reading, measuring (judging beside it) | {found['read_s'] * each:.2f}, {found['measure_s'] * each:.2f} ({found['judge_s'] * each:.2f}) ms |",
            f"| measuring by a plain loop over a blow's samples (6 of the 20 indices) | {found['plain_loop_s'] * each:.2f} ms; ours is {found['times_the_plain_loop']:.1f} times as fast |",
            f"| z-scores of FEV1 for {found['people']:,} people | {found['z_s']:.2f} s |",
            "", f"{found['hardware']}, commit {found['commit']}, seed {found['seed']}, {found['date']}, by `breathwise benchmark spirometry`.",
        ]
    )  # fmt: skip
