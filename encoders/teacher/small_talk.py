"""What the teacher says when nothing of the record is asked: greetings, what it can do, what it declines."""

from __future__ import annotations

import random
from collections.abc import Callable

from encoders.teacher.sentences import NO_TEST
from encoders.teacher.view import Reply, View

_CAN = (
    "I am a program for research and education: I explain your breathing test, its quality, its curve and your record, "
    "and quote guidance from a small library with its source."
)
_CANNOT = "I do not give diagnoses, prescriptions or doses."
_DOSES = (
    "I do not give doses. Please ask your prescriber or a pharmacist, who can check it against your other medicines.",
    "I cannot say what dose to take. Please ask your prescriber or a pharmacist, and read the leaflet of the medicine.",
    "I cannot start, stop or change a medicine. Please ask your prescriber or a pharmacist before you change anything.",
)
_AMOUNTS = ("dose", "dosage", "how much", "how many", "milligram", " mg", "puffs", "how often", "max", "litres")
_OFF = (
    "That is outside what I can help with; I talk about breathing tests, this record and lung health.",
    "I cannot answer that, because I only talk about breathing tests, this record and lung health.",
)


def _ready(view: View) -> str:
    if view.state == "none":
        return f"{NO_TEST} yet, but I can talk about the record."
    if view.state == "unusable":
        return "Your test is here, although its quality does not allow an interpretation."
    return "Your breathing test is here; shall I explain it?"


def greeting(view: View, rng: random.Random) -> Reply:
    start = rng.choice(("Hello.", "Hello, good to see you."))
    return Reply(
        f"{start} {_ready(view)}",
        "none",
        short=_ready(view),
        plain=_ready(view),
        subject="hello",
    )


def capabilities(view: View, rng: random.Random) -> Reply:
    text = f"{_CAN} {_CANNOT}" if rng.random() < 0.6 else f"{_CAN} {_CANNOT} {_ready(view)}"
    return Reply(
        text,
        "none",
        short=_CAN,
        plain=f"You ask, and I explain. {_CANNOT}",
        subject="hello",
    )


def thanks(view: View, rng: random.Random) -> Reply:
    return Reply(
        rng.choice(
            (
                "You are welcome. Ask me anything else about your test.",
                "Gladly. Take care, and ask again whenever you like.",
            )
        ),
        "none",
    )


def dose(view: View, rng: random.Random, question: str) -> Reply:
    amount = any(word in question.lower() for word in _AMOUNTS)
    text = rng.choice(_DOSES[:2]) if amount else _DOSES[2]
    return Reply(text, "none", short=text.split(". ")[0] + ".", plain=text, subject="dose")


def off_topic(view: View, rng: random.Random, question: str) -> Reply:
    text = rng.choice(_OFF)
    return Reply(text, "none")


SMALL_TALK: dict[str, Callable[[View, random.Random], Reply]] = {
    "greeting": greeting, "capabilities": capabilities, "thanks": thanks,
}  # fmt: skip
