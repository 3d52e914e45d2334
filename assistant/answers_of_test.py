"""What code says about the test where the language model was not taught to: what is normal, how sure, how often, what went wrong. Facts as tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from assistant.asked_measures import measures_named
from assistant.asking import Asking, listed, result
from encoders.spirogram.interpret import gold_grade
from encoders.teacher.numbers import asked_number
from encoders.teacher.sentences import GRADES, MEANING, NEXT, NO_DIAGNOSIS, NO_TEST, join, not_read, value
from encoders.teacher.view import View

_LABELS = {"fev1": "FEV1", "fvc": "FVC", "fev1_fvc": "FEV1/FVC ratio"}
SHARES = (  # z-score under which the value lies -> the share of healthy people with a lower one, in words
    (-1.645, "fewer than one in twenty"), (-1.036, "about one in ten"), (-0.674, "about one in five"), (-0.385, "about three in ten"), (-0.126, "about four in ten"),
    (0.126, "about half"), (0.385, "about six in ten"), (0.674, "about seven in ten"), (1.036, "about eight in ten"), (1.645, "about nine in ten"),
)  # fmt: skip


def _measure(question: str) -> str:
    """The measure that a question names, else the FEV1."""
    name = asked_number(question)
    return "fev1_fvc" if name == "fev1_fvc" else "fvc" if name.startswith("fvc") else "fev1"


def normal_for_me(asking: Asking) -> str:
    view, limits = asking.view, []
    named = asked_number(asking.question)
    if named == "fev1_fvc" and view.has("fev1_fvc_lln", "fev1_fvc_predicted"):
        return f"For your age, sex and height, a ratio of about {view.token('fev1_fvc_predicted')} is expected, and {view.token('fev1_fvc_lln')} is the lower limit of normal. {value(view, 'fev1_fvc')}"
    wanted = [m for m in ("fev1", "fvc") if view.has(f"{m}_predicted_l", f"{m}_lln_l") and named in (f"{m}_l", f"{m}_z", f"{m}_percent_predicted", "")]
    wanted = wanted or [m for m in ("fev1", "fvc") if view.has(f"{m}_predicted_l", f"{m}_lln_l")]
    for measure in wanted:
        limits.append(
            f"an {_LABELS[measure]} of about {view.token(f'{measure}_predicted_l')}, with {view.token(f'{measure}_lln_l')} as the lower limit of normal"
        )
    if not limits:
        return f"What is normal for you cannot be worked out here. {not_read(view)}"
    own = [
        f"your {_LABELS[m]} is {view.token(f'{m}_l')}" + (f", which is {view.status(f'{m}_l')}" if view.status(f"{m}_l") else "")
        for m in wanted
        if view.has(f"{m}_l")
    ]
    mine = "; ".join(own)
    return f"For your age, sex and height, normal is {', and '.join(limits)}. {mine[:1].upper()}{mine[1:]}."


def repeat_test(asking: Asking) -> str:
    view = asking.view
    if view.state == "none":
        return f"{NO_TEST} yet, so there is none to repeat."
    if view.state == "unusable":
        return f"As soon as you can: {not_read(view)[0].lower()}{not_read(view)[1:]}"
    weak = next((name for name in ("fev1_grade", "fvc_grade") if view.text(name)[:1] in {"D", "E", "U"}), "")
    of = "for the FVC " if weak == "fvc_grade" else ""
    soon = (
        f"Repeat it soon, because this test has quality grade {view.token(weak)} {of}and {'only ' if view.text('blows') in ('1', '2') else ''}{view.token('blows')} {'blow' if view.text('blows') == '1' else 'blows'}. After that, "
        if weak and view.has("blows")
        else ""
    )
    if listed(view, "copd", "emphysema"):
        rule = asking.quote("copd/follow-up-spirometry")
    elif listed(view, "asthma"):
        rule = asking.quote("asthma/follow-up-spirometry")
    elif view.pattern == "normal":
        rule = "There is no fixed interval after a normal test: repeat it when symptoms appear or a clinician asks for it."
    elif view.pattern:
        rule = f"There is no fixed interval; it depends on what is behind the pattern. {NEXT[view.pattern]}."
    else:
        rule = "There is no fixed interval: it depends on your symptoms and on what a clinician finds."
    return f"{soon}{rule[0].lower()}{rule[1:]}" if soon and rule.startswith("There") else f"{soon.removesuffix(' After that, ')} {rule}"


def percentile(asking: Asking) -> str:
    view = asking.view
    held = (name for name in ("fvc_l", "fev1_l", "fev1_fvc") if view.has(name) and view.text(name).split()[0] in re.findall(r"\d+\.\d+", asking.question))
    measure = _measure(asking.question) if measures_named(asking.question) else next(held, "fev1_l").removesuffix("_l")
    main = "fev1_fvc" if measure == "fev1_fvc" else f"{measure}_l"
    if not view.has(main, f"{measure}_z"):
        return not_read(view) if view.state != "read" else f"Your {_LABELS[measure]} cannot be compared with other people's here."
    z = view.facts[f"{measure}_z"].value or 0.0
    share = next((words for limit, words in SHARES if z < limit), "more than nineteen in twenty")
    return (
        f"Your {_LABELS[measure]} is {view.token(main)}: {share} healthy people of your age, sex and height have a lower one. "
        f"Its z-score is {view.token(f'{measure}_z')}, which is {view.status(main)}."
    )


def lowest_value(asking: Asking) -> str:
    view = asking.view
    known = {m: view.facts[f"{m}_z"].value or 0.0 for m in _LABELS if view.has(f"{m}_z", "fev1_fvc" if m == "fev1_fvc" else f"{m}_l")}
    if not known:
        return not_read(view)
    least = min(known, key=lambda m: known[m])
    main = "fev1_fvc" if least == "fev1_fvc" else f"{least}_l"
    sense = {
        "fev1_fvc": "This value decides whether air leaves too slowly",
        "fvc": "This value tells how much air leaves in all",
        "fev1": "This value tells how much air leaves in the first second",
    }[least]
    return (
        f"Of this test, the {_LABELS[least]} lies lowest beside what is expected: {view.token(main)}, with a z-score of {view.token(f'{least}_z')}, "
        f"which is {view.status(main)}. {sense}."
    )


def certainty(asking: Asking) -> str:
    view = asking.view
    if view.state in ("none", "unusable", "ratio"):
        return not_read(view)
    if not view.has("fev1_grade"):
        return f"Your record holds the values without the blows, so I cannot judge how good the test was. What follows from the values is worked out by fixed rules. {NO_DIAGNOSIS}"
    head = f"As sure as the blows allow: the FEV1 has quality grade {view.token('fev1_grade')}, which means that it is {GRADES[view.text('fev1_grade')[:1]]}."
    close = any("borderline" in view.status(name) for name in ("fev1_l", "fvc_l", "fev1_fvc"))
    edge = " One value is borderline, so a repeat test could change the verdict." if close else ""
    return f"{head}{edge} The numbers are measured from the blows and compared by fixed rules; a program can still be wrong, so let a clinician confirm what matters."


def lung_age(asking: Asking) -> str:
    view = asking.view
    if not view.has("fev1_l", "fev1_predicted_l"):
        return f"I do not work out a lung age. {not_read(view)}"
    return (
        f"I do not work out a lung age, but your FEV1 is {view.status('fev1_l')} for your age: it is {view.token('fev1_l')}, "
        f"and {view.token('fev1_predicted_l')} is expected for your age, sex and height."
    )


def lost_function(asking: Asking) -> str:
    view = asking.view
    if not view.has("fev1_l", "fev1_predicted_l", "fev1_percent_predicted"):
        return f"One test cannot show what has been lost. {not_read(view)}"
    return (
        f"One test cannot show what has been lost, because nobody knows what you started with. Your FEV1 is {view.token('fev1_l')}, "
        f"{view.token('fev1_percent_predicted')} of the {view.token('fev1_predicted_l')} expected for your age, sex and height, which is {view.status('fev1_l')}."
    )


def gold_stage(asking: Asking) -> str:
    view, test = asking.view, asking.session.spirometry
    if not view.has("fev1_l", "fev1_fvc", "fev1_percent_predicted"):
        return not_read(view)
    if view.child:
        return f"None: GOLD's grades are for adults only. {result(view)}"
    after = test.post if test is not None else None
    stated = {one.bronchodilator for one in asking.session.patient.blows} | {one.bronchodilator for one in asking.session.patient.reported}
    ratio, percent = view.facts["fev1_fvc"].value or 1.0, view.facts["fev1_percent_predicted"].value or 0.0
    head, unstated = (
        f"By your FEV1 of {view.token('fev1_percent_predicted')} of predicted",
        ", provided that the test was done after a bronchodilator, which the record does not say",
    )
    if after is not None and after.fev1_fvc is not None and after.fev1_l is not None:
        percent, ratio = percent * after.fev1_l / (view.facts["fev1_l"].value or after.fev1_l), after.fev1_fvc
        head, unstated = "By your FEV1 after the bronchodilator", ""
    elif stated == {"post"}:
        unstated = ", measured after a bronchodilator"
    elif stated == {"pre"} and ratio < 0.70:
        return f"None yet: the grades go by a test after a bronchodilator, and this one was done before it. {asking.quote('copd/gold-grades')}"
    if ratio >= 0.70:
        return (
            f"None. {asking.quote('copd/gold-grades', 1)} Yours is {view.token('fev1_fvc')}."
            if not after
            else f"None, because the ratio after the bronchodilator is not low enough. {asking.quote('copd/gold-grades', 1)}"
        )
    return f"{head} it would be GOLD grade {gold_grade(percent)}{unstated}. {asking.quote('copd/gold-grades')} A grade is not a diagnosis of COPD."


def headline_only(asking: Asking) -> str:
    view = asking.view
    meaning = f" {MEANING[view.pattern][0].upper()}{MEANING[view.pattern][1:]}." if view.pattern else ""
    return f"{result(view)}{meaning}"


_TERMS = {  # a term -> what it is, as part of a sentence
    r"obstruct": f"obstruction means that {MEANING['obstruction']}, and shows as a low ratio",
    r"restrict": f"restriction means that {MEANING['possible_restriction']}, and shows as a low FVC with a normal ratio",
    r"\bmixed": f"a mixed pattern means that {MEANING['possible_mixed']}",
    r"ratio": "the ratio is the share of the whole breath that leaves in the first second",
    r"fev ?1(?! ?/)": "FEV1 is the air that leaves in the first second of a forced breath",
    r"(?<!/)fvc|vital capacity": "FVC is all the air of a forced breath",
    r"peak|\bpef": "peak flow is the fastest flow of a forced breath",
}


def difference(asking: Asking) -> str:
    said = [meaning for words, meaning in _TERMS.items() if re.search(words, asking.question)]
    if len(said) < 2:
        return asking.quote_near(asking.question)
    first = "; ".join(said)
    mine = f" {result(asking.view)}" if re.search("obstruct|restrict|mixed", asking.question) and asking.view.state == "read" else ""
    return f"{first[0].upper()}{first[1:]}.{mine}"


def compared_with(asking: Asking) -> str:
    view = asking.view
    mine = f"Your values are compared with {view.token('reference')}." if view.has("reference") and view.state in ("read", "partial") else not_read(view)
    return f"{asking.quote('spirometry/reference-values')} {mine}"


def borderline(asking: Asking) -> str:
    view = asking.view
    close = [value(view, m) for m in _LABELS if "borderline" in view.status("fev1_fvc" if m == "fev1_fvc" else f"{m}_l")]
    return f"{asking.quote('spirometry/borderline')} {' '.join(close) or 'None of your three main values is borderline.' if view.state == 'read' else ''}"


def causes_of_pattern(asking: Asking) -> str:
    view, question = asking.view, asking.question
    restricted = re.search(r"restrict|(?<!/)\bfvc", question) is not None or (
        re.search(r"obstruct|ratio|/ ?fvc|copd|asthma", question) is None and view.pattern in ("possible_restriction", "preserved_ratio_impaired")
    )
    if view.pattern == "normal" and not re.search(r"restrict|obstruct|fvc|fev1|ratio", question):
        return f"There is nothing to explain in this test. {result(view)}"
    name = "spirometry/causes-restriction" if restricted else "spirometry/causes-obstruction"
    return f"{asking.quote(name)} {asking.quote(name, 1)} {result(view)}"


def will_it_worsen(asking: Asking) -> str:
    view = asking.view
    head = "One test cannot say how it will go on: only tests over time can show that."
    if view.text("smoking_status") == "current":
        return f"{head} Your record says you smoke. {asking.quote('smoking/why-stop', 2)}"
    if view.state == "read" and view.pattern == "normal":
        return f"{head} Today your test is in the normal range. {asking.quote('ageing_lungs/age-decline')}"
    return f"{head} {result(view)} Have it repeated as your clinician advises."


def can_it_improve(asking: Asking) -> str:
    view, test = asking.view, asking.session.spirometry
    if test is not None and test.response is not None and test.response.significant:
        return f"Part of it can: your test shows {view.token('bronchodilator')} to the bronchodilator, so the airways opened when it was used. How well that can be kept up is a question for your clinician."
    if view.text("smoking_status") == "current":
        return f"Some of it, if you stop smoking. {asking.quote('smoking/why-stop', 2)} {asking.quote('smoking/timeline', 1)}"
    if listed(view, "copd", "emphysema"):
        return f"Mostly not the airflow itself, but symptoms can improve. {asking.quote('copd/can-copd-be-cured')}"
    if view.pattern == "normal":
        return "There is nothing in this test to repair: it is in the normal range. Staying active and smoke-free is what keeps it so."
    if view.pattern in ("possible_restriction", "possible_mixed", "preserved_ratio_impaired"):
        heavy = f" {asking.quote('weight/weight-lungs', 1)} {asking.quote('weight/weight-lungs', 2)}" if view.above("bmi_kg_m2") else ""
        return f"That depends on the cause, which spirometry cannot tell. {NEXT[view.pattern]}.{heavy}"
    if view.pattern:
        return f"That depends on the cause. {NEXT[view.pattern]}."
    return f"That cannot be said from this record. {not_read(view)}"


def unread_value(view: View, names: Sequence[str]) -> str:
    """That values of a test that cannot be read were asked for, by their names."""
    if view.state == "none":
        return not_read(view)
    wanted = [_LABELS[name.removesuffix("_l")] for name in names if name.removesuffix("_l") in _LABELS]
    return f"This test gives no {join(wanted).replace(' and ', ' or ')} that can be trusted. {not_read(view)}" if wanted else not_read(view)


OF_TEST: dict[str, Callable[[Asking], str]] = {
    "normal_for_me": normal_for_me, "repeat_test": repeat_test, "percentile": percentile, "lowest_value": lowest_value, "certainty": certainty,
    "lung_age": lung_age, "lost_function": lost_function, "gold_stage": gold_stage, "headline": headline_only, "causes_of_pattern": causes_of_pattern, "difference": difference, "compared_with": compared_with, "borderline": borderline,
    "will_it_worsen": will_it_worsen, "can_it_improve": can_it_improve,
}  # fmt: skip
