"""The patient as Breathwise knows one: typed quantities with units, and the named facts that prompts and checks use.

Missing is ``None`` and is said ("not measured"); nothing here has a default value. ``QUANTITIES`` is the one table of
what can be known about a person: intake reads its aliases, the tabular encoder its scale, the serialiser its wording.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum

from encoders.spirogram.read import Blow


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"


class Smoking(StrEnum):
    NEVER = "never"
    FORMER = "former"
    CURRENT = "current"


@dataclass(frozen=True)
class Quantity:
    """One number a record may hold.

    ``low``/``high`` are the plausible range in ``unit`` (outside it a value is refused as a mistake), ``mean``/``sd`` the
    scale of the tabular encoder, ``status`` turns a value into a word such as "high" (None: no word is said).
    """

    name: str
    label: str
    unit: str
    decimals: int
    low: float
    high: float
    mean: float
    sd: float
    aliases: tuple[str, ...] = ()
    status: Callable[[float], str] | None = None


def _bands(*edges: tuple[float, str], above: str) -> Callable[[float], str]:
    """A word by the first edge that the value lies below."""

    def word(value: float) -> str:
        for edge, name in edges:
            if value < edge:
                return name
        return above

    return word


# Sources of the words: BMI, WHO Technical Report 894; blood pressure, ESC 2024 (office: elevated from 120/70, hypertension
# from 140/90); HbA1c and fasting glucose, ADA Standards of Care 2025 (5.7 and 6.5 %); lipids, NCEP ATP III;
# SpO2, respiratory rate and heart rate, Royal College of Physicians NEWS2 2017; temperature, NEWS2 2017.
QUANTITIES: tuple[Quantity, ...] = (
    Quantity("age_years", "Age", "years", 1, 0.0, 120.0, 45.0, 20.0),
    Quantity("height_cm", "Height", "cm", 1, 40.0, 250.0, 166.0, 12.0),
    Quantity("weight_kg", "Weight", "kg", 1, 2.0, 400.0, 76.0, 22.0),
    Quantity(
        "bmi_kg_m2",
        "Body mass index",
        "kg/m2",
        1,
        8.0,
        100.0,
        27.5,
        6.8,
        status=_bands((18.5, "low"), (25.0, "normal"), (30.0, "raised"), above="high"),
    ),
    Quantity("waist_cm", "Waist", "cm", 1, 30.0, 250.0, 93.0, 18.0),
    Quantity("pack_years", "Smoking", "pack-years", 0, 0.0, 300.0, 8.0, 17.0),
    Quantity("cotinine_ng_ml", "Cotinine", "ng/mL", 2, 0.0, 2500.0, 50.0, 120.0),
    Quantity(
        "systolic_bp_mmhg",
        "Systolic blood pressure",
        "mmHg",
        0,
        50.0,
        300.0,
        121.0,
        18.0,
        status=_bands((90.0, "low"), (120.0, "normal"), (140.0, "raised"), above="high"),
    ),
    Quantity(
        "diastolic_bp_mmhg",
        "Diastolic blood pressure",
        "mmHg",
        0,
        20.0,
        200.0,
        68.0,
        13.0,
        status=_bands((50.0, "low"), (70.0, "normal"), (90.0, "raised"), above="high"),
    ),
    Quantity(
        "heart_rate_bpm",
        "Heart rate",
        "beats/min",
        0,
        20.0,
        250.0,
        73.0,
        12.0,
        status=_bands((51.0, "low"), (91.0, "normal"), (111.0, "raised"), above="high"),
    ),
    Quantity(
        "respiratory_rate_bpm",
        "Respiratory rate",
        "breaths/min",
        0,
        4.0,
        80.0,
        16.0,
        4.0,
        status=_bands((12.0, "low"), (21.0, "normal"), (25.0, "raised"), above="high"),
    ),
    Quantity(
        "spo2_percent",
        "Oxygen saturation",
        "%",
        0,
        40.0,
        100.0,
        97.0,
        2.5,
        status=_bands((92.0, "low"), (96.0, "slightly low"), above="normal"),
    ),
    Quantity(
        "temperature_c",
        "Temperature",
        "C",
        1,
        30.0,
        44.0,
        36.8,
        0.6,
        status=_bands((36.1, "low"), (38.1, "normal"), above="high"),
    ),
    Quantity(
        "hba1c_percent",
        "HbA1c",
        "%",
        1,
        2.5,
        20.0,
        5.6,
        1.0,
        status=_bands((5.7, "normal"), (6.5, "raised"), above="high"),
    ),
    Quantity(
        "total_cholesterol_mg_dl",
        "Total cholesterol",
        "mg/dL",
        0,
        40.0,
        1000.0,
        190.0,
        41.0,
        status=_bands((200.0, "normal"), (240.0, "raised"), above="high"),
    ),
    Quantity(
        "hdl_cholesterol_mg_dl",
        "HDL cholesterol",
        "mg/dL",
        0,
        5.0,
        250.0,
        53.0,
        15.0,
        status=_bands((40.0, "low"), above="normal"),
    ),
    Quantity(
        "triglycerides_mg_dl",
        "Triglycerides",
        "mg/dL",
        0,
        10.0,
        6000.0,
        125.0,
        90.0,
        status=_bands((150.0, "normal"), (200.0, "raised"), above="high"),
    ),
    Quantity("creatinine_mg_dl", "Creatinine", "mg/dL", 2, 0.1, 30.0, 0.87, 0.35),
    Quantity("glucose_mg_dl", "Glucose", "mg/dL", 0, 10.0, 1500.0, 98.0, 33.0),
)
QUANTITY = {quantity.name: quantity for quantity in QUANTITIES}


@dataclass(frozen=True)
class ReportedSpirometry:
    """Spirometric values that stand in a record without a curve. Litres and litres per second; the ratio is 0-1."""

    fev1_l: float | None = None
    fvc_l: float | None = None
    fev1_fvc: float | None = None
    pef_l_s: float | None = None
    fef25_75_l_s: float | None = None
    bev_l: float | None = None
    fet_s: float | None = None
    date: dt.date | None = None
    bronchodilator: str | None = None  # "pre", "post" or None (not stated)


@dataclass(frozen=True)
class Patient:
    """One person. Every field may be None: not measured. ``assumptions`` are sentences about what intake had to infer."""

    label: str = "Patient"
    sex: Sex | None = None
    age_years: float | None = None
    ancestry: str | None = None  # GLI-2012 group; asked for, never assumed
    height_cm: float | None = None
    weight_kg: float | None = None
    bmi_kg_m2: float | None = None
    waist_cm: float | None = None
    smoking_status: Smoking | None = None
    pack_years: float | None = None
    cotinine_ng_ml: float | None = None
    systolic_bp_mmhg: float | None = None
    diastolic_bp_mmhg: float | None = None
    heart_rate_bpm: float | None = None
    respiratory_rate_bpm: float | None = None
    spo2_percent: float | None = None
    temperature_c: float | None = None
    hba1c_percent: float | None = None
    total_cholesterol_mg_dl: float | None = None
    hdl_cholesterol_mg_dl: float | None = None
    triglycerides_mg_dl: float | None = None
    creatinine_mg_dl: float | None = None
    glucose_mg_dl: float | None = None
    conditions: tuple[str, ...] = ()
    medications: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()
    reported: tuple[ReportedSpirometry, ...] = ()
    blows: tuple[Blow, ...] = field(default=(), repr=False)
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.bmi_kg_m2 is None and self.weight_kg is not None and self.height_cm is not None:
            object.__setattr__(self, "bmi_kg_m2", self.weight_kg / (self.height_cm / 100.0) ** 2)


@dataclass(frozen=True)
class Fact:
    """One thing that is known about this patient, as the prompt states it and as answers may quote it.

    ``text`` is what an answer writes (value with unit: "1.85 L"); ``status`` is one word or short phrase about it ("low",
    "normal", "borderline"), empty where none applies; ``value`` is the number behind it, None for words.
    """

    name: str
    label: str
    text: str
    value: float | None = None
    unit: str = ""
    status: str = ""
    source: str = ""

    @property
    def token(self) -> str:
        """The token by which the embedded model names this fact; code writes ``text`` in its place."""
        return f"<|{self.name}|>"


SPIROMETRY_FACTS: tuple[str, ...] = (
    "pattern", "severity", "fev1_l", "fev1_predicted_l", "fev1_lln_l", "fev1_z", "fev1_percent_predicted",
    "fvc_l", "fvc_predicted_l", "fvc_lln_l", "fvc_z", "fvc_percent_predicted",
    "fev1_fvc", "fev1_fvc_predicted", "fev1_fvc_lln", "fev1_fvc_z",
    "pef_l_s", "fef25_75_l_s", "bev_l", "fet_s", "fev1_grade", "fvc_grade", "blows", "findings", "reference",
    "bronchodilator",
)  # fmt: skip
RISK_TRAITS: tuple[tuple[str, str], ...] = (
    ("asthma_current", "current asthma"),
    ("copd", "COPD"),
    ("diabetes", "diabetes"),
    ("hypertension", "hypertension"),
    ("myocardial_infarction", "heart attack"),
    ("stroke", "stroke"),
    ("heart_failure", "heart failure"),
    ("coronary_heart_disease", "coronary heart disease"),
)
RISK_FACTS: tuple[str, ...] = tuple(f"risk_{trait}" for trait, _ in RISK_TRAITS)
RECORD_FACTS: tuple[str, ...] = (
    "sex", *(quantity.name for quantity in QUANTITIES), "smoking_status", "conditions", "medications", "symptoms",
)  # fmt: skip
FACT_NAMES: tuple[str, ...] = (*SPIROMETRY_FACTS, *RECORD_FACTS, *RISK_FACTS)

_WORD_LABELS = {
    "sex": "Sex",
    "smoking_status": "Smoking status",
    "conditions": "Conditions",
    "medications": "Medicines",
    "symptoms": "Symptoms",
}


def facts(patient: Patient) -> tuple[Fact, ...]:
    """The facts of the record, in the order of RECORD_FACTS; what is missing has no fact (see ``missing``)."""
    found: list[Fact] = []
    for name in RECORD_FACTS:
        value = getattr(patient, name)
        if value is None or value == ():
            continue
        if name in QUANTITY:
            quantity = QUANTITY[name]
            shown = 0 if name == "age_years" and value >= 18 else quantity.decimals
            number = f"{int(value)}" if name == "age_years" and value >= 18 else f"{value:.{shown}f}"
            unit = f" {quantity.unit}" if quantity.unit != "%" else " %"
            status = quantity.status(value) if quantity.status else ""
            adult_only = name in {"bmi_kg_m2", "systolic_bp_mmhg", "diastolic_bp_mmhg", "heart_rate_bpm", "respiratory_rate_bpm"}
            if adult_only and (patient.age_years is None or patient.age_years < 18):
                status = ""  # children are judged by percentiles, which are not here
            found.append(Fact(name, quantity.label, number + unit, float(value), quantity.unit, status, "record"))
        else:
            words = ", ".join(value) if isinstance(value, tuple) else str(value)
            found.append(Fact(name, _WORD_LABELS[name], words, source="record"))
    return tuple(found)


def missing(patient: Patient) -> tuple[str, ...]:
    """Names of the record's quantities that were not measured, for the sentence that says so."""
    return tuple(name for name in RECORD_FACTS if getattr(patient, name) in (None, ()))


def serialise(known: Iterable[Fact], not_measured: Sequence[str] = (), *, by_token: bool = False) -> str:
    """Facts as the lines a model reads.

    ``by_token``: for the embedded model, each line starts with the fact's own token and its status word. Otherwise plain
    text for any other language model: ``FEV1: 1.85 L (low)``.
    """
    if by_token:
        lines = [f"{fact.token} {fact.status + ' ' if fact.status else ''}{fact.text}" for fact in known]
        absent = " ".join(f"<|{name}|>" for name in not_measured)
        return "\n".join([*lines, f"not measured: {absent}"] if absent else lines)
    lines = [f"{fact.label}: {fact.text}{f' ({fact.status})' if fact.status else ''}" for fact in known]
    absent = ", ".join(label_of(name) for name in not_measured)
    return "\n".join([*lines, f"Not measured: {absent}"] if absent else lines)


def label_of(name: str) -> str:
    """The words for a fact's name, for people."""
    if name in QUANTITY:
        return QUANTITY[name].label
    return _WORD_LABELS.get(name, name.replace("_", " "))


def write_out(text: str, known: Iterable[Fact]) -> str:
    """Replace each fact token in ``text`` by the fact's text; one that is not known becomes "not measured"."""
    for fact in known:
        text = text.replace(fact.token, fact.text)
    for name in FACT_NAMES:
        text = text.replace(f"<|{name}|>", "not measured")
    return text


PATIENT_FIELDS: tuple[str, ...] = tuple(item.name for item in fields(Patient))
