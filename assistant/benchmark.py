"""How fast Breathwise is here: ratios within one run, as JSON and as the README's table."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant.dialogue import Assistant, read_person
from assistant.settings import Settings
from encoders.faults import InputError

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "assets" / "patients" / "mild_obstruction"
QUESTIONS = ("Explain my result", "How good was the test?", "Should I exercise?", "How do I stop smoking?", "What about my blood pressure?")
LATER_QUESTIONS = (
    "What does FEV1 mean?", "Is it low?", "What should I eat?", "Does air pollution matter?", "How do I use an inhaler?", "Which vaccines do I need?",
    "What is a z-score?", "Why is that the pattern?", "How much sleep do I need?", "Can I fly?", "What does FVC mean?", "Should I lose weight?", "How do I prepare for a test?",
    "What is my risk of diabetes?", "What about alcohol?",
)  # fmt: skip
TURNS = (1, 5, 20)  # whose first token and speed are told


def run(*, seed: int = 7, repeats: int = 3, progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Start the page twice, then talk with and without the kept prefix; seconds, MB (10^6 bytes) and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        progress("the page, its index not yet built")
        first, _ = start_page(Path(folder))
        progress("the page, its index built")
        ready, memory = start_page(Path(folder))
        progress("the conversation")
        assistant = Assistant.load(Settings(cache_dir=Path(folder)))
        talk = [conversation(assistant, keep=keep, seed=seed) for _ in range(repeats) for keep in (True, False)]
        kept, anew = talk[0::2], talk[1::2]
        session = assistant.open(sorted(EXAMPLE.iterdir()))
        person = read_person(session.patient, session.spirometry)
        soft = _median(lambda: assistant.engine.model.soften(person), 20)
        search = _median(lambda: assistant.library.search("how can I stop smoking", 4), 20)
        opened = _median(lambda: assistant.open(sorted(EXAMPLE.iterdir())), 3)

    def middle(runs: list[dict[str, float]], name: str) -> float:
        return round(statistics.median(one[name] for one in runs), 4)

    found: dict[str, Any] = {
        "start_s": {"first_time": round(first, 2), "again": round(ready, 2)},
        "page_memory_mb": memory,
        "open_patient_s": round(opened, 4),
        "soft_tokens_s": round(soft, 4),
        "search_s": round(search, 4),
        "kept_prefix": {name: middle(kept, name) for name in kept[0]},
        "without": {name: middle(anew, name) for name in anew[0]},
    }
    found["turn_5_first_token_ratio"] = round(found["kept_prefix"]["turn_5_first_token_s"] / found["without"]["turn_5_first_token_s"], 3)
    found |= {
        "model": assistant.name, "device": str(assistant.engine.model.device), "hardware": hardware(), "seed": seed, "repeats": repeats,
        "commit": commit(), "date": dt.date.today().isoformat(),
    }  # fmt: skip
    return found


def conversation(assistant: Assistant, *, keep: bool, seed: int) -> dict[str, float]:
    """Twenty turns about one patient: first token and tokens a second of ``TURNS``."""
    session = assistant.open(sorted(EXAMPLE.iterdir()))
    for question in (*QUESTIONS, *LATER_QUESTIONS):
        if not keep:
            session = replace(session, memory=None)
        for turn in assistant.ask(session, question, seed=seed):
            pass
        session = session.add(turn)
    result = {}
    for number in TURNS:
        timings = session.turns[number - 1].timings
        result[f"turn_{number}_first_token_s"] = timings.first_token_s
        result[f"turn_{number}_tokens_per_s"] = (timings.new_tokens - 1) / max(timings.written_s - timings.first_token_s, 1e-6)
    return result


def start_page(cache: Path) -> tuple[float, int | None]:
    """Seconds from the command to the first page, and the process's peak memory in MB (None where the system does not say)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "BREATHWISE_CACHE_DIR": str(cache), "BREATHWISE_PORT": str(port), "BREATHWISE_HOST": "127.0.0.1"}
    started = time.perf_counter()
    page = subprocess.Popen([sys.executable, "-m", "assistant.cli", "app"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - started < 300:
            if page.poll() is not None:
                raise RuntimeError("the page did not start; run `breathwise app` to see why")
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                if answer.status == 200:
                    return time.perf_counter() - started, _peak_mb(page.pid)
            time.sleep(0.05)
        raise RuntimeError("the page was not ready within 300 s")
    finally:
        page.terminate()
        page.wait(timeout=30)


def _peak_mb(process: int) -> int | None:
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) * 1024 / 1e6)
    return None


def _median(call: Callable[[], Any], times: int) -> float:
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        spent.append(time.perf_counter() - started)
    return statistics.median(spent)


def hardware() -> str:
    return f"{os.cpu_count()} CPU cores ({platform.machine()})"


def commit() -> str:
    """The commit of this copy, or "unknown" outside a repository."""
    try:
        return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def table(found: dict[str, Any]) -> str:
    """The README's lines."""
    kept, anew = found["kept_prefix"], found["without"]
    memory = "not known here" if found["page_memory_mb"] is None else f"{found['page_memory_mb']} MB"
    rows = [
        ("start to a ready page, first time (index built)", f"{found['start_s']['first_time']:.1f} s", ""),
        ("start to a ready page, later", f"{found['start_s']['again']:.1f} s", ""),
        ("open a patient: measure, interpret, risks", f"{found['open_patient_s']:.2f} s", ""),
        ("soft tokens of curve and table", f"{1000 * found['soft_tokens_s']:.0f} ms", ""),
        ("search of the library", f"{1000 * found['search_s']:.0f} ms", ""),
        *((f"first token, turn {n}", *(f"{one[f'turn_{n}_first_token_s']:.2f} s" for one in (kept, anew))) for n in TURNS),
        *((f"tokens a second, turn {n}", *(f"{one[f'turn_{n}_tokens_per_s']:.0f}" for one in (kept, anew))) for n in TURNS),
        ("peak memory of the page, ready", memory, ""),
    ]
    lines = ["| | with the kept prefix | without |", "|---|---|---|", *(f"| {name} | {ours} | {other} |" for name, ours, other in rows)]
    lines += [
        "",
        f"Turn 5's first token takes {found['turn_5_first_token_ratio']:.2f} of the time without the kept prefix. Model {found['model']} on "
        f"{found['hardware']}, commit {found['commit']}, seed {found['seed']}, {found['date']}; medians of {found['repeats']} runs, by `breathwise benchmark`.",
    ]
    return "\n".join(lines)


def write_readme(lines: str, readme: Path, mark: str) -> None:
    """Put a table between the README's marks of that name."""
    text = readme.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- {mark} -->).*?(<!-- /{mark} -->)", re.DOTALL)
    if not marks.search(text):
        raise InputError(f"{readme.name} has no <!-- {mark} --> marks to write between")
    readme.write_text(marks.sub(lambda found: f"{found[1]}\n{lines}\n{found[2]}", text), encoding="utf-8")


def write_json(found: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
