"""What a message asks: one thing or several, what a rule answers, and what else it is about, with the passages that may answer it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant import guardrails
from assistant.corrections import corrects_record, meant_instead
from assistant.reading_level import level
from assistant.retrieval import GuidelineLibrary
from assistant.session import Seen, Session, Turn
from encoders.passages import Passage
from encoders.teacher import INTENTS, Case
from encoders.teacher.guidance import fits
from encoders.teacher.sayable import Asked
from encoders.teacher.themes import THEMES, change_topics
from encoders.teacher.view import View

DECLINED = ("dose", "off_topic")  # said only where it is sure: rules decline the clear ones before
FOLLOW_UPS = ("is_it_bad", "why", "shorter", "plain_words")
SPOKEN_OF = "I can speak of FEV1, FVC, their ratio, PEF, FEF25-75, the quality of the test, and what the record holds; the report lists every measured value."
_WHY = re.compile(r"^(?:and |but |so )?why\b", re.IGNORECASE)
_ABSENT = re.compile(
    r"\b(?:my|the|your|patient'?s)\b.{0,20}?\b(fev6|fev3|fev0\.5|fev0\.75|fivc|pif|dlco|tlco|kco|tlc|frc|residual volume|feno|mvv|vo2 ?max|bnp|crp|egfr|psa|tsh|ldl)\b",
    re.IGNORECASE,
)
_OPENS = r"(?:should|can|could|may|must|will|would|do|does|did|is|are|am|was|were|have|has|how|what|whats|what's|which|why|when|where|who|tell|explain|show|give|describe)"
_PARTS = re.compile(
    rf"\?+\s+(?=\w)|[.!;]\s+(?={_OPENS}\b)|,?\s+(?:and|but|also|plus)\s+(?:also |then )?(?={_OPENS}\b)|\?+\s*(?:and|also)\s+|,\s+(?={_OPENS} (?:i|my|the|it|you|is|are|should)\b)",
    re.IGNORECASE,
)
_FEARS = re.compile(
    r"\b(?:going to|gonna|will it|could it|can (?:it|this)) (?:kill me|die)\b|\bwill i die\b|\bam i dying\b|\bhow long (?:do|have) i (?:have|got)(?: left)?(?: to live)?\W*$|\bhow long will i live\b|\blife expectancy\b",
    re.IGNORECASE,
)
_TEST = r"\b(?:results?|tests?|fev1|fvc|ratio|lung function|values?|numbers?|spirometry|readings?)\b"
_OVER_TIME = re.compile(
    rf"\bcompared? (?:it|this|them|my|the)?[^?.]{{0,30}}\b(?:last (?:year|time|test|visit|month)|previous|earlier|before)\b"
    rf"|{_TEST}[^?.]{{0,30}}\b(?:better|worse|lower|higher|changed|different|dropped|improved)\b[^?.]{{0,25}}\b(?:than|since|from) (?:the |my )?(?:last|previous|earlier)\b|{_TEST}[^?.]{{0,20}}\bover time\b",
    re.IGNORECASE,
)
PROGNOSIS = (
    "A breathing test cannot say how long anyone will live, and I do not guess. Such a worry is worth telling a clinician who knows you: ask what this result means "
    "for you and what helps most. I can explain the result, or what you can do yourself."
)
_PLAINLY = (  # what these words ask is certain, whatever wording is nearest
    (re.compile(r"\b(?:guess|make (?:it|one) up|assume (?:it|one|a value))\b", re.IGNORECASE), "missing_data"),
    (
        re.compile(
            r"\b(?:did|does|has) (?:the |my |that )?(?:inhaler|puffer|spray|bronchodilator|reliever|medicine) (?:help|work|change|do|make)", re.IGNORECASE
        ),
        "bronchodilator",
    ),
)
_CHANGES = {"smoking": "stopping smoking", "blood_pressure": "lower blood pressure", "physical_activity": "minutes of moderate activity"}
_OPENING = re.compile(rf"(?:(?:so|and|but|then|also|ok|okay|well|now|please),? )*{_OPENS}\b", re.IGNORECASE)
_TELLS = re.compile(r"(?:\w+,? )?(?:tell|explain|show|give|describe)\b", re.IGNORECASE)
_POLITE = re.compile(r"^\W*(?:please|hello|hi|hey|thanks|thank you|ok(?:ay)?|yes|no|sorry|doctor|also|and)\W*$", re.IGNORECASE)
_BACK = re.compile(r"^(?:is|was|are) (?:it|that|this|they|those) |^why\W*$|^how (?:often|much|long|many)\b", re.IGNORECASE)
OF_THE_TEST = ("explain_result", "pattern", "curve_shape", "quality", "next_steps", "my_numbers", "unknown", *FOLLOW_UPS)  # what a clinician's terms are for
MOST_PARTS = 3


@dataclass(frozen=True)
class Question:
    """A question as it is put to the model: its words, what it is about, the passages with their scores, and what came before."""

    text: str
    intent: str
    passages: tuple[Passage, ...]
    scores: tuple[float, ...]
    asked: tuple[Asked, ...]
    about: str = ""  # where the intent only says how an answer is wanted: of what


def parts(message: str, library: GuidelineLibrary) -> tuple[str, ...]:
    """The questions of a message in their order, at most MOST_PARTS: one, unless each of several is surely about a thing of its own."""
    refusal = guardrails.scope(message)
    if level(message)[0] or (refusal is not None and refusal.kind in ("injection", "other_person")):
        return (message,)
    found = [part.strip(" ,;") for part in _PARTS.split(message)]
    found = [part for part in found if part and not _POLITE.match(part)]
    if not 2 <= len(found) <= MOST_PARTS:
        return (message,)
    about = []
    for n, part in enumerate(found):
        intent, sure = library.intent(part)
        if guardrails.scope(part) is not None:
            intent = "declined"
        elif n and _BACK.search(part):
            intent = "is_it_bad" if intent not in FOLLOW_UPS else intent
        elif corrects_record(part):
            intent = "corrects"
        elif sure < 0.6 or intent == "unknown" or not _OPENING.match(part):  # what is told beside a question belongs to it
            return (message,)
        about.append(intent if intent != "my_numbers" else part.lower())
    if len(set(about)) < len(about) or (refusal is not None and "declined" not in about):
        return (message,)
    return tuple(part if part[-1] in ".!?" else f"{part}{'?' if _OPENING.match(part) and not _TELLS.match(part) else '.'}" for part in found)


def by_rule(session: Session, question: str) -> Turn | None:
    """What is answered by rule: nothing asked, a red flag, something declined, a value that is never held, a record that is wrong."""
    if not question:
        return Turn(question, "Please type a question, for example: explain my result.")
    triage = guardrails.triage(question, session.patient)
    if triage is not None:
        return Turn(question, triage.text, triage=triage)
    refusal = guardrails.scope(question)
    if refusal is not None:
        return Turn(question, refusal.text, seen=Seen(intent=refusal.kind))
    absent = _ABSENT.search(question)
    if absent is not None:
        name = absent[1].upper() if len(absent[1]) < 7 else absent[1].lower()
        return Turn(question, f"I hold no {name} for this patient. {SPOKEN_OF}")
    if _FEARS.search(question):
        return Turn(question, PROGNOSIS, seen=Seen(intent="prognosis"))
    if _OVER_TIME.search(question):
        return Turn(question, over_time(session), evidence="record", seen=Seen(intent="over_time"))
    corrected = corrects_record(question)
    if corrected is not None:
        return Turn(question, corrected.answer(session.facts), evidence="record", seen=Seen(intent="corrects_record"))
    return None


def over_time(session: Session) -> str:
    """What changed between tests of several dates, as it was computed; or that there is one test only."""
    visits = session.spirometry.visits if session.spirometry is not None else None
    if visits is None or not visits.statements:
        return "The record that is open holds tests of one date only, or none, so nothing can be compared over time. Open the files of both dates together."
    return " ".join(one.text for one in visits.statements)


def understand(session: Session, library: GuidelineLibrary, question: str, k: int) -> Question:
    """A question with what it is about, read together with the turns before; ``k`` passages at most."""
    told = session.told
    question = meant_instead(question, told[-1] if told else None) or question
    kind, rest = level(question)
    if not kind:
        return _look_up(session, library, question, k)
    base = _look_up(session, library, rest, k) if rest else None
    if kind == "for_doctor" and base is not None and base.intent not in OF_THE_TEST:
        return base
    if base is not None and base.intent in INTENTS and base.intent not in FOLLOW_UPS:  # both what and how it is wanted
        passages, scores, before, about = base.passages, base.scores, base.asked[-1:], base.intent
    else:
        passages, scores = _again(library, told[-1]) if told else ((), ())
        before, about = _before(library, told), "explain_result" if kind == "for_doctor" else ""
    return Question(question, kind, passages, scores, (*before, Asked(kind, question, passages)), about)


def _look_up(session: Session, library: GuidelineLibrary, question: str, k: int) -> Question:
    intent, sure = library.intent(question)
    if sure < (0.65 if intent in DECLINED else 0.45):
        intent = "unknown"
    if guardrails.asks_diagnosis(question):
        intent, sure = "do_i_have_asthma", 1.0
    if _WHY.match(question) and sure < 0.95 and intent not in ("why_risk", "unknown"):
        intent = "why"
    if sure < 0.9:
        intent = next((meant for pattern, meant in _PLAINLY if pattern.search(question)), intent)
    told = session.told
    before = told[-1] if told else None
    put = question
    if before is not None and sure < 0.9 and intent not in FOLLOW_UPS and len(question.split()) <= 3 and before.seen.intent in THEMES:
        intent, put = before.seen.intent, f"{before.question} {question}"  # "how often?"
    if intent in FOLLOW_UPS and before is not None:
        passages, scores = _again(library, before)
    else:
        leans = before.question if before is not None and sure < 0.9 else None  # one that is worded as a question by itself needs none before it
        view = View(Case(session.patient, session.spirometry, session.facts))
        wanted = change_topics(view) if intent == "what_would_change" else ()
        intent, passages, scores = _search(library, put, intent, k, leans, wanted)
    history = () if intent == "why" and len(question.split()) > 3 else _before(library, told)  # it names what it is about: the result
    return Question(question, intent, passages, scores, (*history, Asked(intent, question, passages)))


def _search(
    library: GuidelineLibrary, question: str, intent: str, k: int, leans: str | None, wanted: Sequence[str]
) -> tuple[str, tuple[Passage, ...], tuple[float, ...]]:
    found = library.search(question, k=k, before=leans)
    hits = found.results if found.enough else ()
    theme = THEMES.get(intent)
    if theme is not None and not any(_serves(hit.passage, intent, wanted) for hit in hits):
        named = library.search(_CHANGES[wanted[0]] if wanted else f"{theme.name}: {question}", k=k)
        fitting = [hit for hit in named.results if _serves(hit.passage, intent, wanted)] if named.enough else []
        if fitting:
            hits = tuple([*fitting, *hits][:k])
        elif hits:
            intent = "unknown"  # the passages speak of something else than what it was taken to be about
    return intent, tuple(hit.passage for hit in hits), tuple(hit.score for hit in hits)


def _serves(passage: Passage, intent: str, wanted: Sequence[str]) -> bool:
    """Whether a passage fits an intent, and is of the topics ``wanted`` of it where there are any."""
    return fits(passage, intent) and (not wanted or passage.topic in wanted)


def _again(library: GuidelineLibrary, turn: Turn) -> tuple[tuple[Passage, ...], tuple[float, ...]]:
    """The passages of a turn before, as far as the library still holds them."""
    kept = [(library.passages[name], score) for name, score in turn.seen.passages if name in library.passages]
    return tuple(passage for passage, _ in kept), tuple(score for _, score in kept)


def _before(library: GuidelineLibrary, told: Sequence[Turn]) -> tuple[Asked, ...]:
    """The turns that a follow-up rests on: the last that was none, and the follow-ups after it."""
    start = next((n for n in range(len(told) - 1, -1, -1) if told[n].seen.about or told[n].seen.intent not in FOLLOW_UPS), 0)
    asked: list[Asked] = []
    for turn in told[start:]:
        passages = _again(library, turn)[0]
        if turn.seen.about:
            asked.append(Asked(turn.seen.about, level(turn.question)[1], passages))
        if turn.seen.intent != "for_doctor":
            asked.append(Asked(turn.seen.intent, turn.question, passages))
    return tuple(asked)
