"""A table of people: what is read, what is refused with one sentence, and who belongs to which fold."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from encoders.cases import cohort_people
from encoders.cohort import HELD_OUT, NUMBERS, SPIROMETRY, TRAITS, CohortError, adults, patient_of, read_cohort, simulated_cohort, split_of, tidy
from encoders.record import Sex, Smoking


def people(count: int = 3, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"seqn": range(1, count + 1), **columns})


# what is read --------------------------------------------------------------------------------------------------------
def test_absent_columns_are_missing_and_never_zero() -> None:
    table = tidy(people())
    assert set(table.columns) == {"id", *NUMBERS, *SPIROMETRY, *TRAITS, *HELD_OUT, "sex", "smoking_status"}
    assert table.drop(columns="id").isna().all().all()
    patient, blow = patient_of(table.iloc[0])
    assert patient.age_years is None and patient.sex is None and patient.smoking_status is None and blow is None


def test_names_and_words_are_read_whatever_their_case() -> None:
    table = tidy(people(2, **{" Sex ": ["Female", " MALE "], "AGE_YEARS": ["41", " 62 "], "smoking_status": ["Never", ""]}))
    patient, _ = patient_of(table.iloc[0])
    assert (patient.sex, patient.age_years, patient.smoking_status, patient.label) == (Sex.FEMALE, 41.0, Smoking.NEVER, "1")
    assert patient_of(table.iloc[1])[0].smoking_status is None


def test_ids_stay_text_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("id,age_years\n007,40\nA12,50\n")
    assert read_cohort(path)["id"].tolist() == ["007", "A12"]
    assert tidy(people(2).assign(seqn=[41475.0, 41476.0]))["id"].tolist() == ["41475", "41476"]


def test_seqn_and_id_name_the_same_people() -> None:
    assert tidy(people())["id"].tolist() == tidy(people().rename(columns={"seqn": "ID"}))["id"].tolist()


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (pd.DataFrame({"age_years": [4]}), "the table has no id column"),
        (people(2).assign(seqn=[5, 5]), "seqn has empty or repeated ids"),
        (people(2).assign(seqn=[5, None]), "seqn has empty or repeated ids"),
        (people(2).assign(seqn=["a", " "]), "seqn has empty or repeated ids"),
        (people(2).assign(seqn=["a", "a "]), "seqn has empty or repeated ids"),
        (people(2).assign(seqn=["7", "7.0"]), "seqn has empty or repeated ids"),
        (people(2, sex=["male", "man"]), "the column sex holds 'man'; use female, male"),
        (people(2, sex=[1, 2]), "the column sex holds '1'; use female, male"),
        (people(2, smoking_status=["never", "sometimes"]), "smoking_status holds 'sometimes'; use current, former, never"),
        (people(2, age_years=["forty", 50]), "age_years holds 'forty' where a number belongs"),
        (people(2, fev1_l=["3,1", 2.0]), "fev1_l holds '3,1' where a number belongs"),
        (people(3, height_cm=[1.7, 1.8, 1.6]), "height_cm holds 1.7; Height is given in cm, from 40 to 250"),
        (people(3, fev1_l=[3200, 2800, 2500]), "fev1_l holds 3200; FEV1 is given in L, from 0.05 to 10"),
        (people(3, fev1_fvc=[78, 62, 80]), "fev1_fvc holds 78; FEV1/FVC is given in parts of one, not percent"),
        (people(3, fvc_l=[-1.0, 3.0, 4.0]), "fvc_l holds -1"),
        (people(3, pef_l_s=[480, 390, 500]), "pef_l_s holds 480; PEF is given in L/s"),
        (people(3, copd=[2, 1, 2]), "the column copd holds 2; use 1 for yes, 0 for no"),
        (people(3, copd=["yes", "no", "no"]), "copd holds 'yes' where a number belongs"),
        (people(2, Sex=["male"] * 2, sex=["male"] * 2), "two columns named sex"),
        (people(2, AGE_YEARS=[1, 2], age_years=[1, 2]), "two columns named age_years"),
    ],
)
def test_what_cannot_be_right_is_refused_with_one_sentence(table: pd.DataFrame, complaint: str) -> None:
    with pytest.raises(CohortError) as refused:
        tidy(table)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 200


def test_a_stray_implausible_value_is_masked_and_the_rest_stays() -> None:
    height = np.full(200, 170.0)
    height[7] = 17.0
    fev1 = np.full(200, 3.0)
    fev1[9] = np.inf
    table = tidy(people(200, height_cm=height, fev1_l=fev1))
    assert table["height_cm"].isna().sum() == 1 and np.isnan(table["height_cm"][7])
    assert table["fev1_l"].isna().sum() == 1 and np.isnan(table["fev1_l"][9])


@pytest.mark.parametrize(
    ("name", "content"),
    [("empty.csv", b""), ("binary.csv", bytes(range(256)) * 20), ("open.csv", b'id,sex\n1,"male\n2,'), ("half.csv.gz", gzip.compress(b"id\n1\n" * 1000)[:30]), ("none.csv", None)],
)  # fmt: skip
def test_a_file_that_is_no_table_is_refused_by_name(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CohortError, match=name):
        read_cohort(tmp_path / name)


# curves --------------------------------------------------------------------------------------------------------------
def test_a_given_curve_is_read_in_millilitres_every_ten_milliseconds() -> None:
    volume = np.linspace(0, 3000, 301)
    for mark in (" ", ",", ";"):
        _, blow = patient_of(tidy(people(1, curve_ml_10ms=[mark.join(f"{one:.0f}" for one in volume)])).iloc[0])
        assert blow is not None
        assert blow.time_s[-1] == pytest.approx(3.0)
        assert blow.volume_l[-1] == pytest.approx(3.0)


@pytest.mark.parametrize("curve", ["1 2 x" + " 3" * 30, "1 2 3", "1 2 nan" + " 3" * 30, "1 inf" + " 3" * 30])
def test_a_damaged_curve_is_refused(curve: str) -> None:
    with pytest.raises(CohortError, match="curve_ml_10ms"):
        patient_of(tidy(people(1, curve_ml_10ms=[curve])).iloc[0])


def test_a_curve_is_rebuilt_only_from_indices_that_agree() -> None:
    table = tidy(people(3, fev1_l=[2.5, 3.5, None], fvc_l=[3.2, 3.0, 3.0]))
    blows = [patient_of(row)[1] for _, row in table.iterrows()]
    assert blows[0] is not None and blows[0].volume_l.max() == pytest.approx(3.2, abs=0.1)
    assert blows[1] is None and blows[2] is None


# folds ---------------------------------------------------------------------------------------------------------------
def test_a_person_is_on_one_side_of_every_split() -> None:
    folds = {one: split_of(one) for one in range(20_000)}
    assert all(split_of(str(one)) == fold for one, fold in folds.items())
    shares = Counter(folds.values())
    assert set(shares) == {"train", "validation", "test"}
    assert shares["train"] / 20_000 == pytest.approx(0.70, abs=0.02)
    assert shares["validation"] / 20_000 == pytest.approx(0.15, abs=0.02)


def test_the_split_is_the_same_for_ever() -> None:
    assert [split_of(one) for one in (41475, 41476, 41479, 41480, 41481, 41482, 41483, 41485)] == [
        "test",
        "train",
        "train",
        "train",
        "train",
        "train",
        "validation",
        "validation",
    ]


def test_children_are_left_out_of_adult_traits() -> None:
    table = tidy(people(5, age_years=[6, 19.9, 20, 64, None]))
    assert adults(table)["id"].tolist() == ["3", "4"]


def test_the_real_table_is_read_and_its_folds_do_not_overlap(shared_data: Path) -> None:
    table = read_cohort(shared_data / "nhanes_2007_2010.csv.gz")
    assert len(table) == 11215 and table["id"].is_unique
    grown = adults(table)
    assert grown["age_years"].min() >= 20.0
    folds = {fold: set(grown["id"][[split_of(one) == fold for one in grown["id"]]]) for fold in ("train", "validation", "test")}
    assert sum(len(fold) for fold in folds.values()) == len(grown) == len(set().union(*folds.values()))
    for name in (*TRAITS, *HELD_OUT):
        assert set(table[name].dropna().unique()) <= {0.0, 1.0}, name
    assert table["fev1_l"].notna().all()
    assert not set(table.loc[table["age_years"] < 20, "id"]) & set().union(*folds.values())


def test_a_fold_gives_adults_and_their_traits(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    people(60, age_years=[10.0] * 20 + [50.0] * 40, sex=["male"] * 60, copd=[1] * 30 + [0] * 30).to_csv(path, index=False)
    counts = {}
    for fold in ("train", "validation", "test"):
        persons, traits = cohort_people(path, fold)
        assert traits.shape == (len(persons), len(TRAITS))
        assert not np.isnan(traits[:, TRAITS.index("copd")]).any() and np.isnan(traits[:, TRAITS.index("stroke")]).all()
        counts[fold] = len(persons)
    assert sum(counts.values()) == 40


# made-up people ------------------------------------------------------------------------------------------------------
def test_the_traits_of_made_up_people_follow_their_known_risks() -> None:
    table, bayes = simulated_cohort(6000, 1)
    assert bayes.shape == (6000, len(TRAITS)) and adults(table).shape == table.shape
    traits = table[list(TRAITS)].to_numpy()
    for index, trait in enumerate(TRAITS):
        high = bayes[:, index] > np.quantile(bayes[:, index], 0.9)
        assert traits[:, index].mean() == pytest.approx(bayes[:, index].mean(), abs=0.03), trait
        assert traits[high, index].mean() == pytest.approx(bayes[high, index].mean(), abs=0.08), trait
    patient, blow = patient_of(table.iloc[0])
    assert patient.age_years is not None and blow is not None


def test_the_same_seed_makes_the_same_people() -> None:
    (one, risks), (again, same), (other, _) = (simulated_cohort(50, seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one, again)
    assert np.array_equal(risks, same) and not set(one["id"]) & set(other["id"])
