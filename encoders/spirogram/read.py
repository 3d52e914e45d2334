"""A forced expiration as it came from a device: the typed value every other room of the wing works on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MAX_BYTES = 20_000_000


@dataclass(frozen=True, eq=False)
class Blow:
    """One manoeuvre on an even time grid, expiration positive.

    ``time_s`` (n,) seconds from the file's first sample, evenly spaced; ``volume_l`` (n,) exhaled litres from the start;
    ``flow_l_s`` (n,) litres per second (measured where the device gave it, else the derivative of the volume).
    ``bronchodilator`` is "pre", "post" or None (not stated). ``assumptions`` are sentences about what was inferred.
    """

    time_s: Array
    volume_l: Array
    flow_l_s: Array
    id: str = "1"
    file: str = ""
    bronchodilator: str | None = None
    date: str | None = None
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def sampling_hz(self) -> float:
        return float((len(self.time_s) - 1) / (self.time_s[-1] - self.time_s[0]))


class CurveError(ValueError):
    """A curve that cannot be read. The message is one plain sentence: what was wrong, what is allowed, what to do."""


def read_curves(source: Path | bytes | str, name: str = "") -> tuple[Blow, ...]:
    """The blows of a file (a path, its bytes or its text): UK Biobank strings, JSON, or a table of columns.

    Raises CurveError with one plain sentence.
    """
    from encoders.spirogram.formats import parse_json, table_blows, ukb_blows

    if isinstance(source, Path):
        name = name or source.name
        if source.stat().st_size > MAX_BYTES:
            raise CurveError(f"{name} has {source.stat().st_size / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are read")
        source = source.read_bytes()
    if isinstance(source, bytes):
        source = decode(source, name)
    text = source.lstrip("\ufeff").strip()
    if not text:
        raise CurveError(f"{name or 'the file'} is empty; give a curve with time and volume")
    if text[0] in "{[":
        return parse_json(text, name)
    if re.match(r"blow\d+,\d+,", text):
        return ukb_blows(text, name)
    return table_blows(text, name)


def decode(raw: bytes, name: str = "") -> str:
    """Text of a file's bytes: UTF-8, else UTF-16 by its mark, else Western European. Raises CurveError for pictures and the like."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    if b"\0" in raw[:4096] or raw[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0", b"%PDF", b"GIF8"):
        raise CurveError(f"{name or 'the file'} is not text (a picture or another binary file); give CSV, TSV, JSON or a UK Biobank string")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")
