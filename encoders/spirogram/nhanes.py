"""NHANES raw curves (CDC, SPXRAW 2007-2012): SAS transport files, and the column of changes that holds a curve.

Layout: CDC, NHANES 2007-2008 Data Documentation, Codebook, Spirometry - Raw Curve Data (SPXRAW_E). A row is a curve: SEQN the person,
SPATTYPE "Pre" or "Bron" (after a bronchodilator), SPAMANU its number, SPAFACT the factor to BTPS, SPXPTS its number of points, SPXRAW
the changes of volume in mL per 0.01 s, comma-delimited. The file format: SAS technical note TS-140, versions 5 and 8.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from encoders.spirogram.grid import MAX_POINTS, build
from encoders.spirogram.headers import phase_of
from encoders.spirogram.read import Blow, CurveError

if TYPE_CHECKING:
    from encoders.spirogram.tables import Table

STEP_S = 0.01
XPT_MARK = b"HEADER RECORD*******"
_CUT = "the SAS transport file is cut short or damaged; download or export it again"


def change_blows(table: Table, kinds: list[str | None]) -> tuple[Blow, ...]:
    """Rows of SPXRAW -> blows: the changes summed, times SPAFACT; without SPAFACT the volumes stay as measured, which is said."""
    from encoders.spirogram.columns import MAX_BLOWS

    if len(table) > MAX_BLOWS:
        raise CurveError(f"the table holds {len(table):,} curves; keep the rows of one person (one SEQN) and read it again")
    place = {kind: kinds.index(kind) for kind in ("changes", "factor", "phase", "id") if kind in kinds}
    raw = table.text(place["changes"])
    said: tuple[str, ...] = ("the changes of volume (SPXRAW) were taken to be in mL every 10 ms, as CDC documents",)
    blows = []
    for index, text in enumerate(raw):
        cells = re.split(r"[,;\s]+", text.strip(" ,;[]\"'"))
        if not text or len(cells) > MAX_POINTS:
            raise CurveError(
                f"row {table.first_row + index}: SPXRAW holds {'nothing' if not text else 'too many values'}; it must list changes in mL every 10 ms"
            )
        try:
            changes = np.array([float(cell) for cell in cells])
        except ValueError as error:
            raise CurveError(f"row {table.first_row + index}: SPXRAW holds something that is not a number; it must list changes in mL every 10 ms") from error
        notes, factor = said, 1.0
        if "factor" in place:
            factor = float(table.values(place["factor"], [index])[0])
            if not 0.9 <= factor <= 1.3:  # CDC's run from 1.05 to 1.145
                raise CurveError(f"row {table.first_row + index}: SPAFACT is {factor:g}; the factor to body temperature lies between 1.05 and 1.15")
        else:
            notes = (*said, "volumes were not converted to body temperature (BTPS), as there is no SPAFACT")
        with np.errstate(over="ignore", invalid="ignore"):
            volume = np.concatenate([[0.0], np.cumsum(changes)]) * factor
        blows.append(
            build(
                None,
                volume,
                None,
                {"volume": "ml"},
                id_=(table.text(place["id"])[index] if "id" in place else str(index + 1))[:20],
                file=table.file,
                bronchodilator=phase_of(table.text(place["phase"])[index]) if "phase" in place else None,
                step_s=STEP_S,
                said=notes,
            )
        )
    return tuple(blows)


def xpt_rows(raw: bytes, name: str = "") -> list[list[str]]:
    """The first table of a SAS transport file (version 5 or 8) as rows of text, names first. Raises CurveError."""
    records = [raw[at : at + 80] for at in range(0, min(len(raw), 80 * 12), 80)]
    namestr = next((k for k, record in enumerate(records) if record.startswith((XPT_MARK + b"NAMESTR", XPT_MARK + b"NAMSTV8"))), None)
    if namestr is None:
        raise CurveError(f"{name or 'the file'} is not a complete SAS transport file; download or export it again")
    member = next((record for record in records if record.startswith((XPT_MARK + b"MEMBER", XPT_MARK + b"MEMBV8"))), b"")
    long_names = b"NAMSTV8" in records[namestr]
    digits = records[namestr][52:58]
    size = int(member[-6:-2]) if member[-6:-2].isdigit() else 140
    count = int(digits) if digits.isdigit() else 0
    if not 0 < count <= 2000 or size not in (136, 140):
        raise CurveError(_CUT)
    at = (namestr + 1) * 80
    if at + count * size > len(raw):
        raise CurveError(_CUT)
    fields = []
    for k in range(count):
        entry = raw[at + k * size : at + (k + 1) * size]
        kind, length, position = int.from_bytes(entry[:2], "big"), int.from_bytes(entry[4:6], "big"), int.from_bytes(entry[84:88], "big")
        label = (entry[88:120] if long_names and entry[88:120].strip(b" \0") else entry[8:16]).decode("latin-1").strip(" \0")
        if length < 1 or (kind == 1 and not 2 <= length <= 8) or kind not in (1, 2):
            raise CurveError(_CUT)
        fields.append((label, kind, position, length))
    start = raw.find(XPT_MARK + b"OBS", at + count * size)
    width = max(position + length for _, _, position, length in fields)
    if start < 0 or width > 2_000_000:
        raise CurveError(_CUT)
    body = raw[start + 80 :]
    following = body.find(XPT_MARK + b"MEMB")  # only the first table is read
    body = body if following < 0 else body[:following]
    rows = len(body) // width
    while rows and not body[(rows - 1) * width : rows * width].strip(b" "):
        rows -= 1  # blanks fill up the last record
    if rows * count > 3_000_000:
        raise CurveError(f"{rows:,} rows of {count} columns are more than one person's curves; keep the rows of one person (one SEQN)")
    table = np.frombuffer(body[: rows * width], dtype=np.uint8).reshape(rows, width)
    columns: list[list[str]] = []
    for _, kind, position, length in fields:
        part = np.ascontiguousarray(table[:, position : position + length])
        if kind == 1:
            columns.append([f"{value:.12g}" if value == value else "" for value in _ibm_floats(part).tolist()])
        else:
            columns.append([bytes(cell).decode("latin-1").strip(" \0") for cell in part])
    return [[label for label, *_ in fields], *(list(row) for row in zip(*columns, strict=True))]


def _ibm_floats(cells: np.ndarray) -> np.ndarray:
    """(n, 2..8) bytes of IBM hexadecimal floating point -> (n,) numbers; SAS's missing values are NaN."""
    padded = np.zeros((len(cells), 8), dtype=np.uint8)
    padded[:, : cells.shape[1]] = cells
    fraction = np.zeros(len(cells))
    for k in range(1, 8):
        fraction = fraction * 256.0 + padded[:, k]
    first = padded[:, 0].astype(np.int64)
    values = np.ldexp(fraction, (4 * ((first & 0x7F) - 64) - 56).astype(np.int32)) * np.where(first & 0x80, -1.0, 1.0)
    missing = (fraction == 0) & (first != 0)
    return np.where(missing, np.nan, values)
