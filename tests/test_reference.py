"""Reference values agree with an independent implementation and refuse what they do not cover."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from encoders.spirogram.reference import ReferenceRangeError, evaluate, evaluate_frame

GROUPS = {
    "GLI-2012": "caucasian", "GLI-2012-AfricanAmerican": "african_american", "GLI-2012-NEAsian": "north_east_asian",
    "GLI-2012-OtherMixed": "other", "GLI-2012-SEAsian": "south_east_asian",
}  # fmt: skip
MEASURES = {"FEV1": "fev1", "FVC": "fvc", "FEV1FVC": "fev1_fvc"}


def test_every_worked_value_is_met(shared_data: Path) -> None:
    for row in pd.read_csv(shared_data / "gli_reference_values.csv").itertuples():
        measure = MEASURES.get(row.measure, "fef25_75")
        group = GROUPS.get(row.equation)
        got = evaluate(
            measure, row.observed, sex=row.sex, age_years=row.age, height_cm=row.height_cm, ancestry=group,
            reference="gli-2012" if group else "gli-global-2022",
        )  # fmt: skip
        assert got.z == pytest.approx(row.zscore, abs=0.05 if measure == "fef25_75" else 0.005), row


@pytest.mark.parametrize(
    ("sex", "age", "height", "measure", "predicted", "lln"),
    [
        ("male", 40, 175, "fev1", 3.836, 2.939), ("male", 40, 175, "fvc", 4.699, 3.618), ("male", 40, 175, "fev1_fvc", 0.815, 0.710),
        ("female", 70, 158, "fev1", 2.004, 1.398), ("female", 70, 158, "fvc", 2.554, 1.809), ("female", 70, 158, "fev1_fvc", 0.792, 0.663),
    ],
)  # fmt: skip
def test_golden_values(sex: str, age: float, height: float, measure: str, predicted: float, lln: float) -> None:
    got = evaluate(measure, predicted, sex=sex, age_years=age, height_cm=height)
    assert got.predicted == pytest.approx(predicted, abs=0.001)
    assert got.lln == pytest.approx(lln, abs=0.001)


def test_the_median_has_z_zero_and_the_lln_z_minus_1645() -> None:
    body = {"sex": "female", "age_years": 33.4, "height_cm": 166.0}
    ref = evaluate("fev1", 3.0, **body)
    assert evaluate("fev1", ref.predicted, **body).z == pytest.approx(0.0, abs=1e-9)
    assert evaluate("fev1", ref.lln, **body).z == pytest.approx(-1.645, abs=1e-9)


def test_ages_between_the_tables_rows_are_interpolated() -> None:
    low, middle, high = (evaluate("fvc", 1.5, sex="male", age_years=age, height_cm=120).predicted for age in (7.0, 7.125, 7.25))
    assert min(low, high) < middle < max(low, high)


@pytest.mark.parametrize("age", [2.1, 2.99, 95.1, 200.0])
def test_ages_outside_are_refused(age: float) -> None:
    with pytest.raises(ReferenceRangeError, match=f"covers ages 3 to 95 years; got {age:g}"):
        evaluate("fev1", 3.0, sex="male", age_years=age, height_cm=175)


def test_metres_an_unknown_sex_and_a_missing_group_are_refused() -> None:
    with pytest.raises(ReferenceRangeError, match="centimetres"):
        evaluate("fev1", 3.0, sex="male", age_years=40, height_cm=1.75)
    with pytest.raises(ReferenceRangeError, match="female or male"):
        evaluate("fev1", 3.0, sex="1", age_years=40, height_cm=175)
    with pytest.raises(ReferenceRangeError, match="ancestry group"):
        evaluate("fev1", 3.0, sex="male", age_years=40, height_cm=175, reference="gli-2012")


def test_the_table_form_equals_the_single_form() -> None:
    people = pd.DataFrame({"sex": ["male", "female"], "age_years": [40.3, 70.0], "height_cm": [175.0, 158.0], "fev1": [3.0, 1.2]})
    table = evaluate_frame(people, "fev1")
    for index, row in people.iterrows():
        single = evaluate("fev1", row.fev1, sex=row.sex, age_years=row.age_years, height_cm=row.height_cm)
        assert table.loc[index, "z"] == pytest.approx(single.z)
