"""What the teacher says about a patient's own test and record: sentences in which every value is a fact's token."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from encoders.record import QUANTITIES, Fact, Patient, label_of, missing
from encoders.spirogram.results import Spirometry


@dataclass(frozen=True)
class Case:
    """One person as the prompt shows them: the record, the test, and the facts an answer may name."""

    patient: Patient
    spirometry: Spirometry | None
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Reply:
    """An answer, with what a follow-up needs: a shorter form, plainer words, and the subject it was about."""

    text: str
    evidence: str = "record"
    short: str = ""
    plain: str = ""
    subject: str = ""


class View:
    """A case with questions asked of it in one word; ``state`` says how far the test can be read.

    "none" no test, "unusable" no value can be trusted, "no_reference" values without a comparison, "partial" FEV1
    compared but no pattern, "read" a pattern.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.facts = {fact.name: fact for fact in case.facts}
        test = case.spirometry
        self.shape = test.shape if test is not None and len(test.shape) == 4 else ()
        reading = test.interpretation if test is not None else None
        self.pattern = (
            reading.pattern if reading is not None and self.has("pattern") else ""
        )
        if test is None and not self.has("fev1_l"):
            self.state = "none"
        elif self.pattern:
            self.state = "read"
        elif (
            not (self.has("fev1_l") or self.has("fvc_l"))
            or self.text("fev1_grade") == "F"
        ):
            self.state = "unusable"
        elif self.has("fev1_z") or self.has("fvc_z"):
            self.state = "partial"
        else:
            self.state = "no_reference"
        age = case.patient.age_years
        self.child = age is not None and age < 18

    def has(self, *names: str) -> bool:
        return all(name in self.facts for name in names)

    def token(self, name: str) -> str:
        """The token of a fact that this case has; KeyError otherwise, so that no answer names what is not there."""
        return self.facts[name].token

    def text(self, name: str) -> str:
        return self.facts[name].text if name in self.facts else ""

    def status(self, name: str) -> str:
        return self.facts[name].status if name in self.facts else ""

    def below(self, name: str) -> bool:
        return self.status(name) in {"low", "borderline low", "slightly low"}

    def above(self, name: str) -> bool:
        return self.status(name) in {"raised", "high"}


MEANING = {
    "normal": "air leaves your lungs as fast and as fully as expected for your age, sex and height",
    "obstruction": "air leaves your lungs more slowly than expected",
    "possible_mixed": "air leaves your lungs more slowly, and less of it comes out, than expected",
    "possible_restriction": "you breathe out less air than expected, although it leaves at a normal speed",
    "preserved_ratio_impaired": "you blow out less in the first second than expected, although the ratio is normal",
    "possible_dysanapsis": "the ratio is low although the FEV1 is normal, which can be a harmless variant",
}
NEXT = {
    "normal": "A normal test does not explain every symptom, so tell a clinician if you still feel short of breath",
    "obstruction": "A useful next step is a repeat test before and after a bronchodilator, read with your symptoms",
    "possible_mixed": "A useful next step is a lung volume test, because spirometry alone cannot confirm this pattern",
    "possible_restriction": "A useful next step is a lung volume test, because spirometry alone cannot show restriction",
    "preserved_ratio_impaired": "A useful next step is to repeat the test and, if it persists, measure lung volumes",
    "possible_dysanapsis": "A useful next step is to repeat the test later and see whether the values stay the same",
}
TAIL = {
    "long tail": "it has a long tail",
    "stops abruptly": "it stops abruptly",
    "ends smoothly": "it ends smoothly",
}
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
    return f"The descending limb of the loop looks {limb}, the peak is {peak}, the loop is {size} and {TAIL[tail]}."


def limb_sentence(view: View) -> str:
    return (
        f"The descending limb of the loop looks {view.shape[0]}." if view.shape else ""
    )


def not_read(view: View) -> str:
    """Why there is no pattern: one or two sentences."""
    if view.state == "none":
        return f"{NO_TEST}, so there is no result to explain."
    if view.state == "unusable":
        found = (
            f" What was found: {view.token('findings')}."
            if view.has("findings")
            else ""
        )
        return f"{UNUSABLE}.{found} Please repeat the test."
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
        cause = (
            f"your {_and(gap)} {'is' if len(gap) == 1 else 'are'} not recorded"
            if gap
            else "no reference applies"
        )
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
    grade = f", {view.token('severity')} by z-score" if view.has("severity") else ""
    return f"Your test shows {view.token('pattern')}{grade}."


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def explain_result(view: View, rng: random.Random) -> Reply:
    if view.state != "read":
        text = not_read(view)
        if view.state in {"partial", "no_reference"}:
            text = f"{text} {value(view, 'fev1' if view.has('fev1_l') else 'fvc')}"
        return Reply(
            text, short=not_read(view), plain=not_read(view), subject="pattern"
        )
    lines = [headline(view)]
    both = view.has("fev1_l", "fev1_fvc")
    if both and rng.random() < 0.7:
        share = (
            f" ({view.token('fev1_percent_predicted')} of predicted)"
            if view.has("fev1_percent_predicted")
            else ""
        )
        lines.append(
            f"Your FEV1 is {view.token('fev1_l')}{share}, which is {view.status('fev1_l')}, and your FEV1/FVC ratio is "
            f"{view.token('fev1_fvc')}, which is {view.status('fev1_fvc')}."
        )
    else:
        lines.append(value(view, "fev1"))
    if view.shape:
        lines.append(limb_sentence(view))
    lines.append(
        f"In plain words, {MEANING[view.pattern]}."
        if rng.random() < 0.5
        else NO_DIAGNOSIS
    )
    return Reply(
        " ".join(lines), short=headline(view), plain=_plain(view), subject="pattern"
    )


def _plain(view: View) -> str:
    if view.state != "read":
        return not_read(view)
    return f"In plain words: {MEANING[view.pattern]}. {NO_DIAGNOSIS}"


def quality(view: View, rng: random.Random) -> Reply:
    if view.state == "none":
        return Reply(f"{NO_TEST}, so its quality cannot be judged.", subject="quality")
    found = (
        f" What was found: {view.token('findings')}." if view.has("findings") else ""
    )
    if view.state == "unusable" or not view.has("fev1_grade"):
        head = (
            UNUSABLE + "."
            if view.state == "unusable"
            else "The blows behind these values are not in your record, so no grade can be given."
        )
        return Reply(
            f"{head}{found} {'Please repeat the test.' if view.state == 'unusable' else ''}".strip(),
            short=head,
            subject="quality",
        )
    both = view.has("fvc_grade")
    head = f"The FEV1 has quality grade {view.token('fev1_grade')}"
    head += f" and the FVC grade {view.token('fvc_grade')}" if both else ""
    count = (
        f", from {view.token('blows')} {'blow' if view.text('blows') == '1' else 'blows'}"
        if view.has("blows")
        else ""
    )
    sense = f"The FEV1 is {GRADES.get(view.text('fev1_grade')[:1], GRADES['E'])}."
    single = " A single blow never grades above E." if view.text("blows") == "1" else ""
    best = (
        " Grade A is the best and F the worst."
        if not single and rng.random() < 0.4
        else ""
    )
    return Reply(
        f"{head}{count}. {sense}{single}{found}{best}",
        short=f"{head}.",
        plain=sense,
        subject="quality",
    )


def curve_shape(view: View, rng: random.Random) -> Reply:
    if not view.shape:
        return Reply(_no_curve(view), subject="shape")
    whole = shape_sentence(view)
    limb, low = view.shape[0], view.below("fev1_fvc")
    if view.state != "read":
        return Reply(
            f"{whole} {not_read(view)}", short=limb_sentence(view), subject="shape"
        )
    if limb == "scooped":
        sense = "A scooped limb means that flow falls away early in the breath"
        sense += (
            ", which fits the low ratio."
            if low
            else ", although your ratio is not low."
        )
    elif low:
        sense = f"The limb is {limb}, so it is the low ratio rather than the shape that shows the obstruction."
    else:
        sense = f"A {limb} limb means that flow falls evenly, which fits a ratio that is {view.status('fev1_fvc') or 'normal'}."
    return Reply(
        f"{whole} {sense}", short=limb_sentence(view), plain=sense, subject="shape"
    )


def _no_curve(view: View) -> str:
    return (
        f"{NO_TEST}, so there is no curve to describe."
        if view.state == "none"
        else (
            "Your record holds values without a curve, so the shape of the loop is not known."
        )
    )


def pattern(view: View, rng: random.Random) -> Reply:
    if view.state != "read":
        return Reply(
            not_read(view),
            short=not_read(view),
            plain=not_read(view),
            subject="pattern",
        )
    lines = [f"The pattern is {view.token('pattern')}: {MEANING[view.pattern]}."]
    if view.has("fev1_fvc"):
        lines.append(
            f"It rests on a ratio of {view.token('fev1_fvc')}, which is {view.status('fev1_fvc')}, and on the lower limits."
        )
    if view.shape:
        lines.append(limb_sentence(view))
    lines.append(NO_DIAGNOSIS)
    return Reply(
        " ".join(lines),
        short=f"The pattern is {view.token('pattern')}.",
        plain=_plain(view),
        subject="pattern",
    )


WORDS = {
    "what_is_zscore": "A z-score says how far a value lies from the average of healthy people of your age, sex and height.",
    "what_is_fev1": "FEV1 is the amount of air you blow out in the first second of a forced breath.",
    "what_is_fvc": "FVC is all the air you can blow out in one full forced breath.",
    "what_is_ratio": "The FEV1/FVC ratio is the share of your breath that leaves in the first second.",
    "what_is_lln": "The lower limit of normal is the value that only about one healthy person in twenty falls below.",
    "what_is_pef": "PEF, the peak flow, is the fastest flow you reach while blowing out.",
}
PLAIN_WORDS = {
    "what_is_zscore": "Zero is exactly average, and the further below zero it is, the less usual the value",
    "what_is_fev1": "It shows how fast air leaves your lungs",
    "what_is_fvc": "It shows how much air you can move",
    "what_is_ratio": "A low ratio means the air leaves slowly",
    "what_is_lln": "A value below it is called low",
    "what_is_pef": "It depends a lot on how hard you blow",
}


def definition(intent: str) -> Callable[[View, random.Random], Reply]:
    """The answer to "what is ...": what the word means, then this patient's value, or that it was not measured."""

    def answer(view: View, rng: random.Random) -> Reply:
        mine, subject = _mine(intent, view)
        plain = f"{PLAIN_WORDS[intent]}."
        middle = f" {plain}" if rng.random() < 0.5 else ""
        return Reply(
            f"{WORDS[intent]}{middle} {mine}",
            short=mine,
            plain=f"{plain} {mine}",
            subject=subject,
        )

    return answer


def _mine(intent: str, view: View) -> tuple[str, str]:
    if view.state == "none":
        return f"{NO_TEST}, so you have no value here.", "none"
    if view.state == "unusable":
        return f"{UNUSABLE}.", "quality"
    if intent == "what_is_zscore":
        if not view.has("fev1_z"):
            return not_read(view), "pattern"
        other = (
            f" and of the ratio {view.token('fev1_fvc_z')}"
            if view.has("fev1_fvc_z")
            else ""
        )
        return (
            f"The z-score of your FEV1 is {view.token('fev1_z')}{other}; your FEV1 is {view.status('fev1_l') or 'not judged'}.",
            "fev1",
        )
    if intent == "what_is_lln":
        if not view.has("fev1_lln_l", "fev1_l"):
            return not_read(view), "pattern"
        return (
            f"For your FEV1 it is {view.token('fev1_lln_l')}, and you reached {view.token('fev1_l')}, which is {view.status('fev1_l')}.",
            "fev1",
        )
    if intent == "what_is_pef":
        return (
            f"Yours is {view.token('pef_l_s')}."
            if view.has("pef_l_s")
            else "Yours was not measured."
        ), "pef"
    measure = {
        "what_is_fev1": "fev1",
        "what_is_fvc": "fvc",
        "what_is_ratio": "fev1_fvc",
    }[intent]
    return value(view, measure), measure


def diagnosis(view: View, rng: random.Random, question: str) -> Reply:
    """Neither confirmed nor ruled out: the pattern, and what would settle it."""
    lower = question.lower()
    names = (
        ("copd", "COPD"),
        ("emphysema", "emphysema"),
        ("bronchitis", "chronic bronchitis"),
        ("fibrosis", "lung fibrosis"),
        ("cancer", "lung cancer"),
    )
    asked = next((name for key, name in names if key in lower), "asthma")
    settle = {
        "asthma": "a clinician weighs your symptoms, how they vary, and a test before and after a bronchodilator",
        "COPD": "a clinician weighs your symptoms, your exposures, and the ratio after a bronchodilator",
        "lung cancer": "that takes imaging and a clinician, and spirometry does not look for it",
    }.get(asked, "a clinician weighs your symptoms, imaging and further lung tests")
    listed = asked.lower() in view.text("conditions").lower()
    start = (
        f"Your record lists {asked}, but I cannot confirm a diagnosis."
        if listed
        else f"I cannot confirm or rule out {asked}."
    )
    if view.state == "read":
        middle = headline(view)
        if asked == "asthma" and view.pattern == "normal":
            middle += " Asthma can be present with a normal test between attacks."
        elif asked in {"asthma", "COPD"} and view.below("fev1_fvc"):
            middle += " That can be seen in asthma, in COPD and in other conditions."
    else:
        middle = not_read(view)
    return Reply(
        f"{start} {middle} To settle it, {settle}.",
        short=start,
        plain=f"{start} A test shows a pattern, and a clinician makes the diagnosis.",
        subject="diagnosis",
    )


def next_steps(view: View, rng: random.Random) -> Reply:
    if view.state == "none":
        return Reply(
            f"{NO_TEST}. A useful next step is spirometry with three good blows, if a clinician agrees.",
            subject="pattern",
        )
    if view.state != "read":
        return Reply(
            f"{not_read(view)} A useful next step is a repeat test with at least three good blows.",
            subject="pattern",
        )
    weak = view.text("fev1_grade")[:1] in {"D", "E", "U"}
    repeat = (
        " First repeat the test, because its quality grade is "
        + view.token("fev1_grade")
        + "."
        if weak
        else ""
    )
    text = f"{headline(view)}{repeat} {NEXT[view.pattern]}."
    return Reply(
        f"{text} Go through this with a clinician who knows you."
        if rng.random() < 0.5
        else text,
        short=f"{NEXT[view.pattern]}.",
        plain=_plain(view),
        subject="pattern",
    )


def bronchodilator(view: View, rng: random.Random) -> Reply:
    meaning = "A bronchodilator opens the airways, and the test is repeated after it to see how much the values change."
    test = view.case.spirometry
    if test is not None and test.response is not None:
        yes = test.response.significant
        result = (
            "Your values rose enough to count as a response."
            if yes
            else "Your values did not rise enough to count as a response."
        )
        tail = (
            " A response fits asthma but does not prove it."
            if yes
            else " That does not rule out a benefit from treatment."
        )
        return Reply(
            f"{meaning} {result}{tail}",
            short=result,
            plain=result,
            subject="bronchodilator",
        )
    if view.state == "none":
        return Reply(
            f"{meaning} {NO_TEST}, so nothing can be compared.",
            subject="bronchodilator",
        )
    mine = "Your record does not hold a test before and after it, so a response cannot be judged."
    return Reply(f"{meaning} {mine}", short=mine, plain=mine, subject="bronchodilator")


def lung_volumes(view: View, rng: random.Random) -> Reply:
    meaning = "Spirometry measures only the air you blow out; total lung capacity and residual volume need a lung volume test."
    if view.state != "read":
        return Reply(
            f"{meaning} {not_read(view)}",
            short=meaning,
            plain=meaning,
            subject="pattern",
        )
    if view.pattern in {
        "possible_restriction",
        "possible_mixed",
        "preserved_ratio_impaired",
    }:
        mine = f"Your pattern is {view.token('pattern')}, so that test would help to settle it."
    else:
        mine = f"Your pattern is {view.token('pattern')}, which does not by itself call for that test."
    return Reply(f"{meaning} {mine}", short=mine, plain=meaning, subject="pattern")


def show(kind: str) -> Callable[[View, random.Random], Reply]:
    """The answer to "show me the curve": what the drawing beside the chat shows."""
    axes = {
        "loop": (
            "The flow-volume loop is drawn beside this chat: flow upwards, volume to the right.",
            "flow-volume loop",
        ),
        "time": (
            "The volume-time curve is drawn beside this chat: it shows how the exhaled volume grows second by second.",
            "volume-time curve",
        ),
    }

    def answer(view: View, rng: random.Random) -> Reply:
        text, name = axes[kind]
        test = view.case.spirometry
        if test is None or not test.maneuvers or not view.shape:
            reason = (
                NO_TEST
                if view.state == "none"
                else "Your record holds values without a curve"
            )
            return Reply(f"{reason}, so the {name} cannot be drawn.", subject="shape")
        if kind == "loop":
            extra = shape_sentence(view)
        else:
            extra = (
                f"You blew out for {view.token('fet_s')}"
                if view.has("fet_s")
                else "It is marked where the breath ends"
            )
            extra += (
                f" and reached {view.token('fvc_l')}." if view.has("fvc_l") else "."
            )
        return Reply(f"{text} {extra}", short=text, plain=text, subject="shape")

    return answer


def missing_data(view: View, rng: random.Random) -> Reply:
    names = [
        label_of(name)
        for name in missing(view.case.patient)
        if name not in {"conditions", "medications", "symptoms"}
    ]
    words = [
        name if name[:3] in {"HDL", "HbA"} else name[0].lower() + name[1:]
        for name in names
    ]
    test = NO_TEST + ". " if view.state == "none" else ""
    if not words:
        return Reply(
            f"{test}The values I look for in the record are all there.",
            subject="record",
        )
    more = (
        f" and {'one more' if len(words) == 5 else 'others'}" if len(words) > 4 else ""
    )
    listed = ", ".join(words[:4]) + more if more else _and(words)
    return Reply(
        f"{test}Not measured in your record: {listed}. I do not guess what is missing.",
        short=f"Not measured: {listed}.",
        subject="record",
    )


NUMBERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "fev1_percent_predicted",
        "FEV1 in percent of predicted",
        ("percent of predicted", "percent predicted"),
    ),
    ("fev1_z", "FEV1 z-score", ("fev1 z", "z-score of my fev1", "z score of my fev1")),
    ("fvc_z", "FVC z-score", ("fvc z", "z-score of my fvc")),
    ("fev1_fvc", "FEV1/FVC ratio", ("ratio", "fev1/fvc")),
    ("fev1_l", "FEV1", ("fev1",)),
    ("fvc_l", "FVC", ("fvc", "vital capacity")),
    ("pef_l_s", "peak flow", ("peak flow", "pef")),
    (
        "fet_s",
        "expiratory time",
        ("expiratory time", "how long did i blow", "how many seconds"),
    ),
    ("blows", "number of blows", ("how many blows", "number of blows")),
    (
        "systolic_bp_mmhg",
        "systolic blood pressure",
        ("systolic", "blood pressure", "bp"),
    ),
    ("diastolic_bp_mmhg", "diastolic blood pressure", ("diastolic",)),
    ("bmi_kg_m2", "body mass index", ("bmi", "body mass")),
    ("weight_kg", "weight", ("weight", "weigh")),
    ("height_cm", "height", ("height", "tall")),
    ("waist_cm", "waist", ("waist",)),
    ("pack_years", "smoking history", ("pack-years", "pack years", "packyears")),
    ("smoking_status", "smoking status", ("smoking status", "do i smoke", "smoker")),
    ("heart_rate_bpm", "heart rate", ("heart rate", "pulse")),
    (
        "respiratory_rate_bpm",
        "respiratory rate",
        ("respiratory rate", "breathing rate", "breaths"),
    ),
    ("spo2_percent", "oxygen saturation", ("oxygen", "spo2", "saturation", "sats")),
    ("temperature_c", "temperature", ("temperature", "fever")),
    ("hba1c_percent", "HbA1c", ("hba1c", "a1c")),
    ("glucose_mg_dl", "glucose", ("glucose", "blood sugar")),
    ("hdl_cholesterol_mg_dl", "HDL cholesterol", ("hdl",)),
    ("total_cholesterol_mg_dl", "total cholesterol", ("cholesterol",)),
    ("triglycerides_mg_dl", "triglycerides", ("triglyceride",)),
    ("creatinine_mg_dl", "creatinine", ("creatinine",)),
    ("sex", "sex", ("sex",)),
    ("conditions", "list of conditions", ("conditions", "illnesses", "diagnoses")),
    ("medications", "list of medicines", ("medicines", "medications", "drugs")),
    ("age_years", "age", ("age", "old am i")),
)
LABELS = {name: label for name, label, _ in NUMBERS}
PLURAL = frozenset({"triglycerides_mg_dl"})
assert {quantity.name for quantity in QUANTITIES} - set(LABELS) == {"cotinine_ng_ml"}


def asked_number(question: str) -> str:
    """Which fact a question about a single value asks for; "age_years" where nothing else is named."""
    lower = f" {question.lower()} "
    return next(
        (name for name, _, keys in NUMBERS if any(key in lower for key in keys)),
        "age_years",
    )


def number(view: View, rng: random.Random, question: str) -> Reply:
    name = asked_number(question)
    label, verb = LABELS[name], "are" if name in PLURAL else "is"
    if not view.has(name):
        return Reply(
            f"Your {label} {'are' if name in PLURAL else 'is'} not measured in this record.",
            subject="record",
        )
    status = view.status(name)
    text = f"Your {label} {verb} {view.token(name)}{f', which is {status}' if status else ''}."
    return Reply(text, short=text, plain=text, subject=name)
