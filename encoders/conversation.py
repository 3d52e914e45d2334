"""The messages of a conversation: one wording for training and for answering, so that they cannot drift apart."""

from __future__ import annotations

from collections.abc import Sequence

from encoders.batch import CURVE_MARK, RECORD_MARK
from encoders.passages import Passage
from encoders.record import RISK_TRAITS, Fact, serialise
from prompts import render

Message = dict[str, str]


def system_message(facts: Sequence[Fact], missing: Sequence[str], *, curve: bool, by_token: bool, record: bool = True) -> Message:
    """What the model knows of the patient: soft-token slots, then the facts. ``by_token``: for the embedded model."""
    text = render(
        "system_embedded" if by_token else "system",
        curve=CURVE_MARK if curve else "" if by_token else "(no curve was given)",
        record=RECORD_MARK if record else "(none)",
        facts=serialise(facts, missing, by_token=by_token),
    )
    return {"role": "system", "content": text.strip()}


def user_message(question: str, passages: Sequence[Passage], topic: str) -> Message:
    """A question with the numbered passages that may answer it. ``topic`` is what code takes the question to be about."""
    numbered = "".join(f"[{n}] {passage.title}: {passage.text}\n" for n, passage in enumerate(passages, 1))
    return {"role": "user", "content": render("question", passages=numbered, topic=topic, question=question).strip()}


def risk_messages() -> tuple[str, tuple[str, ...]]:
    """The shared system text and one question for each trait of RISK_TRAITS, for ``MultimodalLM.score``."""
    system = render("risk", curve=CURVE_MARK, record=RECORD_MARK).strip()
    return system, tuple(render("risk_question", trait=words).strip() for _, words in RISK_TRAITS)
