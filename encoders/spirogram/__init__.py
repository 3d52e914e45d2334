"""The spirogram wing: read, measure, judge, compare, interpret; and the facts that the rest of the house speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from encoders.record import Fact, ReportedSpirometry
    from encoders.spirogram.read import Blow
    from encoders.spirogram.results import Best, Maneuver, Reference, Spirometry

RATIO_ALONE = "only the ratio FEV1/FVC is recorded: it is compared, but a pattern needs FEV1 and FVC in litres as well"
INCOMPLETE = "the record does not hold FEV1, FVC and their ratio, so no pattern is named"
UNUSABLE = "the test quality does not allow an interpretation: no blow has both a usable FEV1 and a usable FVC"


def analyse(
    blows: Sequence[Blow], *, sex: str | None, age_years: float | None, height_cm: float | None, reference: str = "gli-global-2022",
    ancestry: str | None = None, bronchodilator: str | None = None,
) -> Spirometry:  # fmt: skip
    """Blows of one visit -> everything found about them. Without sex, age and height there is no reference.

    Raises ReferenceRangeError for what the reference does not cover only where it was asked for by name and group;
    otherwise the reason stands in ``notes``.
    """
    from encoders.spirogram.measure import measure_many
    from encoders.spirogram.quality import best_of, judge_all
    from encoders.spirogram.results import Spirometry
    from encoders.spirogram.shape import shape_words
    from encoders.spirogram.visits import date_of, follow

    days = {day for blow in blows if (day := date_of(blow)) is not None}
    if len(days) >= 2:  # several visits are not one session: the latest is looked at, all of them make the trend
        body: dict[str, Any] = {"sex": sex, "age_years": age_years, "height_cm": height_cm, "reference": reference, "ancestry": ancestry}
        latest = analyse([blow for blow in blows if date_of(blow) == max(days)], bronchodilator=bronchodilator, **body)
        note = f"the blows are of {len(days)} dates; what is shown is the latest, {max(days)}"
        return replace(latest, visits=follow(blows, bronchodilator=bronchodilator, **body), notes=(*latest.notes, note))
    maneuvers = judge_all(measure_many(blows), age_years)
    stated = [m.blow.bronchodilator or bronchodilator for m in maneuvers]
    after = [m for m, state in zip(maneuvers, stated, strict=True) if state == "post"]
    before = [m for m, state in zip(maneuvers, stated, strict=True) if state != "post"]
    main, post = (before, after) if before else (after, [])
    ordered = (*main, *post)
    best, best_post = best_of(main, age_years), best_of(post, age_years) if post else None
    state = "post" if not before else "pre" if after or "pre" in stated else None
    looked = ordered[best.chosen] if best is not None and best.chosen is not None else None
    shape = shape_words(looked.blow, looked) if looked is not None else ()
    result = Spirometry(ordered, best, best_post, None, {}, None, None, shape)
    return _compared(result, sex, age_years, height_cm, reference, ancestry, state)


def analyse_reported(
    reported: ReportedSpirometry, *, sex: str | None, age_years: float | None, height_cm: float | None, reference: str = "gli-global-2022",
    ancestry: str | None = None,
) -> Spirometry:  # fmt: skip
    """Values of a record without a curve: compared and interpreted, their quality unknown."""
    from encoders.spirogram.results import Best, Spirometry

    ratio = reported.fev1_fvc
    if ratio is None and reported.fev1_l and reported.fvc_l:
        ratio = reported.fev1_l / reported.fvc_l
    best = Best(
        reported.fev1_l, reported.fvc_l, ratio, "", "", ("the values come from a record without a curve, so their quality is not known",),
        reported.pef_l_s, reported.fef25_75_l_s, reported.bev_l, reported.fet_s,
    )  # fmt: skip
    result = Spirometry((), best, None, None, {}, None, None)
    return _compared(result, sex, age_years, height_cm, reference, ancestry, reported.bronchodilator)


def _compared(
    result: Spirometry, sex: str | None, age_years: float | None, height_cm: float | None, reference: str, ancestry: str | None, state: str | None
) -> Spirometry:
    from encoders.spirogram.interpret import bronchodilator_response, interpret
    from encoders.spirogram.reference import NAMES, ReferenceRangeError, evaluate

    best, notes = result.best, list(result.notes)
    if sex is None or age_years is None or height_cm is None:
        lacking = [name for name, value in (("sex", sex), ("age", age_years), ("height", height_cm)) if value is None]
        return replace(result, notes=(*notes, f"no reference values without {', '.join(lacking)}"))
    if best is None:
        return replace(result, notes=(*notes, "nothing could be measured, so there is nothing to compare"))
    measures = ["fev1", "fvc", "fev1_fvc"] + (["fef25_75"] if reference == "gli-2012" else [])
    values = {"fev1": best.fev1_l, "fvc": best.fvc_l, "fev1_fvc": best.fev1_fvc, "fef25_75": best.fef25_75_l_s}
    try:
        refs = {
            name: evaluate(name, values[name], sex=sex, age_years=age_years, height_cm=height_cm, reference=reference, ancestry=ancestry) for name in measures
        }
    except ReferenceRangeError as error:
        if reference != "gli-global-2022":
            raise
        return replace(result, notes=(*notes, str(error)))
    interpretation = interpret(
        refs, bronchodilator=state, reference_name=NAMES[reference], grades=(best.fev1_grade, best.fvc_grade), age_years=age_years,
        after=result.post,
    )  # fmt: skip
    if interpretation is None:
        notes.append(UNUSABLE if result.maneuvers else RATIO_ALONE if best.fev1_fvc is not None and best.fev1_l is None else INCOMPLETE)
    response = None
    if result.post is not None:
        response = bronchodilator_response(best, result.post, {name: refs[name].predicted for name in ("fev1", "fvc")})
    return replace(
        result, reference_name=NAMES[reference], references=refs, interpretation=interpretation, response=response, notes=tuple(notes)
    )  # fmt: skip


def facts(result: Spirometry) -> tuple[Fact, ...]:
    """The test as named facts (``record.SPIROMETRY_FACTS``); what could not be measured has no fact."""
    from encoders.record import Fact
    from encoders.spirogram.interpret import BORDERLINE_Z, STANDARD, WORDS
    from encoders.spirogram.results import LLN_Z

    found: list[Fact] = []
    best, interpretation = result.best, result.interpretation
    if interpretation is not None:
        found.append(Fact("pattern", "Pattern", WORDS[interpretation.pattern], source=STANDARD))
        if interpretation.severity:
            found.append(Fact("severity", "Severity", interpretation.severity, source=STANDARD))

    def word(ref: Reference | None) -> str:
        if ref is None or ref.z is None:
            return ""
        if abs(ref.z - LLN_Z) <= BORDERLINE_Z:
            return "borderline low" if ref.z < LLN_Z else "borderline"
        return "low" if ref.z < LLN_Z else "normal"

    def number(name: str, label: str, value: float | None, unit: str, decimals: int, status: str = "") -> None:
        if value is not None:
            found.append(Fact(name, label, f"{value:.{decimals}f}{' ' + unit if unit else ''}", value, unit, status, "spirogram"))

    if best is not None:
        for key, label, unit, value in (
            ("fev1", "FEV1", "L", best.fev1_l), ("fvc", "FVC", "L", best.fvc_l), ("fev1_fvc", "FEV1/FVC", "", best.fev1_fvc),
        ):  # fmt: skip
            ref, name = result.references.get(key), key if key == "fev1_fvc" else f"{key}_l"
            number(name, label, value, unit, 2, word(ref))
            if ref is None or ref.z is None or value is None:
                continue
            suffix = "" if key == "fev1_fvc" else "_l"
            number(f"{key}_predicted{suffix}", f"{label} predicted", ref.predicted, unit, 2)
            number(f"{key}_lln{suffix}", f"{label} lower limit of normal", ref.lln, unit, 2)
            number(f"{key}_z", f"{label} z-score", ref.z, "", 2)
            if key != "fev1_fvc":
                number(f"{key}_percent_predicted", f"{label} percent of predicted", ref.percent_predicted, "%", 0)
        number("pef_l_s", "PEF", best.pef_l_s, "L/s", 1)
        number("fef25_75_l_s", "FEF25-75", best.fef25_75_l_s, "L/s", 2)
        number("bev_l", "Back-extrapolated volume", best.bev_l, "L", 2)
        number("fet_s", "Forced expiratory time", best.fet_s, "s", 1)
        if best.fev1_grade:
            found.append(Fact("fev1_grade", "FEV1 grade", best.fev1_grade, source="ATS/ERS 2019"))
            found.append(Fact("fvc_grade", "FVC grade", best.fvc_grade, source="ATS/ERS 2019"))
    if result.maneuvers:
        found.append(Fact("blows", "Blows", str(len(result.maneuvers)), float(len(result.maneuvers)), source="spirogram"))
        codes = sorted({finding.code.replace("_", " ") for m in result.maneuvers for finding in m.findings})
        found.append(Fact("findings", "Faults found", ", ".join(codes) or "none", source="ATS/ERS 2019"))
    if result.reference_name:
        found.append(Fact("reference", "Reference values", result.reference_name))
    if result.response is not None:
        said = "significant response" if result.response.significant else "no significant response"
        found.append(Fact("bronchodilator", "Bronchodilator response", said, source=STANDARD))
    return tuple(found)


def to_json(result: Spirometry) -> dict[str, Any]:
    """The document that ``breathwise measure --json`` prints; null where nothing could be measured."""
    from encoders.spirogram.visits import trend_json

    best = result.best
    interpretation, response = result.interpretation, result.response
    return {
        "maneuvers": [_maneuver_json(m) for m in result.maneuvers],
        "session": _best_json(best),
        "post_session": _best_json(result.post),
        "reference": {
            "name": result.reference_name,
            **{name: _reference_json(ref) for name, ref in result.references.items()},
        }
        if result.references
        else None,
        "interpretation": {
            "pattern": interpretation.pattern,
            "severity": interpretation.severity,
            "statements": [statement.text for statement in interpretation.statements],
            "borderline": list(interpretation.borderline),
            "sources": [{"text": one.text, "source": one.source, "numbers": _rounded(one.numbers)} for one in interpretation.statements],
        }
        if interpretation
        else None,
        "bronchodilator_response": {
            "fev1_change_percent_predicted": _round(response.fev1_change_percent_predicted, 1),
            "fvc_change_percent_predicted": _round(response.fvc_change_percent_predicted, 1),
            "significant": response.significant,
            "text": response.text,
        }
        if response
        else None,
        **trend_json(result.visits),
        "shape": list(result.shape),
        "notes": list(result.notes),
    }


def _round(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(value, digits)


def _rounded(numbers: dict[str, float]) -> dict[str, float | None]:
    return {name: _round(value) for name, value in numbers.items()}


def _reference_json(ref: Reference) -> dict[str, float | None]:
    return {"predicted": _round(ref.predicted), "lln": _round(ref.lln), "z": _round(ref.z), "percent_predicted": _round(ref.percent_predicted, 1)}


def _best_json(best: Best | None) -> dict[str, Any]:
    if best is None:
        return {"fev1_l": None, "fvc_l": None, "fev1_fvc": None, "fev1_grade": "F", "fvc_grade": "F", "reasons": []}
    return {
        "fev1_l": _round(best.fev1_l), "fvc_l": _round(best.fvc_l), "fev1_fvc": _round(best.fev1_fvc), "fev1_grade": best.fev1_grade,
        "fvc_grade": best.fvc_grade, "reasons": list(best.grade_reasons),
    }  # fmt: skip


def _maneuver_json(m: Maneuver) -> dict[str, Any]:
    names = ("fvc_l", "fev1_l", "fev1_fvc", "pef_l_s", "fef25_75_l_s", "bev_l", "time_zero_s", "fet_s", "fivc_l")
    return {
        "file": m.blow.file, "id": m.blow.id, **{name: _round(getattr(m, name)) for name in names},
        **{name: _round(value) for name, value in m.more.items()},
        "acceptable": {"fev1": m.acceptable_fev1, "fvc": m.acceptable_fvc}, "usable": {"fev1": m.usable_fev1, "fvc": m.usable_fvc},
        "findings": [{"code": f.code, "text": f.text, "start_s": _round(f.start_s, 3), "end_s": _round(f.end_s, 3)} for f in m.findings],
        "bronchodilator": m.blow.bronchodilator, "assumptions": list(m.blow.assumptions), "warnings": list(m.blow.warnings),
    }  # fmt: skip
