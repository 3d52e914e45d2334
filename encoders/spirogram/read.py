"""A forced expiration as it came from a device: the typed value every other room of the wing works on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.faults import InputError

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


class CurveError(InputError):
    """A curve that cannot be read. The message is one plain sentence: what was wrong, what is allowed, what to do."""


def read_curves(source: Path | bytes | str, name: str = "") -> tuple[Blow, ...]:
    """The blows of a file (a path, its bytes or its text): tables of columns (CSV, TSV, XLSX), UK Biobank strings, JSON, FHIR, NHANES XPT.

    Before or after a bronchodilator is taken from the file's name where the file itself does not say. Raises CurveError with one sentence.
    """
    if isinstance(source, Path):
        name = name or source.name
        _check_size(source.stat().st_size, name)
        source = source.read_bytes()
    _check_size(len(source), name)
    blows = _read(source, name)
    blows = once(blows)
    return _phase_by_name(blows, name)


def _read(source: bytes | str, name: str) -> tuple[Blow, ...]:
    from encoders.spirogram.columns import rows_blows, table_blows
    from encoders.spirogram.formats import parse_json, ukb_blows
    from encoders.spirogram.nhanes import XPT_MARK, xpt_rows
    from encoders.spirogram.workbook import xlsx_blows

    if isinstance(source, bytes):
        if source.startswith(XPT_MARK):
            return rows_blows(xpt_rows(source, name), name)
        if source.startswith(b"PK\x03\x04"):
            return xlsx_blows(source, name)
        source = decode(source, name)
    text = source.lstrip("\ufeff").strip("\ufeff \n\r")
    if not text.strip():
        raise CurveError(f"{name or 'the file'} is empty; give a curve with time and volume")
    if text[0] in "{[" and not re.match(r"\[[a-zA-Z]+\]\s*[,;\t]", text):  # a row of units also starts with a bracket
        return parse_json(text, name)
    if re.match(r"blow\d+,\d+,", text):
        return ukb_blows(text, name)
    return table_blows(text, name)


def _check_size(size: int, name: str) -> None:
    if size > MAX_BYTES:
        raise CurveError(f"{name or 'the file'} has {size / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are read")


def once(blows: tuple[Blow, ...]) -> tuple[Blow, ...]:
    """A blow that was given twice counts once, or it would seem repeatable; ids that stand for two blows are counted anew."""
    seen: dict[tuple[str | None, str | None, bytes], Blow] = {}
    for blow in blows if len(blows) > 1 else ():
        key = (blow.bronchodilator, blow.date, blow.volume_l.tobytes())
        first = seen.setdefault(key, blow)
        if first is not blow:
            seen[key] = replace(first, warnings=(*first.warnings, f"blow {blow.id} is the same curve as blow {first.id} and was left out"))
    kept = tuple(seen.values()) if seen else blows
    if len({(blow.id, blow.bronchodilator, blow.date) for blow in kept}) < len(kept):  # of several files, each of which counts from 1
        kept = tuple(replace(blow, id=str(number)) for number, blow in enumerate(kept, 1))
    return kept


def _phase_by_name(blows: tuple[Blow, ...], name: str) -> tuple[Blow, ...]:
    from encoders.spirogram.headers import phase_of

    phase = phase_of(name) if any(blow.bronchodilator is None for blow in blows) else None
    if phase is None or any(blow.bronchodilator for blow in blows):
        return blows
    said = f"the blow was taken to be {'after' if phase == 'post' else 'before'} a bronchodilator, as the file's name says {phase}"
    return tuple(replace(blow, bronchodilator=phase, assumptions=(*blow.assumptions, said)) for blow in blows)


def decode(raw: bytes, name: str = "") -> str:
    """Text of a file's bytes: UTF-8, else UTF-16, else Western European. Raises CurveError for pictures and the like."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    if raw[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0", b"%PDF", b"GIF8"):
        raise CurveError(f"{name or 'the file'} is not text ({_BINARY}")
    start = raw[:4096]
    if b"\0" in start:
        for nulls, others, encoding in ((start[1::2], start[::2], "utf-16-le"), (start[::2], start[1::2], "utf-16-be")):  # without a mark
            if len(start) >= 16 and nulls.count(0) > 0.9 * len(nulls) and others.count(0) == 0:
                return raw.decode(encoding, errors="replace")
        raise CurveError(f"{name or 'the file'} is not text ({_BINARY}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


_BINARY = "a picture or another binary file); give CSV, TSV, XLSX, JSON, SAS XPT or a UK Biobank string"
