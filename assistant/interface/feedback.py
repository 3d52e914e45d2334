"""What visitors thought of answers: counted on this machine alone, without a word of the patient, the question or the answer."""

from __future__ import annotations

import json
import os
from pathlib import Path

from assistant.self_test import versions
from assistant.session import Turn

LARGEST = 5_000_000  # bytes; further opinions are not kept


def feedback_file(chosen: Path | None) -> Path:
    """Where opinions are kept: as set, else a file of the user's data directory. It need not exist."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return chosen if chosen is not None else data / "breathwise" / "feedback.jsonl"


def keep(turn: Turn, liked: bool, file: Path) -> bool:
    """Add a line: the rule or intent that answered, the version, liked or not. False where nothing can be written, or the file is full."""
    line = {"rule": turn.triage.rule if turn.triage else None, "intent": turn.seen.intent or None, "version": versions()["breathwise"], "liked": liked}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists() and file.stat().st_size > LARGEST:
            return False
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
    except OSError:
        return False
    return True
