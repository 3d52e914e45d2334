"""What a message asks: one thing or several, what it is about, and the passages, with their sentences, that may answer it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from assistant.answering import for_the_young, speaks_to
from assistant.answers_by_words import BY_WORDS
from assistant.asked_blows import asked_blows
from assistant.asked_measures import asked_measures
from assistant.asked_risks import asked_risks, asks_to_trust
from assistant.asked_values import asked_values, named_values, values_in_words
from assistant.asking import READ_SURE
from assistant.disputes import OF_AN_ESTIMATE, meant_instead
from assistant.judged_pressure import JUDGE
from assistant.looked_up import ANSWERS_AT_ALL, LEAST, THEME_CERTAIN, able, passages_for, sentences_for
from assistant.meaning import FOLLOW_UPS, LEAD_SURE, TO_PACK, meant, of_no_value, of_what_was_said
from assistant.medicines import told_of_medicines
from assistant.premises import contradicted, meant_by_number, named_by_number, of_another_time
from assistant.ranked_risks import asks_to_rank, ranked_risks, several_risks
from assistant.reading_level import for_doctor, level
from assistant.record_mentions import mentioned
from assistant.retrieval import KNOWN_WORDING, GuidelineLibrary, leans_back
from assistant.session import Session, Turn
from assistant.slips import plain
from assistant.told_by_code import BY_CODE, OF_VALUES, SURE, cited
from assistant.told_of_record import ADVICE, OF_THE_TEST, RISK_ASKED, by_code, likely_meant, of_values, plainly_asked, within_limits
from assistant.understood import OF_THE_LUNGS, Question, asking_of, of_record, said_by_code
from encoders.passages import Passage
from encoders.teacher import INTENTS, Case
from encoders.teacher.risk import asked_trait
from encoders.teacher.sayable import Asked
from encoders.teacher.themes import THEMES, change_topics
from encoders.teacher.view import View

# sureness that the library is asked and nothing else, and the chance of all sentences together that is then enough; of a question that needs the one before it, less is
LIBRARY_READ, LEAST_ASKED, LEAST_LEANING = 0.9, 0.3, 0.15
LEAST_FOLLOWING, FOLLOWING_SURE = 0.1, 0.95  # the same where a conversation goes on and the library is as good as certainly asked
GUIDED = (
    "my_numbers",
    "own_value_good",
    "fits_symptom",
    "cause_of_result",
    "all_clear",
    "will_it_worsen",
    "can_it_improve",
    "not_just_age",
    "judged_value",
    "lists_held",
    "odd_record",
    "sport",
)
GUIDES, ADVISES = 0.9, 0.4  # chance of a sentence of the library that is said after an answer from the record; where advice is asked for too
OF_MEASURES = (
    "my_numbers",
    "own_value_good",
    "normal_for_me",
    "bronchodilator",
    "borderline",
    "two_values",
    "lowest_value",
    "what_is_lln",
    "what_is_zscore",
)  # intents beside which the words may name a value
OF_EACH_BLOW = ("my_numbers", "which_blow", "every_blow", "blow_length")
OF_LISTS = ("my_numbers", "lists_held", "not_held", "smoked_ever", "missing_data")
OF_MEDICINES = ("unknown", "my_numbers", "lists_held", "bronchodilator", "dose", "capabilities")
OF_RISKS = ("risks", "risk_meaning", "risk_made_how", "risk_and_quality", "certainty", "what_would_change", "missing_data", "what_is_missing")
OF_TEST_INSTEAD = {"why_risk": "why_pattern", "risk_and_quality": "certainty"}  # what is asked of the test where no estimate is spoken of
SURER = 0.7  # sureness of an intent that code answers, from which it goes before the values that the question names: those are told after it
LIBRARY_CERTAIN = 0.85  # chance of a sentence of the library that goes before an intent of which less than THEME_CERTAIN is sure
_BARE = re.compile(r"^\W*(?:and|but|so|then|how|when|where|who|which|what|for|with|even|is|are|or|until|since)\b", re.IGNORECASE)
_HOW_ONLY = re.compile(r"^\W*(?:(?:and|but|so|for|until|since) )?(?:how (?:often|long|much|many|far|fast|soon)|when)\W*$", re.IGNORECASE)
OF_THE_BLOWS = ("quality", "faults", "my_numbers", "why_not_read", "explain_result", "usable_at_all", "next_blow")
THEME_LIKELY = 0.33  # of a theme of the library, where no sentence of it answers by itself
LIKELY_ANSWERS = 0.4  # chance of all sentences together, from which they go before a repeated finding
_HOPES = re.compile(r"\b(?:ok(?:ay)?|fine|good|all ?right|alright|normal|healthy)\b")
_ALL_OF_IT = re.compile(r"\b(?:exactly|list|everything|all|which|full|whole)\b")
_OK = re.compile(r"^\W*ok(?:ay)?\b")
_OF_FOOD = re.compile(r"\b(?:eats?|eating|foods?|diet|cook\w*|meals?)\b")
_EXPLAINS = re.compile(r"\bexplain\w*|\bwhy\b|\bbecause\b|\bdue to\b|\bdown to\b")  # asks for a reason, whatever figure it names


def understand(session: Session, library: GuidelineLibrary, question: str, k: int) -> Question:
    """A question with what it is about, read together with the turns before; ``k`` passages at most."""
    return _with_guidance(session, library, question, _understood(session, library, question, k))


def _with_guidance(session: Session, library: GuidelineLibrary, question: str, found: Question) -> Question:
    """An answer from the record, and after it the sentence of the library that surely answers too: "is my HbA1c bad, and what should I eat?"."""
    if found.intent not in GUIDED or found.passages or found.fitting or (found.intent == "my_numbers" and found.figures):
        return found
    passages = library.around(question)
    best = next(iter(library.answering(question, passages)), None)
    if (
        best is None
        or best.score < (ADVISES if ADVICE.search(question) or found.intent == "fits_symptom" else GUIDES)
        or not speaks_to(best.sentence, question, session.patient.age_years, session.patient.sex)
        or for_the_young((best,), question, session.patient.age_years)[0].score < best.score  # limits of adults are none of a child's
    ):
        return found
    said = found.said
    if not said:
        view = View(Case(session.patient, session.spirometry, session.facts))
        names = asked_values(library.spelt(question), known_as_value=True)
        said = values_in_words(view, names) if names else ""
    if not said:
        return found
    kept = (passages[best.number - 1],)
    return replace(found, said=f"{said} {replace(best, number=1).cited}", passages=kept, scores=(best.score,), asked=(Asked(found.intent, question, kept),))


def _understood(session: Session, library: GuidelineLibrary, question: str, k: int) -> Question:
    told = session.told
    question = meant_instead(question, told[-1] if told else None) or question
    spelt = library.spelt(question)
    intent, sure = library.intent(question)
    if intent in OF_TEST_INSTEAD and not _of_a_risk(spelt, told):
        intent, sure = OF_TEST_INSTEAD[intent], min(sure, SURE)
    of_finding = sure >= SURER and intent in BY_CODE and intent not in OF_VALUES  # whatever values its words name

    def may(intents: Sequence[str]) -> bool:
        return sure < READ_SURE or intent in intents

    highest = session.risks and asks_to_rank(spelt, bool(told) and told[-1].seen.intent in OF_AN_ESTIMATE)
    measured = asked_measures(session, spelt) if not (of_finding or highest) and may(OF_MEASURES) else None
    measured = measured or (asked_blows(session, spelt) if not (of_finding or highest) and may(OF_EACH_BLOW) else None)
    if measured is not None:
        return said_by_code("my_numbers", question, measured.text, figures=measured.figures)
    asking = asking_of(session, library, spelt)
    lists = told_of_medicines(asking.view, spelt) if may(OF_MEDICINES) and not TO_PACK.search(spelt) else ""
    lists = lists or (mentioned(asking.view, spelt, library.likeness) if may(OF_LISTS) and "risk" not in spelt else "")
    if lists:
        return said_by_code("my_numbers", question, lists)
    trusted = cited(asked_risks(asking), asking) if (may(OF_RISKS) or asks_to_trust(spelt)) and not highest else None
    if trusted is not None:
        return said_by_code("risk_trust", question, trusted.text, trusted.passages)
    for name, answered in () if sure >= READ_SURE and intent in BY_CODE else BY_WORDS.items():
        of_it = cited(answered(asking), asking)
        if of_it is not None:
            return said_by_code(name, question, of_it.text, of_it.passages)
    plainly = plainly_asked(session, library, question, intent if sure >= READ_SURE else "")
    if plainly is not None:
        return plainly
    kind, rest = level(question)
    if not kind:
        return _look_up(session, library, question, k)
    base = _look_up(session, library, rest, k) if rest else None
    if base is not None and (base.said or (kind == "for_doctor" and base.intent not in OF_THE_TEST)):
        return base
    if base is not None and base.intent in INTENTS and base.intent not in FOLLOW_UPS:  # both what and how it is wanted
        passages, scores, before, about = base.passages, base.scores, base.asked[-1:], base.intent
    else:
        passages, scores = _again(library, told[-1]) if told else ((), ())
        of_reasons = kind == "plain_words" and bool(told) and told[-1].seen.intent in ("why", "why_pattern", "for_doctor")
        before = (Asked("explain_result", ""),) if of_reasons else _before(library, told)  # what reasons are for is said plainly, not the reasons
        about = "explain_result" if kind == "for_doctor" or of_reasons else ""
    said = for_doctor(session) if kind == "for_doctor" else ""
    return Question(question, kind, passages, scores, (*before, Asked(kind, question, passages)), said=said, about=about)


def _of_a_risk(spelt: str, told: Sequence[Turn]) -> bool:
    """Whether a question for reasons can be of an estimate: it names one, or the answer before did."""
    return bool(asked_trait(spelt) or RISK_ASKED.search(spelt)) or bool(told and told[-1].seen.intent in OF_AN_ESTIMATE)


def _look_up(session: Session, library: GuidelineLibrary, question: str, k: int) -> Question:
    turns, view = session.told, View(Case(session.patient, session.spirometry, session.facts))
    before = turns[-1] if turns else None
    spelt = library.spelt(question)
    intent, sure = meant(library, question, spelt)
    if intent in OF_TEST_INSTEAD and not _of_a_risk(spelt, turns):
        intent = OF_TEST_INSTEAD[intent]
    if intent == "what_would_change" and view.state == "unusable" and before is not None and before.seen.intent in OF_THE_BLOWS:
        intent = "next_blow"  # "so what should he do differently?"
    if intent == "is_it_bad" and _HOPES.search(spelt) and (before is None or not before.seen.said):
        intent = "explain_result"  # "was it ok?": a verdict that begins with "no" would be taken for the contrary
    if intent == "is_it_bad" and meant_by_number(view, spelt):
        intent = "own_value_good"  # "I'm 78 percent of something, should I be upset?"
    if intent == "own_value_good" and len(named_values(spelt)) > 1 and not JUDGE.search(_OK.sub("", spelt)):
        intent = "my_numbers"  # several values by name: each is told with how it stands
    if intent == "what_would_change" and _OF_FOOD.search(spelt):
        intent = "unknown"  # what is to be eaten, the library knows for what was spoken of
    if intent in OF_THE_LUNGS and of_record(turns, spelt):
        intent = "unknown"
    if intent == "missing_data" and _ALL_OF_IT.search(spelt):
        intent = "what_is_missing"
    wrong = contradicted(view, spelt) or next((said for name in named_values(spelt) if (said := of_another_time(view, name, spelt))), "")
    if wrong:
        return said_by_code("premise", question, wrong)
    goes_on = (
        before is not None
        and before.seen.intent in THEMES
        and ((sure < 0.9 and len(question.split()) <= 3 and _BARE.match(question) is not None) or _HOW_ONLY.match(question) is not None)
    )
    names = () if sure >= KNOWN_WORDING and intent != "my_numbers" else asked_values(spelt, known_as_value=intent == "my_numbers")
    names = names or tuple(name for name in (named_by_number(view, spelt, named_values(spelt)),) if name and not _EXPLAINS.search(spelt))
    named = names
    if (sure >= SURER and intent not in ("my_numbers", "unknown", *OF_VALUES)) or (
        sure >= READ_SURE and intent == "unknown"
    ):  # the values that it names are told after the answer
        names = ()
    if SURE <= sure < THEME_CERTAIN and intent in BY_CODE and intent not in OF_VALUES and not goes_on:
        best = next(iter(library.answering(question, library.near(question))), None)
        if best is not None and best.score >= LIBRARY_CERTAIN and speaks_to(best.sentence, question, session.patient.age_years, session.patient.sex):
            intent = "unknown"  # the library surely answers, and what is asked of the record is not sure
    answer = by_code(
        session,
        library,
        question,
        spelt,
        intent if not goes_on and sure >= (SURE if not names or (intent in OF_VALUES and len(names) == 1) else SURER) else "",
        intent == "unknown" and sure >= READ_SURE,
    )
    if answer is not None:
        return answer
    intent = "unknown" if intent in BY_CODE else intent
    asking = asking_of(session, library, spelt)
    of_risks = (
        ranked_risks(asking)
        if asks_to_rank(spelt, before is not None and before.seen.intent in OF_AN_ESTIMATE)
        else several_risks(asking)
        if intent == "risks"
        else ""
    )
    if of_risks:
        return Question(question, "risks", (), (), (Asked("risks", question),), said=of_risks)
    if before is not None and before.seen.intent in OF_AN_ESTIMATE and of_what_was_said(spelt) == "why":
        intent, sure = "why", LEAD_SURE  # "and what pushes them up the most?"
    if before is not None and sure < LEAD_SURE and (intent == "unknown" or before.seen.intent not in THEMES):
        of_it = of_what_was_said(spelt)
        of_it = "" if of_it == "why" else of_it
        answered = of_it == "what_would_change" and intent == "unknown" and able(library.answering(question, library.around(question))) >= LEAST_ASKED
        if (
            of_it and not answered and not (of_it == "what_would_change" and _OF_FOOD.search(spelt))
        ):  # "what would bring it down?" after a value of the record is for the library
            intent, sure = of_it, LEAD_SURE
    if names:
        return of_values(view, names, question, spelt)
    intent = of_no_value(intent, sure, spelt)
    if intent in ("risks", "why_risk") and not asked_trait(question) and asked_trait(spelt):
        question = spelt
    if intent in FOLLOW_UPS and before is not None and not goes_on:
        passages, scores = _again(library, before)
        history = () if intent == "why" and len(question.split()) > 3 else _before(library, turns)  # it names what it is about: the result
        return Question(question, intent, passages, scores, (*history, Asked(intent, question, passages)))
    put = f"{before.question} {question}" if before is not None and goes_on else question  # "how often?"
    intent = before.seen.intent if before is not None and goes_on else intent
    leans = before.question if before is not None and sure < 0.9 else None  # one that is worded as a question by itself needs none before it
    wanted = change_topics(view) if intent == "what_would_change" else ()
    passages, scores = passages_for(library, put, intent, 2 * k, leans, wanted)
    limits = within_limits(session, library, question, spelt, intent)
    if limits is not None:
        return limits
    asked_with = f"{leans} {question}" if leans and put == question and passages and leans_back(question) else put
    said = before.seen.said if before is not None and goes_on else ""
    asked_again = any(plain(turn.question) == plain(question) for turn in turns)
    said_before = "" if asked_again else " ".join(turn.seen.said for turn in turns[-2:])
    meant_first = intent
    asked_alone = LEAST_LEANING if before is not None and leans_back(question) else LEAST_ASKED
    asked_alone = min(asked_alone, LEAST_FOLLOWING) if before is not None and sure >= FOLLOWING_SURE else asked_alone
    least = asked_alone if intent == "unknown" and sure >= LIBRARY_READ else ANSWERS_AT_ALL
    intent, fitting = sentences_for(library, session.patient, question, asked_with, intent, sure, passages, wanted, said, said_before, least)
    if not fitting and intent == "unknown" and named:
        return of_values(view, named, question, spelt)
    if not fitting and (intent in THEMES or intent == "unknown"):
        likely = None if goes_on else likely_meant(session, library, question, spelt, able(library.answering(question, passages)))
        if likely is not None and likely.intent == "unclear" and intent == "unknown":  # rather a likely sentence than a repeated finding
            intent, fitting = sentences_for(library, session.patient, question, asked_with, intent, sure, passages, wanted, said, said_before, LIKELY_ANSWERS)
        if likely is not None and not fitting:
            return likely
        theme = next(
            (one for one, how in library.intents(question) if one in THEMES and how >= THEME_LIKELY and one not in (meant_first, "what_would_change")), ""
        )
        if theme and not fitting:
            limits = within_limits(session, library, question, spelt, theme)
            if limits is not None:
                return limits
            of_theme = passages_for(library, put, theme, 2 * k, leans, ())
            as_theme = sentences_for(library, session.patient, question, asked_with, theme, THEME_CERTAIN, of_theme[0], (), said, said_before)
            if as_theme[1]:
                (passages, scores), (intent, fitting) = of_theme, as_theme
        if not fitting and any(score > 0 for score in scores):  # the search holds them for relevant, so the likeliest sentence is better than none
            intent, fitting = sentences_for(library, session.patient, question, asked_with, meant_first, sure, passages, wanted, said, said_before, LEAST)
        if not fitting:
            passages, scores = (), ()
    found = (n for n, score in enumerate(scores, 1) if score > 0)  # by the search; the reader's own only where they answer
    kept = list(dict.fromkeys([*(one.number for one in fitting), *found]))[:k]  # those that answer before those merely near
    fitting = tuple(replace(one, number=kept.index(one.number) + 1) for one in fitting)
    passages, scores = tuple(passages[n - 1] for n in kept), tuple(scores[n - 1] for n in kept)
    return Question(question, intent, passages, scores, (*_before(library, turns), Asked(intent, question, passages)), fitting=fitting)


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
