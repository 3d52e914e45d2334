"""Which code stands for what in FHIR: LOINC for measurements, SNOMED CT for smoking, UCUM for units.

The codes are those of the project's clinical sheet, compared with the pulmonary-function implementation guide
(Automate-Medical/pft-ig) and US Core. FEV1/FVC: 19926-5 says neither before nor after a bronchodilator; 69970-2 is "--post
bronchodilation"; 19927-3 could not be confirmed, so it is read (as after) and never written.
"""

from __future__ import annotations

from encoders.record import Smoking

LOINC, UCUM, SNOMED = "http://loinc.org", "http://unitsofmeasure.org", "http://snomed.info/sct"
OWN = "urn:breathwise:measure"  # what has no LOINC code that could be confirmed
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
CLINICAL_STATUS = "http://terminology.hl7.org/CodeSystem/condition-clinical"
SERVICE = "http://terminology.hl7.org/CodeSystem/v2-0074"
KNOWN_SYSTEMS = frozenset({LOINC, "https://loinc.org", "http://loinc.org/", "urn:oid:2.16.840.1.113883.6.1", OWN})
PANEL, PRESSURE_PANEL, SMOKING_STATUS, SYMPTOM, CURVE = "81459-0", "85354-9", "72166-2", "75325-1", "spirogram"

# field of the record -> its codes; the first one is written
QUANTITY_CODES: dict[str, tuple[str, ...]] = {
    "age_years": ("30525-0",), "height_cm": ("8302-2", "3137-7"), "weight_kg": ("29463-7", "3141-9"), "bmi_kg_m2": ("39156-5",),
    "waist_cm": ("8280-0",), "pack_years": ("8664-5",), "cotinine_ng_ml": ("cotinine_ng_ml",), "systolic_bp_mmhg": ("8480-6",),
    "diastolic_bp_mmhg": ("8462-4",), "heart_rate_bpm": ("8867-4",), "respiratory_rate_bpm": ("9279-1",), "spo2_percent": ("2708-6", "59408-5"),
    "temperature_c": ("8310-5", "8331-1"), "hba1c_percent": ("4548-4", "17856-6", "59261-8"), "total_cholesterol_mg_dl": ("2093-3", "14647-2"),
    "hdl_cholesterol_mg_dl": ("2085-9", "14646-4"), "triglycerides_mg_dl": ("2571-8", "14927-8"), "creatinine_mg_dl": ("2160-0", "38483-4", "14682-9"),
    "glucose_mg_dl": ("2345-7", "2339-0", "1558-6", "14749-6", "15074-8"),
}  # fmt: skip
# measure -> (not said, before, after a bronchodilator); the first code of each is written
SPIROMETRY_CODES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "fev1_l": (("20150-9",), ("20157-4",), ("20155-8",)),
    "fvc_l": (("19868-9", "19870-5"), ("19876-2",), ("19874-7",)),
    "fev1_fvc": (("19926-5",), (), ("69970-2", "19927-3")),
    "pef_l_s": (("19935-6",), (), ()),
    "fet_s": (("65819-5",), (), ()),
    "fef25_75_l_s": (("fef25_75_l_s",), (), ()),
    "bev_l": (("bev_l",), (), ()),
}
PERCENT_PREDICTED = {"fev1": "20152-5", "fvc": "19872-1"}
UNITS = {
    "age_years": ("years", "a"), "bmi_kg_m2": ("kg/m2", "kg/m2"), "pack_years": ("pack-years", "{pack-years}"),
    "systolic_bp_mmhg": ("mmHg", "mm[Hg]"), "diastolic_bp_mmhg": ("mmHg", "mm[Hg]"), "heart_rate_bpm": ("beats/min", "/min"),
    "respiratory_rate_bpm": ("breaths/min", "/min"), "temperature_c": ("Cel", "Cel"), "fev1_l": ("L", "L"), "fvc_l": ("L", "L"), "bev_l": ("L", "L"),
    "fev1_fvc": ("1", "1"), "pef_l_s": ("L/s", "L/s"), "fef25_75_l_s": ("L/s", "L/s"), "fet_s": ("s", "s"),
}  # fmt: skip
# UCUM, lower case -> the spelling that intake reads
SPELLINGS = {
    "mm[hg]": "mmhg", "cel": "c", "[degf]": "f", "degf": "f", "degc": "c", "[in_i]": "in", "[in_us]": "in", "[ft_i]": "ft", "[ft_us]": "ft", "[lb_av]": "lb",
    "[lb_us]": "lb", "1": "fraction", "{ratio}": "fraction", "{number}": "fraction", "ratio": "fraction", "number": "fraction", "a": "years", "{years}": "years",
    "{pack-years}": "pack-years", "{pack_years}": "pack-years", "{packyears}": "pack-years", "{pack-year}": "pack-years", "{beats}/min": "/min",
    "{breaths}/min": "/min", "{beat}/min": "/min", "{breath}/min": "/min", "{h.b.}/min": "/min", "mmol/mol{hb}": "mmol/mol", "%{hemoglobin}": "%",
    "%{hb}": "%", "mg/dl{serum}": "mg/dl",
}  # fmt: skip
AGE_UNITS = {"mo": 1 / 12, "month": 1 / 12, "months": 1 / 12, "wk": 7 / 365.25, "weeks": 7 / 365.25, "d": 1 / 365.25, "days": 1 / 365.25}  # in years
# SNOMED CT as US Core uses it, and LOINC's own answers to 72166-2; the first code of each is written
SMOKING_CODES: dict[Smoking, tuple[str, ...]] = {
    Smoking.NEVER: ("266919005", "LA18978-9"),
    Smoking.FORMER: ("8517006", "LA15920-4"),
    Smoking.CURRENT: ("77176002", "449868002", "428041000124106", "428061000124105", "428071000124103", "LA18976-3", "LA18977-1", "LA18981-3", "LA18982-1"),
}

FIELD_OF = {code: field for field, codes in QUANTITY_CODES.items() for code in codes}
SPIROMETRY_OF = {
    code: (field, state) for field, sets in SPIROMETRY_CODES.items() for codes, state in zip(sets, (None, "pre", "post"), strict=True) for code in codes
}
SMOKING_OF = {code: status for status, codes in SMOKING_CODES.items() for code in codes}
