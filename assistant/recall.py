"""What was said before: old turns in short, and questions that refer back to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from assistant.answer import NO_ANSWER
from assistant.asked_values import named_values
from assistant.guardrails import clean
from assistant.session import Seen, Turn, Written
from encoders.teacher.guidance import stems
from encoders.teacher.sayable import sentences
from prompts import render

_CITED = re.compile(r"\s*\[\d+\]")
_ABOUT = re.compile(
    r"\b(?:what|which) (?:(?:did|have|had) (?:you|we) (?:just |already )?(?:say|said|tell me|told me|write|explain|mention|discuss|talk|speak)|(?:was|were) (?:it )?(?:that )?you (?:said|told me))(?: \w+){0,2}? (?:about|on|regarding) (.+)"
    r"|\bremind me (?:again )?(?:of |about |what you (?:said|told me) (?:about|on) )(.+)|\b(?:repeat|say again) what you (?:said|told me) (?:about|on) (.+)"
    r"|\b(?:you (?:said|told me|mentioned) (?:something|a few things?)|earlier you (?:said|told me|mentioned|spoke)(?: something)?)(?: \w+){0,2}? (?:about|on|of) (.+)",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"\bwhat (?:did|have) (?:i|we) (?:asked?|talked? about|discuss(?:ed)?|spoken? about|covered?)\b(?: so far| until now| before| today)?\W*$"
    r"|\b(?:summari[sz]e|sum up|recap) (?:our|this|the) (?:conversation|chat|talk|discussion)|^\W*recap\W*$|\bsum(?:marise|marize| up) what (?:we|you) (?:said|talked|discussed)",
    re.IGNORECASE,
)
_AFTER = re.compile(r"\W*(?:\b(?:earlier|before|just now|again|at the (?:start|beginning)|a (?:while|moment) ago|then|please)\b\W*)+$", re.IGNORECASE)


def in_short(turn: Turn) -> tuple[str, str]:
    """An old turn as its question without passages, and the first sentence of its answer without citations."""
    said = sentences(turn.seen.said)
    return render("question", passages="", topic=turn.seen.intent, question=turn.question).strip(), _CITED.sub("", said[0]) if said else ""


def asks_back(question: str) -> str | None:
    """What of the conversation a message asks to hear again: a subject, empty for all of it; None where it does not."""
    if _ALL.search(question):
        return ""
    found = _ABOUT.search(question)
    return _AFTER.sub("", next(part for part in found.groups() if part)).strip(" ?.!,") if found else None


def spoken_of(told: Sequence[Turn], subject: str, intent: str) -> Turn | None:
    """The latest turn that spoke of a subject (``intent``: what code takes it to be about); None where none did."""
    words = stems(subject) or frozenset(subject.lower().split())
    best: tuple[float, int] = (0.0, -1)
    for n, turn in enumerate(told):
        if NO_ANSWER in turn.answer:
            continue
        asked, said = (len(words & (stems(text) | frozenset(text.lower().split()))) for text in (turn.question, turn.answer))
        score = 2.0 * asked + said + 3.0 * (turn.seen.intent == intent and intent != "unknown")
        if score >= max(1.0, best[0]):
            best = (score, n)
    return told[best[1]] if best[1] >= 0 else None


def topics(told: Sequence[Turn]) -> str:
    """What was asked so far and the first sentence that answered it, oldest first."""
    if not told:
        return "Nothing was asked about this patient yet. Ask, for example: explain my result."
    lines = [f'- You asked "{turn.question.strip()}", and I said: {_CITED.sub("", sentences(turn.answer)[0])}' for turn in told[-20:]]
    return "So far:\n" + "\n".join(lines)


def said_before(told: Sequence[Turn], question: str, intent_of: Callable[[str], tuple[str, float]]) -> Turn | None:
    """An answer given again, with its citations, where a message asks what was said about something; None otherwise."""
    subject = asks_back(question)
    if subject is None:
        return None
    if not subject:
        return Turn(question, topics(told), evidence="record" if told else "none", seen=Seen(intent="what_was_said"))
    earlier = spoken_of(told, subject, intent_of(f"what about {subject}")[0])
    if earlier is None and named_values(subject):  # "remind me of my weight" asks for the value
        return None
    if earlier is None:
        named = re.sub(r"^(?:my|the|your|his|her)\s+", "", subject)
        example = f" Ask about it, for example: what about my {named}?" if len(named) < 40 else ""
        return Turn(question, clean(f"We have not spoken of that yet.{example}"), seen=Seen(intent="what_was_said"))
    quoted = earlier.answer if earlier.answer.startswith("Earlier I said: ") else f"Earlier I said: {earlier.answer}"
    checks = replace(earlier.checks, written_by="code", sentences=(Written(quoted, "code"),))
    return replace(earlier, question=question, answer=quoted, plot=None, checks=checks)
