"""The prompt of a turn: what is known, the turns before within the window, the question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from assistant.recall import in_short
from assistant.session import Session, Turn
from encoders.batch import Person
from encoders.conversation import system_message, user_message
from encoders.multimodal import MultimodalLM
from encoders.passages import Passage
from encoders.record import FACT_NAMES

LAST_IN_FULL = 2  # turns that always stand as they were put: follow-ups speak of them


@dataclass(frozen=True)
class Window:
    """How much a language model is given: passages a turn, and positions before old turns are put in short."""

    passages: int
    positions: int


@dataclass(frozen=True)
class Prompt:
    """Messages for the model, and how many turns before stand in them in full and in short."""

    messages: tuple[BaseMessage, ...]
    in_full: int
    in_short: int


def prompt(session: Session, model: MultimodalLM, window: Window, person: Person | None, question: str, passages: Sequence[Passage], intent: str) -> Prompt:
    """The messages of a turn. The first, with soft tokens and facts, is never let go; old turns are put in short, the oldest of those go.

    What is put in short depends on the turns alone and changes by many turns at once, so that the kept prefix serves for
    many turns too.
    """
    known = {fact.name for fact in session.facts}
    missing = tuple(name for name in FACT_NAMES if name not in known and not name.startswith("risk_"))
    head = system_message(
        session.facts, missing, curve=person is not None and person.curve is not None, by_token=model.names_facts, record=model.reads
    )  # fmt: skip
    now = user_message(question, passages, intent, session.facts, by_token=model.names_facts)

    def length(*texts: str) -> int:
        return sum(len(model.tokenizer(text, add_special_tokens=False)["input_ids"]) + 5 for text in texts)

    told = tuple(turn for turn in session.told if turn.seen.prompt)  # what code answered by rule was never put to the model
    gone, short = folded(told, window, length(head["content"]), length(now["content"]), length)
    messages: list[BaseMessage] = [SystemMessage(head["content"])]
    for turn in told[gone:short]:
        messages += [HumanMessage(in_short(turn)[0]), AIMessage(in_short(turn)[1])]
    for turn in told[short:]:
        messages += [HumanMessage(turn.seen.prompt), AIMessage(turn.seen.said)]
    messages.append(HumanMessage(now["content"]))
    return Prompt(tuple(messages), len(told) - short, short - gone)


def folded(told: Sequence[Turn], window: Window, head: int, now: int, length: Callable[..., int]) -> tuple[int, int]:
    """(gone, short): turns before ``gone`` are let go, those from there to ``short`` are put in short, the rest stand in full.

    Worked out from the first turn on, as it was at each turn then: so the same turns are put in short at the next turn too.
    """
    asked = [length(turn.seen.prompt) for turn in told]
    full = [put + length(turn.seen.said) for put, turn in zip(asked, told, strict=True)]
    brief = [length(*in_short(turn)) for turn in told]
    gone = short = 0
    for n in range(len(told) + 1):
        put = asked[n] if n < len(told) else now
        if head + sum(brief[gone:short]) + sum(full[short:n]) + put > window.positions:
            short = max(short, n - LAST_IN_FULL)
            if sum(brief[gone:short]) > window.positions // 3:
                gone = (gone + short) // 2
    return gone, short
