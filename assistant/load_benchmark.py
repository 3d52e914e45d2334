"""How many chats this machine carries at once: tokens a second of one and of several together, in one run."""

from __future__ import annotations

import datetime as dt
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant.benchmark import EXAMPLE, QUESTIONS, commit, hardware
from assistant.dialogue import Assistant
from assistant.engine import Memory
from assistant.session import Session
from assistant.settings import Settings

PATIENTS = EXAMPLE.parent


@dataclass(frozen=True)
class Chat:
    """What one visitor got: the answers, when each turn began and when it was written (seconds), and its tokens."""

    answers: tuple[str, ...]
    begun_s: tuple[float, ...]
    first_s: tuple[float, ...]
    written_s: tuple[float, ...]
    tokens: tuple[int, ...]


def talk(assistant: Assistant, session: Session) -> Chat:
    """The benchmark's questions about one patient, one after the other."""
    begun, first, written, tokens = [], [], [], []
    for question in QUESTIONS:
        begun.append(time.perf_counter())
        *_, turn = assistant.ask(session, question)
        first.append(begun[-1] + turn.timings.first_token_s)
        written.append(begun[-1] + turn.timings.written_s)
        tokens.append(turn.timings.new_tokens)
        session = session.add(turn)
    return Chat(tuple(turn.answer for turn in session.turns), tuple(begun), tuple(first), tuple(written), tuple(tokens))


def writing_speed(assistant: Assistant, session: Session, count: int, tokens: int = 60) -> float:
    """Tokens a second of ``count`` answers of ``tokens`` tokens each at once, whose prompts have been read before."""
    *_, turn = assistant.ask(fresh(session), QUESTIONS[0])
    engine = assistant.engine
    messages = [{"role": "system", "content": "\n".join(turn.seen.facts)}, {"role": "user", "content": turn.seen.prompt}]
    prompt = engine.model.encode(messages, add_generation_prompt=True)

    def write(memory: Memory, tokens: int) -> int:
        return len(list(engine.stream(prompt, memory, None, max_new_tokens=tokens, banned=sorted(engine.ends))))

    memories = [Memory() for _ in range(count)]
    for memory in memories:
        write(memory, 1)
    with ThreadPoolExecutor(count) as pool:
        began = time.perf_counter()
        written = sum(pool.map(write, memories, [tokens] * count))
        return written / (time.perf_counter() - began)


def run(*, chats: int = 20, repeats: int = 3, progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """One chat, then ``chats`` at once, in turn; tokens a second of each, their ratio, and whether every answer is the one it is alone."""
    with tempfile.TemporaryDirectory() as folder:
        assistant = Assistant.load(Settings(cache_dir=Path(folder)))
        names = sorted(path for path in PATIENTS.iterdir() if path.is_dir())
        sessions = [assistant.open(sorted(names[number % len(names)].iterdir())) for number in range(chats)]
        progress("each patient's chat alone")
        alone = [talk(assistant, fresh(session)) for session in sessions[: len(names)]]
        whole: dict[str, list[float]] = {"one": [], "together": []}
        writing: dict[str, list[float]] = {"one": [], "together": []}
        waits: list[float] = []
        same = True
        for number in range(repeats):
            for name, count in (("one", 1), ("together", chats)):
                progress(f"{count} at once, {number + 1} of {repeats}")
                began = time.perf_counter()
                with ThreadPoolExecutor(count) as pool:
                    done = list(pool.map(lambda session: talk(assistant, fresh(session)), sessions[:count]))
                whole[name].append(sum(sum(one.tokens) for one in done) / (time.perf_counter() - began))
                writing[name].append(writing_speed(assistant, sessions[0], count))
                same = same and all(one.answers == alone[place % len(alone)].answers for place, one in enumerate(done))
                if count > 1:
                    waits += [first - begun for one in done for first, begun in zip(one.first_s, one.begun_s, strict=True)]
    middle = {name: {way: round(statistics.median(found), 1) for way, found in both.items()} for name, both in (("whole", whole), ("writing", writing))}
    return {
        "chats": chats, "turns": len(QUESTIONS), "repeats": repeats, "tokens_per_s": middle,
        "ratio": {name: round(both["together"] / both["one"], 2) for name, both in middle.items()}, "same_answers": same,
        "first_token_together_s": round(statistics.median(waits), 3), "load_before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "model": assistant.name, "hardware": hardware(), "commit": commit(), "date": dt.date.today().isoformat(),
    }  # fmt: skip


def fresh(session: Session) -> Session:
    """The same patient, nothing said and nothing read yet."""
    return replace(session, turns=(), memory=None)


def table(found: dict[str, Any]) -> str:
    """The README's lines."""
    rows = (("while writing", "writing"), ("with search, reading the prompt and checking", "whole"))
    lines = [f"| tokens a second | one chat | {found['chats']} chats at once | ratio |", "|---|---|---|---|"]
    for label, name in rows:
        speed = found["tokens_per_s"][name]
        lines.append(f"| {label} | {speed['one']:.0f} | {speed['together']:.0f} | {found['ratio'][name]:.1f} |")
    same = "every answer was the one the chat gives alone" if found["same_answers"] else "some answers differed from those the chats give alone"
    lines += [
        "",
        f"{found['chats']} patients' chats of {found['turns']} questions, all finished; {same}; a first token took {found['first_token_together_s']:.2f} s among "
        f"{found['chats']}. Model {found['model']} on {found['hardware']}, commit {found['commit']}, {found['date']}; medians of {found['repeats']} runs, by "
        "`breathwise benchmark load`.",
    ]
    return "\n".join(lines)
