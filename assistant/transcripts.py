"""The twelve questions put to every example patient, written out so that anyone can read the answers."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from assistant.benchmark import commit, hardware
from assistant.dialogue import Assistant
from assistant.session import Session

ASSETS = Path(__file__).resolve().parent.parent / "assets"
PATIENTS, TRANSCRIPTS = ASSETS / "patients", ASSETS / "transcripts"


def questions() -> tuple[str, ...]:
    """The twelve questions, follow-ups among them, one a line."""
    return tuple((TRANSCRIPTS / "questions.txt").read_text(encoding="utf-8").split("\n")[:-1])


def converse(assistant: Assistant, folder: Path) -> Session:
    """One conversation: all questions, in order, about the patient in ``folder``."""
    session = assistant.open(sorted(folder.iterdir()))
    for question in questions():
        for turn in assistant.ask(session, question):
            pass
        session = session.add(turn)
    return session


def write(assistant: Assistant, out: Path = TRANSCRIPTS) -> Iterator[Path]:
    """A Markdown file per example patient; yields each as it is written."""
    out.mkdir(parents=True, exist_ok=True)
    counted: Counter[str] = Counter()
    ruled = 0
    for folder in sorted(path for path in PATIENTS.iterdir() if path.is_dir()):
        session = converse(assistant, folder)
        asked = [turn for turn in session.turns if turn.seen.raw]
        counted.update(turn.checks.written_by for turn in asked)
        ruled += len(session.turns) - len(asked)
        own = sum(turn.checks.written_by == "model" for turn in asked)
        lines = [
            f"# {session.patient.label}", "", f"Model {assistant.name} on {hardware()}, commit {commit()}, by `breathwise transcripts`. Not edited.", "",
            f"Of {len(asked)} answers that the model wrote, {own} passed as written; in the others a sentence that neither the facts nor a cited "
            "passage give was written again, by the model (second try) or by code.", "",
        ]  # fmt: skip
        for turn in session.turns:
            hand = turn.checks.written_by if turn.seen.raw else "rule"
            again = "" if hand == "model" else f" *({hand})*"
            lines += [f"**{turn.question}**{again}", "", turn.answer, ""]
            lines += [f"- [{one.n}] {one.title}. {one.source}. {one.url}" for one in turn.citations] + ([""] if turn.citations else [])
        path = out / f"{folder.name}.md"
        path.write_text("\n".join(lines), encoding="utf-8")
        yield path
    found = {
        "answers": dict(counted),
        "by_rule": ruled,
        "model": assistant.name,
        "hardware": hardware(),
        "commit": commit(),
        "date": dt.date.today().isoformat(),
    }
    (out / "summary.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
