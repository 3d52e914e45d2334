"""What code says of this person's own finding where a question only circles it: sport, symptoms, how sure, how worked out, what is missing. Facts as tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from assistant.asked_values import values_in_words
from assistant.asking import DECIDES, Asking, finding, measures, result, with_limit
from assistant.judged_values import told_with_limits
from assistant.reading_level import for_doctor
from encoders.record import label_of, missing
from encoders.teacher.numbers import asked_number
from encoders.teacher.risk import asked_trait
from encoders.teacher.sentences import GRADES, MEANING, NO_DIAGNOSIS, join, lower_first, not_read
from encoders.teacher.view import View

_CHILD = {  # a pattern -> what a child is told of it
    "normal": "The air came out as fast as it should, and as much of it as it should. That is good news.",
    "obstruction": "The air came out more slowly than it should, as if through a thin straw.",
    "possible_mixed": "The air came out more slowly than it should, and a bit less of it, as if from a smaller balloon through a thin straw.",
    "possible_restriction": "The air came out fast, but there was less of it than there should be, as if from a smaller balloon.",
    "preserved_ratio_impaired": "A bit less air came out at the start than there should be.",
    "possible_dysanapsis": "The air came out a tiny bit more slowly than in most people, which may just be how these lungs are built.",
}
CLEAR_Z = -2.0  # above it a low value is so near its limit, -1.645, that the next test may lie on the other side
_NEEDED = {"sex": "sex", "age_years": "age", "height_cm": "height"}
_CHANGES = (  # what the record does not hold -> what cannot be said without it
    (("sex", "age_years", "height_cm"), "no value can be compared with what is expected, so there is no percent of predicted, no z-score and no pattern"),
    (("smoking_status",), "I cannot say whether smoking may play a part"),
    (("height_cm", "weight_kg", "bmi_kg_m2"), "I cannot say whether weight may play a part"),
    (("spo2_percent",), "nothing can be said of the oxygen"),
    (("systolic_bp_mmhg", "heart_rate_bpm"), "nothing can be said of the heart and the circulation"),
)  # fmt: skip


def sport(asking: Asking) -> str:
    view = asking.view
    heart = "A breathing test does not examine the heart, so chest pain, faintness or unusual breathlessness on effort should be checked by a doctor first."
    if view.pattern == "normal":
        return f"Nothing in this breathing test speaks against it. {finding(view)} {heart}"
    if view.state != "read":
        return f"This test cannot tell. {result(view)} {heart}"
    return f"The test by itself does not forbid sport, but ask your clinician before hard effort. {finding(view)} {asking.quote('physical_activity/breathless')} {asking.quote('physical_activity/breathless', 2)}"


def above_predicted(asking: Asking) -> str:
    view, named = asking.view, asked_number(asking.question)
    if re.search(r"\b(?:which|what|any)\b", asking.question) and not re.search(r"\bfev ?1\b|\bfvc\b|\bratio\b", asking.question):
        return _all_above_predicted(view)
    measure = "fvc" if "fvc" in asking.question or "capacity" in asking.question else "fev1"
    main = "fev1_fvc" if named == "fev1_fvc" else f"{measure}_l"
    predicted = "fev1_fvc_predicted" if main == "fev1_fvc" else f"{measure}_predicted_l"
    if not view.has(main, predicted):
        return f"That cannot be compared here. {not_read(view)}"
    over = (view.facts[main].value or 0.0) >= (view.facts[predicted].value or 0.0)
    stands = f"{with_limit(view, main.removesuffix('_l'))} Predicted is {view.token(predicted)}."
    trained = f" {asking.quote('spirometry/training')}" if re.search(r"train|exercis|run|swim|cycl|sport|fit\b|athlet|row", asking.question) else ""
    if not over:
        return f"It is not above predicted. {stands}" if re.search(r"\b(?:above|over|more|higher|bigger|larger|too|exceed\w*)\b", asking.question) else ""
    return f"{stands} Predicted is only the average of healthy people like you, so about half of them lie above it: a value above it is not a fault, and none is too big. {asking.quote('spirometry/percent-predicted')}{trained}"


def _all_above_predicted(view: View) -> str:
    """Which of the measures lie above what is predicted, each with its percent."""
    known = [m for m in ("fev1", "fvc") if view.has(f"{m}_l", f"{m}_predicted_l")]
    if not known:
        return f"That cannot be compared here. {not_read(view)}"
    over = [m for m in known if (view.facts[f"{m}_l"].value or 0.0) >= (view.facts[f"{m}_predicted_l"].value or 0.0)]
    head = (
        f"Above predicted {'is' if len(over) == 1 else 'are'} your {join([m.upper() for m in over])}." if over else "Neither FEV1 nor FVC is above predicted."
    )
    stands = (f"{with_limit(view, m)} Predicted is {view.token(f'{m}_predicted_l')}." for m in known)
    return f"{head} {' '.join(stands)}"


def how_real(asking: Asking) -> str:
    view = asking.view
    if view.state != "read":
        return not_read(view)
    name = DECIDES.get(view.pattern, ("fev1",))[0]
    z = view.facts[f"{name}_z"].value or 0.0 if view.has(f"{name}_z") else 0.0
    grade = (
        f"The FEV1 has quality grade {view.token('fev1_grade')}, which means that it is {GRADES[view.text('fev1_grade')[:1]]}."
        if view.has("fev1_grade")
        else ""
    )
    if view.has("fvc_grade") and view.text("fvc_grade")[:1] in "DEF":
        cut = f" {asking.quote('spirometry/end-of-test', 1)}" if "early end" in view.text("findings") else ""
        grade += f" The FVC has only grade {view.token('fvc_grade')}, so it and the ratio may be others in a repeat test.{cut}"
    if view.pattern == "normal" and view.has("fvc_grade") and view.text("fvc_grade")[:1] in "DEF":
        return f"{finding(view)} {grade}"
    if view.pattern == "normal":
        close = [one for one in ("fev1_fvc", "fev1_l", "fvc_l") if "borderline" in view.status(one)]
        return f"{finding(view)} {grade} {'One value is near its limit, so a repeat test could change the verdict.' if close else 'No value is near its limit, so chance hardly changes this.'}"
    if z > CLEAR_Z:
        edge = "That is close to the limit, so chance or the effort of the day may be behind it, and one test cannot settle it."
        return f"{finding(view)} {edge} {grade} {asking.quote('spirometry/what-is-lln', 2)}"
    return f"{finding(view)} That is clearly outside the usual range, so chance alone is an unlikely reason. {grade} A repeat test confirms it. {NO_DIAGNOSIS}"


_DISEASES = (("copd", r"copd|emphysema|chronic bronchitis"), ("asthma", r"asthma"))


def rules_out(asking: Asking) -> str:
    view, question = asking.view, asking.question
    disease = next((name for name, words in _DISEASES if re.search(words, question)), "")
    response = f"Your test shows {view.token('bronchodilator')} to the bronchodilator." if view.has("bronchodilator") else ""
    if disease == "asthma":
        return f"No. {asking.quote('asthma/asthma-normal-test')} {asking.quote('asthma/asthma-normal-test', 1)} {finding(view)} {response}"
    if disease == "copd":
        more = f"{response} {asking.quote('spirometry/bronchodilator-test', 2)}" if response else ""
        rule = f"{asking.quote('spirometry/fixed-ratio')} Some people with COPD respond as well." if response else asking.quote("spirometry/fixed-ratio")
        return (
            f"No: neither a response nor a single test settles that by itself. {more} {rule} {finding(view)} A clinician decides it with symptoms and history."
        )
    return f"No: a breathing test alone neither proves nor rules out a disease. {finding(view)} {response} A clinician decides it with symptoms and history."


def seen_in_blow(asking: Asking) -> str:
    view = asking.view
    response = (
        f"Your test shows {view.token('bronchodilator')} to the bronchodilator: that fits asthma but does not prove it." if view.has("bronchodilator") else ""
    )
    disease = next((name for name, words in _DISEASES if re.search(words, asking.question)), "")
    more = asking.quote("asthma/asthma-normal-test", 2) if disease == "asthma" else asking.quote("spirometry/causes-obstruction", 1)
    return f"No. A blow shows how air moves, not which disease is behind it, so I measure and do not guess. {finding(view)} {response} {more}"


def fits_symptom(asking: Asking) -> str:
    view = asking.view
    if view.state != "read":
        return f"These numbers cannot tell. {result(view)}"
    worse = "Breathlessness that is new or getting worse should be told to a clinician soon."
    if view.pattern == "normal":
        return f"These numbers do not explain it. {finding(view)} {asking.quote('breathlessness/causes', 2)} {worse}"
    return f"It can fit: {MEANING[view.pattern]}. {finding(view)} {asking.quote('breathlessness/causes')} {worse}"


_NUMBER = re.compile(r"(?<![\w.,/])(\d{1,3}(?:[.,]\d+)?)(?![\w]|[.,]\d)")


def _said(value: float | None, numbers: Sequence[str]) -> bool:
    """Whether one of the numbers is a value as it is said: 5.84 or 5.8."""
    return value is not None and any("." in one and f"{value:.{len(one.partition('.')[2])}f}" == one for one in numbers)


def own_value_good(asking: Asking) -> str:
    """Whether a number that is named is good: that of the measure which has it, else how every measure stands."""
    view = asking.view
    numbers = [found[1].replace(",", ".") for found in _NUMBER.finditer(asking.question)]
    estimate = view.facts.get(f"risk_{asked_trait(asking.question)}")
    if estimate is not None and estimate.text.removesuffix(" %") in numbers:
        status = f" ({estimate.status}). The comparison is with people of your age and sex" if estimate.status else ""
        return f"The {estimate.label[0].lower()}{estimate.label[1:]} is {estimate.token}{status}. It is a statistical estimate, not a diagnosis."
    others = [
        name
        for name, fact in view.facts.items()
        if not name.startswith(("fev1", "fvc", "risk_", "age", "height")) and fact.status and fact.text.split()[0] in numbers
    ]
    pressures = set(others) <= {"systolic_bp_mmhg", "diastolic_bp_mmhg"}
    if (len(others) == 1 or (others and pressures)) and not any(
        _said(view.facts[name].value, numbers) for name in ("fev1_l", "fvc_l", "fev1_fvc") if name in view.facts
    ):
        return told_with_limits(asking, others[0])  # "95 on the finger thing, is that ok?"
    if view.state in ("none", "unusable", "no_reference"):
        return not_read(view)
    if re.search(r"\bpeak|\bpef\b", asking.question) and view.has("pef_l_s"):
        return f"Your PEF, the peak flow, is {view.token('pef_l_s')}. I have no normal range for it here: a peak flow says most beside the best that the same person has blown."
    found = [m for m in measures(view) for name in (f"{m}_l", m) if name in view.facts and _said(view.facts[name].value, numbers)]
    found += [m for m in measures(view) if m not in found and view.has(f"{m}_z") and _said(abs(view.facts[f"{m}_z"].value or 0.0), numbers)]
    head = "" if found else "None of your values is that number. " if any("." in one for one in numbers) else ""
    stands = []
    for m in found or ["fev1", "fvc"]:
        predicted = f"{m}_predicted_l" if m != "fev1_fvc" else "fev1_fvc_predicted"
        expected = f" For your age, sex and height, {view.token(predicted)} is expected." if view.has(predicted) else ""
        stands.append(f"{with_limit(view, m)}{expected}")
    severe = f" By z-score the pattern is {view.token('severity')}." if re.search(r"\bsever\w*|\bbad\b", asking.question) and view.has("severity") else ""
    return f"{head}{' '.join(stands)}{severe}"


def for_child(asking: Asking) -> str:
    view = asking.view
    if view.state != "read":
        return f"You can say it like this: the lungs are like balloons, and this test did not show well how much air they blow out. {result(view)}"
    return f"You can say it like this: the lungs are like two balloons, and in the test all the air was blown out as hard as it could be. {_CHILD[view.pattern]} The test does not say why; a doctor finds that out."


def _small(name: str) -> str:
    return lower_first(label_of(name))


def what_is_missing(asking: Asking) -> str:
    view = asking.view
    gone = missing(view.case.patient)
    names = [_small(name) for name in gone if name not in {"conditions", "medications", "symptoms", "pack_years"}]
    lists = [name for name in ("conditions", "medications", "symptoms") if name in gone]
    if not names and not lists:
        return f"Nothing is missing of what I read. {result(view)}"
    said = f"Not measured in your record: {join(names)}." if names else "No measurement is missing."
    none = f" It lists no {join(lists).replace(' and ', ' or ')}." if lists else ""
    effects = [
        f"without {join([_small(name) for name in wanted if name in gone])}, {effect}" for wanted, effect in _CHANGES if any(name in gone for name in wanted)
    ]
    effects = [one for one in effects if not (one.endswith("no pattern") and view.state == "read")]
    change = f" That changes what I can tell: {'; '.join(effects)}." if effects else " None of that changes the reading of the test."
    return f"{said}{none}{change} {result(view)} I do not guess what is missing."


_OF_PATIENT = re.compile(
    r"^(?!.*\b(?:results?|tests?|spirometry|blows?)\b).*\b(?:about (?:this|the) \w+|summar\w+|overview|rundown|run-down|brief me|briefing)\b"
)


def letter(asking: Asking) -> str:
    """The finding in a clinician's terms; where a summary of the patient is asked for, who that is before it."""
    names = tuple(name for name in ("age_years", "smoking_status", "symptoms", "conditions", "medications") if asking.view.has(name))
    whose = values_in_words(asking.view, names) if names and _OF_PATIENT.search(asking.question) else ""
    return f"{whose} {for_doctor(asking.session)}".strip()


def _poor(view: View) -> str:
    """That the blows themselves are of poor quality, whatever is added to the record."""
    if view.text("fev1_grade") not in ("D", "E", "F"):
        return ""
    return (
        f" Even then, read it with caution: the FEV1 has quality grade {view.token('fev1_grade')}, so a repeat with at least three good blows is worth doing."
    )


def percent_without(asking: Asking) -> str:
    view = asking.view
    gap = [word for name, word in _NEEDED.items() if not view.has(name)]
    if view.has("fev1_percent_predicted"):
        others = [label_of(name) for name in missing(view.case.patient) if name not in {"conditions", "medications", "symptoms"}]
        unneeded = " What is missing in your record is not needed for it." if others else ""
        return f"Yes: it needs age, sex and height only, and they are recorded.{unneeded} {with_limit(view, 'fev1')}"
    if gap and "ratio" in asking.question and view.has("fev1_fvc") and not re.search(r"per ?cent|%|predicted", asking.question):
        return f"Yes: the FEV1/FVC ratio needs no {join(gap)}. Yours is {view.token('fev1_fvc')}. Only to compare it with healthy people are age, sex and height needed."
    if gap and asking.question.lstrip().startswith(("what", "so what", "and what", "which")):
        return f"Record your {join(gap)}: with age, sex and height every value is compared with that of healthy people at once."
    if (gap and re.search(rf"\b(?:if|once|when|enough)\b[^?]*\b(?:{'|'.join(gap)})\b|\b(?:{'|'.join(gap)})\b[^?]*\benough\b", asking.question)) or (
        gap and ADDED_LATER.search(asking.question)
    ):
        return f"Once your {join(gap)} {'is' if len(gap) == 1 else 'are'} added, every value is compared with that of healthy people at once, without a new blow.{_poor(view)}"
    if gap:
        held = f" The FEV1 itself is {view.token('fev1_l')}, with nothing to compare it with." if view.has("fev1_l") else ""
        return f"No: percent of predicted needs age, sex and height, and your {join(gap)} {'is' if len(gap) == 1 else 'are'} not recorded. I do not guess.{held} Once it is added, everything is worked out anew.{_poor(view)}"
    return f"No. {not_read(view)}"


ADDED_LATER = re.compile(
    r"\b(?:if|when|once) (?:i|we|you|they|she|he)(?:'ve| have)? (?:just |only |now )?(?:measure|add|put in|enter|type|fill in)\w* (?:it|that|this|her|him|(?:my|his|her|the) (?:height|age|sex))\b"
)
_WHEN_STOPPED = re.compile(r"\b(?:when|what year|which year|how long ago|since when|quit date|how long since)\b")


def smoked_ever(asking: Asking) -> str:
    when = _WHEN_STOPPED.search(asking.question) is not None and asking.view.text("smoking_status") == "former"
    return f"{values_in_words(asking.view, ('smoking_status',))}{' It does not say when.' if when else ''}"


def usable_at_all(asking: Asking) -> str:
    view = asking.view
    if view.state == "unusable":
        return f"No value of this test can be trusted, so I use none of its numbers.{view.found()} The rest of the record stands, and the faults tell what to do better: ask me what to do differently next time. Please repeat the test."
    if view.state == "none":
        return not_read(view)
    grade = (
        f" The FEV1 has quality grade {view.token('fev1_grade')}, which means that it is {GRADES[view.text('fev1_grade')[:1]]}."
        if view.has("fev1_grade")
        else ""
    )
    return f"Yes, the test could be used.{view.found()}{grade} {result(view)}"


def own_inhaler_before(asking: Asking) -> str:
    view = asking.view
    mine = f" Your test shows {view.token('bronchodilator')}." if view.has("bronchodilator") else ""
    if re.search(
        r"\b(?:was|were|did|had|has) (?:the |his |her |my |any )?(?:\w+ ){0,2}(?:withheld|stopped|left out|taken|given|take|use|used|had)\b|\bdo you know\b",
        asking.question,
    ):
        return f"The record does not say whether an inhaler was taken or left out before this test: ask the person. It matters, because a reliever that still works has opened the airways already.{mine} {asking.quote('spirometry/before-the-test', 2)}"
    return f"Yes: a reliever that still works has opened the airways before the first blow, so the values start higher and the change afterwards looks smaller.{mine} {asking.quote('spirometry/before-the-test', 2)}"


def worked_out(asking: Asking) -> str:
    view, question = asking.view, asking.question
    if re.search(r"predicted|per ?cent|%", question) and view.has("fev1_l", "fev1_predicted_l", "fev1_percent_predicted"):
        return f"FEV1 divided by what is predicted: {view.token('fev1_l')} of {view.token('fev1_predicted_l')} is {view.token('fev1_percent_predicted')}. {asking.quote('spirometry/reference-values', 1)}"
    if re.search(r"predicted|per ?cent|%", question):
        return percent_without(asking)
    if re.search(r"\bz\b|z-?score", question):
        own = f" Yours are {view.token('fev1_z')} for the FEV1 and {view.token('fvc_z')} for the FVC." if view.has("fev1_z", "fvc_z") else ""
        return f"{asking.quote('spirometry/what-is-zscore')}{own}"
    if not view.has("fev1_fvc"):
        return f"The ratio is the FEV1 divided by the FVC. {not_read(view)}"
    parts = (
        f": {view.token('fev1_l')} divided by {view.token('fvc_l')} is {view.token('fev1_fvc')}"
        if view.has("fev1_l", "fvc_l")
        else f", here {view.token('fev1_fvc')}"
    )
    return f"The ratio is the FEV1 divided by the FVC{parts}. {with_limit(view, 'fev1_fvc')}"


def not_just_age(asking: Asking) -> str:
    view = asking.view
    named = re.search(r"copd|asthma|emphysema|disease", asking.question)
    head = f"The test does not say that it is {named[0].replace('copd', 'COPD')}. " if named else ""
    if view.state != "read":
        return f"{head}{not_read(view)}"
    if view.pattern == "normal":
        return f"{head}{finding(view)} The comparison is with healthy people of the same age."
    return f"{head}Age alone does not explain it, because the comparison is with healthy people of the same age, sex and height. {finding(view)} What is behind it is for a clinician to find out. {NO_DIAGNOSIS}"


def pet(asking: Asking) -> str:
    where = " Keep it out of the bedroom and off the bed if symptoms come near it." if re.search(r"sleep|bed|pillow|night", asking.question) else ""
    return f"An animal can matter if you are allergic to it, which a breathing test cannot show: an allergy test can. {asking.quote('asthma/asthma-triggers')}{where} {result(asking.view)}"


def at_work(asking: Asking) -> str:
    """What somebody breathes in at work, as a possible cause."""
    view = asking.view
    name = (
        "dust_diseases/asbestos" if re.search(r"asbestos|lagg", asking.question) else "dust_diseases/silica" if re.search(r"silica|stone|concrete|brick|quarr", asking.question)
        else "occupational/dusts"
    )  # fmt: skip
    more = f"{asking.quote('occupational/work-asthma')} {asking.quote('occupational/work-asthma', 1)}" if name == "occupational/dusts" else ""
    if view.pattern == "normal":
        return f"The breathing test is in the normal range, so there is nothing in it to put down to that. {asking.quote(name)} {asking.quote(name, 2)}"
    fits = (
        " Scarring from asbestos would show as too little air rather than as slow air."
        if "asbestos" in name and view.pattern in ("possible_restriction", "obstruction")
        else ""
    )
    return (
        f"It could play a part, but a breathing test shows how air moves and not why. {finding(view)}{fits} {asking.quote(name)} {more} {asking.quote(name, 2)}"
    )


def unclear(asking: Asking) -> str:
    if asking.view.state == "none":
        return finding(asking.view)  # whatever is asked of the result
    return f"I am not sure that I understood your question. {finding(asking.view)} Ask it in other words, or ask a clinician who knows you."


def overlaid(asking: Asking) -> str:
    view, test = asking.view, asking.session.spirometry
    if test is None or not test.maneuvers:
        return f"There is nothing to draw: this record holds no curves. {result(view)}"
    if test.post is None:
        return f"The blows are drawn over each other beside this chat. None of them was done after a bronchodilator, so there is no curve to lay over them. {result(view)}"
    mine = f" Your test shows {view.token('bronchodilator')} to the bronchodilator." if view.has("bronchodilator") else ""
    return f"Both are drawn in one picture beside this chat: solid lines before the bronchodilator, dashed ones after it, the chosen blows bold.{mine}"


OF_FINDING: dict[str, Callable[[Asking], str]] = {
    "sport": sport, "above_predicted": above_predicted, "how_real": how_real, "rules_out": rules_out, "seen_in_blow": seen_in_blow, "fits_symptom": fits_symptom,
    "own_value_good": own_value_good, "for_child": for_child, "what_is_missing": what_is_missing, "percent_without": percent_without, "letter": letter, "smoked_ever": smoked_ever,
    "usable_at_all": usable_at_all, "own_inhaler_before": own_inhaler_before, "worked_out": worked_out, "not_just_age": not_just_age, "pet": pet, "at_work": at_work, "overlaid": overlaid,
}  # fmt: skip
