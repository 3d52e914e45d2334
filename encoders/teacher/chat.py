"""Another teacher: a chat model of the user's choice writes rationales; each is checked against the patient, not against the teacher.

What cannot be shown to be right is not learned: the code teacher's own rationale is, and the rejection is counted.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from encoders.faults import InputError
from encoders.record import Fact, serialise, write_out
from encoders.teacher.rationale import Reason, asked_kind, pattern_reasons, rationale, risk_reasons
from encoders.teacher.sayable import sentences
from encoders.teacher.view import Case, View

INTENTS = ("why_risk", "why_pattern")  # the turns that are rationales
_TOKEN = re.compile(r"<\|(\w+)\|>")
_RISK = re.compile(r"<\|risk_(\w+)\|>")
_PLACE = {"text": "the record alone", "curve": "the curve alone", "both": "the record and the curve"}
# words that join reasons and claim nothing themselves; a sentence with any other word that is not of a reason is refused
_GLUE = frozenset(
    "a an and are as both but by can clear clearly count counts favour favours finding findings for from given here in is it itself measured nothing of on "
    "or other reason reasons s side so speak speaks support supports that the there these they this though to together too also two what which while with your "
    "you curve loop record however whereas against argue argues point points towards one hand".split()
)
_FOR = re.compile(r"\b(?:(?:speaks?|argues?|counts?|reasons?) for|supports?|favours?|points? (?:to|towards))\b")
_AGAINST = re.compile(r"\b(?:speaks?|argues?|counts?|points?|reasons?) against\b")
_NOTHING = re.compile(r"\bnothing\b")
_CLAUSE = re.compile(r"[;.]|,?\s+\b(?:but|while|whereas|though|however)\b|(?<=for it), and\b|(?<=against it), and\b|(?<=for it) and\b|(?<=against it) and\b")
_WORD = re.compile(r"[a-z]+(?:/[a-z]+)?[0-9]*[a-z]*")


class TeacherError(InputError):
    """A teacher that cannot be used; the message says what to give instead."""


@dataclass
class ChatTeacher:
    """Writes rationales with a LangChain chat model; ``counts``: asked, learned, and why others were rejected."""

    model: Any
    name: str
    most_calls: int = 2000
    counts: Counter[str] = field(default_factory=Counter)
    _known: dict[tuple[object, ...], str] = field(default_factory=dict, repr=False)

    def rationale(self, case: Case, question: str, gold: str) -> str:
        """The model's rationale with facts as tokens where it is right, else ``gold``, the code teacher's.

        ``gold`` starts with the score; that sentence is code's in either case. Raises TeacherError where the first call fails.
        """
        head = sentences(gold)[0]
        found, kind = reasons_of(case, head), asked_kind(question)
        if not found:
            return gold
        key = (case.facts, View(case).shape, head, kind)
        if key not in self._known:
            if self.counts["asked"] >= self.most_calls:
                return gold
            self._known[key] = self._ask(case, question, head, gold, found, kind)
        return self._known[key]

    def _ask(self, case: Case, question: str, head: str, gold: str, found: Sequence[Reason], kind: str) -> str:
        self.counts["asked"] += 1
        try:
            reply = self.model.invoke(prompt(case, question, head, kind))
        except Exception as error:  # whatever a provider raises
            if self.counts["asked"] == 1:
                raise TeacherError(f"the teacher {self.name!r} did not answer ({type(error).__name__}); check its name, its key and the network") from error
            self.counts["no answer"] += 1
            return gold
        text = " ".join(str(reply.text).split()).removeprefix(write_out(head, case.facts)).strip()
        reasons = {name for one in found for name in _TOKEN.findall(one.words)}
        body = named(text, [fact for fact in case.facts if fact.name in reasons])
        why = fault(body, case, head, kind)
        self.counts[why or "learned"] += 1
        return gold if why else f"{head} {body}"

    def card(self) -> dict[str, Any]:
        """For training.json: name, asked, learned, rejected and the reasons of rejection."""
        why = {name: count for name, count in self.counts.items() if name not in {"asked", "learned"}}
        return {"name": self.name, "asked": self.counts["asked"], "learned": self.counts["learned"], "rejected": sum(why.values()), "rejected_because": why}


def load_teacher(name: str) -> ChatTeacher:
    """A chat model by ``provider:model`` (LangChain's init_chat_model) or ``package.module:function``. Raises TeacherError."""
    from langchain_core.language_models import BaseChatModel

    module, _, rest = name.partition(":")
    if not module or not rest:
        raise TeacherError(f"{name!r} names no teacher; give provider:model, or package.module:function that returns a LangChain chat model")
    try:
        make = getattr(importlib.import_module(module), rest)
    except (ImportError, AttributeError):
        make = None
    try:
        if callable(make):
            model = make()
        else:
            from langchain.chat_models import init_chat_model

            model = init_chat_model(name)
    except Exception as error:  # providers raise what they like
        raise TeacherError(
            f"the teacher {name!r} cannot be loaded ({type(error).__name__}); install its LangChain package, or give package.module:function"
        ) from error
    if not isinstance(model, BaseChatModel):
        raise TeacherError(f"{name!r} returned a {type(model).__name__}; it must return a LangChain chat model")
    return ChatTeacher(model, name)


def reasons_of(case: Case, head: str) -> tuple[Reason, ...]:
    """The reasons for and against what ``head`` states (a risk or the pattern, by token)."""
    view, risk = View(case), _RISK.search(head)
    if risk:
        return risk_reasons(view, risk.group(1))
    return pattern_reasons(view) if "<|pattern|>" in head else ()


def prompt(case: Case, question: str, head: str, kind: str) -> list[tuple[str, str]]:
    """What the chat model is given: the facts, the look of the loop, the score, the question."""
    from prompts import render

    view = View(case)
    text = render(
        "rationale", facts=serialise(case.facts), curve=", ".join(view.shape) or "no curve", score=write_out(head, case.facts),
        question=question, source=_PLACE[kind],
        reasons="; ".join(write_out(one.words, case.facts) for one in reasons_of(case, head) if kind in ("both", one.source)),
    )  # fmt: skip
    return [("human", text)]


def named(text: str, known: Sequence[Fact]) -> str:
    """The text with each number that is a fact's, unit and all, as that fact's token; the longest first."""
    text = " ".join(text.split())
    by_text: dict[str, list[Fact]] = {}
    for fact in known:
        if fact.text and (any(char.isdigit() for char in fact.text) or fact.name in {"symptoms", "pattern", "severity"}):
            by_text.setdefault(fact.text, []).append(fact)
    for shown in sorted(by_text, key=len, reverse=True):
        if len(by_text[shown]) == 1:  # two facts of one value: which is meant is not known
            text = re.sub(rf"(?<![\w.|]){re.escape(shown)}(?![\w|]|[.,]\d)", by_text[shown][0].token, text)
    grade = next((fact for fact in known if fact.name == "fev1_grade"), None)
    return re.sub(rf"\({re.escape(grade.text)}\)", f"({grade.token})", text) if grade else text


def fault(body: str, case: Case, head: str, kind: str) -> str:
    """Why a rationale may not be learned, in a few words; empty where each sentence is shown to be right."""
    view, found = View(case), reasons_of(case, head)
    said = sentences(body)
    if not 1 <= len(said) <= 3:
        return "not two to four sentences"
    own = {sentence for one in ("text", "curve", "both") for sentence in sentences(rationale(view, found, one))}
    usable = [one for one in found if kind in ("both", one.source)]
    for sentence in said:
        if sentence not in own and (why := _fault(sentence, view, usable)):
            return why
    return ""


def _fault(sentence: str, view: View, found: Sequence[Reason]) -> str:
    names = set(_TOKEN.findall(sentence))
    allowed = {name for one in found for name in _TOKEN.findall(one.words)}
    bare = _TOKEN.sub(" ", sentence).lower()
    if re.search(r"\d", re.sub(r"fev1(?:/fvc)?|hba1c", " ", bare)):
        return "a number that is not the patient's"
    if not names <= allowed:
        return "a fact that is no reason here"
    if re.search(r"\b(?:curve|loop|limb|peak|tail)\b", bare) and not view.shape:
        return "a curve that is not there"
    vocabulary = _GLUE | {word for one in found for word in _WORD.findall(_TOKEN.sub(" ", one.words).lower())}
    if strange := [word for word in _WORD.findall(bare) if word not in vocabulary]:
        return "an invented comparison" if _COMPARED & set(strange) else "a claim that is not the patient's"
    told = False
    for clause in _CLAUSE.split(sentence.lower()):
        side = (bool(_FOR.search(clause)), bool(_AGAINST.search(clause)))
        if not clause.strip():
            continue
        rest, spoken = clause, []
        for one in sorted(found, key=lambda one: -len(one.words)):
            words = one.words.lower().removeprefix("a ").removeprefix("the ")
            if words in rest:
                rest = rest.replace(words, " ")
                spoken.append(one)
        left = set(_WORD.findall(_TOKEN.sub(" ", rest))) - _GLUE
        if left or _TOKEN.search(rest):
            return "words that do not fit the value"
        if side[0] == side[1]:
            return "reasons without a side"
        if any(one.supports is not side[0] for one in spoken):
            return "a wrong direction"
        if _NOTHING.search(clause):
            if spoken or any(one.supports is side[0] for one in found):
                return "reasons left out"
        elif not spoken:
            return "no reason in a clause"
        told = True
    return "" if told else "no reason given"


_COMPARED = frozenset(
    "improved better worse than before previous previously last earlier since increased decreased fell rose declined changed unchanged stable again".split()
)
