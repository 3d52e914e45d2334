"""Tables of columns -> blows: which rows or columns make up one blow, of which trial, visit and phase, and whether of one person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from encoders.spirogram.grid import build
from encoders.spirogram.headers import date_of, is_trial, kind_of, label_of, phase_of, rate_in, unit_of
from encoders.spirogram.read import Array, Blow, CurveError
from encoders.spirogram.tables import SIGNALS, Table, table_of_rows, table_of_text

MAX_BLOWS = 200


def table_blows(text: str, name: str) -> tuple[Blow, ...]:
    """The blows of a table as text, see ``tables.table_of_text``. Raises CurveError."""
    return _blows(table_of_text(text, name))


def rows_blows(rows: Sequence[Sequence[str]], name: str) -> tuple[Blow, ...]:
    """The blows of rows of cells, as a spreadsheet or a SAS table holds them. Raises CurveError."""
    return _blows(table_of_rows(rows, name))


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
    found = {kind: [k for k, other in enumerate(kinds) if other == kind] for kind in SIGNALS}
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
