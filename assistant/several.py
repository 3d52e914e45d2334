"""Several questions in one message: told apart, and their answers as one turn, a paragraph each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from assistant import guardrails
from assistant.asked_of_finding import asked_of_finding
from assistant.asked_values import asked_values
from assistant.disputes import corrects_record
from assistant.meaning import FOLLOW_UPS, meant
from assistant.reading_level import level
from assistant.retrieval import GuidelineLibrary
from assistant.session import Checks, Citation, Turn
from encoders.teacher.risk import asked_trait
from encoders.teacher.sayable import sentences

_OPENS = r"(?:should|can|could|may|must|will|would|do|does|did|is|are|am|was|were|have|has|how|what|whats|what's|which|why|when|where|who|tell|explain|show|give|describe|anything (?:i|he|she|we|they))"
_PARTS = re.compile(
    rf"\?+\s+(?=\w)|[.!;]\s+(?={_OPENS}\b)|,?\s+(?:and|but|also|plus)\s+(?:also |then )?(?={_OPENS}\b)|\?+\s*(?:and|also)\s+|,\s+(?={_OPENS} (?:i|my|the|it|you|is|are|should)\b)",
    re.IGNORECASE,
)
_OPENING = re.compile(rf"(?:(?:so|and|but|then|also|ok|okay|well|now|please),? )*{_OPENS}\b", re.IGNORECASE)
_NOT_SO = re.compile(r"(?:is|are|was|does|do|could|should|would|can|wo)n?'t\b", re.IGNORECASE)
_TELLS = re.compile(r"(?:\w+,? )?(?:tell|explain|show|give|describe)\b", re.IGNORECASE)
_POLITE = re.compile(
    r"^\W*(?:please|hello|hi|hey|thanks|thank you|ok(?:ay)?|yes|no|sorry|doctor|also|and|do you know|can you (?:tell|see)|any idea)\W*$", re.IGNORECASE
)
_ASIDE = re.compile(  # why or how somebody asks, which asks nothing
    r"(?:^|(?<=[.!?;:,\u2013-])\s+)(?:and |but |so |also )?(?:"
    r"(?:i(?:'m| am)? |we )?(?:just |only )?(?:need|want|ask\w*) (?:it|this|that|them|to know|to know it)? ?(?:for|to (?:fill|write|put|tell)) [^?.,;]{2,40}"
    r"|(?:it'?s |this is |that'?s )?(?:just |only )?for (?:the|a|my|his|her|our) (?:form|notes?|letter|file|records?|handover|referral|insurance|paperwork|report)"
    r"|(?:i(?:'m| am) )?(?:just |only )?(?:trying (?:this|it|the app|things)(?: out)?|testing (?:this|it|the app)(?: out)?|having a (?:look|play)|looking round|curious|wondering|being nosy)"
    r"|i(?:'m| am) (?:quite |rather |fairly |still )?new (?:at|to|here|in)\b[^?.,;]{0,24}|as an? (?:trainee|student|newcomer|beginner|layman|lay person|learner)"
    r"|(?:a )?(?:quick|silly|stupid|daft|one (?:more|last)|another) (?:one|question|thing)|out of (?:interest|curiosity)|for my (?:own )?peace of mind|(?:i'm )?sorry (?:to ask|for asking|to bother you)"
    r"|(?:but )?i (?:can'?t|cannot|couldn'?t) (?:find|see|spot) (?:it|one|them|that|any)(?: anywhere| here)?|if you don'?t mind(?: me asking)?|bear with me|hope (?:that|this) makes sense|thanks in advance|hello there|good (?:morning|afternoon|evening)"
    r")\W*(?=$|[.!?;:,\u2013-]|\s-)[\s.!?;:,\u2013-]*",
    re.IGNORECASE,
)
_BACK = re.compile(r"^(?:is|was|are) (?:it|that|this|they|those) |^what does (?:it|that|this) mean\W*$|^why\W*$|^how (?:often|much|long|many)\b", re.IGNORECASE)
_POINTS_BACK = re.compile(r"\b(?:it|its|that|this|these|those|them|they|hers|his\W*$|mine|there)\b", re.IGNORECASE)
_PUTS_RIGHT = re.compile(r"\bnot \d|\bwrong\b|\bshould (?:be|say)\b|\bactually\b|\bincorrect\b", re.IGNORECASE)
_VERDICT = re.compile(  # said of a value with it; and of a pattern
    r"^(?:is|was|are|were) (?:it|that|this|they|these|those|either) (?:an? )?(?:too |very |any )?(?:normal|ok(?:ay)?|high|low|fine|healthy|raised)(?: for [\w ]{1,30})?\W*$"
    r"|^how (?:bad|marked|severe|serious|strong|pronounced|mild|advanced|high|low)(?: (?:is|are) (?:it|that|this|they))?\W*$",
    re.IGNORECASE,
)
_CONFIRMS = re.compile(
    r"^(?:is|was) (?:it|that|this) (?:really )?(?:what(?:'s| is) )?(?:recorded|written|down|in the record|on file|correct|right)\b", re.IGNORECASE
)
WHOLE = (
    "fits_symptom",
    "at_work",
    "above_predicted",
    "usable_at_all",
    "own_inhaler_before",
    "what_is_missing",
    "worked_out",
    "repeat_test",
)  # both halves of one thing
MOST_PARTS = 3
LIBRARY_ASKED = 0.85  # sureness that a part is for the library, from which it is a question of its own beside others that are not
_CITED = re.compile(r"\[(\d+)\]")


def parts(message: str, library: GuidelineLibrary) -> tuple[str, ...]:
    """The questions of a message in their order, at most MOST_PARTS: one, unless each of several is surely about a thing of its own."""
    message = without_asides(message)
    refusal = guardrails.scope(message)
    if level(message)[0] or len(asked_values(message)) > 1 or (refusal is not None and refusal.kind in ("injection", "other_person")):
        return (message,)
    if refusal is None and asked_of_finding(library.spelt(message)) in WHOLE:
        return (message,)
    found = [part.strip(" ,;") for part in _PARTS.split(message)]
    asides = [part for part in found if part and re.match(r"\W*(?:do you know|can you (?:tell|see)|any idea)\W*$", part, re.IGNORECASE)]
    found = [part for part in found if part and not _POLITE.match(part)]
    if len(found) == 1 and asides:
        return (f"{found[0]}?",)
    if not 2 <= len(found) <= MOST_PARTS or any(re.fullmatch(r"why\W*", part, re.IGNORECASE) for part in found[1:]):
        return (message,)
    if refusal is None and any(guardrails.scope(part) is not None for part in found):
        return (message,)  # "by how many mL, and what percent, did the FEV1 rise?" asks no dose, though its half by itself would
    if len(found) == 2 and _VERDICT.match(found[1]) and meant(library, found[0], library.spelt(found[0]))[0] == "explain_result":
        return (found[0],)  # the result is told with its verdict, and how severe it is
    if (
        len(found) == 2
        and _VERDICT.match(found[1])
        and (asked_values(found[0]) or asked_trait(found[0]) or "pattern" in found[0].lower() or len(found[0].split()) <= 3)
    ):
        return (message,)  # the value is told with its verdict
    if len(found) == 2 and _CONFIRMS.match(found[1]):
        return (found[0],)
    about = []
    for n, part in enumerate(found):
        spelt = library.spelt(part)
        intent, sure = meant(library, part, spelt)
        if guardrails.scope(part) is not None:
            intent = "declined"
        elif n and _BACK.search(part):
            intent = "is_it_bad" if intent not in FOLLOW_UPS else intent
        elif corrects_record(part):
            others = [other for other in found if other is not part]
            if any((_OPENING.match(other) or _NOT_SO.match(other)) and not asked_values(other) for other in others) and not _PUTS_RIGHT.search(part):
                return (message,)  # "my blood pressure was 134 over 84, should I do anything about that?" puts nothing right
            intent = "corrects"
        elif asked_of_finding(spelt):
            intent = asked_of_finding(spelt)
        elif guardrails.asks_diagnosis(part):
            intent = "do_i_have_asthma"
        elif intent == "unknown" and sure >= LIBRARY_ASKED and len(part.split()) > 3 and _OPENING.match(part) and "unknown" not in about:
            pass  # one part may be for the library
        elif sure < 0.6 or intent == "unknown" or not _OPENING.match(part):  # what is told beside a question belongs to it
            return (message,)
        about.append(intent if intent != "my_numbers" else part.lower())
    if "unknown" in about and any(_POINTS_BACK.search(part) for part, of in zip(found, about, strict=True) if of != "unknown"):
        return (message,)  # "what is rehabilitation, and is it worth it at my age?"
    if len(set(about)) < len(about) or (refusal is not None and "declined" not in about):
        return (message,)
    return tuple(part if part[-1] in ".!?" else f"{part}{'?' if _OPENING.match(part) and not _TELLS.match(part) else '.'}" for part in found)


def without_asides(message: str) -> str:
    """A message without what says only why or how it is asked ("just trying this out - what is his pulse? I need it for the form"); as it is where nothing else stands in it."""
    left = _ASIDE.sub(" ", message).strip(" ,;:-\u2013")
    return " ".join(left.split()) if re.search(r"\w+\W+\w+", left) else message


def together(question: str, done: Sequence[Turn]) -> Turn:
    """One turn of several answers: a paragraph each, passages numbered on."""
    answers: list[str] = []
    citations: list[Citation] = []
    before = 0  # passages of the answers before: numbers that were shown stay
    for turn in done:
        answers.append(_unsaid(_CITED.sub(lambda found, more=before: f"[{int(found[1]) + more}]", turn.answer), answers))  # type: ignore[misc]
        citations += [replace(one, n=one.n + before) for one in turn.citations]
        before += len(turn.seen.passages)
    shown = set(_CITED.findall(" ".join(answers)))
    citations = [one for one in citations if str(one.n) in shown]
    last, hands = done[-1], [turn.checks.written_by for turn in done]
    grades = [turn.checks.reading_grade for turn in done if turn.checks.reading_grade is not None]
    checks = Checks(
        all(turn.checks.numbers_supported for turn in done), tuple(n for turn in done for n in turn.checks.unsupported_numbers),
        all(turn.checks.citations_valid for turn in done), tuple(note for turn in done for note in turn.checks.notes),
        next((hand for hand in ("code", "model, second try") if hand in hands), "model"), tuple(one for turn in done for one in turn.checks.sentences),
        max(grades, default=None),
    )  # fmt: skip
    evidence = [turn.evidence for turn in done]
    first = next((turn for turn in done if turn.timings.first_text_s), last)
    return Turn(
        question, "\n\n".join(answer for answer in answers if answer), tuple(citations), checks,
        evidence=next((one for one in ("library", "record") if one in evidence), "none"), soft_tokens=max(turn.soft_tokens for turn in done),
        timings=replace(last.timings, first_token_s=first.timings.first_token_s, first_text_s=first.timings.first_text_s, new_tokens=sum(t.timings.new_tokens for t in done)),
        plot=next((turn.plot for turn in done if turn.plot), None), mark_l=next((turn.mark_l for turn in done if turn.plot), None),
        reasons=next((turn.reasons for turn in done if turn.reasons), ()),
        seen=replace(
            last.seen, prompt="\n\n".join(turn.seen.prompt for turn in done if turn.seen.prompt), raw="\n\n".join(t.seen.raw for t in done if t.seen.raw),
            said="\n\n".join(turn.seen.said for turn in done if turn.seen.said), passages=tuple(one for turn in done for one in turn.seen.passages),
            facts=next((turn.seen.facts for turn in done if turn.seen.facts), ()), model=next((turn.seen.model for turn in done if turn.seen.model), ""),
        ),
        parts=tuple(done),
    )  # fmt: skip


def _unsaid(answer: str, before: Sequence[str]) -> str:
    """An answer without the sentences that the answers before it hold; nothing where it says no more than they."""
    said = {_CITED.sub("", sentence) for one in before for sentence in sentences(one)}
    new = " ".join(one for one in sentences(answer) if _CITED.sub("", one) not in said)
    return answer if new and "\n" in answer else new
