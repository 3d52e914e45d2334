"""The sentences about a test that several answers share."""

from __future__ import annotations

from collections.abc import Sequence

from encoders.teacher.view import View

MEANING = {
    "normal": "air leaves your lungs as fast and as fully as expected for your age, sex and height",
    "obstruction": "air leaves your lungs more slowly than expected",
    "possible_mixed": "air leaves your lungs more slowly, and less of it comes out, than expected",
    "possible_restriction": "you breathe out less air than expected, although it leaves at a normal speed",
    "preserved_ratio_impaired": "you blow out less in the first second than expected, although the ratio is normal",
    "possible_dysanapsis": ("a smaller share of the air than expected leaves in the first second, which can be a variant of normal"),
}
NEXT = {
    "normal": "A normal test does not explain every symptom, so tell a clinician if you still feel short of breath",
    "obstruction": "A useful next step is a repeat test before and after a bronchodilator, read with your symptoms",
    "possible_mixed": "A useful next step is a lung volume test, as spirometry alone cannot confirm this pattern",
    "possible_restriction": "A useful next step is a lung volume test, as spirometry alone cannot show restriction",
    "preserved_ratio_impaired": "A useful next step is to repeat the test and, if it persists, measure lung volumes",
    "possible_dysanapsis": "A useful next step is to repeat the test later and see whether the values stay the same",
}
TAIL = {
    "long tail": "it has a long tail",
    "stops abruptly": "it stops abruptly",
    "ends smoothly": "it ends smoothly",
}
PEAK = {"sharp early": "sharp and early", "late and blunt": "late and blunt"}
NO_TEST = "There is no breathing test in your record"
UNUSABLE = "The quality of this test does not allow an interpretation"
NO_DIAGNOSIS = "This is a pattern, not a diagnosis."
GRADES = {
    "A": "very repeatable, so it can be trusted",
    "B": "repeatable, so it can be trusted",
    "C": "fairly repeatable, so read it with some care",
    "D": "weakly repeatable, so read it with caution",
    "E": "not confirmed by a second matching blow, so read it with caution",
    "U": "usable but not acceptable, so read it with great caution",
    "F": "not usable",
}


def shape_sentence(view: View) -> str:
    """The look of the whole loop in one sentence; empty without a curve."""
    if not view.shape:
        return ""
    limb, peak, size, tail = view.shape
    return f"The descending limb of the loop looks {limb}, the peak is {PEAK[peak]}, the loop is {size} and {TAIL[tail]}."


def limb_sentence(view: View) -> str:
    """The descending limb alone; empty without a curve."""
    return f"The descending limb of the loop looks {view.shape[0]}." if view.shape else ""


def not_read(view: View) -> str:
    """Why there is no pattern: one or two sentences."""
    if view.state == "none":
        return f"{NO_TEST}, so there is no result to explain."
    if view.state == "ratio":
        return f"Your record holds the ratio without volumes, so no pattern can be named. {value(view, 'fev1_fvc')}"
    if view.state == "unusable":
        return f"{UNUSABLE}.{view.found()} Please repeat the test."
    if view.state == "no_reference":
        gap = [
            word
            for word, name in (
                ("sex", "sex"),
                ("age", "age_years"),
                ("height", "height_cm"),
            )
            if not view.has(name)
        ]
        cause = f"your {join(gap)} {'is' if len(gap) == 1 else 'are'} not recorded" if gap else "no reference values were applied"
        return f"Your values cannot be compared with a reference, because {cause}."
    return "The test does not allow a pattern to be named, because not every value can be trusted."


def value(view: View, measure: str) -> str:
    """One measure with all that is known about it: token, percent, z, status. ``measure``: fev1, fvc or fev1_fvc."""
    main = "fev1_fvc" if measure == "fev1_fvc" else f"{measure}_l"
    name = {"fev1": "FEV1", "fvc": "FVC", "fev1_fvc": "FEV1/FVC ratio"}[measure]
    if not view.has(main):
        return f"Your {name} was not measured."
    parts = [f"Your {name} is {view.token(main)}"]
    if view.has(f"{measure}_percent_predicted"):
        parts.append(f"{view.token(f'{measure}_percent_predicted')} of predicted")
    if view.has(f"{measure}_z"):
        parts.append(f"with a z-score of {view.token(f'{measure}_z')}")
    if view.status(main):
        parts.append(f"which is {view.status(main)}")
    return ", ".join(parts) + "."


def headline(view: View) -> str:
    """The pattern and its severity, by token."""
    grade = f", {view.token('severity')} by z-score" if view.has("severity") else ""
    return f"The pattern of your test is {view.token('pattern')}{grade}."


def join(words: Sequence[str]) -> str:
    """Words as a list in prose: one, two and three."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def plain_meaning(view: View) -> str:
    """The pattern without its name."""
    return not_read(view) if view.state != "read" else f"In plain words: {MEANING[view.pattern]}. {NO_DIAGNOSIS}"


_NAMES = ("FEV1", "FVC", "PEF", "I ", "HbA1c", "HDL", "COPD", "LDL", "GINA", "GOLD", "NICE", "WHO", "CDC", "NHS", "PM")


def lower_first(text: str) -> str:
    """The text with a small first letter, as after a colon; names and abbreviations keep theirs."""
    return text if not text or text.startswith(_NAMES) or text[1:2].isupper() else text[0].lower() + text[1:]
