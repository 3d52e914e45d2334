"""People to teach with: simulated ones with a record and a measured blow, and real records with a rebuilt curve."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from encoders import cohort
from encoders.batch import Person
from encoders.record import RISK_TRAITS, Fact, Patient, Sex, Smoking, facts
from encoders.spirogram import analyse
from encoders.spirogram import facts as spirometry_facts
from encoders.spirogram.encode import curve_grid
from encoders.spirogram.results import Maneuver, Spirometry
from encoders.spirogram.simulate import simulate_person
from encoders.tabular import table_of

_CONDITIONS = ("hypertension", "type 2 diabetes", "asthma", "COPD", "osteoarthritis", "hypothyroidism", "hay fever",
               "gout", "atrial fibrillation", "sleep apnoea", "reflux disease", "anxiety")  # fmt: skip
_MEDICINES = ("salbutamol", "metformin", "ramipril", "amlodipine", "atorvastatin", "levothyroxine", "tiotropium",
              "budesonide", "omeprazole", "sertraline")  # fmt: skip
_SYMPTOMS = ("cough", "breathlessness on stairs", "wheeze", "none", "tiredness", "sputum in the morning", "chest tightness")


@dataclass(frozen=True)
class Taught:
    """One person as the teacher knows them and as the encoders read them."""

    patient: Patient
    spirometry: Spirometry | None
    facts: tuple[Fact, ...]
    person: Person


def taught(patient: Patient, spirometry: Spirometry | None, risks: tuple[Fact, ...] = ()) -> Taught:
    """Join what is known. The curve that is encoded is the chosen blow's (largest FEV1 + FVC)."""
    known = (*(spirometry_facts(spirometry) if spirometry else ()), *facts(patient), *risks)
    return Taught(patient, spirometry, known, Person(table_of(patient, spirometry), chosen_curve(spirometry)))


def chosen(spirometry: Spirometry | None) -> tuple[Maneuver, np.ndarray] | None:
    """The blow that the visit's values rest on, or the first that could be measured, and its grid."""
    if spirometry is None:
        return None
    place = spirometry.best.chosen if spirometry.best else None
    for index in [place] if place is not None else range(len(spirometry.maneuvers)):
        grid = curve_grid(spirometry.maneuvers[index]) if index < len(spirometry.maneuvers) else None
        if grid is not None:
            return spirometry.maneuvers[index], grid
    return None


def chosen_curve(spirometry: Spirometry | None) -> np.ndarray | None:
    """The grid of the chosen blow: what the encoder reads."""
    found = chosen(spirometry)
    return None if found is None else found[1]


def simulated(seed: int) -> Taught:
    """A made-up person: simulated blows with a pattern and perhaps a fault, and a record with gaps."""
    rng = np.random.default_rng(seed)
    drawn = simulate_person(rng)
    draw = random.Random(seed)

    def known(value: float, share: float = 0.75) -> float | None:
        return value if draw.random() < share else None

    age, sex, height = float(drawn["age_years"]), Sex(drawn["sex"]), float(drawn["height_cm"])
    adult = age >= 18
    bmi = float(np.clip(rng.normal(27.5 if adult else 18.5, 5.5 if adult else 2.5), 13.0, 55.0))
    smoking = draw.choice(list(Smoking)) if adult and draw.random() < 0.85 else None
    patient = Patient(
        sex=sex, age_years=age, height_cm=height, weight_kg=known(round(bmi * (height / 100) ** 2, 1), 0.9),
        smoking_status=smoking,
        pack_years=None if smoking is None else 0.0 if smoking is Smoking.NEVER else known(float(rng.integers(1, 70))),
        systolic_bp_mmhg=known(float(np.clip(rng.normal(129, 20), 82, 215)).__round__(), 0.8),
        heart_rate_bpm=known(float(np.clip(rng.normal(75, 14), 42, 128)).__round__(), 0.5),
        respiratory_rate_bpm=known(float(np.clip(rng.normal(16, 3), 9, 24)).__round__(), 0.3),
        spo2_percent=known(float(np.clip(rng.normal(96.5, 2), 88, 100)).__round__(), 0.6),
        temperature_c=known(round(float(rng.normal(36.8, 0.4)), 1), 0.2),
        hba1c_percent=known(round(float(np.clip(rng.gamma(9, 0.65), 4.6, 12.5)), 1), 0.5),
        total_cholesterol_mg_dl=known(float(np.clip(rng.normal(195, 40), 100, 340)).__round__(), 0.4),
        hdl_cholesterol_mg_dl=known(float(np.clip(rng.normal(52, 14), 22, 110)).__round__(), 0.3),
        triglycerides_mg_dl=known(float(np.clip(rng.gamma(3, 45), 40, 600)).__round__(), 0.2),
        creatinine_mg_dl=known(round(float(np.clip(rng.normal(0.9, 0.25), 0.4, 3.0)), 2), 0.2),
        glucose_mg_dl=known(float(np.clip(rng.normal(102, 25), 62, 280)).__round__(), 0.3),
        conditions=tuple(draw.sample(_CONDITIONS, draw.choice((0, 0, 1, 1, 2, 3)))),
        medications=tuple(draw.sample(_MEDICINES, draw.choice((0, 0, 1, 2)))),
        symptoms=tuple(draw.sample(_SYMPTOMS, draw.choice((0, 1, 1, 2)))),
    )  # fmt: skip
    if patient.systolic_bp_mmhg is not None:
        patient = replace(patient, diastolic_bp_mmhg=round(patient.systolic_bp_mmhg * draw.uniform(0.52, 0.68)))
    if draw.random() < 0.06:
        return taught(patient, None, _made_up_risks(draw, adult))
    told = draw.choice((None, None, "pre"))
    if draw.random() < 0.08:  # a record that does not say all that a reference needs
        lost: dict[str, Any] = dict.fromkeys(draw.choice((("sex",), ("height_cm",), ("age_years",), ("sex", "height_cm"))))
        patient = replace(patient, **lost)
    given: dict[str, Any] = {"sex": patient.sex.value if patient.sex else None, "age_years": patient.age_years, "height_cm": patient.height_cm}
    spirometry = analyse(drawn["blows"], **given, bronchodilator=told)
    return taught(patient, spirometry, _made_up_risks(draw, adult))


def _made_up_risks(draw: random.Random, adult: bool) -> tuple[Fact, ...]:
    """Risk facts for conversations about risk: the wording is learned here, the figures come from ``assistant.risk``."""
    if not adult or draw.random() < 0.25:
        return ()
    return tuple(risk_fact(trait, words, draw.betavariate(1.2, 6), draw.betavariate(1.5, 7)) for trait, words in RISK_TRAITS)


def risk_fact(trait: str, words: str, probability: float, population: float | None) -> Fact:
    """A risk as a fact; its status compares it with people of the same age and sex (beyond a quarter either way, where either is 1 % or more)."""
    status = ""
    if population:
        ratio = probability / population
        tiny = probability < 0.01 and population < 0.01  # both are shown as "under 1 %"
        status = "about usual" if tiny or 0.75 <= ratio <= 1.25 else "higher than usual" if ratio > 1.25 else "lower than usual"
    shown = f"{100 * probability:.0f} %" if probability >= 0.01 else "under 1 %"
    return Fact(f"risk_{trait}", f"Estimated risk of {words}", shown, probability, "", status, "risk model")


def simulate_many(count: int, seed: int, workers: int) -> list[Taught]:
    """``count`` made-up people, on several cores, with a progress bar."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from tqdm import tqdm

    seeds = range(seed * 1_000_003, seed * 1_000_003 + count)
    if workers <= 1:
        return [simulated(one) for one in tqdm(seeds, desc="people", unit="person")]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(tqdm(pool.map(simulated, seeds, chunksize=32), total=count, desc="people", unit="person"))


def cohort_people(path: Path, fold: str, limit: int | None = None) -> tuple[list[Person], np.ndarray]:
    """Adults of a cohort's fold: what the encoders read, and their traits (people, traits), nan where unknown."""
    from tqdm import tqdm

    table = cohort.adults(cohort.read_cohort(path))
    table = table[[cohort.split_of(one) == fold for one in table["id"]]]
    if limit is not None:
        table = table.head(limit)
    people: list[Person] = []
    for _, row in tqdm(table.iterrows(), total=len(table), desc=f"{fold} cohort", unit="person"):
        people.append(person_of_row(row))
    return people, table[[trait for trait, _ in RISK_TRAITS]].to_numpy(float)


def rebuilt_people(path: Path, fold: str, limit: int | None = None) -> tuple[Taught, ...]:
    """Adults of a cohort's fold who have a curve, given or rebuilt, with what it measures to."""
    from tqdm import tqdm

    table = cohort.adults(cohort.read_cohort(path))
    table = table[[cohort.split_of(one) == fold for one in table["id"]]]
    table = table if limit is None else table.head(limit)
    rows = (analysed_row(row) for _, row in tqdm(table.iterrows(), total=len(table), desc="rebuilt curves", unit="person"))
    return tuple(one for one in (taught(*row) for row in rows) if one.person.curve is not None)


def analysed_row(row: object) -> tuple[Patient, Spirometry | None]:
    """One row of a cohort as a record and a measured blow; no blow where there is no curve, sex, age or height."""
    patient, blow = cohort.patient_of(row)
    if blow is None or patient.sex is None or patient.age_years is None or patient.height_cm is None:
        return patient, None
    return patient, analyse((blow,), sex=patient.sex.value, age_years=patient.age_years, height_cm=patient.height_cm)


def person_of_row(row: object) -> Person:
    """One row of a cohort as the encoders read it."""
    patient, spirometry = analysed_row(row)
    return Person(table_of(patient, spirometry), chosen_curve(spirometry))


def read_for_risk(patient: Patient, spirometry: Spirometry | None) -> Person:
    """One patient as risks are read: values of a record without a curve stand on a rebuilt curve, as those of a cohort's row do."""
    best = spirometry.best if spirometry is not None and not spirometry.maneuvers else None
    blow = None if best is None else cohort.rebuilt_blow(best.fev1_l, best.fvc_l, best.pef_l_s, best.fef25_75_l_s, best.bev_l, best.fet_s)
    if blow is not None and patient.sex is not None and patient.age_years is not None and patient.height_cm is not None:
        spirometry = analyse((blow,), sex=patient.sex.value, age_years=patient.age_years, height_cm=patient.height_cm)
    return Person(table_of(patient, spirometry), chosen_curve(spirometry))
