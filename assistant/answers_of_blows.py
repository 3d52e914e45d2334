"""What code says about the blows where the language model was not taught to: how to do them, what went wrong, what a fault means. Facts as tokens."""

from __future__ import annotations

import re
from collections.abc import Callable

from assistant.asking import Asking, result
from encoders.teacher.sentences import NO_TEST, not_read, shape_sentence

_BETTER = {  # a fault (ATS/ERS 2019) -> what avoids it
    "slow start": "blast the air out at once after the full breath in",
    "hesitation": "start without waiting once the lungs are full",
    "cough": "sip some water before the blow, and say when a cough is coming",
    "early end": "keep blowing until no more air comes, even when the lungs feel empty",
    "truncated": "keep blowing until you are told to stop, so that the recording is whole",
    "glottic closure": "keep the throat open all the way",
    "leak": "seal the lips firmly round the mouthpiece",
    "zero flow": "have the device zeroed anew and held still, with no air through it, before the blow",
    "inspiration exceeds": "fill the lungs completely before the blow",
}


def next_blow(asking: Asking) -> str:
    view = asking.view
    found = [(fault, advice) for fault, advice in _BETTER.items() if fault in view.text("findings")]
    wrong = [f"{advice}{f' ({fault})' if len(found) > 1 else ''}" for fault, advice in found]
    how = asking.quote("spirometry/good-blow")
    if view.state == "no_reference":
        how = f"{not_read(view)} Once it is added, everything is worked out anew. {how}"
    if not wrong:
        few = view.text("blows") in ("1", "2")
        same = (
            f"No fault was found in {'this blow' if view.text('blows') == '1' else 'these blows'}, so do the same again{', until there are three good blows' if few else ''}. "
            if view.text("findings") == "none"
            else ""
        )
        return f"{same or view.found().strip()} {how}"
    return f"Next time, {'; '.join(wrong)}. That is because of what was found in these blows: {view.token('findings')}. {how}"


def why_not_read(asking: Asking) -> str:
    view = asking.view
    if view.state == "unusable":
        return f"Because no blow meets the standard.{view.found()} A blow like that makes the values wrong, so I name none. Please repeat the test."
    return not_read(view) if view.state != "read" else f"The test could be read. {result(view)}"


def why_twice(asking: Asking) -> str:
    view = asking.view
    if view.has("bronchodilator"):
        return f"To see whether the airways open with a bronchodilator: some blows were done before it and some after. Your test shows {view.token('bronchodilator')}."
    blows = f" Your test holds {view.token('blows')} {'blow' if view.text('blows') == '1' else 'blows'}." if view.has("blows") else ""
    return f"To see whether the blows agree with each other.{blows} {asking.quote('spirometry/repeatability')}"


def allowed_blows(asking: Asking) -> str:
    view = asking.view
    mine = f" This test holds {view.token('blows')} {'blow' if view.text('blows') == '1' else 'blows'}." if view.has("blows") else ""
    return f"{asking.quote('spirometry/repeatability', 1)} {asking.quote('spirometry/repeatability')}{mine}"


def before_test(asking: Asking) -> str:
    if re.search(r"\b(?:eat|food|meal|breakfast|lunch|dinner|fast|hungry)", asking.question):
        return f"{asking.quote('spirometry/eating')} {asking.quote('spirometry/eating', 1)}"
    if re.search(r"\b(?:inhaler|puffer|medicine|medication|tablets?|spray)", asking.question):
        return f"{asking.quote('spirometry/before-the-test', 2)} {asking.quote('spirometry/before-the-test')}"
    return f"{asking.quote('spirometry/before-the-test')} {asking.quote('spirometry/eating')}"


def blow_length(asking: Asking) -> str:
    view = asking.view
    mine = f" Your blow lasted {view.token('fet_s')}." if view.has("fet_s") else ""
    if "why" in asking.question and view.pattern in ("obstruction", "possible_mixed"):
        return f"Because air leaves your lungs slowly, it takes long until they are empty. {result(view)}{mine}"
    return f"{asking.quote('spirometry/end-of-test')}{mine} {asking.quote('spirometry/end-of-test', 2)}"


def axes(asking: Asking) -> str:
    text = (
        "The flow-volume loop shows how fast air leaves (upwards, litres a second) against how much has left (to the right, litres). "
        "The volume-time curve shows how much has left (upwards) as the seconds pass (to the right)."
    )
    return f"{text} {shape_sentence(asking.view)}"


_FAULTS = (  # a fault as it is named -> the passage's sentence that says what it means
    (r"slow start|back[- ]?extrapolated|\bbev\b", "spirometry/slow-start", 0), (r"early end|stopp?(?:ed|ing) (?:too )?early|ended early", "spirometry/end-of-test", 1),
    (r"glott?i[cs]|throat clos", "spirometry/glottic-closure", 0), (r"\bcoughing (?:during|in|ruin)", "spirometry/coughing", 0),
)  # fmt: skip
_OWN_WORDS = {
    "truncated": "Truncated means that the recording of a blow was cut off before it had ended, so not everything could be measured.",
    "zero flow": "A zero flow error means that the sensor showed a flow while nobody blew, so every volume is wrong: the device is zeroed anew, held still and out of any draught, and the test is repeated.",
    "hesitation": "Hesitation means waiting after the full breath in before blowing out.",
}
_MEANT = re.compile(r"\W*(?:and |so )?(?:what (?:does|do|is|are|was)|what's|whats|why does it say|why is it called|does|meaning of)\b")


def fault_meant(asking: Asking) -> str:
    """What a fault of a blow means, where a question asks for it by name; empty otherwise."""
    question = asking.question
    question = re.split(r"[?.!,;]", question.strip(), maxsplit=1)[0]  # what follows may ask on
    if not _MEANT.match(question) or len(question.split()) > 14:
        return ""
    own = [words for name, words in _OWN_WORDS.items() if name in question]
    said = " ".join([*(asking.quote(name, n) for words, name, n in _FAULTS if re.search(words, question)), *own])
    return f"{said}{asking.view.found()}" if said and asking.view.has("findings") else said


def no_curve(asking: Asking) -> str:
    view, test = asking.view, asking.session.spirometry
    if test is not None and test.maneuvers:
        return "There is a curve: ask me to show the flow-volume loop, and it is drawn beside this chat."
    if view.state == "none":
        return f"{NO_TEST}. Open the spirometer's curve file together with the record, and it is drawn and measured."
    return "Because the record holds the values only, not the blow itself. Open the spirometer's curve file together with the record, and it is drawn and measured."


def test_was_ill(asking: Asking) -> str:
    return f"{asking.quote('spirometry/when-ill')} {asking.quote('spirometry/when-ill', 1)} {result(asking.view)}"


OF_BLOWS: dict[str, Callable[[Asking], str]] = {
    "next_blow": next_blow, "why_not_read": why_not_read, "why_twice": why_twice, "allowed_blows": allowed_blows, "before_test": before_test, "blow_length": blow_length, "axes": axes, "no_curve": no_curve, "test_was_ill": test_was_ill,
}  # fmt: skip
