"""Curves as devices, studies and records export them: languages, preambles, several blows, loops, SAS files, FHIR, workbooks."""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

from encoders.spirogram.formats import sampled_data_blow
from encoders.spirogram.headers import kind_of, phase_of, rate_in, unit_of
from encoders.spirogram.measure import expiration, measure
from encoders.spirogram.nhanes import xpt_rows
from encoders.spirogram.quality import judge
from encoders.spirogram.read import Blow, CurveError, read_curves
from encoders.spirogram.results import Maneuver
from encoders.spirogram.simulate import simulate
from tests.sas import xpt

BLOW = simulate(3.1, 4.0, 8.0, 3.0, 0.06, 7.0)
TRUTH = measure(BLOW)
TIME, VOLUME, FLOW = BLOW.time_s, BLOW.volume_l, BLOW.flow_l_s


def table(names: Sequence[str], *columns: np.ndarray, mark: str = ",", places: int = 5, comma: bool = False, above: str = "") -> str:
    lines = [mark.join(f"{value:.{places}f}" for value in row) for row in zip(*columns, strict=True)]
    return above + "\n".join([mark.join(names), *([line.replace(".", ",") for line in lines] if comma else lines)]) + "\n"


def agrees(blow: Blow, litres: float = 0.004, share: float = 1.0) -> Maneuver:
    got = measure(blow)
    assert got.fev1_l == pytest.approx(share * (TRUTH.fev1_l or 0), abs=litres)
    assert got.fvc_l == pytest.approx(share * (TRUTH.fvc_l or 0), abs=litres)
    return got


def refused(source: str | bytes | Path, words: str, name: str = "") -> None:
    with pytest.raises(CurveError, match=words) as caught:
        read_curves(source, name)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 320


def stroke(litres: float, seconds: float, sampling_hz: float = 100.0) -> np.ndarray:
    """A breath of this depth, from 0 to ``litres`` along half a cosine."""
    part = np.linspace(0.0, 1.0, round(seconds * sampling_hz))
    return litres * (1.0 - np.cos(np.pi * part)) / 2


def chain(*moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Movements one after the other: time and volume."""
    volume = [0.0]
    for move in moves:
        volume += list(volume[-1] + move[1:] - move[0])
    return np.arange(len(volume)) * 0.01, np.array(volume)


# languages, separators, units ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("time", "volume", "flow"),
    [
        ("Zeit [s]", "Volumen [L]", "Fluss [L/s]"), ("temps (s)", "volume (litres)", "débit (litres/seconde)"), ("tiempo (s)", "volumen (litros)", "flujo (L/s)"),
        ("tempo (s)", "volume (l)", "flusso (l/s)"), ("tempo (segundos)", "volume (L)", "fluxo (litros por segundo)"), ("tijd (s)", "volume (L)", "stroom (L/s)"),
        ("Zeit in Sekunden", "Volumen in Liter", "Atemfluss in Liter/Sekunde"), ("Temps_s", "Volume de l'air expiré (L)", "Débit [l/sec]"),
    ],
)  # fmt: skip
def test_headers_are_read_in_the_languages_of_devices(time: str, volume: str, flow: str) -> None:
    (blow,) = read_curves(table((flow, time, volume), FLOW, TIME, VOLUME, mark=";", comma=True))
    assert blow.assumptions == ()
    assert agrees(blow).pef_l_s == pytest.approx(TRUTH.pef_l_s, abs=0.05)


@pytest.mark.parametrize(
    ("header", "kind", "unit"),
    [
        ("Volumen (Milliliter)", "volume", "ml"), ("Volume (cc)", "volume", "ml"), ("volume_dl", "volume", "dl"), ("Débit (litres par minute)", "flow", "l/min"),
        ("Flujo (ml/s)", "flow", "ml/s"), ("Zeit (Millisekunden)", "time", "ms"), ("time (min)", "time", "min"), ("Volume (% pred)", "volume", "%"),
        ("L/s", "flow", "l/s"), ("patient_id", "person", ""), ("SEQN", "person", ""), ("visit", "date", ""), ("Datum", "date", ""), ("date of birth", None, ""),
        ("temperature", None, ""), ("temp", None, ""), ("SPXRAW", "changes", ""), ("SPAFACT", "factor", ""), ("SPATTYPE", "phase", ""),
    ],
)  # fmt: skip
def test_more_headers_say_what_they_hold(header: str, kind: str | None, unit: str) -> None:
    assert (kind_of(header), unit_of(header)) == (kind, unit)


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ("pre", "pre"), ("Pre-BD", "pre"), ("preBD", "pre"), ("post salbutamol", "post"), ("vor Broncholyse", "pre"), ("nach", "post"), ("après", "post"),
        ("Bron", "post"), ("pressure", None), ("expressed", None), ("postal", None), ("", None), ("bronchodilator", None),
    ],
)  # fmt: skip
def test_before_and_after_are_told_in_words_not_in_parts_of_words(text: str, phase: str | None) -> None:
    assert phase_of(text) == phase


def test_units_may_stand_in_a_row_of_their_own() -> None:
    body = table(("x", "y", "z"), TIME * 1000, VOLUME * 1000, FLOW * 60).split("\n", 1)[1]
    (blow,) = read_curves("Time,Volume,Flow\n[ms],[mL],[L/min]\n" + body)
    assert blow.assumptions == ()
    assert agrees(blow).pef_l_s == pytest.approx(TRUTH.pef_l_s, abs=0.05)


def test_columns_may_be_set_apart_by_spaces_and_the_header_by_a_hash() -> None:
    for header in ("time_s volume_l", "# time_s volume_l", "Time (s)  Volume (L)", "Time (s) Volume (L)"):
        agrees(read_curves(header + "\n" + table(("a", "b"), TIME, VOLUME, mark=" ").split("\n", 1)[1])[0])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_encoding_of_a_european_export_is_read(encoding: str) -> None:
    text = table(("Zeit [ms]", "Durchfluß äöü [L/s]", "Volumen [mL]"), TIME * 1000, FLOW, VOLUME * 1000, mark=";", comma=True)
    agrees(read_curves(text.encode(encoding))[0])


def test_percent_beside_litres_is_left_aside_and_alone_is_refused() -> None:
    agrees(read_curves(table(("time_s", "volume (L)", "volume (%)"), TIME, VOLUME, VOLUME * 20))[0])
    refused(table(("time_s", "volume (%)"), TIME, VOLUME * 20), "is in percent")


# units that no header names ------------------------------------------------------------------------------------------
def test_a_volume_without_unit_takes_the_one_that_agrees_with_the_flow() -> None:
    (blow,) = read_curves(table(("time_s", "volume", "flow_l_s"), TIME, VOLUME * 100, FLOW))
    assert blow.assumptions == ("volume was taken to be in centilitres, as it then agrees with the flow",)
    agrees(blow)


def test_a_weak_flow_in_litres_a_minute_is_recognised_by_the_volume() -> None:
    (blow,) = read_curves(table(("time_s", "volume_l", "flow"), TIME, VOLUME * 0.04, FLOW * 0.04 * 60))
    assert any("flow was taken to be in L/min" in note for note in blow.assumptions)


@pytest.mark.parametrize(
    ("names", "columns", "words"),
    [
        (("time_s", "volume"), (TIME, VOLUME * 10), "is it decilitres, centilitres or mL"),
        (("time_s", "volume"), (TIME, VOLUME * 10_000), "even in mL that is more than lungs hold"),
        (("time", "volume_l"), (TIME * 50, VOLUME), "is it seconds or milliseconds"),
        (("time", "volume_l"), (np.arange(len(TIME)), VOLUME), "milliseconds, or the number of the sample"),
        (("time_s", "flow"), (TIME, FLOW * 60 * 2.2), "would both be possible"),
        (("volume_l", "flow"), (VOLUME, FLOW * 112), "without a unit"),
        (("time_s", "volume_l", "flow"), (TIME, VOLUME, FLOW * 8), "agrees with the volume in none"),
    ],
)  # fmt: skip
def test_an_ambiguous_unit_is_asked_for_not_guessed(names: Sequence[str], columns: Sequence[np.ndarray], words: str) -> None:
    refused(table(names, *columns), words)


def test_a_kilohertz_recording_in_milliseconds_is_not_taken_for_numbered_rows() -> None:
    fine = simulate(3.1, 4.0, 8.0, 3.0, 0.06, 7.0, sampling_hz=1000.0)
    (blow,) = read_curves(table(("time", "volume"), fine.time_s * 1000, fine.volume_l))
    assert blow.sampling_hz == pytest.approx(1000.0)
    agrees(blow, 0.01)


# sampling ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("hertz", [20, 25, 50, 62.5, 100, 128, 200, 250, 333.0, 500, 1000])
def test_every_sampling_rate_from_20_hz_to_1_khz_is_read(hertz: float) -> None:
    time = np.arange(0.0, TIME[-1], 1 / hertz)
    (blow,) = read_curves(table(("time_s", "volume_l"), time, np.interp(time, TIME, VOLUME)))
    assert blow.sampling_hz == pytest.approx(hertz, rel=0.01)
    assert bool(blow.warnings) == (hertz < 50)
    agrees(blow, 0.03 if hertz < 50 else 0.01)


def test_a_recording_over_1_khz_is_brought_down_to_it() -> None:
    time = np.arange(0.0, TIME[-1], 1 / 4000)
    (blow,) = read_curves(table(("time_s", "volume_l"), time, np.interp(time, TIME, VOLUME)))
    assert blow.sampling_hz == pytest.approx(1000.0)
    agrees(blow)


def test_a_time_written_too_coarsely_is_spread_evenly() -> None:
    fine = simulate(3.1, 4.0, 8.0, 3.0, 0.06, 7.0, sampling_hz=500.0)
    (blow,) = read_curves(table(("time_s", "volume_l"), np.floor(fine.time_s * 100) / 100, fine.volume_l))
    assert blow.sampling_hz == pytest.approx(500.0, rel=0.01)
    assert any("too coarsely" in note for note in blow.warnings)
    agrees(blow, 0.01)


def test_missing_rows_are_bridged_and_a_gap_is_named() -> None:
    keep = (TIME < 3.0) | (TIME > 3.5)
    (blow,) = read_curves(table(("time_s", "volume_l"), TIME[keep], VOLUME[keep]))
    assert any(note.startswith("a gap of 0.5") for note in blow.warnings)
    assert any("not evenly spaced" in note for note in blow.warnings)
    agrees(blow, 0.02)


@pytest.mark.parametrize(
    ("lines", "hertz"),
    [
        (["Sampling rate: 100 Hz"], 100.0), (["Abtastrate;200"], 200.0), (["Sample interval: 5 ms"], 200.0), (["fréquence d'échantillonnage = 0,1 kHz"], 100.0),
        (["dt = 0.01 s"], 100.0), (["Name: Smith", "Age: 45"], None), (["Volume (mL) @ 50 Hz"], 50.0),
    ],
)  # fmt: skip
def test_a_sampling_rate_is_found_in_the_lines_above_a_table(lines: list[str], hertz: float | None) -> None:
    assert rate_in(lines) == hertz


@pytest.mark.parametrize("above", ["Device: SpiroX 3\nSampling rate: 100 Hz\n\n", "Device;SpiroX 3\nSample interval;10 ms\n", "# sampling frequency 100 Hz\n"])
@pytest.mark.parametrize(("name", "column"), [("Volume (mL)", VOLUME * 1000), ("Flow (L/s)", FLOW)])
def test_a_column_without_time_takes_the_sampling_rate_of_the_preamble(above: str, name: str, column: np.ndarray) -> None:
    (blow,) = read_curves(table((name,), column, above=above))
    assert any("100 Hz" in note for note in blow.assumptions)
    agrees(blow, 0.02)


def test_a_column_without_time_and_without_rate_is_refused() -> None:
    refused(table(("flow_l_s",), FLOW), "no time column.*sampling rate: 100 Hz")
    refused(table(("volume_l",), VOLUME), "no time column")


def test_a_preamble_gives_date_and_phase() -> None:
    above = "Device: SpiroX\nDate of birth: 1960-05-05\nDate: 2024-03-01\nPre/Post: post\nPatient: X\n\n"
    (blow,) = read_curves(table(("time_s", "volume_l"), TIME, VOLUME, above=above))
    assert (blow.date, blow.bronchodilator) == ("2024-03-01", "post")


# loops and signs -----------------------------------------------------------------------------------------------------
LOOPS = {
    "inspiration before": (-stroke(4.0, 1.8), VOLUME), "inspiration after": (VOLUME, -stroke(3.9, 1.1)), "both": (-stroke(3.5, 2.0), VOLUME, -stroke(4.0, 0.9)),
    "a weak blow with a forceful inspiration": (-stroke(4.0, 0.75), VOLUME, -stroke(4.0, 0.75)),
    "breathing at rest first": (*[-stroke(0.5, 1.5), stroke(0.5, 1.9)] * 4, -stroke(2.6, 1.5), VOLUME, -stroke(3.9, 1.2)),
    "two cycles that drift upwards": (-stroke(3.0, 1.5), VOLUME, -stroke(3.8, 1.4), VOLUME * 0.98, -stroke(3.8, 1.4)),
    "three cycles, the largest last": (-stroke(3.0, 1.5), VOLUME * 0.9, -stroke(3.5, 1.4), VOLUME * 0.95, -stroke(3.8, 1.4), VOLUME),
}  # fmt: skip


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("loop", LOOPS)
def test_the_forced_expiration_is_found_in_whole_loops_of_either_sign(loop: str, sign: int) -> None:
    time, volume = chain(*LOOPS[loop])
    (blow,) = read_curves(table(("time_s", "volume_l"), time, sign * volume))
    assert len(blow.time_s) == len(time), "nothing is cut off"
    assert any("sign was reversed" in note for note in blow.assumptions) == (sign < 0)
    agrees(blow)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("loop", LOOPS)
def test_flow_alone_gives_the_same_loops(loop: str, sign: int) -> None:
    time, volume = chain(*LOOPS[loop])
    (blow,) = read_curves(table(("time_s", "flow_l_s"), time, sign * np.gradient(volume, time)))
    agrees(blow, 0.03)


def test_narrow_airways_with_a_stronger_breath_in_than_out_are_not_turned_over() -> None:
    weak = simulate(0.9, 3.0, 2.4, None, 0.04, 12.0)
    time, volume = chain(-stroke(3.0, 1.0), weak.volume_l, -stroke(2.9, 0.8))
    assert -np.gradient(volume, time).min() > 2 * np.gradient(volume, time).max()
    (blow,) = read_curves(table(("time_s", "volume_l"), time, volume))
    assert measure(blow).fev1_l == pytest.approx(0.9, abs=0.01)


def test_flow_against_the_sign_of_volume_is_turned() -> None:
    time, volume = chain(*LOOPS["both"])
    for signs in ((1, -1), (-1, 1), (-1, -1)):
        (blow,) = read_curves(table(("time_s", "volume_l", "flow_l_s"), time, signs[0] * volume, signs[1] * np.gradient(volume, time)))
        assert blow.flow_l_s[np.argmax(np.gradient(blow.volume_l))] > 5
        agrees(blow)


def test_time_is_reckoned_from_volume_and_flow_and_said() -> None:
    for volume, flow in ((VOLUME, FLOW), (-VOLUME, FLOW), (VOLUME, -FLOW)):
        (blow,) = read_curves(table(("Flow (L/s)", "Volume (L)"), flow, volume, places=6))
        assert any(note.startswith("time was reckoned from volume and flow") for note in blow.assumptions)
        agrees(blow, 0.02)
    time, loop = chain(VOLUME[TIME < 6], -stroke(3.9, 1.2))
    (blow,) = read_curves(table(("Volume (mL)", "Flow (L/min)"), loop * 1000, np.gradient(loop, time) * 60, places=6))
    assert measure(blow).fev1_l == pytest.approx(TRUTH.fev1_l, abs=0.01)
    assert measure(blow).fvc_l == pytest.approx(loop.max(), abs=0.01)


def test_volume_and_flow_that_do_not_belong_together_are_refused() -> None:
    refused(table(("Flow (L/s)", "Volume (L)"), np.sin(np.arange(400.0)), np.linspace(0, 4, 400)), "do not belong together")


# several blows -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("header", ["trial", "Blow", "Versuch", "essai", "id", "maneuver number"])
def test_trials_become_blows(header: str) -> None:
    columns = [np.concatenate(parts) for parts in (([1.0] * len(TIME), [2.0] * len(TIME)), (TIME, TIME), (VOLUME, VOLUME * 0.9))]
    first, second = read_curves(table((header, "time_s", "volume_l"), *columns))
    assert (first.id, second.id) == ("1", "2")
    agrees(first)
    agrees(second, share=0.9)


def rows_of(*columns: Sequence[object]) -> str:
    return "\n".join(",".join(map(str, row)) for row in zip(*columns, strict=True))


def test_visits_carry_their_dates() -> None:
    body = [rows_of([day] * len(TIME), TIME.round(3), (share * VOLUME).round(5)) for day, share in (("2023-05-01", 1.0), ("2024-05-03", 0.9))]
    blows = read_curves("\n".join(["visit_date,time_s,volume_l", *body]))
    assert [blow.date for blow in blows] == ["2023-05-01", "2024-05-03"]
    agrees(blows[1], share=0.9)
    blows = read_curves("\n".join(["visit,time_s,volume_l", *body]).replace("2023-05-01", "V1").replace("2024-05-03", "V2"))
    assert [(blow.date, blow.id) for blow in blows] == [(None, "V1"), (None, "V2")]


def test_a_moment_at_every_row_counts_as_its_day() -> None:
    moments = [f"2024-05-03T10:00:{t:09.6f}" for t in TIME]
    (blow,) = read_curves("date,time_s,volume_l\n" + rows_of(moments, TIME.round(3), VOLUME.round(5)))
    assert blow.date == "2024-05-03"


def test_rows_that_are_numbered_are_not_taken_for_blows() -> None:
    (blow,) = read_curves(table(("no", "time_s", "volume_l"), np.arange(len(TIME)), TIME, VOLUME))
    agrees(blow)


@pytest.mark.parametrize("header", ["patient_id", "Subject", "SEQN", "participant", "Paziente"])
def test_two_people_in_one_file_are_refused(header: str) -> None:
    columns = [np.concatenate(parts) for parts in (([1.0] * len(TIME), [2.0] * len(TIME)), (TIME, TIME), (VOLUME, VOLUME * 0.9))]
    refused(table((header, "time_s", "volume_l"), *columns), "holds 2 people.*one of them")
    agrees(read_curves(table((header, "time_s", "volume_l"), np.ones(len(TIME)), TIME, VOLUME))[0])


@pytest.mark.parametrize(
    ("names", "ids", "phases"),
    [
        (("time_s", "volume_pre", "volume_post"), ["pre", "post"], ["pre", "post"]),
        (("time_s", "Volume (L) pre", "Volume (L) post"), ["pre", "post"], ["pre", "post"]),
        (("time_s", "volume_1", "volume_2"), ["1", "2"], [None, None]), (("Time [s]", "Trial 1", "Trial 2"), ["1", "2"], [None, None]),
        (("Zeit", "Volumen Versuch 1 [L]", "Volumen Versuch 2 [L]"), ["versuch 1", "versuch 2"], [None, None]), (("time_s", "volume_l", "volume_l.1"), ["1", "2"], [None, None]),
        (("time_s", "volume_a", "volume_b"), ["a", "b"], [None, None]),
    ],
)  # fmt: skip
def test_blows_side_by_side_are_told_apart(names: Sequence[str], ids: list[str], phases: list[str | None]) -> None:
    blows = read_curves(table(names, TIME, VOLUME, VOLUME * 0.9))
    assert [blow.id for blow in blows] == ids
    assert [blow.bronchodilator for blow in blows] == phases
    agrees(blows[0])
    agrees(blows[1], share=0.9)


def test_blows_side_by_side_may_end_at_different_rows_and_have_flow_and_time_of_their_own() -> None:
    names = ("time_1", "volume_1", "flow_1", "time_2", "volume_2", "flow_2")
    lines = [",".join(names)]
    for k in range(len(TIME)):
        second = f"{TIME[k]:.3f},{0.9 * VOLUME[k]:.5f},{0.9 * FLOW[k]:.5f}" if k < 800 else ",,"
        lines.append(f"{TIME[k]:.3f},{VOLUME[k]:.5f},{FLOW[k]:.5f},{second}")
    first, second_blow = read_curves("\n".join(lines))
    assert (len(first.time_s), len(second_blow.time_s)) == (len(TIME), 800)
    agrees(first)
    agrees(second_blow, 0.02, share=0.9)


def test_two_volumes_that_are_not_two_trials_are_refused() -> None:
    refused(table(("time_s", "volume_inspired", "volume_expired"), TIME, VOLUME, VOLUME), "more than one column looks like volume")


def test_a_file_name_tells_before_from_after() -> None:
    text = table(("time_s", "volume_l"), TIME, VOLUME)
    for name, phase in (("smith_post.csv", "post"), ("smith-preBD.csv", "pre"), ("express.csv", None), ("curve.csv", None)):
        (blow,) = read_curves(text, name)
        assert blow.bronchodilator == phase
        assert any("file's name" in note for note in blow.assumptions) == (phase is not None)
    (blow,) = read_curves(table(("time_s", "volume_pre"), TIME, VOLUME), "post.csv")
    assert blow.bronchodilator in ("post", "pre")


def test_the_same_blow_twice_in_a_file_counts_once() -> None:
    columns = [np.concatenate(parts) for parts in (([1.0] * len(TIME), [2.0] * len(TIME)), (TIME, TIME), (VOLUME, VOLUME))]
    (blow,) = read_curves(table(("trial", "time_s", "volume_l"), *columns))
    assert any("blow 2 is the same curve as blow 1" in note for note in blow.warnings)


def test_the_blow_at_fault_is_named() -> None:
    columns = [np.concatenate(parts) for parts in (([1.0] * len(TIME), [2.0] * 10), (TIME, TIME[:10]), (VOLUME, VOLUME[:10]))]
    refused(table(("trial", "time_s", "volume_l"), *columns), "blow 2: 10 points are too few")


# NHANES --------------------------------------------------------------------------------------------------------------
SPX = ("SEQN", "SPATTYPE", "SPAMANU", "SPAFACT", "SPAPOS", "SPXPTS", "SPXRAW")


def spx_row(seqn: float, phase: str, curve: float, share: float = 1.0) -> tuple[float, str, float, float, str, float, str]:
    changes = np.diff(np.round(share * VOLUME * 1000 / 1.1), prepend=0.0)
    return seqn, phase, curve, 1.1, "Standing", float(len(changes)), ",".join(f"{value:.0f}" for value in changes)


@pytest.mark.parametrize("version", [5, 8])
def test_an_nhanes_transport_file_gives_the_curves_of_one_person(version: int) -> None:
    rows = [spx_row(41475, "Pre", 1), spx_row(41475, "Pre", 2, 0.97), spx_row(41475, "Bron", 3, 0.9)]
    blows = read_curves(xpt(SPX, rows, version))
    assert [(blow.id, blow.bronchodilator) for blow in blows] == [("1", "pre"), ("2", "pre"), ("3", "post")]
    agrees(blows[0], 0.01)
    agrees(blows[2], 0.01, share=0.9)


def test_the_columns_of_nhanes_are_read_from_csv_too() -> None:
    out = io.StringIO()
    csv.writer(out).writerows([SPX, spx_row(41475, "Pre", 1), spx_row(41475, "Bron", 2, 0.9)])
    blows = read_curves(out.getvalue())
    assert [blow.bronchodilator for blow in blows] == ["pre", "post"]
    agrees(blows[0], 0.01)


def test_nhanes_curves_of_several_people_are_refused_with_the_way_out() -> None:
    refused(xpt(SPX, [spx_row(41475, "Pre", 1), spx_row(41476, "Pre", 1)]), "SEQN holds 2 people.*keep the rows of one")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((1.0, "Pre", 1.0, 1.1, "Sitting", 3.0, "1,x,3"), "SPXRAW holds something that is not a number"), ((1.0, "Pre", 1.0, 1.1, "Sitting", 3.0, "1,2"), "too few"),
        ((1.0, "Pre", 1.0, 9.0, "Sitting", 3.0, spx_row(1, "Pre", 1)[-1]), "SPAFACT is 9"), ((1.0, "Pre", 1.0, 1.1, "Sitting", 0.0, ""), "SPXRAW holds nothing"),
    ],
)  # fmt: skip
def test_a_spoiled_nhanes_row_is_refused(row: Sequence[float | str], words: str) -> None:
    refused(xpt(SPX, [row]), words)


def test_a_transport_file_cut_anywhere_is_refused_in_one_sentence_or_still_read() -> None:
    raw = xpt(SPX, [spx_row(41475, "Pre", 1)])
    for end in range(30, len(raw), 97):
        try:
            blows, said = read_curves(raw[:end]), ""
        except CurveError as error:
            blows, said = (), str(error)
        assert "\n" not in said and bool(said) != bool(blows)


def test_ordinary_columns_may_come_as_a_transport_file() -> None:
    rows = [(float(t), float(v)) for t, v in zip(TIME, VOLUME * 1000, strict=True)]
    agrees(read_curves(xpt(("TIME_S", "VOL_ML"), rows))[0])


def test_transport_files_are_read_as_pandas_reads_them(shared_data: Path) -> None:
    for name in ("GHB_E.xpt", "BMX_E.xpt", "DEMO_E.xpt"):
        names, *rows = xpt_rows((shared_data / "nhanes_xpt" / name).read_bytes())
        frame = pd.read_sas(shared_data / "nhanes_xpt" / name, format="xport")
        assert names == list(frame.columns)
        mine = np.array([[float(cell) if cell else np.nan for cell in row] for row in rows])
        np.testing.assert_allclose(mine, frame.to_numpy(dtype=float), rtol=1e-9, atol=1e-70)


# JSON and FHIR -------------------------------------------------------------------------------------------------------
JSONS: dict[str, Any] = {
    "rate": {"sampling_hz": 100, "volume_ml": (VOLUME * 1000).tolist()},
    "step": {"dt_ms": 10, "flow_l_s": FLOW.tolist()},
    "unit beside": {"sampling_rate": 100, "volume": (VOLUME * 1000).tolist(), "volume_unit": "mL"},
    "units": {"time": (TIME * 1000).tolist(), "volume": (VOLUME * 1000).tolist(), "units": {"time": "ms", "volume": "mL"}},
    "shared rate": {"sampling_hz": 100, "trials": [{"volume_l": VOLUME.tolist()}]},
    "rows": [{"time_s": t, "volume_l": v} for t, v in zip(TIME.tolist(), VOLUME.tolist(), strict=True)],
}


@pytest.mark.parametrize("form", JSONS)
def test_json_comes_in_many_forms(form: str) -> None:
    (blow,) = read_curves(json.dumps(JSONS[form]))
    agrees(blow, 0.02)


def test_json_keeps_dates_and_refuses_two_people() -> None:
    (blow,) = read_curves(json.dumps({**JSONS["rate"], "date": "2024-02-29"}))
    assert blow.date == "2024-02-29"
    refused(json.dumps([{**JSONS["rate"], "patient_id": "a"}, {**JSONS["rate"], "patient_id": "b"}]), "curves of 2 people")


def observation(values: np.ndarray = VOLUME, unit: str = "L", **more: Any) -> dict[str, Any]:
    data = {"origin": {"value": 0, "unit": unit, "code": unit}, "period": 10, "dimensions": 1, "data": " ".join(f"{v:.5f}" for v in values), **more}
    return {
        "resourceType": "Observation",
        "id": "curve",
        "status": "final",
        "code": {"text": "Spirogram"},
        "subject": {"reference": "Patient/1"},
        "valueSampledData": data,
    }


FHIR: dict[str, dict[str, Any]] = {
    "litres": observation(),
    "millilitres": observation(VOLUME * 1000, "mL"),
    "origin and factor": observation(np.round((VOLUME + 1) * 500), "L", origin={"value": -1, "unit": "L"}, factor=0.002),
    "flow": observation(FLOW, "L/s"),
    "flow per minute": observation(FLOW * 60, "L/min"),
    "a code only": observation(VOLUME, "L", origin={"value": 0, "code": "L", "system": "http://unitsofmeasure.org"}),
    "components": {**observation(), "component": [{"valueSampledData": observation(FLOW, "L/s")["valueSampledData"]}]},
    "release 5": observation(VOLUME, "L", period=None, interval=0.01, intervalUnit="s"),
}


@pytest.mark.parametrize("form", FHIR)
def test_fhir_sampled_data_become_a_blow(form: str) -> None:
    agrees(sampled_data_blow(FHIR[form], "a.json"), 0.02)
    agrees(read_curves(json.dumps(FHIR[form]))[0], 0.02)


def test_a_bundle_gives_its_curves_with_date_and_phase_and_passes_over_an_ecg() -> None:
    post = {
        **observation(VOLUME * 1.1),
        "id": "second",
        "code": {"coding": [{"display": "Spirogram post bronchodilator"}]},
        "effectiveDateTime": "2024-05-01T10:00:00Z",
    }
    ecg = observation(np.zeros(300), "mV")
    bundle = {"resourceType": "Bundle", "entry": [{"resource": item} for item in ({"resourceType": "Patient"}, observation(), ecg, post)]}
    blows = read_curves(json.dumps(bundle))
    assert [(blow.id, blow.date, blow.bronchodilator) for blow in blows] == [("curve", None, None), ("second", "2024-05-01", "post")]
    post["subject"] = {"reference": "Patient/2"}
    refused(json.dumps(bundle), "curves of 2 people")


def test_codes_for_errors_and_limits_are_bridged_and_said() -> None:
    tokens = [f"{v:.5f}" for v in VOLUME]
    tokens[300], tokens[10] = "E", "L"
    item = observation(VOLUME, "L", lowerLimit=0.0)
    item["valueSampledData"]["data"] = " ".join(tokens)
    blow = sampled_data_blow(item)
    agrees(blow, 0.01)
    assert len(blow.assumptions) == 2
    item["valueSampledData"]["data"] = " ".join(["U", *tokens])
    with pytest.raises(CurveError, match="upper limit of detection"):
        sampled_data_blow(item)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"period": None}, "no usable period"), ({"period": 0}, "no usable period"), ({"period": True}, "not a number"), ({"dimensions": 2}, "more than one dimension"),
        ({"data": ""}, "holds no data"), ({"data": "1 2 x"}, "neither a number nor"), ({"data": "E " * 500}, "marked as errors"), ({"factor": "two"}, "not a number"),
        ({"origin": {"value": 0, "unit": "mV"}}, "holds no curve"), ({"origin": None}, "holds no curve"), ({"data": None}, "holds no data"),
    ],
)  # fmt: skip
def test_sampled_data_that_cannot_be_read_are_refused(change: dict[str, Any], words: str) -> None:
    refused(json.dumps(observation(**change) if "unit" not in change else observation()), words)


def test_a_bundle_without_curves_says_so(shared_data: Path) -> None:
    for path in sorted((shared_data / "fhir").glob("*.json")):
        refused(path, "FHIR Bundle holds no curve")


# workbooks -----------------------------------------------------------------------------------------------------------
def workbook(*sheets: Sequence[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


CURVE_ROWS: list[list[object]] = [["Time (s)", "Volume (mL)"], *([float(t), float(v)] for t, v in zip(TIME, VOLUME * 1000, strict=True))]


def test_a_workbook_is_read_from_its_first_sheet_with_a_curve() -> None:
    agrees(read_curves(workbook(CURVE_ROWS))[0])
    agrees(read_curves(workbook([["Report"], ["FEV1", 3.1]], [["Device", "X"], [], *CURVE_ROWS]))[0])


def test_a_workbook_of_trials_gives_blows() -> None:
    rows = [["trial", *CURVE_ROWS[0]], *(["A", *row] for row in CURVE_ROWS[1:]), *(["B", row[0], 0.9 * float(str(row[1]))] for row in CURVE_ROWS[1:])]
    blows = read_curves(workbook(rows))
    assert [blow.id for blow in blows] == ["A", "B"]
    agrees(blows[1], share=0.9)


def test_a_workbook_without_a_curve_or_broken_or_swollen_is_refused() -> None:
    refused(workbook([["a", "b"], [1, 2]]), "no header row")
    refused(workbook([]), "is empty")
    refused(workbook(CURVE_ROWS)[:3000], "not a readable XLSX")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<a/>" * 30_000_000)
    refused(out.getvalue(), "unpacks to more than 100 MB")


# spoiled signals: always a typed result ------------------------------------------------------------------------------
SPOILED = {
    "clipped flow": (("time_s", "flow_l_s"), (TIME, np.clip(FLOW, -1, 4.0))), "drift": (("time_s", "flow_l_s"), (TIME, FLOW + 0.05)),
    "a syringe": (("time_s", "volume_l"), (np.arange(300) * 0.01, np.clip(np.arange(300) * 0.01 - 0.5, 0, 1) * 3.0)),
    "breathing at rest": (("time_s", "volume_l"), chain(*[stroke(0.5, 1.5), -stroke(0.5, 1.5)] * 6)), "nothing": (("time_s", "volume_l"), (TIME, TIME * 0)),
    "noise": (("time_s", "volume_l"), (TIME, np.random.default_rng(0).normal(0, 1, len(TIME)))),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPOILED)
def test_a_spoiled_signal_is_still_a_blow_for_quality_to_judge(kind: str) -> None:
    names, columns = SPOILED[kind]
    (blow,) = read_curves(table(names, *columns))
    assert np.isfinite(blow.volume_l).all() and np.isfinite(blow.flow_l_s).all()
    judged = judge(measure(blow))
    if kind in ("breathing at rest", "nothing", "noise"):
        assert "not_an_expiration" in [finding.code for finding in judged.findings]
        assert expiration(blow) is None or not judged.usable_fev1


@pytest.mark.parametrize("step_ml", [1, 5, 10, 20])
def test_a_coarsely_written_volume_does_not_raise_peak_flow(step_ml: int) -> None:
    (blow,) = read_curves(table(("time_s", "volume_ml"), TIME, np.round(VOLUME * 1000 / step_ml) * step_ml))
    assert agrees(blow, 0.011).pef_l_s == pytest.approx(TRUTH.pef_l_s, abs=0.4)


def test_shuffled_rows_are_refused_with_the_place() -> None:
    order = np.random.default_rng(0).permutation(len(TIME))
    refused(table(("time_s", "volume_l"), TIME[order], VOLUME[order]), "time runs backwards at point 2;|time runs backwards")


def test_huge_inputs_are_refused_at_once() -> None:
    refused("0," * 30_000_000, "60 MB; at most 20 MB")
    refused(b"x" * 50_000_000, "50 MB; at most 20 MB")
    refused("time_s,volume_l\n" + "0,0\n" * 4_500_000, "rows are more than")
    refused("blow1,20," + "10," * 6_000_000, "more than one blow can have")
    refused("[" + "{}," * 5_000_000 + "{}]", "more objects than a curve")
    refused("\n".join(f"blow{k},20," + "1," * 20 for k in range(300)), "at most 200 are read")


def test_a_small_workbook_of_many_cells_or_tags_is_refused_in_no_time() -> None:
    begun = time.process_time()
    for sheet in (b"<row>" + b"<c/>" * 20_000_000, b"<a>" * 20_000_000):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/worksheets/sheet1.xml", sheet)
        refused(out.getvalue(), "more than 200,000 cells")
    refused("time_s," + ",".join(f"volume_{k}" for k in range(100_000)) + "\n" + "0," * 100_000, "columns are more than")
    assert time.process_time() - begun < 10
