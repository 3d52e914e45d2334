"""Over 20,000 made-up files, spoiled in every way we could think of: what comes out is blows that can be judged, or one plain sentence."""

from __future__ import annotations

import functools
import io
import json
import random
import time
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encoders.spirogram.measure import measure
from encoders.spirogram.quality import judge
from encoders.spirogram.read import Blow, CurveError, read_curves
from encoders.spirogram.simulate import simulate
from tests.sas import xpt

Cells = list[list[str]]
JUNK = ("", " ", "0", "-0", "1e308", "-1e308", "1e-320", "nan", "NaN", "inf", "-inf", "1,5", "1.234,5", "1,234.5", "1_0", "٣", "x", "E", "U", '"', '""', "=1+1", "\u22122",
        "\x1c", "\0", "N/A", "---", "12:00:01", "2024-01-01", "\ufeff", "9" * 400, "#", "//", "[L]", "L/s", "é", "\u2028", "\u0085", "true", "None", "0x10", "1e", "%")  # fmt: skip
HEADERS = {
    "time": ("time_s", "time_ms", "Time", "Zeit [s]", "temps (ms)", "tiempo", "t", "Tijd [s]", "timestamp", "time_1", "time (min)", "No time"),
    "volume": ("volume_l", "Volume (mL)", "Volumen [L]", "V", "volume", "volume_pre", "volume_2", "Volume (%)", "volume dl", "Trial 1", "[L]"),
    "flow": ("flow_l_s", "Flow (L/min)", "Débit [L/s]", "Fluss", "flujo ml/s", "flow", "flow_post", "flow_2", "L/s", "Flow (%)"),
    "other": ("trial", "id", "patient_id", "visit", "date", "phase", "pre_post", "SEQN", "comment", "", "SPXRAW", "SPAFACT", "volume_b", "time_2", "Trial 2", "flow_1", "no"),
}  # fmt: skip
ABOVE = (
    "Sampling rate: 100 Hz",
    "Abtastrate;50",
    "Date: 2024-01-01",
    "Patient;X",
    "Pre/Post: post",
    "interval 10 ms",
    "time and volume",
    "# a comment",
    "dt = 0 s",
    "0 Hz",
    "9" * 30 + " Hz",
    "",
)


@functools.cache
def pool() -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """(time, volume) of at most 200 points: blows, loops, a syringe, breathing at rest, nothing."""
    blows = [
        simulate(3.1, 4.0, 8.0, fet_s=5.0, sampling_hz=25.0),
        simulate(0.8, 2.9, 2.2, fet_s=1.5, sampling_hz=50.0),
        simulate(1.2, 1.3, 3.5, fet_s=1.0, sampling_hz=60.0),
    ]
    made = [(blow.time_s[:200], blow.volume_l[:200]) for blow in blows]
    t = np.arange(160) * 0.04
    made += [
        (t, np.where(t < 2, -2 * t, np.minimum(-4 + 6 * (t - 2), 0.0))), (t, 0.25 * (1 - np.cos(2 * t))), (t, np.clip(t - 1, 0, 1) * 3), (t, t * 0), (np.arange(100) / 1000 * 8, made[0][1][:100]),
    ]  # fmt: skip
    return tuple(made)


def columns_of(rng: random.Random) -> dict[str, np.ndarray]:
    t, volume = rng.choice(pool())
    if rng.random() < 0.4:
        return {"time": t, "volume": volume, "flow": np.gradient(volume, t)}
    volume = volume * rng.choice((1, 1, 1, 1000, -1, 0.1, 1000, 100, 1e-6, 1e7))
    if rng.random() < 0.2:
        volume = np.round(volume, rng.choice((0, 1, 2)))
    flow = np.gradient(volume, t) * rng.choice((1, 1, 60, 1000, -1, 0.001))
    if rng.random() < 0.1:
        flow = np.clip(flow, -2, 2) + rng.choice((0.0, 0.1))
    return {"time": t * rng.choice((1, 1, 1, 1, 1000, 1 / 60, 25, 1e9, -1)), "volume": volume, "flow": flow}


def rows_of(rng: random.Random) -> Cells:
    """A header and rows of cells; sometimes with the columns of several trials, people or visits."""
    data = columns_of(rng)
    kinds = [kind for kind, often in (("time", 0.92), ("volume", 0.85), ("flow", 0.5)) if rng.random() < often] or ["volume"]
    kinds += [rng.choice(("volume", "flow", "other", "other", "other", "other")) for _ in range(rng.choice((0, 0, 0, 1, 2)))]
    rng.shuffle(kinds)
    strange_names = 0.5 if rng.random() < 0.4 else 0.0
    names = [rng.choice(HEADERS[kind]) if kind == "other" or rng.random() < strange_names else HEADERS[kind][0] for kind in kinds]
    places = rng.choice((0, 2, 3, 5))
    few = rng.choice((("1", "2"), ("A",), ("pre", "post"), ("2024-01-01", "2024-02-30"), ("", "x"), ("1.1",), ("0,1,2", "5 6 7")))
    half = len(data["time"]) // 2
    columns = [
        [f"{value:.{places}f}" for value in data[kind].tolist()] if kind in data else [few[(k > half) % len(few)] for k in range(2 * half + 1)]
        for kind in kinds
    ]
    return [names, *([list(row) for row in zip(*columns, strict=False)])]


def spoil(rng: random.Random, rows: Cells) -> Cells:
    """Rows dropped, doubled, shuffled, turned round; cells replaced, emptied, lost; columns swapped."""
    for _ in range(rng.choice((0, 0, 0, 1, 1, 3))):
        at, kind = rng.randrange(len(rows)), rng.randrange(10)
        if kind == 0:
            del rows[at : at + rng.choice((1, 1, 10, 1000))]
        elif kind == 1:
            rows[at:at] = rows[at : at + rng.choice((1, 5, 200))]
        elif kind == 2:
            body = rows[1:]
            rng.shuffle(body)
            rows[1:] = body
        elif kind == 3:
            rows[1:] = rows[:0:-1]
        elif kind == 4:
            rows[1:] += rows[1:]
        elif kind == 5 and rows[at]:
            rows[at][rng.randrange(len(rows[at]))] = rng.choice(JUNK)
        elif kind == 6:
            rows[at] = rows[at][: rng.randrange(3)]
        elif kind == 7:
            rows.insert(at, [rng.choice(JUNK) for _ in range(rng.randrange(5))])
        elif kind == 8:
            rows[at].append(rng.choice(JUNK))
        elif rows[0]:
            rows[0][rng.randrange(len(rows[0]))] = rng.choice(JUNK + HEADERS["other"] + HEADERS["volume"])
        if not rows:
            return [[""]]
    return rows


def cut(rng: random.Random, raw: bytes) -> bytes:
    """Bytes lost, doubled or changed."""
    for _ in range(rng.choice((0, 0, 0, 0, 0, 0, 1, 2))):
        at, kind = rng.randrange(len(raw) + 1), rng.randrange(4)
        if kind == 0:
            raw = raw[:at]
        elif kind == 1:
            raw = raw[:at] + rng.randbytes(rng.choice((1, 4, 40))) + raw[at + rng.choice((0, 1, 4)) :]
        elif kind == 2:
            raw = raw[:at] + raw[at + rng.choice((1, 80, 200)) :]
        else:
            raw = raw[at : at + 60] + raw
    return raw


def table(rng: random.Random) -> bytes:
    mark = rng.choice((",", ",", ";", "\t", "|", " "))
    lines = [mark.join(row) for row in spoil(rng, rows_of(rng))]
    if mark != "," and rng.random() < 0.4:
        lines = [line.replace(".", ",") for line in lines]
    if rng.random() < 0.1:
        lines[1:1] = [mark.join(rng.choice(("[s]", "[L]", "ms", "mL", "L/s", "x")) for _ in range(rng.randrange(1, 4)))]
    lines[:0] = [rng.choice(ABOVE) for _ in range(rng.choice((0, 0, 0, 1, 3)))]
    if rng.random() < 0.05:
        lines = [line.replace(mark, rng.choice(";,\t ")) for line in lines]
    return cut(
        rng,
        rng.choice(("\n", "\n", "\r\n", "\r")).join(lines).encode(rng.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252")), errors="replace"),
    )


def strange(rng: random.Random, depth: int = 0) -> Any:
    leaves: tuple[Any, ...] = (None, True, 0, -1, 1e308, 10**400, float("nan"), "", "x", "1", [], {}, 100, 0.01, [1, 2, 3], "2024-01-01", [[1]], ["x"])
    return rng.choice(leaves) if depth > 1 or rng.random() < 0.7 else {rng.choice(("time", "volume", "id", "units", "origin")): strange(rng, depth + 1)}


def json_file(rng: random.Random) -> bytes:
    def blow() -> dict[str, Any]:
        data = columns_of(rng)
        item: dict[str, Any] = {rng.choice(HEADERS[kind]): np.round(column, 4).tolist() for kind, column in data.items() if rng.random() < 0.8}
        for _ in range(rng.choice((0, 1, 2))):
            item[rng.choice(("sampling_hz", "dt", "dt_ms", "id", "patient_id", "date", "volume_unit", "units", "phase", "bronchodilator", *item))] = strange(
                rng
            )
        return item

    kind = rng.randrange(6)
    document: Any = (
        blow()
        if kind < 2
        else [blow(), blow()]
        if kind == 2
        else {rng.choice(("blows", "trials", "curves")): [blow()], "sampling_hz": rng.choice((100, 50, "x"))}
    )
    if kind == 4:
        names, *rows = spoil(rng, rows_of(rng))
        document = [dict(zip(names, row, strict=False)) for row in rows]
    elif kind == 5:
        document = strange(rng)
    return cut(rng, json.dumps(document).encode())


def observation(rng: random.Random) -> dict[str, Any]:
    volume = columns_of(rng)[rng.choice(("volume", "flow"))]
    tokens = [f"{value:.3f}" for value in volume.tolist()]
    for _ in range(rng.choice((0, 0, 0, 1, 4))):
        tokens[rng.randrange(len(tokens))] = rng.choice(("E", "U", "L", *JUNK))
    unit = rng.choice(("L", "L", "mL", "L/s", "L/min", "mV", "", None, "litres"))
    data: dict[str, Any] = {
        "origin": {"value": rng.choice((0, 0, -1, 1.5, "0")), "unit": unit, "code": unit},
        "period": rng.choice((40, 10, 20, 16.7)),
        "dimensions": 1,
        "data": " ".join(tokens),
    }
    item: dict[str, Any] = {
        "resourceType": "Observation",
        "id": "a",
        "code": {"coding": [{"display": "pre bronchodilator"}]},
        "subject": {"reference": f"Patient/{rng.choice('1111112')}"},
        "effectiveDateTime": rng.choice(("2024-01-01", "2024", 3)),
        "valueSampledData": data,
    }
    for _ in range(rng.choice((0, 0, 1, 2))):
        holder = rng.choice((item, data, data["origin"] if isinstance(data.get("origin"), dict) else data))
        holder[rng.choice((*holder, "factor", "upperLimit", "lowerLimit", "component", "interval", "note", "effectivePeriod", "method"))] = strange(rng)
    if rng.random() < 0.2:
        item["component"] = [{"valueSampledData": item.get("valueSampledData")}, strange(rng)]
        if rng.random() < 0.5:
            item.pop("valueSampledData", None)
    return item


def fhir(rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        return cut(rng, json.dumps(observation(rng)).encode())
    entries: list[Any] = [{"resource": observation(rng)} for _ in range(rng.choice((1, 2, 3)))] + [strange(rng)] * rng.randrange(2)
    return cut(rng, json.dumps({"resourceType": "Bundle", "entry": entries if rng.random() < 0.95 else strange(rng)}).encode())


def ukb(rng: random.Random) -> bytes:
    lines = []
    for number in range(rng.choice((1, 1, 2, 3))):
        values = [f"{value:.0f}" for value in (columns_of(rng)["volume"] * rng.choice((1, 1000))).tolist()]
        for _ in range(rng.choice((0, 0, 1))):
            values[rng.randrange(len(values))] = rng.choice(JUNK)
        lines.append(",".join([f"blow{number + 1}", str(len(values) + rng.choice((0, 0, 0, -5, 5))), *["0"] * rng.choice((0, 30)), *values]))
    return cut(rng, rng.choice(("\n", "\r\n")).join(lines).encode())


def sas(rng: random.Random) -> bytes:
    if rng.random() < 0.3:
        names, *rows = rows_of(rng)
        if not rows or not names:
            return b"HEADER RECORD*******"
        return cut(rng, xpt(names, [[str(cell) for cell in row] for row in rows], rng.choice((5, 8))))
    made = []
    for number in range(rng.choice((1, 1, 2, 3))):
        changes = np.diff(np.round(columns_of(rng)["volume"] * rng.choice((1, 1000))), prepend=0.0).tolist()
        text = rng.choice((",", ",", " ", ", ")).join(f"{value:.0f}" for value in changes)
        made.append(
            [
                float(rng.choice((1, 1, 1, 1, 1, 1, 2))),
                rng.choice(("Pre", "Bron", "")),
                float(number),
                rng.choice((1.1, 1.1, 1.1, 1.05, 1.05, float("nan"), 0.0)),
                text if rng.random() < 0.9 else rng.choice(JUNK),
            ]
        )
    names = ["SEQN", "SPATTYPE", "SPAMANU", "SPAFACT", "SPXRAW"]
    if rng.random() < 0.2:
        names[rng.randrange(5)] = "OTHER"
    return cut(rng, xpt(names, made, rng.choice((5, 8))))


_XLSX = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}  # fmt: skip


def xlsx(rng: random.Random) -> bytes:
    def cell(text: str) -> str:
        try:
            return f"<c><v>{float(text)!r}</v></c>"
        except ValueError:
            safe = "".join(sign if sign.isprintable() else "" for sign in text).replace("&", "&amp;").replace("<", "&lt;")
            return f'<c t="inlineStr"><is><t>{safe}</t></is></c>' if rng.random() < 0.9995 else f'<c t="{rng.choice("bdens")}"><v>{safe}</v></c>'

    rows = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in spoil(rng, rows_of(rng)))
    size = rng.choice(("", '<dimension ref="A1:XFD1048576"/>'))
    sheet = f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{size}<sheetData>{rows}</sheetData></worksheet>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for part, text in {**_XLSX, "xl/worksheets/sheet1.xml": sheet}.items():
            if rng.random() < 0.995:
                archive.writestr(part, cut(rng, text.encode()) if rng.random() < 0.02 else text)
    return cut(rng, out.getvalue())


def anything(rng: random.Random) -> bytes:
    """Bytes without any plan, or the beginnings of the formats followed by them."""
    start = rng.choice(
        (
            b"",
            b"",
            b"PK\x03\x04",
            b"blow1,20,",
            b"{",
            b"[",
            b"HEADER RECORD*******",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
            b"time_s,volume_l\n",
            b'{"resourceType":"Bundle",',
        )
    )
    return start + (
        rng.randbytes(rng.randrange(120)) if rng.random() < 0.5 else "".join(rng.choices(JUNK + (",", "\n", ";", "time", "volume_l"), k=40)).encode()
    )


READERS: dict[str, tuple[Callable[[random.Random], bytes], int]] = {
    "table": (table, 7000), "json": (json_file, 3500), "fhir": (fhir, 2500), "ukb": (ukb, 2000), "sas": (sas, 2500), "xlsx": (xlsx, 2000), "anything": (anything, 2000),
}  # fmt: skip
OPTIONS = {"derandomize": True, "deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


def judged_or_refused(raw: bytes) -> int:
    """The number of blows; fails for any other exception, a message that is no sentence, a value that is none, or a hang."""
    begun = time.process_time()
    blows: tuple[Blow, ...] = ()
    try:
        blows = read_curves(raw)
    except CurveError as error:
        said = str(error)
        assert said and "\n" not in said and len(said) < 420, said
    else:
        assert blows
    for blow in blows:
        assert len(blow.time_s) == len(blow.volume_l) == len(blow.flow_l_s) >= 7
        assert np.isfinite(blow.time_s).all() and np.isfinite(blow.volume_l).all() and np.isfinite(blow.flow_l_s).all()
        assert (np.diff(blow.time_s) > 0).all() and 19 < blow.sampling_hz < 1010
        judge(measure(blow))
    assert time.process_time() - begun < 5
    return len(blows)


def test_the_generator_makes_files_that_can_be_read_as_well_as_files_that_cannot() -> None:
    """A fuzzer whose files are all refused at the door would test the door only."""
    for make, _ in (READERS[name] for name in READERS if name != "anything"):
        found = [judged_or_refused(make(random.Random(seed))) for seed in range(150)]
        assert 0.05 < np.mean([count > 0 for count in found]) < 0.95, make.__name__


@pytest.mark.parametrize("reader", READERS)
def test_no_file_raises_anything_but_a_curve_error(reader: str) -> None:
    make, examples = READERS[reader]

    @settings(max_examples=examples, **OPTIONS)  # type: ignore[arg-type]
    @given(st.integers(0, 2**64 - 1))
    def check(seed: int) -> None:
        judged_or_refused(make(random.Random(seed)))

    check()


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
def test_ten_times_as_many_files_raise_nothing_but_curve_errors(reader: str) -> None:
    make, examples = READERS[reader]
    for seed in range(10 * examples):
        judged_or_refused(make(random.Random(1_000_000 + seed)))
