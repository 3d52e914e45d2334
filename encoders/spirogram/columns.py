"""Tables of columns -> blows: finds the header, separators, decimal commas, and which rows or columns make up one blow."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from encoders.spirogram.grid import build
from encoders.spirogram.headers import date_of, is_trial, is_unit, kind_of, label_of, phase_of, rate_in, unit_of
from encoders.spirogram.read import Array, Blow, CurveError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ROWS, MAX_BLOWS, PREAMBLE_ROWS = 500_000, 200, 80
MARKS = ";\t,|"
_NUMBER = re.compile(r"\s*[-+\u2212]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?\s*")
_SIGNALS = ("time", "volume", "flow")
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
def table_blows(text: str, name: str) -> tuple[Blow, ...]:
    """Columns with a header in any order, comma, semicolon, tab, bar or spaces between them, lines of a device above them."""
    count = text.count("\n") + 1
    if count > MAX_ROWS:
        raise CurveError(f"{count:,} rows are more than a spirogram can have; at most {MAX_ROWS:,} are read")
    lines = [line for line in text.splitlines() if line.strip()]
    head = _header_at([_split(line) for line in lines[:PREAMBLE_ROWS]])
    header = lines[head]
    mark = max(MARKS, key=header.count)
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
        return _blows(Table(tuple(names), numbers, (), above, name, below + 1))
    cells = [row for row in _read_rows(body, mark, name) if any(cell.strip() for cell in row)]
    comma = mark != "," and any("," in cell for row in cells for cell in row)
    return _blows(Table(tuple(names), None, cells, above, name, below + 1, comma))


def rows_blows(rows: Sequence[Sequence[str]], name: str) -> tuple[Blow, ...]:
    """The same for rows of cells, as a spreadsheet or a SAS table holds them."""
    if len(rows) > MAX_ROWS:
        raise CurveError(f"{len(rows):,} rows are more than a spirogram can have; at most {MAX_ROWS:,} are read")
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    head = _header_at([[cell.strip() for cell in row] for row in rows[:PREAMBLE_ROWS]])
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
            return _blows(Table(tuple(names), numbers, (), above, name, below + 1))
    except ValueError:
        pass  # a cell is no number: read with care below
    return _blows(Table(tuple(names), None, cells, above, name, below + 1, any("," in cell for row in cells for cell in row)))


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
        worth = 3 if "changes" in kinds else min(2, len(kinds & set(_SIGNALS)))
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


# table -> blows ------------------------------------------------------------------------------------------------------
def _blows(table: Table) -> tuple[Blow, ...]:
    kinds = [kind_of(cell) for cell in table.names]
    _one_person(table, kinds)
    if "changes" in kinds:
        from encoders.spirogram.nhanes import change_blows

        return change_blows(table, kinds)
    wide = _sets_of_columns(table, kinds)
    keys, groups = _groups(table, kinds, wide)
    units = [unit_of(cell) for cell in table.names]
    rate = None
    if not any("time" in columns for _, columns in wide):
        rate = rate_in([*table.above, *table.names])
        if rate is None and not any("volume" in columns and "flow" in columns for _, columns in wide):
            rate = rate_in([" " + name.replace("_", " every ") for name in table.names])  # volume_ml_10ms
    day = next((found for line in table.above if kind_of(line[:40]) in ("date", "time") and (found := _date_within(line))), None)
    above_phase = next(
        (found for line in table.above if kind_of(line[:60]) == "phase" and (found := phase_of(re.split(r"[:;,\t=]", line, maxsplit=1)[-1]))), None
    )
    said = (f"the points were taken to be 1/{rate:g} s apart, as the file states {rate:g} Hz",) if rate else ()
    blows = []
    for (date, visit, phase, trial), rows in zip(keys, groups, strict=True):
        for label, columns in wide:
            data = {kind: table.values(column, rows, may_end=len(wide) > 1) for kind, column in columns.items()}
            if len(wide) > 1:
                data = _same_length(data)
            id_ = ("/".join(part for part in (visit, trial) if part) or label or "1")[:20]
            try:
                blow = build(
                    data.get("time"), data.get("volume"), data.get("flow"), {kind: units[column] for kind, column in columns.items()}, id_=id_,
                    file=table.file, bronchodilator=phase_of(label) or phase_of(phase) or above_phase, step_s=1.0 / rate if rate else None,
                    date=date or day, said=said,
                )  # fmt: skip
            except CurveError as error:
                if len(groups) * len(wide) == 1:
                    raise
                raise CurveError(f"blow {id_}: {error}") from error
            blows.append(blow)
    return tuple(blows)


def _one_person(table: Table, kinds: list[str | None]) -> None:
    for column in (k for k, kind in enumerate(kinds) if kind == "person"):
        people = {cell for cell in table.text(column) if cell}
        if len(people) > 1:
            raise CurveError(
                f"the column {table.names[column][:30]} holds {len(people):,} people; a file of curves may hold one person: keep the rows of one of them and read it again"
            )


def _sets_of_columns(table: Table, kinds: list[str | None]) -> list[tuple[str, Mapping[str, int]]]:
    """Which columns make up a blow: [("", {time, volume, flow})], or one set a trial where blows stand side by side."""
    names = table.names
    found = {kind: [k for k, other in enumerate(kinds) if other == kind] for kind in _SIGNALS}
    trials = [k for k, kind in enumerate(kinds) if kind == "id" and re.search(r"\d", names[k])]
    if not found["volume"] and not found["flow"] and found["time"] and len(trials) > 1:
        found["volume"] = trials  # Time; Trial 1; Trial 2
    for kind in ("volume", "flow"):  # litres stand beside a percentage
        if len(found[kind]) > 1:
            found[kind] = [k for k in found[kind] if unit_of(names[k]) != "%"] or found[kind]
    if not found["volume"] and not found["flow"]:
        raise CurveError(f"the columns {', '.join(names)[:80]} hold neither volume nor flow; a curve needs one of them and time")
    if all(len(columns) < 2 for columns in found.values()):
        return [("", {kind: columns[0] for kind, columns in found.items() if columns})]
    if sum(map(len, found.values())) > 3 * MAX_BLOWS:
        raise CurveError(f"the table holds more than {MAX_BLOWS} blows side by side; at most {MAX_BLOWS} are read")
    sets: dict[str, dict[str, int]] = {}
    for kind, columns in found.items():
        labels = [label_of(names[k]) for k in columns]
        if len(columns) == 1 and kind == "time":
            continue
        told_apart = len(set(labels)) == len(labels) and sum(not is_trial(label) for label in labels) <= (1 if "" in labels else 0)
        if len(columns) > 1 and not told_apart:
            raise CurveError(f"more than one column looks like {kind}: {', '.join(names[k] for k in columns)[:120]}; leave one, or number them by trial")
        for label, column in zip(labels, columns, strict=True):
            sets.setdefault(label, {})[kind] = column
    if len(found["time"]) == 1:
        for columns_of in sets.values():
            columns_of["time"] = found["time"][0]
    blows = [(label, columns_of) for label, columns_of in sets.items() if "volume" in columns_of or "flow" in columns_of]
    if found["time"] and any("time" not in columns_of for _, columns_of in blows):
        raise CurveError("some of the blows side by side have no time column; give one time column for all, or one for each trial")
    return [(re.sub(r"^(?:trial|blow|effort|test|curve) ", "", label) or "1", columns_of) for label, columns_of in blows]


def _same_length(data: dict[str, Array]) -> dict[str, Array]:
    """Blows side by side end at different rows: the shared time is cut to the blow."""
    shortest = min((len(data[kind]) for kind in ("volume", "flow") if kind in data), default=0)
    return {kind: column[:shortest] if kind == "time" else column for kind, column in data.items()}


def _groups(
    table: Table, kinds: list[str | None], wide: Sequence[tuple[str, Mapping[str, int]]]
) -> tuple[list[tuple[str | None, str, str, str]], list[Sequence[int] | None]]:
    """(date, visit, phase, trial) of each blow and its rows (None: all), by the columns that tell blows apart."""
    used = {column for _, columns in wide for column in columns.values()}
    columns = [(k, kind) for k, kind in enumerate(kinds) if kind in ("date", "phase", "id") and k not in used]
    texts = []
    for k, kind in columns:
        cells = table.text(k)
        if kind == "id" and len(cells) >= 20 and len(set(cells)) == len(cells):
            continue  # rows that are numbered
        if kind == "date" and len(set(cells)) > MAX_BLOWS:
            cells = [date_of(cell) or cell for cell in cells]  # a moment for each row: its day counts
        texts.append((kind, cells))
    if not texts:
        return [(None, "", "", "")], [None]
    rows: dict[tuple[str, ...], list[int]] = {}
    for index, key in enumerate(zip(*(cells for _, cells in texts), strict=True)):
        rows.setdefault(key, []).append(index)
    if len(rows) > MAX_BLOWS:
        raise CurveError(f"the table holds {len(rows):,} blows by its columns of trials and dates; at most {MAX_BLOWS} are read")
    keys = []
    for key in rows:
        named = list(zip((kind for kind, _ in texts), key, strict=True))
        date = next((found for kind, cell in named if kind == "date" and (found := date_of(cell))), None)
        visit = "/".join(cell for kind, cell in named if kind == "date" and not date_of(cell))
        phase = " ".join(cell for kind, cell in named if kind == "phase")
        keys.append((date, visit, phase, "/".join(cell for kind, cell in named if kind == "id")))
    return keys, [list(found) for found in rows.values()]


def _date_within(line: str) -> str | None:
    found = re.search(r"\d{4}-\d{2}-\d{2}", line)
    return date_of(found[0]) if found else None
