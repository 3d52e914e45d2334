"""Curves in XLSX workbooks, with limits on what a small file may unpack to."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

from encoders.spirogram.columns import rows_blows
from encoders.spirogram.read import Blow, CurveError

MAX_UNPACKED_MB, MAX_SHEETS, MAX_CELLS = 100, 10, 200_000
MAX_TAGS = 4 * MAX_CELLS + 10_000  # a cell has four; the parser's time and memory go with them, not with bytes


def check_workbook(raw: bytes, name: str) -> None:
    """Refuse a workbook that would take long or much memory to open. Raises CurveError; other errors are the archive's own."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        parts = archive.infolist()
        if sum(item.file_size for item in parts) > MAX_UNPACKED_MB * 1_000_000 or len(parts) > 2000:
            raise CurveError(f"{name or 'the workbook'} unpacks to more than {MAX_UNPACKED_MB} MB; save it as CSV")
        tags = 0
        for item in parts:
            with archive.open(item) as part:
                while tags <= MAX_TAGS and (chunk := part.read(1 << 20)):
                    tags += chunk.count(b"<")
        if tags > MAX_TAGS:
            raise CurveError(f"{name or 'the workbook'} has more than {MAX_CELLS:,} cells; save it as CSV")


def xlsx_blows(raw: bytes, name: str) -> tuple[Blow, ...]:
    """The curves of the first sheet that holds any. Raises CurveError, also for a workbook that unpacks to more than 100 MB."""
    refusal: CurveError | None = None
    for rows in _sheets(raw, name):
        try:
            return rows_blows(rows, name)
        except CurveError as error:
            refusal = error if refusal is None or "no header row" in str(refusal) else refusal
    raise refusal or CurveError(f"{name or 'the workbook'} is empty; give a sheet with time and volume")


def _sheets(raw: bytes, name: str) -> list[list[list[str]]]:
    from openpyxl import load_workbook

    try:
        check_workbook(raw, name)
        sheets = []
        left = MAX_CELLS
        for sheet in load_workbook(io.BytesIO(raw), read_only=True, data_only=True).worksheets[:MAX_SHEETS]:
            rows: list[list[str]] = []
            sheet.reset_dimensions()  # what a sheet says of its own size need not be true
            for row in sheet.iter_rows(values_only=True):
                left -= max(1, len(row))
                if left < 0:
                    raise CurveError(f"{name or 'the workbook'} has more than {MAX_CELLS:,} cells; save it as CSV")
                rows.append(["" if cell is None else cell.isoformat() if isinstance(cell, dt.datetime | dt.date) else str(cell) for cell in row])
            if any(any(row) for row in rows):
                sheets.append(rows)
        return sheets
    except CurveError:
        raise
    except Exception as error:  # a broken workbook fails in openpyxl, zipfile, zlib or the XML parser, each with errors of its own
        raise CurveError(f"{name or 'the file'} is not a readable XLSX workbook; save it again or use CSV") from error
