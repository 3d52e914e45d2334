"""What the numbers mean: pattern and severity by the ERS/ATS 2022 standard (Stanojevic et al., doi 10.1183/13993003.01499-2021).

A pattern is never a diagnosis. GOLD's fixed ratio is said beside it and apart from it.
"""

from __future__ import annotations

from collections.abc import Mapping

from encoders.spirogram.results import Best, Interpretation, Reference, Response, Statement

STANDARD = "ERS/ATS 2022 interpretive strategies, doi 10.1183/13993003.01499-2021"
GOLD = "GOLD 2025 report"
LLN_Z, BORDERLINE_Z = -1.645, 0.2
MILD_Z, MODERATE_Z = -2.5, -4.0
FIXED_RATIO = 0.70
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


def interpret(refs: Mapping[str, Reference], *, bronchodilator: str | None = None, reference_name: str = "GLI Global 2022") -> Interpretation | None:
    """Pattern, severity and statements from fev1, fvc and fev1_fvc against their reference; None where one is missing.

    Severity goes by the z-score of FEV1, for a possible restriction by that of FVC.
    """
    fev1, fvc, ratio = (refs[name].z if name in refs else None for name in ("fev1", "fvc", "fev1_fvc"))
    if fev1 is None or fvc is None or ratio is None:
        return None
    pattern = pattern_of(fev1, fvc, ratio)
    severity = None if pattern in ("normal", "possible_dysanapsis") else severity_of(fvc if pattern == "possible_restriction" else fev1)
    numbers = {"fev1_z": fev1, "fvc_z": fvc, "fev1_fvc_z": ratio}
    when = {"pre": " before a bronchodilator", "post": " after a bronchodilator"}.get(bronchodilator or "", "")
    degree = f", {severity}" if severity else ""
    statements = [
        Statement(
            f"Pattern{when} by {reference_name}: {WORDS[pattern]}{degree} (z-scores FEV1 {fev1:.2f}, FVC {fvc:.2f}, FEV1/FVC {ratio:.2f}; "
            f"the lower limit of normal is {LLN_Z}).",
            STANDARD, numbers,
        )
    ]  # fmt: skip
    if pattern in SETTLES:
        statements.append(Statement(SETTLES[pattern], STANDARD))
    names = {"fev1": "FEV1", "fvc": "FVC", "fev1_fvc": "FEV1/FVC"}
    borderline = tuple(name for name in names if abs((refs[name].z or 0.0) - LLN_Z) <= BORDERLINE_Z)
    if borderline:
        said = " and ".join(f"{names[name]} (z {refs[name].z:.2f})" for name in borderline)
        statements.append(
            Statement(f"Borderline: {said} lies within {BORDERLINE_Z} of the lower limit of normal; a repeat may fall on the other side.", STANDARD, numbers)
        )
    statements += _gold(refs, ratio, bronchodilator)
    return Interpretation(pattern, severity, tuple(statements), borderline)


def _gold(refs: Mapping[str, Reference], ratio_z: float, bronchodilator: str | None) -> list[Statement]:
    measured, percent = refs["fev1_fvc"].measured, refs["fev1"].percent_predicted
    if measured is None or percent is None:
        return []
    low, fixed = ratio_z < LLN_Z, measured < FIXED_RATIO
    said = []
    if bronchodilator == "post" and fixed:
        grade = 1 if percent >= 80 else 2 if percent >= 50 else 3 if percent >= 30 else 4
        said.append(
            Statement(
                f"Beside it: GOLD's fixed ratio of 0.70 is undercut ({measured:.2f}); GOLD grade {grade} by FEV1 {percent:.0f} % of predicted.",
                GOLD,
                {"fev1_fvc": measured, "fev1_percent_predicted": percent},
            )
        )
    if low != fixed:
        side = (
            "under 0.70 but above the lower limit of normal, as is expected at an older age"
            if fixed
            else "above 0.70 but under the lower limit of normal, as happens at a younger age"
        )
        said.append(Statement(f"The two limits disagree: the ratio {measured:.2f} is {side} ({refs['fev1_fvc'].lln:.2f}).", STANDARD, {"fev1_fvc": measured}))
    return said


def bronchodilator_response(pre: Best, post: Best, predicted: Mapping[str, float]) -> Response:
    """ERS/ATS 2022: (post - pre) x 100 / predicted over 10 % for FEV1 or FVC is a significant response."""

    def change(name: str) -> float | None:
        before, after = getattr(pre, f"{name}_l"), getattr(post, f"{name}_l")
        return None if before is None or after is None or name not in predicted else 100.0 * (after - before) / predicted[name]

    fev1, fvc = change("fev1"), change("fvc")
    significant = any(value is not None and value > 10.0 for value in (fev1, fvc))
    parts = [f"{name} changed by {value:+.1f} % of predicted" for name, value in (("FEV1", fev1), ("FVC", fvc)) if value is not None]
    verdict = "a significant response" if significant else "no significant response"
    text = f"After the bronchodilator {' and '.join(parts)}: {verdict} (over 10 % is significant)." if parts else "The response cannot be judged."
    return Response(fev1, fvc, significant, text)
