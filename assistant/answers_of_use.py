"""What code says of the app, of what its figures mean and of what no record holds: risks as figures, other tests, languages, files, daily life. Facts as tokens."""

from __future__ import annotations

import re
from collections.abc import Callable

from assistant.asked_blows import all_blows, used_blows
from assistant.asked_measures import Measured, measures_named
from assistant.asked_risks import trusted
from assistant.asked_values import named_values, values_in_words
from assistant.asking import Asking, finding, result
from assistant.ruled import PROGNOSIS, over_time
from encoders.teacher.numbers import LABELS
from encoders.teacher.risk import asked_trait
from encoders.teacher.sentences import join
from encoders.teacher.view import View

ALIKE_Z = 0.1  # z-scores nearer than this to each other are called alike; our own limit, far under what two blows differ by
_TRAITS = {
    "asthma_current": r"\basthma", "copd": r"\bcopd\b|emphysema", "diabetes": r"\bdiabet", "hypertension": r"hypertens|blood pressure", "myocardial_infarction": r"heart attack",
    "stroke": r"\bstroke", "heart_failure": r"heart failure", "coronary_heart_disease": r"coronary",
}  # fmt: skip
_MEASURED = {"fev1": "fev1_l", "fvc": "fvc_l", "fev1_fvc": "fev1_fvc"}


def _shown_risk(asking: Asking) -> str:
    """The estimate that a question names, by token; empty where it names none that is held."""
    trait = asked_trait(asking.question)
    before = asking.session.told[-1] if asking.session.told else None
    if not trait and before is not None and before.seen.intent in ("risks", "why_risk", "risk_trust", "risk_meaning"):
        trait = asked_trait(before.question)
    one = next((risk for risk in asking.session.risks if risk.trait == trait), None)
    return (
        f"The estimated risk of {one.label} is {asking.view.token(f'risk_{one.trait}')}. " if one is not None and asking.view.has(f"risk_{one.trait}") else ""
    )


_NO_RISKS = "No risks are estimated for this record: they need an adult of twenty years or over whose sex and age are known."


_BESIDE_USUAL = "It is compared with people of your age and sex, so a high figure can be usual where many of them have the condition, and a low one can be more than usual. "


def risk_meaning(asking: Asking) -> str:
    if not asking.session.risks:
        return _NO_RISKS
    return (
        f"{_shown_risk(asking)}{_BESIDE_USUAL if re.search(r'usual|average', asking.question) else ''}Such a figure is a share of people: so many of a hundred with a record and a test like this one have the condition or have had it, as far as a doctor has told them. "
        "It says nothing of how much of it somebody has, and it is not the chance of getting it within some years. It is an estimate, not a diagnosis."
    )


def risk_made_how(asking: Asking) -> str:
    if not asking.session.risks:
        return _NO_RISKS
    return (
        f"{_shown_risk(asking)}The estimates are the embedded model's own likelihoods of yes and no, read from the record and, where there is one, the curve, and then calibrated. "
        "The model was taught on a public survey of adults in the United States (NHANES), with curves rebuilt from their measured values. "
        "How well it ranks people, beside simpler methods and with intervals, stands in the model card; it has not been validated for patient care."
    )


def risk_and_quality(asking: Asking) -> str:
    return trusted(asking) if asking.session.risks else _NO_RISKS


def change_over_time(asking: Asking) -> str:
    return over_time(asking.session)


def prognosis(asking: Asking) -> str:
    return PROGNOSIS


def export(asking: Asking) -> str:
    return (
        "Use Report on this page: it writes the result, with the conversation, as PDF, Markdown, JSON or FHIR; the PDF can be printed or given to a clinician. "
        "Where this copy takes files, the JSON can be opened again later. I cannot send anything to anybody."
    )


def other_language(asking: Asking) -> str:
    return "I answer in English only, and I do not translate: a wrong word could do harm. I can say it in plainer English, or shorter, if that helps."


def insurance(asking: Asking) -> str:
    return (
        "I cannot judge what an insurer, an employer or an authority makes of a result, or what has to be declared: ask them, or an adviser, and let a clinician write what they need. "
        f"What this record shows: {_lower(result(asking.view))} This is research and education software, so its report is no certificate."
    )


def _lower(text: str) -> str:
    return text if text[:2].isupper() or not text else text[0].lower() + text[1:]


def not_held(asking: Asking) -> str:
    named = tuple(name for name in named_values(asking.question) if asking.view.has(name))
    if named:
        return values_in_words(asking.view, named)
    return (
        "I find no such thing in what I can tell of this record, and I do not guess. It holds what the files gave: the person's sex, age and size, vital signs and blood tests where they were measured, "
        "lists of conditions, symptoms and medicines, and the blows. For anything else, look in the notes or ask whoever did the test."
    )


def which_blow(asking: Asking) -> str | Measured:
    test = asking.session.spirometry
    if re.search(r"\b(?:before|after|pre|post)\b", asking.question) and test is not None and not any(one.blow.bronchodilator for one in test.maneuvers):
        return f"The files do not say whether a bronchodilator was taken before the blows, so I cannot tell. {result(asking.view)}"
    found = used_blows(asking.session)
    return found if found is not None else _no_blows(asking.view)


def every_blow(asking: Asking) -> str | Measured:
    found = all_blows(asking.session)
    return found if found is not None else _no_blows(asking.view)


def _no_blows(view: View) -> str:
    return result(view) if view.state == "none" else f"The record gives values without single blows. {result(view)}"


def lists_held(asking: Asking) -> str:
    question = asking.question
    asked = [
        name
        for name, words in (
            (
                "medications",
                r"medic\w*|\bmeds?\b|tablets?|pills?|drugs?|inhalers?|puffers?|treat\w*|tak(?:e|es|ing)|\bon\b(?! (?:the|her|his|my|their|this|file|record|list|chart))|prescri\w*",
            ),
            ("conditions", r"condition|diagnos\w+|illness|disease|histor\w+|\bpmh\b|coded|problem|comorbid\w*|suffer|asthma|copd"),
            ("symptoms", r"symptom|complain\w*|cough|wheez\w*|breathless\w*"),
        )
        if re.search(words, question)
    ]
    names = tuple(asked[:2] if asked else ("conditions", "medications", "symptoms"))
    return values_in_words(asking.view, names)


def open_record(asking: Asking) -> str:
    who = [asking.view.token(name) for name in ("sex", "age_years") if asking.view.has(name)]
    person = f" The one that is open is of a person recorded as {', '.join(who)}; I use no names here." if who else " I use no names here."
    return f"One record is open at a time, in this session only.{person} To open another, choose an example on the page or, where this copy takes files, drop them there; Delete now forgets this one with its conversation."


def app_use(asking: Asking) -> str:
    return (
        "Size, colours and reading aloud are your browser's: enlarge the page with Ctrl and +, and use its read-aloud or dark setting. Files, where this copy takes them, are dropped on the box for them; "
        "curves, values, blows, risks and passages have panels of their own beside this chat, and the page works on a phone too."
    )


def two_values(asking: Asking) -> str:
    """Which of the measures a question names is lower, by z-score: they are on one scale there."""
    view = asking.view
    traits = [one for one in asking.session.risks if re.search(_TRAITS.get(one.trait, "(?!)"), asking.question) and view.has(f"risk_{one.trait}")]
    if len(traits) > 1 and not measures_named(asking.question):
        highest = sorted(traits, key=lambda one: -one.probability)
        shown = join([f"{one.label} {view.token(f'risk_{one.trait}')} ({view.status(f'risk_{one.trait}') or 'no figure to compare with'})" for one in highest])
        return f"I cannot say which it is, nor that it is either. The estimated risks are {shown}: statistics of many people, not diagnoses. {result(view)} A clinician weighs symptoms, exposures and a test before and after a bronchodilator."
    named = [name for name in measures_named(asking.question) if view.has(_MEASURED[name], f"{name}_z")] or [
        name for name in _MEASURED if view.has(_MEASURED[name], f"{name}_z")
    ]
    if len(named) < 2:
        return finding(view)
    ranked = sorted(named, key=lambda name: view.facts[f"{name}_z"].value or 0.0)
    told = " ".join(_with_z(view, name) for name in ranked)
    label = LABELS[_MEASURED[ranked[0]]]
    first, second = (view.facts[f"{name}_z"].value or 0.0 for name in ranked[:2])
    verdict = (
        "they lie about equally far from what is expected" if second - first < ALIKE_Z else f"the {label} lies {'lower' if len(ranked) == 2 else 'lowest'}"
    )
    return f"By z-score, by which they can be compared, {verdict}. {told}"


def _with_z(view: View, name: str) -> str:
    main = _MEASURED[name]
    percent = f", {view.token(f'{name}_percent_predicted')} of predicted" if view.has(f"{name}_percent_predicted") else ""
    status = f", which is {view.status(main)}" if view.status(main) else ""
    return f"Your {LABELS[main]} is {view.token(main)}{percent}, with a z-score of {view.token(f'{name}_z')}{status}."


def daily_life(asking: Asking) -> str:
    view = asking.view
    near = asking.quote_near(asking.question)
    oxygen = f" Your oxygen saturation is {view.token('spo2_percent')}, which is {view.status('spo2_percent')}." if view.below("spo2_percent") else ""
    if view.pattern == "normal" and not oxygen:
        return f"Nothing in this breathing test speaks against it. {finding(view)} {near} How you feel while doing it counts more than the numbers, so tell a clinician of breathlessness, chest pain or faintness."
    return f"A breathing test alone cannot decide that: how you feel while doing it counts more than the numbers. {result(view)}{oxygen} {near} Ask a clinician who knows you, and go by what you manage without unusual breathlessness."


def all_clear(asking: Asking) -> str:
    """What a normal test, or one that is taken for such, does not settle."""
    view = asking.view
    if view.state != "read" or view.pattern != "normal":
        return f"No, that does not follow. {result(view)} {_above_usual(view)}"
    smoke = (
        f" {asking.quote('copd/pre-copd') if view.has('symptoms') else ''} {asking.quote('smoking/why-stop')}"
        if view.text("smoking_status") == "current"
        else ""
    )
    symptoms = view.text("symptoms").lower()
    told = (
        f" Your record lists {view.token('symptoms')}: a clinician should hear of that, as a normal test does not explain it away."
        if symptoms and symptoms != "none"
        else ""
    )
    wheeze = (
        f" {asking.quote('asthma/asthma-normal-test')} {asking.quote('asthma/asthma-normal-test', 1)}"
        if re.search(r"asthma|wheez", f"{asking.question} {symptoms}")
        else ""
    )
    return f"Not quite: a normal test says that the air moves as it should, and rules nothing out by itself. {finding(view)}{smoke}{wheeze}{told} {_above_usual(view)}"


def _above_usual(view: View) -> str:
    """The estimated risks that are higher than usual, the highest first; empty where none is."""
    high = sorted(
        (fact for name, fact in view.facts.items() if name.startswith("risk_") and fact.status == "higher than usual"), key=lambda fact: -(fact.value or 0.0)
    )
    if not high:
        return ""
    shown = join([f"{fact.label.removeprefix('Estimated risk of ')} ({fact.token})" for fact in high[:3]])
    return f"Of the estimated risks, higher than usual for your age and sex {'are those' if len(high) > 1 else 'is that'} of {shown}; they are statistical estimates, not diagnoses."


def severity_scale(asking: Asking) -> str:
    view = asking.view
    measure = "fvc" if view.pattern == "possible_restriction" else "fev1"  # what the grade rests on
    if not view.has("severity", f"{measure}_z"):
        return f"{asking.quote('spirometry/severity')} {result(view)} {asking.quote('spirometry/severity', 2)}"
    mine = f"By that your pattern is {view.token('severity')}: the z-score of your {measure.upper()} is {view.token(f'{measure}_z')}."
    percent = (
        f" Older scales go by the percent of predicted, which is {view.token(f'{measure}_percent_predicted')} here, so the same blow can bear another word there."
        if view.has(f"{measure}_percent_predicted")
        else ""
    )
    return f"{asking.quote('spirometry/severity')} {mine}{percent} {asking.quote('spirometry/severity', 2)}"


def odd_record(asking: Asking) -> str:
    view = asking.view
    smoked = re.search(r"\bpack[- ]?years?\b|\bsmok\w+", asking.question) is not None and view.has("pack_years")
    held = tuple(name for name in ("symptoms", "conditions", "medications") if view.has(name))
    names = ("smoking_status",) if smoked else tuple(name for name in held if re.search(_LISTED[name], asking.question)) or held
    age = (
        f" The age is recorded as {view.token('age_years')}."
        if view.has("age_years") and (smoked or re.search(r"\b(?:year|age|old|child|boy|girl|kid)", asking.question))
        else ""
    )
    return (
        f"I cannot tell which is true: I show what the files say and change nothing. {values_in_words(view, names) if names else ''}{age} "
        "If that does not fit the person, or contradicts itself, ask them or whoever entered it whether it belongs to this record, and put it right on the page or in the file; no medicine should be stopped over it."
    )


_LISTED = {
    "symptoms": r"symptom|tight|pain|wheez|cough|breathless|tired|none|nothing",
    "conditions": r"condition|diagnos|disease|hypertens|diabet|asthma|copd|histor",
    "medications": r"medic|tablet|inhaler|drug|statin|taking|\bon\b(?! (?:the|her|his|my|their|this|file|record|list|chart))|prescri",
}


OF_USE: dict[str, Callable[[Asking], str | Measured]] = {
    "risk_meaning": risk_meaning, "risk_made_how": risk_made_how, "risk_and_quality": risk_and_quality, "over_time": change_over_time, "prognosis": prognosis, "export": export,
    "other_language": other_language, "insurance": insurance, "not_held": not_held, "which_blow": which_blow, "every_blow": every_blow, "lists_held": lists_held,
    "open_record": open_record, "app_use": app_use, "two_values": two_values, "daily_life": daily_life, "all_clear": all_clear, "severity_scale": severity_scale, "odd_record": odd_record,
}  # fmt: skip
