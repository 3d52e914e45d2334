"""What a question may have asked besides: where the reader is not sure, the likeliest other reading is answered too, in a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.answer import NO_ANSWER, Judge
from assistant.answering import for_the_young, speaks_to
from assistant.asked_values import asked_values, named_values, values_in_words
from assistant.asking import Asking
from assistant.meaning import ASSERTING, DECLINED, FOLLOW_UPS
from assistant.retrieval import GuidelineLibrary
from assistant.told_by_code import BY_CODE, Told, told
from encoders.passages import Passage
from encoders.record import Fact
from encoders.teacher import INTENTS
from encoders.teacher.guidance import cited, stems
from encoders.teacher.sayable import Asked, sentences
from encoders.teacher.themes import THEMES

UNSURE = 0.7  # chance of what a question was read as, from which nothing else is answered besides
SECOND = 0.2  # chance of another reading, from which it is
ANSWERS = 0.25  # chance of the library's likeliest sentence, where the other reading is that the library is asked
LEAST_WORDS, WORDS = 8, 55  # of what is said besides
NEW = 0.5  # of its words, at least, that the answer has not said
_OF_LUNGS = ("can_it_improve", "will_it_worsen", "lost_function")
_OF_THE_TEST = ("fev1_l", "fvc_l", "fev1_fvc", "fev1_z", "fvc_z", "fev1_percent_predicted", "fvc_percent_predicted", "fev1_fvc_z", "pef_l_s", "fef25_75_l_s")
_ALONE = frozenset(("premise", "what_was_said", "letter", "for_child", "for_doctor", "off_topic", "privacy", "greeting", "thanks", "other_language", "open_record", "a_program", "not_held", "capabilities"))  # fmt: skip


@dataclass(frozen=True)
class Besides:
    """``intent``: the other reading; ``text``: facts as tokens, cited from ``passages`` in their order; ``figures``: numbers in it that code worked out."""

    intent: str
    text: str
    passages: tuple[Passage, ...] = ()
    figures: tuple[Fact, ...] = ()


def besides(asking: Asking, library: GuidelineLibrary, question: str, intent: str, said: str) -> Besides | None:
    """The answer to the likeliest reading of a question other than ``intent``, which was answered with ``said`` (empty where that is yet to be written); None where it is
    read surely, or the other reading says nothing new."""
    if intent in _ALONE or intent in FOLLOW_UPS or intent in DECLINED:
        return None
    read = [(one, sure * sure) for one, sure in library.intents(question)]
    if dict(read).get(intent, 0.0) >= UNSURE or read[0][1] == 1.0:  # a wording that was taught is read surely
        return None
    of_library = intent != read[0][0] and said and intent != "unclear"  # what a rule has answered otherwise than it was read, only the library adds to
    for other, chance in read:
        if other in _OF_LUNGS and any(name not in _OF_THE_TEST for name in named_values(asking.question)):  # "can I get my HbA1c back to normal?"
            continue
        if other in ASSERTING or (of_library and not (other in THEMES or other == "unknown")):
            continue
        if other != intent and chance >= SECOND and not _same(other, intent):
            found = _answer(asking, library, question, other)
            short = _short(found, said) if found is not None else ""
            if found is not None and short:
                return Besides(other, short, found.passages, found.figures)
    return None


def _answer(asking: Asking, library: GuidelineLibrary, question: str, intent: str) -> Told | None:
    if intent in _ALONE or intent in FOLLOW_UPS or intent in DECLINED:
        return None
    if intent in BY_CODE:
        return told(intent, asking)
    if intent == "my_numbers":
        names = asked_values(asking.question, known_as_value=True)
        return Told(values_in_words(asking.view, names)) if names else None
    if intent in THEMES or intent == "unknown":
        patient, passages = asking.session.patient, library.around(question)

        def meant(text: str) -> bool:
            return speaks_to(text, question, patient.age_years, patient.sex)

        fitting = for_the_young(library.answering(question, passages), question, patient.age_years)
        best = next((one for one in fitting if meant(one.sentence) and meant(sentences(passages[one.number - 1].text)[0])), None)
        return Told(cited(best.sentence, 1), (passages[best.number - 1],)) if best is not None and best.score >= ANSWERS else None
    if intent in INTENTS and intent not in ("risks", "why_risk"):
        text = " ".join(Judge(asking.view.case, (Asked(intent, question),)).rest(()))
        return Told(text) if text and text != NO_ANSWER else None
    return None


def _short(found: Told, said: str) -> str:
    """The first sentences of an answer, as far as they are new; empty where they are not."""
    known = stems(said)
    kept: list[str] = []
    for sentence in sentences(found.text):
        words = sum(len(one.split()) for one in kept)
        if sentence in said or (words >= LEAST_WORDS and words + len(sentence.split()) > WORDS):
            break
        kept.append(sentence)
    text = " ".join(kept)
    own = stems(text)
    return text if len(text.split()) >= LEAST_WORDS and len(own - known) >= NEW * len(own) else ""


_ALIKE: Sequence[frozenset[str]] = (
    frozenset(
        ("my_numbers", "judged_value", "own_value_good", "two_values", "normal_for_me", "why_value", "every_blow", "which_blow", "lists_held", "not_held")
    ),
    frozenset(("explain_result", "headline", "pattern", "healthy", "is_it_bad", "unclear")),
    frozenset(("risks", "risk_meaning", "why_risk")),
    frozenset(("missing_data", "what_is_missing", "not_held")),
    frozenset(("quality", "faults", "usable_at_all", "fault_meant")),
    frozenset(("why_not_read", "percent_without", "missing_data")),
    frozenset(("exercise", "sport")),
    frozenset(("next_steps", "ask_doctor", "repeat_test", "need_test")),
)  # readings whose answers say much the same


def _same(one: str, other: str) -> bool:
    return any(one in some and other in some for some in _ALIKE)
