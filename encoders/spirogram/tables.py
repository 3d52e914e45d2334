"""Tables as text or rows of cells: finds the header, the separators, decimal commas and a row of units."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from encoders.spirogram.headers import is_unit, kind_of
from encoders.spirogram.read import Array, CurveError

MAX_ROWS, MAX_COLUMNS, PREAMBLE_ROWS = 500_000, 1000, 80
MARKS = ";\t,|"
_NUMBER = re.compile(r"\s*[-+\u2212]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?\s*")
SIGNALS = ("time", "volume", "flow")
_ASK_FOR_COLUMNS = "name the columns, for example time_s,volume_l"


def number(cell: str, comma: bool = False) -> float:
    """A cell as a number; raises ValueError."""
    cell = cell.strip().replace("\u2212", "-")
    if "_" in cell or (comma and 0 <= cell.find(",") < cell.rfind(".")):
        raise ValueError("1_000 and 1,234.5 are not read: which mark is the decimal one would be a guess")
    return float(cell.replace(".", "").replace(",", ".") if comma and "," in cell else cell)


@dataclass(frozen=True)
class Table:
    """Named columns. ``numbers`` (row, column) where every cell is a number, else ``cells`` as text; ``above``: lines before the header."""

    names: tuple[str, ...]
    numbers: Array | None
    cells: Sequence[Sequence[str]]
    above: tuple[str, ...]
    file: str
    first_row: int  # of the cells, for messages
    comma: bool = False

    def __len__(self) -> int:
        return len(self.cells) if self.numbers is None else len(self.numbers)

    def text(self, column: int) -> list[str]:
        if self.numbers is not None:
            return [f"{value:g}" for value in self.numbers[:, column]]
        short = next((k for k, row in enumerate(self.cells) if column >= len(row)), None)
        if short is not None:
            raise CurveError(f"row {self.first_row + short} of {self.file or 'the curve'} has too few cells; every row needs one for {self.names[column][:30]}")
        return [row[column].strip() for row in self.cells]

    def values(self, column: int, rows: Sequence[int] | None, may_end: bool = False) -> Array:
        """The numbers of a column; ``may_end``: blank cells at the end are cut off (columns of unequal length)."""
        if self.numbers is not None:
            return self.numbers[:, column] if rows is None else self.numbers[np.asarray(rows, dtype=np.int64), column]
        chosen = range(len(self.cells)) if rows is None else rows
        found: list[float] = []
        blanks = 0
        for row in chosen:
            cell = self.cells[row][column] if column < len(self.cells[row]) else ""
            if may_end and not cell.strip():
                blanks += 1
                continue
            try:
                if blanks:
                    raise ValueError("a blank within a column")
                found.append(number(cell, self.comma))
            except ValueError as error:
                raise CurveError(
                    f"row {self.first_row + row} of {self.file or 'the curve'} holds something that is not a number; a curve's cells must all be numbers"
                ) from error
        return np.array(found, dtype=np.float64)


# text -> table -------------------------------------------------------------------------------------------------------
def table_of_text(text: str, name: str) -> Table:
    """Columns with a header in any order, comma, semicolon, tab, bar or spaces between them, lines of a device above them."""
    count = text.count("\n") + 1
    if count > MAX_ROWS:
        raise CurveError(f"{count:,} rows are more than a spirogram can have; at most {MAX_ROWS:,} are read")
    lines = [line for line in text.splitlines() if line.strip()]
    head = _header_at([_split(line) for line in lines[:PREAMBLE_ROWS]])
    header = lines[head]
    mark = max(MARKS, key=header.count)
    _check_width(header.count(mark) + 1)
    if not header.count(mark) and len(lines) > head + 1 and len(lines[head + 1].split()) > 1:
        mark, lines = "\t", _from_spaces(lines, head)
        header = lines[head]
    if header.startswith("#"):
        lines[head:] = [line.lstrip("# ") for line in lines[head:]]
    names = _read_rows(lines[head : head + 1], mark, name)[0]
    units = _read_rows(lines[head + 1 : head + 2], mark, name)
    below = head + 1
    if units and _is_unit_row(units[0]):
        names, below = _with_units(names, units[0]), head + 2
    body, above = lines[below:], tuple(lines[:head])
    if not body:
        raise CurveError("the file has a header but no rows")
    numbers = _all_numbers(body, mark, len(names))
    if numbers is not None:
        return Table(tuple(names), numbers, (), above, name, below + 1)
    cells = [row for row in _read_rows(body, mark, name) if any(cell.strip() for cell in row)]
    comma = mark != "," and any("," in cell for row in cells for cell in row)
    return Table(tuple(names), None, cells, above, name, below + 1, comma)


def table_of_rows(rows: Sequence[Sequence[str]], name: str) -> Table:
    """The same for rows of cells, as a spreadsheet or a SAS table holds them."""
    if len(rows) > MAX_ROWS:
        raise CurveError(f"{len(rows):,} rows are more than a spirogram can have; at most {MAX_ROWS:,} are read")
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    head = _header_at([[cell.strip() for cell in row] for row in rows[:PREAMBLE_ROWS]])
    _check_width(len(rows[head]))
    names, below = [cell.strip() for cell in rows[head]], head + 1
    if len(rows) > below and _is_unit_row(rows[below]):
        names, below = _with_units(names, rows[below]), below + 1
    cells = rows[below:]
    if not cells:
        raise CurveError("the file has a header but no rows")
    above = tuple(" ".join(row) for row in rows[:head])
    try:
        if {len(row) for row in cells} == {len(names)} and not any("_" in cell for row in cells for cell in row):
            numbers = np.array([[float(cell) for cell in row] for row in cells], dtype=np.float64)
            return Table(tuple(names), numbers, (), above, name, below + 1)
    except ValueError:
        pass  # a cell is no number: read with care below
    return Table(tuple(names), None, cells, above, name, below + 1, any("," in cell for row in cells for cell in row))


def _check_width(columns: int) -> None:
    if columns > MAX_COLUMNS:
        raise CurveError(f"{columns:,} columns are more than a table of curves can have; at most {MAX_COLUMNS:,} are read")


def _split(line: str) -> list[str]:
    return [cell.strip() for cell in (re.split(r"[;\t,|]", line[:5000]) if any(mark in line for mark in MARKS) else re.split(r"\s{2,}|\t", line[:5000]))]


def _read_rows(lines: list[str], mark: str, name: str) -> list[list[str]]:
    try:
        return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=mark)]
    except csv.Error as error:
        raise CurveError(f"{name or 'the curve'} is not a readable table; save it as CSV with one row of headers") from error


def _from_spaces(lines: list[str], head: int) -> list[str]:
    """Columns set apart by spaces, with tabs instead; header words are joined where they are one name, as in ``Time (s)``."""
    width = len(lines[head + 1].split())
    wide = re.split(r"\s{2,}", lines[head].strip())
    names = wide if len(wide) == width else re.sub(r"\s+([\[(])", r"_\1", lines[head].strip("# ")).split()
    return lines[:head] + ["\t".join(names)] + ["\t".join(line.split()) for line in lines[head + 1 :]]


def _header_at(rows: list[list[str]]) -> int:
    """The row that names the columns; a device's lines above it may speak of time, too."""
    best, at = 0, -1
    for index, cells in enumerate(rows):
        if any(_NUMBER.fullmatch(cell) for cell in cells):
            continue
        kinds = {kind_of(cell) for cell in cells if len(cell) < 120}
        worth = 3 if "changes" in kinds else min(2, len(kinds & set(SIGNALS)))
        trials = sum(kind_of(cell) == "id" and bool(re.search(r"\d", cell)) for cell in cells if len(cell) < 120)
        worth = max(worth, 2) if "time" in kinds and trials > 1 else worth
        if worth > best:
            best, at = worth, index
    if at < 0:
        raise CurveError(f"no header row with time, volume or flow was found; {_ASK_FOR_COLUMNS}")
    return at


def _is_unit_row(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and any(is_unit(cell) for cell in filled) and not any(_NUMBER.fullmatch(cell) for cell in filled)


def _with_units(names: Sequence[str], units: Sequence[str]) -> list[str]:
    return [f"{name} [{units[k].strip('[]() ')}]" if k < len(units) and is_unit(units[k]) else name for k, name in enumerate(names)]


def _all_numbers(body: list[str], mark: str, width: int) -> Array | None:
    """(row, column) where every cell of every row is a number, which is the rule and fast; None sends the table down the careful path."""
    text = "\n".join(body)
    if "_" in text or '"' in text or "\u2212" in text or {line.count(mark) for line in body} != {width - 1}:
        return None
    if mark != "," and "," in text:
        if "." in text:
            return None
        text = text.replace(",", ".")
    try:
        return np.array(list(map(float, text.replace("\n", mark).split(mark))), dtype=np.float64).reshape(len(body), width)
    except ValueError:
        return None
