"""How fast risks are scored: one person's eight traits together and apart, and a table of people. Ratios within one run."""

from __future__ import annotations

import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assistant.benchmark import commit, hardware
from assistant.dialogue import EMBEDDED_MODEL
from assistant.risk import Risk, score_cohort
from encoders.cases import person_of_row
from encoders.cohort import TRAITS, simulated_cohort
from encoders.conversation import risk_messages
from encoders.multimodal import MultimodalLM, choose_device


def run(*, people: int = 5000, repeats: int = 20, seed: int = 7, progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Seconds for one person's traits in one pass and one by one (medians), and for ``breathwise risk`` over ``people`` made-up people."""
    device, dtype = choose_device()
    model = MultimodalLM.load(EMBEDDED_MODEL, device=device, dtype=dtype)
    table, _ = simulated_cohort(people, seed)
    one = person_of_row(table.iloc[0])
    system, questions = risk_messages()

    def median(call: Callable[[], Any]) -> float:
        spent = []
        for _ in range(repeats):
            started = time.perf_counter()
            call()
            spent.append(time.perf_counter() - started)
        return statistics.median(spent)

    progress("one person")
    model.score([one], questions, system)
    together = median(lambda: model.score([one], questions, system))
    apart = median(lambda: [model.score([one], [question], system) for question in questions])
    progress(f"{people} people")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cohort.csv"
        table.to_csv(path, index=False)
        started = time.perf_counter()
        scored = sum(len(chunk) for chunk in score_cohort(model, Risk.load(EMBEDDED_MODEL), path, TRAITS))
        whole = time.perf_counter() - started
    return {
        "one_pass_s": round(together, 4), "one_by_one_s": round(apart, 4), "times_faster": round(apart / together, 2), "people": scored,
        "people_s": round(whole, 1), "repeats": repeats, "seed": seed, "commit": commit(), "date": dt.date.today().isoformat(), "hardware": hardware(),
    }  # fmt: skip


def table(found: dict[str, Any]) -> str:
    """The README's lines."""
    return "\n".join([
        "| risks | |", "|---|---|",
        f"| eight traits of one person, one pass | {1000 * found['one_pass_s']:.0f} ms |",
        f"| the same by eight prompts | {1000 * found['one_by_one_s']:.0f} ms ({found['times_faster']:.1f} times as long) |",
        f"| a table of {found['people']} people: rebuild, measure and score | {found['people_s']:.0f} s |",
        "",
        f"{found['hardware']}, commit {found['commit']}, seed {found['seed']}, {found['date']}; medians of {found['repeats']}, by `breathwise benchmark risk`.",
    ])  # fmt: skip
