"""Where files lie between the browser and the reader: a folder of this process alone, emptied as soon as they are read."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gradio as gr

NAME = "breathwise-uploads"
LEFT_AFTER_S = 300.0  # a file that nobody touched for so long was left behind


def drop(**settings: Any) -> Any:
    """Gradio's file box without the empty temporary file that it leaves behind for each upload: it gives paths."""
    box = gr.File(**settings)
    box.preprocess = lambda payload: [one.path for one in payload] if payload is not None else None
    return box


def private_folder() -> Path:
    """A folder that only this user may read, gone when the process ends; those of processes that were killed are removed first."""
    root = Path(tempfile.gettempdir())
    for old in root.glob(f"{NAME}-*"):
        found = re.match(rf"{NAME}-(\d+)-", old.name)
        if found and not _runs(int(found[1])):
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{NAME}-{os.getpid()}-", dir=root))  # made with mode 0700
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def sweep(folder: Path, idle_s: float = LEFT_AFTER_S) -> None:
    """Remove what nobody wrote or read for so long: an upload whose connection was lost, or whose page was left before it was read."""
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder before the folder
        with contextlib.suppress(OSError):
            if abs(time.time() - path.stat().st_mtime) > idle_s:  # however the clock was set meanwhile
                path.rmdir() if path.is_dir() else path.unlink()


def keep_swept(folder: Path) -> threading.Thread:
    """Sweep a folder as long as it is there, beside everything else; the thread that does so."""

    def go_on() -> None:
        while folder.is_dir():
            with contextlib.suppress(OSError):  # the folder may go at any moment
                sweep(folder)
            time.sleep(LEFT_AFTER_S / 5)

    sweeper = threading.Thread(target=go_on, daemon=True, name="sweeper")
    sweeper.start()
    return sweeper


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's
    return True


def forget(files: Iterable[str]) -> None:
    """Remove files and the folder that each was put in (it is named by its content's hash)."""
    for file in files:
        with contextlib.suppress(OSError):
            Path(file).unlink()
        with contextlib.suppress(OSError):
            Path(file).parent.rmdir()
