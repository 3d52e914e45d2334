"""What the teacher says about the test itself: result, quality, curve, pattern, what follows from it."""

from __future__ import annotations

import random
from collections.abc import Callable

from encoders.teacher.rationale import asked_kind, pattern_reasons, rationale
from encoders.teacher.sentences import (
    GRADES,
    MEANING,
    NEXT,
    NO_DIAGNOSIS,
    NO_TEST,
    UNUSABLE,
    headline,
    limb_sentence,
    not_read,
    plain_meaning,
    shape_sentence,
    value,
)
from encoders.teacher.view import Reply, View

OBSTRUCTIVE = frozenset({"obstruction", "possible_mixed", "possible_dysanapsis"})
LOOK = {
    "scooped": "A scooped limb means that flow falls away early in the breath",
    "nearly straight": "A nearly straight limb means that flow falls evenly",
    "rounded": "A rounded limb means that flow is kept up well through the breath",
}
_DISEASES = (
    ("copd", "COPD"),
    ("emphysema", "emphysema"),
    ("bronchitis", "chronic bronchitis"),
    ("fibrosis", "lung fibrosis"),
    ("cancer", "lung cancer"),
    ("asth", "asthma"),
    ("astma", "asthma"),
)
_SETTLE = {
    "asthma": "a clinician weighs your symptoms, how they vary, and a test before and after a bronchodilator",
    "COPD": "a clinician weighs your symptoms, your exposures, and the ratio after a bronchodilator",
    "lung cancer": "a clinician and imaging are needed, because spirometry does not look for it",
}


def explain_result(view: View, rng: random.Random) -> Reply:
    if view.state != "read":
        text = not_read(view)
        if view.state in {"partial", "no_reference"}:
            text = f"{text} {value(view, 'fev1' if view.has('fev1_l') else 'fvc')}"
        return Reply(text, short=not_read(view), plain=not_read(view), subject="pattern")
    lines = [headline(view)]
    both = view.has("fev1_l", "fev1_fvc")
    if both and rng.random() < 0.7:
        share = f" ({view.token('fev1_percent_predicted')} of predicted)" if view.has("fev1_percent_predicted") else ""
        lines.append(
            f"Your FEV1 is {view.token('fev1_l')}{share}, which is {view.status('fev1_l')}, and your FEV1/FVC ratio is "
            f"{view.token('fev1_fvc')}, which is {view.status('fev1_fvc')}."
        )
    else:
        lines.append(value(view, "fev1"))
    if view.shape:
        lines.append(limb_sentence(view))
    if view.text("fev1_grade") in {"D", "E", "U"}:
        lines.append(f"Read it with caution, as the FEV1 has quality grade {view.token('fev1_grade')}.")
    else:
        lines.append(f"In plain words, {MEANING[view.pattern]}." if rng.random() < 0.5 else NO_DIAGNOSIS)
    return Reply(" ".join(lines), short=headline(view), plain=plain_meaning(view), subject="pattern")


def quality(view: View, rng: random.Random) -> Reply:
    if view.state == "none":
        return Reply(f"{NO_TEST}, so its quality cannot be judged.", subject="quality")
    if view.state == "unusable" or not view.has("fev1_grade"):
        head = UNUSABLE + "." if view.state == "unusable" else "The blows behind these values are not in your record, so no grade can be given."
        return Reply(
            f"{head}{view.found()} {'Please repeat the test.' if view.state == 'unusable' else ''}".strip(),
            short=head,
            subject="quality",
        )
    both = view.has("fvc_grade")
    head = f"The FEV1 has quality grade {view.token('fev1_grade')}"
    head += f" and the FVC grade {view.token('fvc_grade')}" if both else ""
    count = f", from {view.token('blows')} {'blow' if view.text('blows') == '1' else 'blows'}" if view.has("blows") else ""
    sense = f"The FEV1 is {GRADES.get(view.text('fev1_grade')[:1], GRADES['E'])}."
    if both and view.text("fev1_grade") in {"A", "B", "C"} and view.text("fvc_grade") in {"D", "E", "U", "F"}:
        sense += " The FVC is less certain."
    single = " A single blow never grades above E." if view.text("blows") == "1" else ""
    best = " Grade A is the best and F the worst." if not single and rng.random() < 0.4 else ""
    return Reply(
        f"{head}{count}. {sense}{single}{view.found()}{best}",
        short=f"{head}.",
        plain=sense,
        subject="quality",
    )


def curve_shape(view: View, rng: random.Random) -> Reply:
    if not view.shape:
        return Reply(_no_curve(view), subject="shape")
    whole = shape_sentence(view)
    limb, peak, _, tail = view.shape
    if view.state != "read":
        return Reply(f"{whole} {not_read(view)}", short=limb_sentence(view), plain=f"{LOOK[limb]}.", subject="shape")
    narrowed = view.pattern in OBSTRUCTIVE
    if limb == "scooped":
        sense = f"{LOOK[limb]}, {'which fits the low ratio' if narrowed else 'although the ratio is not low'}."
    elif narrowed:
        sense = f"{LOOK[limb]}, so it is the ratio rather than the shape that stands out."
    else:
        sense = f"{LOOK[limb]}, and the pattern of your test is {view.token('pattern')}."
    if tail == "stops abruptly":
        sense += " The abrupt stop can mean that the breath ended early."
    elif peak == "late and blunt":
        sense += " A late and blunt peak can mean a slow start."
    return Reply(f"{whole} {sense}", short=limb_sentence(view), plain=sense, subject="shape")


def _no_curve(view: View) -> str:
    return (
        f"{NO_TEST}, so there is no curve to describe."
        if view.state == "none"
        else ("Your record holds values without a curve, so the shape of the loop is not known.")
    )


_KINDS = (
    (("prism", "preserved"), "Preserved-ratio impaired spirometry", ("preserved_ratio_impaired",)),
    (("dysanaps",), "Dysanapsis", ("possible_dysanapsis",)),
    (("mixed",), "A mixed pattern", ("possible_mixed",)),
    (("restrict",), "Restriction", ("possible_restriction", "possible_mixed")),
    (("obstruct", "narrow", "block", "too slowly"), "Obstruction", ("obstruction", "possible_mixed")),
)


def _first_words(view: View, question: str) -> str:
    """What answers the question itself: what a kind of pattern means, yes or no, or how severe it is."""
    lower = question.lower()
    if any(word in lower for word in ("severe", "severity", "how bad", "mild")) and view.has("severity"):
        return f"By z-score it is {view.token('severity')}. "
    asked = [(name, kinds) for keys, name, kinds in _KINDS if any(key in lower for key in keys)]
    if len(asked) != 1:
        return ""
    name, kinds = asked[0]
    if "mean" in lower or lower.startswith(("what is", "what's")):
        return f"{name} means that {MEANING[kinds[0]]}. "
    if lower.startswith(("is ", "do i", "are ")):
        if view.pattern not in kinds:
            return "No. "
        return "Yes. " if name == "Obstruction" else "That is possible. "
    return ""


def pattern(view: View, rng: random.Random, question: str) -> Reply:
    """The pattern, what it means, the ratio and the limb it goes with."""
    if view.state != "read":
        return Reply(not_read(view), short=not_read(view), plain=not_read(view), subject="pattern")
    first = _first_words(view, question)
    if "means that" in first:
        mine = f"Your pattern is {view.token('pattern')}."
        return Reply(f"{first}{mine} {NO_DIAGNOSIS}", short=mine, plain=first.strip(), subject="pattern")
    lines = [f"{first}The pattern is {view.token('pattern')}: {MEANING[view.pattern]}."]
    if view.has("fev1_fvc"):
        lines.append(f"It rests on a ratio of {view.token('fev1_fvc')}, which is {view.status('fev1_fvc')}.")
    if view.shape:
        lines.append(limb_sentence(view))
    lines.append(NO_DIAGNOSIS)
    return Reply(
        " ".join(lines),
        short=f"The pattern is {view.token('pattern')}.",
        plain=plain_meaning(view),
        subject="pattern",
    )


def why_pattern(view: View, rng: random.Random, question: str) -> Reply:
    """The pattern first, then what speaks for and against it in the record, on the curve or in both."""
    if view.state != "read":
        return Reply(not_read(view), short=not_read(view), plain=not_read(view), subject="pattern")
    text = f"{headline(view)} {rationale(view, pattern_reasons(view), asked_kind(question))}"
    return Reply(text, short=headline(view), plain=plain_meaning(view), subject="pattern")


def diagnosis(view: View, rng: random.Random, question: str) -> Reply:
    """Neither confirmed nor ruled out: the pattern, and what would settle it."""
    lower = question.lower()
    asked = next((name for key, name in _DISEASES if key in lower), "")
    settle = _SETTLE.get(asked, "a clinician weighs your symptoms, your history and further tests")
    if not asked:
        start = "I cannot give or rule out a diagnosis."
    elif asked.lower() in view.text("conditions").lower():
        start = f"Your record lists {asked}, but I cannot confirm a diagnosis."
    else:
        start = f"I cannot confirm or rule out {asked}."
    if view.state == "read":
        middle = headline(view)
        if asked == "asthma" and view.pattern == "normal":
            middle += " Asthma can be present with a normal test between attacks."
        elif asked in {"asthma", "COPD"} and view.pattern in OBSTRUCTIVE:
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
    repeat = " First repeat the test, because its quality grade is " + view.token("fev1_grade") + "." if weak else ""
    text = f"{headline(view)}{repeat} {NEXT[view.pattern]}."
    return Reply(
        f"{text} Go through this with a clinician who knows you." if rng.random() < 0.5 else text,
        short=f"{NEXT[view.pattern]}.",
        plain=plain_meaning(view),
        subject="pattern",
    )


def bronchodilator(view: View, rng: random.Random) -> Reply:
    meaning = "A bronchodilator opens the airways, and the test is repeated after it to see how much the values change."
    test = view.case.spirometry
    if test is not None and test.response is not None and view.has("bronchodilator"):
        tail = "That fits asthma but does not prove it." if test.response.significant else "That alone rules nothing out."
        result = f"Your test shows {view.token('bronchodilator')}."
        return Reply(f"{meaning} {result} {tail}", short=result, plain=f"{result} {tail}", subject="bronchodilator")
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
            reason = NO_TEST if view.state == "none" else "Your record holds values without a curve"
            return Reply(f"{reason}, so the {name} cannot be drawn.", subject="shape")
        if kind == "loop":
            extra = shape_sentence(view)
        else:
            extra = f"You blew out for {view.token('fet_s')}" if view.has("fet_s") else "It is marked where the breath ends"
            extra += f" and reached {view.token('fvc_l')}." if view.has("fvc_l") else "."
        return Reply(f"{text} {extra}", short=text, plain=text, subject="shape")

    return answer
