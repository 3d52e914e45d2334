"""CDC's own tables in a folder become the same people as the prepared table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from encoders.cohort import HELD_OUT, NUMBERS, TRAITS, CohortError, patient_of, read_cohort
from tests.sas import xpt

DEMO = ["SEQN", "RIAGENDR", "RIDAGEYR", "RIDAGEMN", "RIDRETH1"]


def write(folder: Path, name: str, columns: list[str], rows: list[list[float | str]], version: int = 5) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(xpt(columns, rows, version))


def one_person(folder: Path) -> pd.Series:
    return read_cohort(folder).iloc[0]


# the real files ------------------------------------------------------------------------------------------------------
def test_cdcs_files_agree_with_the_prepared_table_column_by_column(shared_data: Path) -> None:
    ours = read_cohort(shared_data / "nhanes_xpt").set_index("id")
    given = read_cohort(shared_data / "nhanes_2007_2010.csv.gz").set_index("id")
    both = given.index.intersection(ours.index)
    assert len(ours) == 10149 and len(both) == 5278
    for name in (*NUMBERS, *TRAITS, *HELD_OUT):
        left, right = ours.loc[both, name], given.loc[both, name]
        assert (left.isna() == right.isna()).all(), f"{name} is missing for other people"
        assert np.nanmax(np.abs(left - right)) <= (0.051 if name == "pack_years" else 1e-6), name
    for name in ("sex", "smoking_status", "ethnicity"):
        assert (ours.loc[both, name].fillna("") == given.loc[both, name].fillna("")).all(), name
    assert ours["fev1_l"].isna().all(), "SPX is not among the files"


# made-up files -------------------------------------------------------------------------------------------------------
def test_refused_and_unknown_answers_and_zero_pressures_are_missing(tmp_path: Path) -> None:
    people = [[n, 1, 50, 604, 3] for n in range(1, 6)]
    write(tmp_path, "DEMO_E.XPT", DEMO, people)
    write(tmp_path, "DIQ_E.xpt", ["SEQN", "DIQ010"], [[1, 1], [2, 2], [3, 3], [4, 7], [5, 9]])
    write(tmp_path, "BPX_E.xpt", ["SEQN", "BPXSY1", "BPXDI1"], [[1, 120, 80], [2, 120, 0], [3, 0, 0]])
    write(tmp_path, "SMQ_E.xpt", ["SEQN", "SMQ020", "SMQ040", "SMD030", "SMD055", "SMD057", "SMD650"], [
        [1, 2, np.nan, np.nan, np.nan, np.nan, np.nan], [2, 1, 3, 20, 40, 20, np.nan], [3, 1, 1, 20.25, np.nan, np.nan, 999], [4, 9, np.nan, np.nan, np.nan, np.nan, np.nan],
        [5, 1, 2, 20.25, np.nan, np.nan, 10],
    ])  # fmt: skip
    table = read_cohort(tmp_path).set_index("id")
    assert table["diabetes"].tolist()[:2] == [1.0, 0.0] and table["diabetes"].isna().tolist() == [False, False, True, True, True]
    assert table["diastolic_bp_mmhg"].isna().tolist() == [False, True, True, True, True]
    assert table["smoking_status"].fillna("").tolist() == ["never", "former", "current", "", "current"]
    assert table["pack_years"].fillna(-1).tolist() == [0.0, 20.0, -1.0, -1.0, pytest.approx((50.25 - 20.25) * 10 / 20)]
    assert table["age_years"].unique().tolist() == [50.25]
    assert table["copd"].isna().all() and table["hba1c_percent"].isna().all(), "absent tables are missing, never no"


def test_months_that_cover_only_the_young_do_not_replace_years(tmp_path: Path) -> None:
    write(tmp_path, "DEMO_G.xpt", DEMO, [[1, 2, 61, np.nan, 4], [2, 2, 1, 22, 4], [3, 1, 80, np.nan, 1]])
    assert read_cohort(tmp_path)["age_years"].tolist() == [61.0, 1.75, 80.0]


def test_spirometry_is_in_litres_and_only_where_both_letters_are_good(tmp_path: Path) -> None:
    write(tmp_path, "DEMO_E.xpt", DEMO, [[n, 1, 50, 600, 3] for n in (1, 2)])
    names = ["SEQN", "SPXNFVC", "SPXNFEV1", "SPXNPEF", "SPXNF257", "SPXNEV", "SPXNFET", "SPXNQFVC", "SPXNQFV1"]
    write(tmp_path, "SPX_E.xpt", names, [[1, 4000, 3200, 8500, 3100, 60, 7.5, "A", "B"], [2, 4000, 3200, 8500, 3100, 60, 7.5, "A", "C"]])
    first, second = (row for _, row in read_cohort(tmp_path).iterrows())
    assert [first[name] for name in ("fvc_l", "fev1_l", "fev1_fvc", "pef_l_s", "fef25_75_l_s", "bev_ml", "fet_s")] == pytest.approx(
        [4, 3.2, 0.8, 8.5, 3.1, 60, 7.5]
    )
    assert pd.isna(second["fev1_l"]) and patient_of(second)[1] is None


@pytest.mark.parametrize("version", [5, 8])
def test_the_best_raw_curve_before_the_bronchodilator_is_taken(tmp_path: Path, version: int) -> None:
    write(tmp_path, "DEMO_E.xpt", DEMO, [[1, 1, 50, 600, 3]])

    def changes(litres: float) -> str:
        volume = 1000 * litres * (1 - np.exp(-np.arange(0, 6, 0.01) / 0.5))
        return ",".join(f"{step:.0f}" for step in np.diff(volume))

    rows: list[list[float | str]] = [[1, "Pre ", 1.1, changes(3.0)], [1, "Pre ", 1.1, changes(3.6)], [1, "Bron", 1.1, changes(5.0)], [1, "Pre ", 1.1, "a,b"]]
    write(tmp_path, "SPXRAW_E.xpt", ["SEQN", "SPATTYPE", "SPAFACT", "SPXRAW"], rows, version)
    _, blow = patient_of(one_person(tmp_path))
    assert blow is not None and blow.volume_l.max() == pytest.approx(3.6 * 1.1, rel=0.03)


def test_a_cycle_may_come_as_csv_and_two_cycles_may_stand_together(tmp_path: Path) -> None:
    write(tmp_path, "DEMO_E.xpt", DEMO, [[1, 1, 50, 600, 3]])
    pd.DataFrame({"seqn": [2], "RIAGENDR": [2], "RIDAGEYR": [40]}).to_csv(tmp_path / "DEMO_F.csv.gz", index=False)
    assert read_cohort(tmp_path)["sex"].tolist() == ["male", "female"]


def test_a_folder_that_cannot_be_read_is_refused_with_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="holds no DEMO table"):
        read_cohort(tmp_path)
    (tmp_path / "DEMO_E.xpt").write_bytes(b"HEADER RECORD" * 3)
    with pytest.raises(CohortError, match=r"DEMO_E.xpt cannot be read .*download it again"):
        read_cohort(tmp_path)
    write(tmp_path, "DEMO_E.xpt", DEMO, [[1, 1, 50, 600, 3], [1, 1, 50, 600, 3]])
    with pytest.raises(CohortError, match="the person 1 stands twice"):
        read_cohort(tmp_path)
