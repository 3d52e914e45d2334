"""What the words of a report mean, each with this patient's own value."""

from __future__ import annotations

import random
from collections.abc import Callable

from encoders.teacher.sentences import NO_TEST, UNUSABLE, not_read, value
from encoders.teacher.view import Reply, View

WORDS = {
    "what_is_zscore": ("A z-score says how far a value lies from the average of healthy people of your age, sex and height."),
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
        return f"{NO_TEST}, so there is no value of yours to show.", "none"
    if view.state == "unusable":
        return f"{UNUSABLE}.", "quality"
    if intent == "what_is_zscore":
        if not view.has("fev1_z"):
            return not_read(view), "pattern"
        other = f" and of the ratio {view.token('fev1_fvc_z')}" if view.has("fev1_fvc_z") else ""
        return (
            (f"The z-score of your FEV1 is {view.token('fev1_z')}{other}; your FEV1 is {view.status('fev1_l') or 'not judged'}."),
            "fev1",
        )
    if intent == "what_is_lln":
        if not view.has("fev1_lln_l", "fev1_l"):
            return not_read(view), "pattern"
        return (
            (f"For your FEV1 it is {view.token('fev1_lln_l')}, and you reached {view.token('fev1_l')}, which is {view.status('fev1_l') or 'not judged'}."),
            "fev1",
        )
    if intent == "what_is_pef":
        return (f"Yours is {view.token('pef_l_s')}." if view.has("pef_l_s") else "Yours was not measured."), "pef"
    measure = {
        "what_is_fev1": "fev1",
        "what_is_fvc": "fvc",
        "what_is_ratio": "fev1_fvc",
    }[intent]
    return value(view, measure), measure
