"""What the numbers mean: pattern and severity by the ERS/ATS 2022 standard (Stanojevic et al., doi 10.1183/13993003.01499-2021).

A pattern is never a diagnosis. GOLD's fixed ratio is said beside it and apart from it.
"""

from __future__ import annotations

from collections.abc import Mapping

from encoders.spirogram.results import LLN_Z, Best, Interpretation, Reference, Response, Statement

STANDARD = "ERS/ATS 2022 interpretive strategies, doi 10.1183/13993003.01499-2021"
QUALITY = "ATS/ERS 2019, doi 10.1164/rccm.201908-1590ST"
GOLD = "GOLD 2025 report"
BORDERLINE_Z = 0.2
MILD_Z, MODERATE_Z = -2.5, -4.0
FIXED_RATIO = 0.70
GOLD_GRADES = (80.0, 50.0, 30.0)  # FEV1 in percent of predicted, after a bronchodilator (GOLD 2025)
RESPONSE_PERCENT = 10.0  # of predicted; more than this is a response (ERS/ATS 2022)
ADULT_YEARS = 18.0  # GOLD speaks of adults
_SLACK = 1e-9  # so that a value exactly at a limit is not moved over it by rounding
NAMES = {"fev1": "FEV1", "fvc": "FVC", "fev1_fvc": "FEV1/FVC"}
GRADES = {
    "A": "three acceptable blows that repeat", "B": "two acceptable blows that repeat", "C": "two acceptable blows that repeat less closely",
    "D": "two acceptable blows that hardly repeat", "E": "one acceptable blow only, or blows that do not repeat",
    "U": "no acceptable blow, only a usable one", "F": "no usable blow",
}  # fmt: skip
FIRMNESS = {
    "A": "This allows a firm reading.", "B": "This allows a firm reading.", "C": "This allows a reading with some caution.",
    "D": "Read it with caution; a repeat would make it firmer.", "E": "Read it with caution; a repeat with three acceptable blows would make it firmer.",
    "U": "Read it with great caution; a repeat is needed.", "F": "A repeat is needed.",
}  # fmt: skip
WORDS = {
    "normal": "normal spirometry",
    "obstruction": "airflow obstruction",
    "possible_mixed": "possible mixed pattern",
    "possible_restriction": "possible restriction",
    "preserved_ratio_impaired": "preserved-ratio impaired spirometry",
    "possible_dysanapsis": "low ratio with a normal FEV1",
}
SETTLES = {
    "obstruction": "A test after a bronchodilator would show how much of it is reversible.",
    "possible_mixed": "Lung volumes are needed to confirm that the lungs are small as well.",
    "possible_restriction": "Lung volumes are needed to confirm or rule out restriction.",
    "preserved_ratio_impaired": "A repeat with full effort and lung volumes would tell more.",
    "possible_dysanapsis": "It may be a variant of normal (dysanapsis) or early obstruction; symptoms and a repeat would tell more.",
}


def pattern_of(fev1_z: float, fvc_z: float, ratio_z: float) -> str:
    """ERS/ATS 2022, table 8: by which of ratio, FVC and FEV1 lie under the lower limit of normal."""
    low_fev1, low_fvc, low_ratio = fev1_z < LLN_Z, fvc_z < LLN_Z, ratio_z < LLN_Z
    if low_ratio:
        return "possible_mixed" if low_fvc else "obstruction" if low_fev1 else "possible_dysanapsis"
    if low_fvc:
        return "possible_restriction"
    return "preserved_ratio_impaired" if low_fev1 else "normal"


def severity_of(z: float) -> str | None:
    """Mild above -2.5, moderate -2.5 to -4, severe under -4; None at or above the lower limit of normal."""
    if z >= LLN_Z:
        return None
    return "mild" if z > MILD_Z else "moderate" if z >= MODERATE_Z else "severe"


def interpret(
    refs: Mapping[str, Reference], *, bronchodilator: str | None = None, reference_name: str = "GLI Global 2022",
    grades: tuple[str, str] | None = None, age_years: float | None = None, after: Best | None = None,
) -> Interpretation | None:  # fmt: skip
    """Quality, pattern, severity and what would settle it, from fev1, fvc and fev1_fvc against their reference.

    None where one of the three was not measured. Severity goes by the z-score of FEV1, for a possible restriction by that of
    FVC. ``grades``: the letters of FEV1 and FVC, or two empty strings for values without a curve; they are said first.
    ``age_years``: under 18 GOLD is not spoken of. ``after``: the values after a bronchodilator where the visit
    holds both; GOLD then speaks of those.
    """
    fev1, fvc, ratio = (refs[name].z if name in refs else None for name in ("fev1", "fvc", "fev1_fvc"))
    if fev1 is None or fvc is None or ratio is None:
        return None
    pattern = pattern_of(fev1, fvc, ratio)
    graded = None if pattern in ("normal", "possible_dysanapsis") else ("fvc", fvc) if pattern == "possible_restriction" else ("fev1", fev1)
    severity = severity_of(graded[1]) if graded else None
    numbers = {"fev1_z": fev1, "fvc_z": fvc, "fev1_fvc_z": ratio}
    when = {"pre": " before a bronchodilator", "post": " after a bronchodilator"}.get(bronchodilator or "", "")
    degree = f", {severity}" if severity else ""
    statements = [] if grades is None else [_quality(grades)]
    statements.append(
        Statement(
            f"Pattern{when} by {reference_name}: {WORDS[pattern]}{degree} (z-scores FEV1 {fev1:.2f}, FVC {fvc:.2f}, FEV1/FVC {ratio:.2f}; "
            f"the lower limit of normal is {LLN_Z}).",
            STANDARD, numbers,
        )
    )  # fmt: skip
    if graded and severity:
        statements.append(_degree(*graded, severity))
    if pattern in SETTLES:
        statements.append(Statement(_settles(pattern, bronchodilator, after is not None), STANDARD, numbers))
    borderline = tuple(name for name in NAMES if abs((refs[name].z or 0.0) - LLN_Z) <= BORDERLINE_Z + _SLACK)
    if borderline:
        said = " and ".join(f"{NAMES[name]} (z {refs[name].z:.2f})" for name in borderline)
        lies = "lies" if len(borderline) == 1 else "lie"
        statements.append(
            Statement(f"Borderline: {said} {lies} within {BORDERLINE_Z} of the lower limit of normal; a repeat may fall on the other side.", STANDARD, numbers)
        )
    statements += _gold(refs, bronchodilator, after, child=age_years is not None and age_years < ADULT_YEARS) + _limits(refs, ratio)
    return Interpretation(pattern, severity, tuple(statements), borderline)


def _quality(grades: tuple[str, str]) -> Statement:
    """The grades, what they stand for and how firm that makes the rest (ATS/ERS 2019); said before anything is read."""
    fev1, fvc = grades
    if not (fev1 in GRADES and fvc in GRADES):
        return Statement("Quality: the values come without a curve, so their quality is not known.", QUALITY)
    worse = max(fev1, fvc, key=list(GRADES).index)
    meaning = GRADES[fev1] if fev1 == fvc else f"FEV1 {GRADES[fev1]}; FVC {GRADES[fvc]}"
    return Statement(f"Quality: the reading rests on FEV1 grade {fev1} and FVC grade {fvc} ({meaning}). {FIRMNESS[worse]}", QUALITY)


def _degree(name: str, z: float, severity: str) -> Statement:
    near = [(limit, words) for limit, words in ((MILD_Z, "mild and moderate"), (MODERATE_Z, "moderate and severe")) if abs(z - limit) <= BORDERLINE_Z + _SLACK]
    doubt = f"; within {BORDERLINE_Z} of {near[0][0]}, so borderline between {near[0][1]}" if near else ""
    text = f"Severity by the z-score of {NAMES[name]} ({z:.2f}): {severity} (mild above {MILD_Z}, moderate to {MODERATE_Z}, severe below){doubt}."
    return Statement(text, STANDARD, {f"{name}_z": z})


def _settles(pattern: str, bronchodilator: str | None, tested_after: bool) -> str:
    """What would settle it; a bronchodilator test that has been done is not asked for again."""
    if pattern == "obstruction" and bronchodilator == "post":
        return "It was measured after a bronchodilator; a repeat at a later visit would show whether it stays."
    if pattern == "obstruction" and tested_after:
        return "The blows after the bronchodilator show how much of it is reversible; a repeat at a later visit would show whether it stays."
    return SETTLES[pattern]


def _gold(refs: Mapping[str, Reference], bronchodilator: str | None, after: Best | None, *, child: bool) -> list[Statement]:
    """GOLD's fixed ratio, apart from the pattern; a grade only from values after a bronchodilator, and only for adults."""
    measured, percent = refs["fev1_fvc"].measured, refs["fev1"].percent_predicted
    if child or measured is None or percent is None:
        return []
    if bronchodilator != "post" and after is not None and after.fev1_l is not None and after.fev1_fvc is not None:
        before, measured, percent = measured, after.fev1_fvc, 100.0 * after.fev1_l / refs["fev1"].predicted
        if measured >= FIXED_RATIO:
            text = f"Beside it: after the bronchodilator the ratio is {measured:.2f}, so GOLD's fixed ratio of 0.70 is not undercut: no GOLD grade."
            return [Statement(text, GOLD, {"fev1_fvc": before, "fev1_fvc_after": measured})] if before < FIXED_RATIO else []
    elif bronchodilator != "post" and measured < FIXED_RATIO:
        state = "this was measured before one" if bronchodilator == "pre" else "it is not stated whether one was given"
        text = f"Beside it: the ratio {measured:.2f} is under 0.70, but GOLD's fixed ratio is defined after a bronchodilator and {state}: no GOLD grade."
        return [Statement(text, GOLD, {"fev1_fvc": measured})]
    if measured >= FIXED_RATIO:
        return []
    text = (
        f"Beside it: after the bronchodilator GOLD's fixed ratio of 0.70 is undercut ({measured:.2f}); GOLD grade {gold_grade(percent)} by FEV1 "
        f"{percent:.0f} % of predicted."
    )
    return [Statement(text, GOLD, {"fev1_fvc": measured, "fev1_percent_predicted": percent})]


def _limits(refs: Mapping[str, Reference], ratio_z: float) -> list[Statement]:
    """Whether the fixed ratio and the lower limit of normal disagree about this ratio, and why they can."""
    measured, lln = refs["fev1_fvc"].measured, refs["fev1_fvc"].lln
    if measured is None:
        return []
    low, fixed = ratio_z < LLN_Z, measured < FIXED_RATIO
    said: list[Statement] = []
    if low != fixed:
        side = (
            "under 0.70 but above the lower limit of normal, as is expected at an older age"
            if fixed
            else "above 0.70 but under the lower limit of normal, as happens at a younger age"
        )
        limits = {"fev1_fvc": measured, "fev1_fvc_lln": lln, "fixed_ratio": FIXED_RATIO}
        said.append(Statement(f"The two limits disagree: the ratio {measured:.2f} is {side} ({lln:.2f}).", STANDARD, limits))
        why = (
            "Why they differ: the ratio falls with age in healthy people. The lower limit of normal falls with it; 0.70 is the same for everyone, so it "
            "finds obstruction in more older people and in fewer younger ones."
        )
        said.append(Statement(why, STANDARD, limits))
    return said


def gold_grade(fev1_percent_predicted: float) -> int:
    """GOLD 2025, after a bronchodilator and with a ratio under 0.70: 1 from 80 %, 2 from 50 %, 3 from 30 %, else 4."""
    return 1 + sum(fev1_percent_predicted < limit for limit in GOLD_GRADES)


def bronchodilator_response(pre: Best, post: Best, predicted: Mapping[str, float]) -> Response:
    """ERS/ATS 2022: (post - pre) x 100 / predicted over 10 % for FEV1 or FVC is a significant response."""

    def change(name: str) -> float | None:
        before, after = getattr(pre, f"{name}_l"), getattr(post, f"{name}_l")
        return None if before is None or after is None or name not in predicted else 100.0 * (after - before) / predicted[name]

    fev1, fvc = change("fev1"), change("fvc")
    significant = any(value is not None and value > RESPONSE_PERCENT + _SLACK for value in (fev1, fvc))
    parts = [f"{name} changed by {value:+.1f} % of predicted" for name, value in (("FEV1", fev1), ("FVC", fvc)) if value is not None]
    verdict = "a significant response" if significant else "no significant response"
    text = f"After the bronchodilator {' and '.join(parts)}: {verdict} (over 10 % is significant)." if parts else "The response cannot be judged."
    return Response(fev1, fvc, significant, text)
