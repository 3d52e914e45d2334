"""Curves in the shapes in which they arrive: the same blow, whatever its columns, units, separators and signs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encoders.spirogram import read
from encoders.spirogram.grid import MAX_POINTS
from encoders.spirogram.headers import kind_of, unit_of
from encoders.spirogram.measure import measure
from encoders.spirogram.read import Blow, CurveError, read_curves
from encoders.spirogram.simulate import simulate

BLOW = simulate(3.1, 4.0, 8.0, 3.0, 0.06, 7.0)
TRUTH = measure(BLOW)
FACTORS = {"s": 1.0, "ms": 1000.0, "l": 1.0, "ml": 1000.0, "l/s": 1.0, "l/min": 60.0, "ml/s": 1000.0}
COLUMNS = {"time": BLOW.time_s, "volume": BLOW.volume_l, "flow": BLOW.flow_l_s}


def table(*columns: tuple[str, str, str], mark: str = ",", comma: bool = False, places: int = 5, rows: slice = slice(None)) -> str:
    """The blow as text; each column is (kind, unit of its numbers, header)."""
    numbers = [COLUMNS[kind][rows] * FACTORS[unit] for kind, unit, _ in columns]
    lines = [mark.join(f"{value:.{places}f}" for value in row) for row in zip(*numbers, strict=True)]
    if comma:
        lines = [line.replace(".", ",") for line in lines]
    return "\n".join([mark.join(header for *_, header in columns), *lines]) + "\n"


def ukb(volume_l: np.ndarray = BLOW.volume_l, number: int = 1) -> str:
    values = [str(round(value * 1000)) for value in volume_l]
    return f"blow{number},{len(values)},{','.join(values)}"


def as_json(**more: object) -> dict[str, object]:
    return {"time_s": BLOW.time_s.round(4).tolist(), "volume_l": BLOW.volume_l.round(5).tolist(), **more}


def agrees(blow: Blow, litres: float = 0.003) -> None:
    got = measure(blow)
    assert got.fev1_l == pytest.approx(TRUTH.fev1_l, abs=litres)
    assert got.fvc_l == pytest.approx(TRUTH.fvc_l, abs=litres)


def refused(source: str | bytes | Path, words: str) -> None:
    with pytest.raises(CurveError, match=words) as caught:
        read_curves(source)
    said = str(caught.value)
    assert "\n" not in said and len(said) < 300 and "Traceback" not in said


SHAPES = {
    "litres and seconds": table(("time", "s", "time_s"), ("volume", "l", "volume_l")),
    "any order": table(("volume", "l", "Volume [L]"), ("time", "s", "Time [s]")),
    "millilitres": table(("time", "s", "Time (s)"), ("volume", "ml", "Volume (mL)")),
    "milliseconds": table(("time", "ms", "time_ms"), ("volume", "l", "vol_l")),
    "semicolons and decimal commas": table(("time", "ms", "Zeit [ms]"), ("volume", "ml", "Volumen [mL]"), mark=";", comma=True),
    "tabs": table(("time", "s", "t"), ("volume", "l", "Volume / L"), mark="\t"),
    "tabs and decimal commas": table(("time", "s", "time (seconds)"), ("volume", "l", "exhaled volume (litres)"), mark="\t", comma=True),
    "byte-order mark": "\ufeff" + table(("time", "s", "time_s"), ("volume", "l", "volume_l")),
    "Windows line ends": table(("time", "s", "time_s"), ("volume", "l", "volume_l")).replace("\n", "\r\n"),
    "blank lines": table(("time", "s", "time_s"), ("volume", "l", "volume_l")).replace("\n", "\n\n"),
    "quoted headers": table(("time", "s", '"Time, s"'), ("volume", "l", '"Volume, L"')),
    "time, volume and flow": table(("flow", "l/s", "Flow (L/s)"), ("time", "s", "time"), ("volume", "l", "volume")),
    "flow per minute beside volume": table(("flow", "l/min", "flow_l_min"), ("time", "s", "time_s"), ("volume", "l", "volume_l")),
    "flow alone": table(("time", "s", "time_s"), ("flow", "l/s", "flow_l_s")),
    "flow alone, per minute": table(("time", "s", "time_s"), ("flow", "l/min", "Flow [L/min]")),
    "flow alone, millilitres": table(("time", "s", "time_s"), ("flow", "ml/s", "flow_ml_s")),
    "a device's preamble": "Spirometer X\nDate and time;2024-01-01\n" + table(("time", "s", "time_s"), ("volume", "l", "volume_l"), mark=";"),
    "UK Biobank": ukb(),
    "UK Biobank, padded": ukb(np.concatenate([np.zeros(40), BLOW.volume_l])),
    "JSON": json.dumps(as_json()),
    "JSON list": json.dumps([as_json()]),
    "JSON blows": json.dumps({"blows": [as_json(id=7)]}),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_blow_measures_the_same_in_every_shape(shape: str) -> None:
    for source in (SHAPES[shape], SHAPES[shape].encode(), SHAPES[shape].encode("utf-8-sig")):
        (blow,) = read_curves(source)
        agrees(blow, 0.02 if "flow alone" in shape else 0.003)  # an integral of flow samples is coarser


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "latin-1"])
def test_other_encodings_are_read(encoding: str) -> None:
    text = table(("time", "s", "durée, temps (s) time"), ("volume", "l", "Volume expiré (L)"), mark=";")
    agrees(read_curves(text.encode(encoding))[0])


def test_a_path_is_read_and_named(tmp_path: Path) -> None:
    (tmp_path / "blow.csv").write_text(SHAPES["millilitres"])
    (blow,) = read_curves(tmp_path / "blow.csv")
    assert blow.file == "blow.csv"
    agrees(blow)


@pytest.mark.parametrize(
    ("header", "kind", "unit"),
    [
        ("Time [ms]", "time", "ms"), ("elapsed_s", "time", "s"), ("sec", "time", "s"), ("Zeit (s)", "time", "s"), ("volume_ml", "volume", "ml"),
        ("V (L)", "volume", "l"), ("Volume (Litres)", "volume", "l"), ("Volume", "volume", ""), ("flow_l_s", "flow", "l/s"), ("Flow, L/s", "flow", "l/s"),
        ("flow (L/sec)", "flow", "l/s"), ("Flow L.s-1", "flow", "l/s"), ("flow_l_min", "flow", "l/min"), ("Flow [L/minute]", "flow", "l/min"),
        ("flow_ml_per_s", "flow", "ml/s"), ("flow mL/min", "flow", "ml/min"), ("flow_lpm", "flow", "lpm"), ("Trial", "id", ""), ("effort no", "id", ""),
        ("pre_post", "phase", ""), ("Pre/Post", "phase", ""), ("bronchodilator", "phase", ""), ("height", None, ""), ("comment", None, ""),
    ],
)  # fmt: skip
def test_headers_say_what_a_column_holds_and_in_which_unit(header: str, kind: str | None, unit: str) -> None:
    assert (kind_of(header), unit_of(header)) == (kind, unit)


def test_peak_flow_does_not_depend_on_the_unit_of_flow() -> None:
    for unit, header in (("l/s", "flow_l_s"), ("l/min", "flow_l_min"), ("l/min", "Flow (L/minute)"), ("ml/s", "flow [mL/s]")):
        (blow,) = read_curves(table(("time", "s", "time_s"), ("volume", "l", "volume_l"), ("flow", unit, header)))
        assert measure(blow).pef_l_s == pytest.approx(TRUTH.pef_l_s, abs=0.02), header


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ((("time", "s", "time"), ("volume", "l", "volume_l")), "time was taken to be in seconds"),
        ((("time", "ms", "time"), ("volume", "l", "volume_l")), "time was taken to be in milliseconds"),
        ((("time", "s", "time_s"), ("volume", "l", "volume")), "volume was taken to be in litres"),
        ((("time", "s", "time_s"), ("volume", "ml", "volume")), "volume was taken to be in mL"),
        ((("time", "s", "time_s"), ("volume", "l", "volume_l"), ("flow", "l/s", "flow")), "flow was taken to be in L/s"),
        ((("time", "s", "time_s"), ("volume", "l", "volume_l"), ("flow", "l/min", "flow")), "flow was taken to be in L/min"),
        ((("time", "s", "time_s"), ("volume", "l", "volume_l"), ("flow", "ml/s", "flow")), "flow was taken to be in mL/s"),
        ((("time", "s", "time_s"), ("flow", "l/s", "flow_l_s")), "volume was integrated from flow"),
    ],
)
def test_a_unit_that_no_header_names_is_found_and_stated(columns: tuple[tuple[str, str, str], ...], said: str) -> None:
    (blow,) = read_curves(table(*columns))
    assert any(note.startswith(said) for note in blow.assumptions)
    agrees(blow, 0.02)


def test_units_that_are_named_need_no_assumption() -> None:
    assert read_curves(SHAPES["semicolons and decimal commas"])[0].assumptions == ()


def test_expiration_drawn_downwards_is_turned_and_said() -> None:
    (blow,) = read_curves(json.dumps({"time_s": BLOW.time_s.tolist(), "volume_l": (-BLOW.volume_l).tolist()}))
    assert "the sign was reversed, so that expiration is positive" in blow.assumptions
    agrees(blow)


def test_flow_drawn_downwards_beside_volume_is_turned() -> None:
    (blow,) = read_curves(json.dumps(as_json(flow_l_s=(-BLOW.flow_l_s).tolist())))
    assert blow.flow_l_s.max() == pytest.approx(BLOW.flow_l_s.max(), abs=0.01)


def test_several_blows_come_by_their_trial_column() -> None:
    rows = SHAPES["litres and seconds"].splitlines()[1:]
    weaker = [f"{float(row.split(',')[0]):.2f},{0.9 * float(row.split(',')[1]):.5f}" for row in rows]
    body = [f"{row},A" for row in rows] + [f"{row},B" for row in weaker]
    first, second = read_curves("\n".join(["time_s,volume_l,trial", *body]))
    assert (first.id, second.id) == ("A", "B")
    agrees(first)
    assert measure(second).fvc_l == pytest.approx(0.9 * TRUTH.fvc_l, abs=0.003)


@pytest.mark.parametrize("header", ["pre_post", "bronchodilator", "phase", "Pre/Post"])
def test_before_and_after_a_bronchodilator_are_told_apart(header: str) -> None:
    rows = SHAPES["litres and seconds"].splitlines()[1:]
    text = "\n".join([f"{header},time_s,volume_l", *(f"{phase},{row}" for phase in ("Pre-BD", "post", "") for row in rows)])
    blows = read_curves(text)
    assert [blow.bronchodilator for blow in blows] == ["pre", "post", None]
    for blow in blows:
        agrees(blow)


def test_several_blows_in_one_json_keep_their_names() -> None:
    blows = read_curves(json.dumps([as_json(id="a", bronchodilator="pre"), as_json(bronchodilator="after salbutamol")]))
    assert [(blow.id, blow.bronchodilator) for blow in blows] == [("a", "pre"), ("2", "post")]


def test_a_biobank_string_may_hold_several_blows() -> None:
    blows = read_curves(f"{ukb()}\n{ukb(BLOW.volume_l * 0.9, 2)}\n")
    assert [blow.id for blow in blows] == ["1", "2"]
    assert [blow.sampling_hz for blow in blows] == pytest.approx([100.0, 100.0])


def test_the_public_example_is_the_same_as_string_and_as_table(shared_data: Path) -> None:
    (string,), (columns,) = (read_curves(shared_data / name) for name in ("ukb_3066_demo_string.txt", "ukb_3066_demo.csv"))
    assert measure(string).fev1_l == pytest.approx(measure(columns).fev1_l, abs=0.002)
    assert measure(string).fvc_l == pytest.approx(measure(columns).fvc_l, abs=0.002)


def test_an_offset_of_time_changes_nothing() -> None:
    late = as_json(time_s=(1_700_000_000 + BLOW.time_s).tolist())
    (blow,) = read_curves(json.dumps(late))
    assert blow.time_s[0] == 0.0 and not blow.warnings
    agrees(blow)


def test_repeated_and_uneven_points_are_said_and_do_no_harm() -> None:
    twice = np.repeat(np.arange(len(BLOW.time_s)), np.where(np.arange(len(BLOW.time_s)) % 50 == 0, 2, 1))
    (blow,) = read_curves(json.dumps({"time_s": BLOW.time_s[twice].tolist(), "volume_l": BLOW.volume_l[twice].tolist()}))
    assert any("repeated points" in note for note in blow.warnings)
    agrees(blow)
    uneven = np.delete(np.arange(len(BLOW.time_s)), np.arange(3, len(BLOW.time_s), 7))
    (blow,) = read_curves(json.dumps({"time_s": (1000 + BLOW.time_s[uneven]).tolist(), "volume_l": BLOW.volume_l[uneven].tolist()}))
    assert any("not evenly spaced" in note for note in blow.warnings)
    assert np.ptp(np.diff(blow.time_s)) < 1e-9
    agrees(blow, 0.01)


@pytest.mark.parametrize("every", [4, 10])
def test_a_slow_recorder_is_named_by_its_own_rate(every: int) -> None:
    (blow,) = read_curves(table(("time", "s", "time_s"), ("volume", "l", "volume_l"), rows=slice(None, None, every)))
    assert any(note.startswith(f"sampled at {100 // every} Hz") for note in blow.warnings)


def test_zeros_without_a_comma_before_the_blow_do_not_hide_the_decimal_comma() -> None:
    rows = [f"{10 * k};{0 if k < 60 else f'{volume:.3f}'.replace('.', ',')}" for k, volume in enumerate(np.concatenate([np.zeros(60), BLOW.volume_l]))]
    agrees(read_curves("\n".join(["time_ms;volume_l", *rows]))[0])


HEAD = "time_s,volume_l\n"
ROWS = SHAPES["litres and seconds"].splitlines()[1:]


def spoiled(row: int, text: str, mark: str = ",") -> str:
    return HEAD.replace(",", mark) + "\n".join(
        [*(line.replace(",", mark) for line in ROWS[:row]), text, *(line.replace(",", mark) for line in ROWS[row + 1 :])]
    )


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "is empty"), (b"", "is empty"), (" \n\ufeff", "empty|no header"), (b"\x89PNG\r\n\x1a\n\x00\x00", "not text"),
        (b"\xff\xd8\xff\xe0JFIF", "not text"),
        (b"%PDF-1.7", "not text"), (b"PK\x03\x04\x00\x00", "not a readable XLSX"), ("hello, world", "no header row"), (HEAD, "no rows"), (HEAD + "\n".join(ROWS[:5]),
        "too few"),
        ("volume_l\n" + "\n".join(row.split(",")[1] for row in ROWS), "no time column"), ("time_s,comment\n0,1", "neither volume nor flow"),
        ("time_s,volume_l,volume_ml\n0,0,0", "more than one column looks like volume"), (spoiled(30, "0.30,nan"), "empty or infinite"),
        (spoiled(30, "0.30,inf"), "empty or infinite"), (spoiled(30, "0.30,"), "row 32 .* not a number"), (spoiled(30, "0.30"), "not a number"),
        (spoiled(30, "0.30,=A1+1"), "not a number"), (spoiled(30, "0.30;1,234.5", ";"), "not a number"), (spoiled(30, "0.30,1_0"), "not a number"),
        (spoiled(30, "0.10,0.1"), "time runs backwards at point 31"), (spoiled(30, "0.30,1e300"), "no spirometer"), (spoiled(30, "0.30,-1e12"),
        "no spirometer"),
        (HEAD + "\n".join(f"0.5,{row.split(',')[1]}" for row in ROWS), "does not advance"),
        (table(("time", "s", "time_s"), ("volume", "ml", "volume_l")), "unit is probably mL"),
        (table(("time", "ms", "time_s"), ("volume", "l", "volume_l")), "check the unit of time"),
        ("time_s,volume\n" + "\n".join(f"{k / 100},{k / 20}" for k in range(600)), "has no unit"),
        (HEAD.strip() + ",trial\n0,0,1\n0.01,0\n", "too few cells"), (HEAD + '"' + "x" * 200_000, "not a readable table"),
        ("blow1,500,0,1,2", "the string was cut"), ("blow1,30," + "0," * 20 + "x," * 10, "not a number"), ("blow1,3,0,1,2", "too few"),
        (ukb() + "\nblow2,1e3,0,1", "not a number"), (ukb() + "\nnonsense", "not a number"),
        ("{", "not valid JSON"), ("[]", "holds no curve"), ("[1, 2]", "must be an object"), ('{"blows": 3}', "holds no curve"),
        ("{}", "needs a volume or a flow"),
        ("[" * 100_000, "not valid JSON"), (json.dumps(as_json(time_s=["x"] * len(BLOW.time_s))), "not a number"),
        (json.dumps(as_json(time_s=BLOW.time_s[:-3].tolist())), "time has .* points"), (json.dumps(as_json(flow_l_s=[0.0] * 30)), "flow has 30 points"),
        (json.dumps(as_json(volume_l=[[1.0, 2.0]] * len(BLOW.time_s))), "lists within a list"), (json.dumps(as_json(volume_l=[[1.0], 2.0])), "lists within a list"),
        (json.dumps(as_json(volume_l=[10**400] * len(BLOW.time_s))), "not a number"), (json.dumps(as_json(volume_l=[None] * len(BLOW.time_s))),
        "empty or infinite"),
        (json.dumps(as_json(volume_l=[float("inf")] * len(BLOW.time_s))), "empty or infinite"), (json.dumps({"volume_l": BLOW.volume_l.tolist()}),
        "no time column"),
    ],
)  # fmt: skip
def test_a_bad_curve_is_refused_in_one_sentence(source: str | bytes, words: str) -> None:
    refused(source, words)


def test_a_file_that_is_too_large_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "MAX_BYTES", 1000)
    (tmp_path / "big.csv").write_text(SHAPES["millilitres"])
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("it was opened"))
    refused(tmp_path / "big.csv", "big.csv has .* MB; at most")


def test_too_many_rows_and_points_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    many = MAX_POINTS + 1
    refused("blow1,20," + "1," * many, "more than one blow can have")
    monkeypatch.setattr("encoders.spirogram.tables.MAX_ROWS", 100)
    refused(SHAPES["millilitres"], "rows are more than a spirogram can have")


NAMES = {
    ("time", "s"): ("time_s", "Time [s]", "t (sec)"), ("time", "ms"): ("time_ms", "Zeit [ms]", "elapsed (milliseconds)"),
    ("volume", "l"): ("volume_l", "Volume (L)", "vol [litres]"), ("volume", "ml"): ("volume_ml", "Volumen [mL]", "V (ml)"),
    ("flow", "l/s"): ("flow_l_s", "Flow (L/s)", "flow l/sec"), ("flow", "l/min"): ("flow_l_min", "Flow [L/min]", "flow_lpm"),
    ("flow", "ml/s"): ("flow_ml_s", "Flow (mL/s)"),
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_blow_written_in_any_manner_reads_back_to_the_same_volume(data: st.DataObject) -> None:
    kinds = data.draw(st.permutations(["time", "volume", *(["flow"] if data.draw(st.booleans()) else [])]))
    columns = []
    for kind in kinds:
        unit = data.draw(st.sampled_from([unit for name, unit in NAMES if name == kind]))
        columns.append((kind, unit, data.draw(st.sampled_from(NAMES[kind, unit]))))
    mark = data.draw(st.sampled_from([",", ";", "\t", "|"]))
    text = table(*columns, mark=mark, comma=mark != "," and data.draw(st.booleans()))
    text = data.draw(st.sampled_from(["", "\ufeff"])) + text.replace("\n", data.draw(st.sampled_from(["\n", "\r\n", "\r"])))
    (blow,) = read_curves(text.encode(data.draw(st.sampled_from(["utf-8", "utf-16"]))))
    assert blow.assumptions == ()
    assert blow.volume_l == pytest.approx(BLOW.volume_l - BLOW.volume_l[0], abs=2e-5)
    assert blow.time_s == pytest.approx(BLOW.time_s, abs=1e-4)
    if "flow" in kinds:
        assert blow.flow_l_s == pytest.approx(BLOW.flow_l_s, abs=2e-5)


def never_anything_but_a_curve_error(source: str | bytes) -> None:
    try:
        blows = read_curves(source)
    except CurveError as error:
        good = len(str(error)) < 400
    else:
        good = all(np.isfinite(blow.volume_l).all() and np.isfinite(blow.flow_l_s).all() for blow in blows)
    assert good


@settings(max_examples=150, deadline=None)
@given(source=st.binary(max_size=300) | st.text(max_size=300))
def test_arbitrary_bytes_and_text_raise_nothing_but_curve_errors(source: str | bytes) -> None:
    never_anything_but_a_curve_error(source)


CELL = st.sampled_from(
    ["", "0", "1", "-1", "1e308", "-1e308", "1e-320", "nan", "inf", "1,5", "1.234,5", "٣", "x", '"', "=1+1", "\u2212" + "2", "\x1c", "\0"]
) | st.text(max_size=5)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(head=st.sampled_from(["time,volume", "time_s;volume_l;flow", "trial\ttime\tflow", "pre_post|time_ms|volume_ml|flow_l_min"]), data=st.data())
def test_a_table_of_strange_cells_raises_nothing_but_curve_errors(head: str, data: st.DataObject) -> None:
    mark = next(mark for mark in ",;\t|" if mark in head)
    width = head.count(mark) + 1
    strange = data.draw(st.lists(st.lists(CELL, max_size=width + 1), max_size=4))
    start = data.draw(st.sampled_from([0.0, 1e6, -5.0]))
    good = [[str(start + k / 20)] * width for k in range(30)]
    at = data.draw(st.integers(0, 30))
    never_anything_but_a_curve_error("\n".join([head, *(mark.join(row) for row in [*good[:at], *strange, *good[at:]])]))


VALUES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.just(10**400)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    document=st.dictionaries(
        st.sampled_from(["time_s", "volume", "flow_l_min", "id", "blows", "bronchodilator", "x"]),
        VALUES | st.lists(VALUES, max_size=25) | st.lists(st.floats(-1e12, 1e12), min_size=25, max_size=25)
    )
    | st.lists(VALUES)
)  # fmt: skip
def test_arbitrary_json_raises_nothing_but_curve_errors(document: object) -> None:
    never_anything_but_a_curve_error(json.dumps(document))
