"""Where an answer of the library is looked for: the passages that may hold it, and the sentences of them to quote."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.answering import Fitting, for_the_young, for_this_illness, of_kind, speaks_to, to_quote, unsaid_first
from assistant.lay_words import in_library_words
from assistant.meaning import DECLINED, FOLLOW_UPS, LEAD_SURE
from assistant.retrieval import GuidelineLibrary, Hit, leans_back
from assistant.vital_signs import hypercapnic
from encoders.passages import Passage
from encoders.record import Patient
from encoders.teacher.guidance import fits
from encoders.teacher.sayable import sentences
from encoders.teacher.themes import THEMES

_OF_ANYBODY = re.compile(r"\bsaturation (?:is|of) (?:9[0-4])\b|\bsaturation of 93 or 94 %", re.IGNORECASE)
LEAST = 0.12  # chance of all sentences together, under which none is quoted though the search holds their passages for relevant
OF_THEME = 0.25  # of the chance of the likeliest sentence: with less, that one is quoted instead of the theme's
ANSWERS, ANSWERS_AT_ALL = 0.5, 0.55  # chance of a sentence that surely answers; of all sentences together, under which none is quoted
RECORD_SURE = 0.75  # from here the record answers what is taken to be asked of it, however likely the library answers too
LIBRARY_SURE = 0.7  # chance of all sentences together from which the library answers instead, where that is less sure
THEME_CERTAIN = 0.75  # from here what the library says on a theme is said, however far its sentences are from the question
THEME_SURE = 0.5  # enough for a theme whose own sentence is the nearest of all
NEAREST_OF_THEME = 0.34  # relevance of the best passage where the theme of a question is known
SURE_BY_WORDS = ("do_i_have_asthma", "bronchodilator", "missing_data", "why", "why_risk", "why_pattern", "risks", *FOLLOW_UPS, *DECLINED)
_HOW_TO = re.compile(
    r"\bhow (?:can|could|do|should|to|would)\b|\b(?:tips?|advice|ways?|help(?:s|ed)?)\b|\bwhat (?:can|could|should) (?:i|he|she|we|they)\b", re.IGNORECASE
)
_NEW_SUBJECT = re.compile(r"^\W*(?:and |but |so |ok )?(?:what|how) about\b(?! (?:it|that|this|them|those)\b)", re.IGNORECASE)
_OF_OWN = re.compile(
    r"^\W*(?:and |but |so |ok )?(?:what|how) about (?:my|his|her|their) \w+(?: \w+)?\W*$", re.IGNORECASE
)  # asks what there is to say, of nothing in particular
_CHANGES = {"smoking": "stopping smoking", "blood_pressure": "lower blood pressure", "physical_activity": "minutes of moderate activity"}
NEAR_TO_BARE, FEW_WORDS = 0.6, 4  # the same of a question of so few words
NEAR_AT_ALL = 0.3  # chance of a theme's likeliest sentence, under which a bare question for it gets what is most general
MOST_GENERAL = {  # the passage that says what most people ask of a theme
    "exercise": "physical_activity/how-much", "blood_pressure": "blood_pressure/bp-levels", "stop_smoking": "smoking/how-to-stop", "cholesterol": "cholesterol/lipids",
    "weight": "weight/bmi", "sleep": "sleep/sleep-amount", "alcohol": "alcohol/low-risk", "diet": "diet/healthy-diet", "vaccines": "vaccines/flu",
    "air_quality": "air_quality/bad-days", "diabetes_glucose": "diabetes/hba1c", "inhaler_technique": "inhaler_technique/technique",
}  # fmt: skip
OF_THE_YOUNG = {"exercise": "physical_activity/children", "weight": "weight/children"}  # the same where somebody is under eighteen
FOR_ADULTS = frozenset(
    ("weight/bmi", "weight/gain-weight", "weight/lose-weight", "weight/how-much-to-lose", "weight/underweight", "weight/waist")
)  # passages; no child is advised by them
_LOSING = re.compile(r"\b(?:losing|lose|loss of)\b[^.]{0,40}\b(?:weight|%)|\beating fewer calories\b", re.IGNORECASE)
_PREGNANT = re.compile(r"\bpregnan\w*", re.IGNORECASE)
UNDERWEIGHT = 18.5  # kg/m2 (WHO)
LEAST_NEAR = 0.15  # chance of a sentence of a theme, under which its most general one says more


def nearest_sentence(library: GuidelineLibrary, patient: Patient, question: str) -> tuple[str, str]:
    """The sentence of the library that surely answers a question and its passage's id; empty texts where there is none."""
    passages = passages_for(library, question, "unknown", 4, None, ())[0]
    found = [one for one in library.answering(question, passages) if speaks_to(one.sentence, question, patient.age_years, patient.sex)]
    return (found[0].sentence, passages[found[0].number - 1].id) if found and found[0].score >= ANSWERS else ("", "")


def sentences_for(
    library: GuidelineLibrary,
    patient: Patient,
    question: str,
    put: str,
    intent: str,
    sure: float,
    passages: Sequence[Passage],
    wanted: Sequence[str],
    said: str,
    said_before: str,
    least: float = ANSWERS_AT_ALL,
) -> tuple[str, tuple[Fitting, ...]]:
    """The intent, and the sentences of passages to quote; none where the record answers.

    The intent becomes "unknown", so that a passage answers alone, where a theme's own lead would be beside the question, or where the
    library is nearer to the question than any wording about the record is. ``said``: what was said of a theme that a bare "how often?"
    continues; it is not said again. ``said_before``: the last answers.
    """
    for_others = {n for n, one in enumerate(passages, 1) if not speaks_to(sentences(one.text)[0], question, patient.age_years, patient.sex)}
    found = unsaid_first(library.answering(question, passages), said_before)
    if put != question:
        with_before = unsaid_first(library.answering(put, passages), said_before, least=0.0)
        found = with_before if said or able(found) < min(ANSWERS, able(with_before)) else found
    found = tuple(one for one in found if one.number not in for_others and speaks_to(one.sentence, question, patient.age_years, patient.sex))
    if patient.age_years is not None and patient.age_years < 18:
        found = tuple(one for one in found if passages[one.number - 1].id not in FOR_ADULTS)
    if _PREGNANT.search(f"{question} {' '.join(patient.conditions)}"):
        found = tuple(one for one in found if not _LOSING.search(one.sentence))
    if hypercapnic(patient):  # whose own target lies lower than what the NHS told everybody
        found = tuple(one for one in found if not _OF_ANYBODY.search(one.sentence))
    found = for_the_young(found, question, patient.age_years)
    found = for_this_illness(
        found, " ".join((library.before, question, in_library_words(question), *patient.conditions, *patient.medications, *patient.symptoms))
    )
    if said:
        found = tuple(
            one for one in of_kind(question, found) if fits(passages[one.number - 1], intent) and one.sentence.lower().rstrip(".") not in said.lower()
        )
    if intent in THEMES:
        own = [one for one in found if _serves(passages[one.number - 1], intent, wanted)]
        if own and not said and own[0].score < LEAST_NEAR and own[0].shared < 0.2:
            own = sorted(own, key=lambda one: not any(key in one.sentence.lower() for key in THEMES[intent].keys))
        near_enough = (
            1.0 if _OF_OWN.match(question) else LEAST_NEAR if _HOW_TO.search(question) else NEAR_TO_BARE if len(question.split()) <= FEW_WORDS else NEAR_AT_ALL
        )  # what is most general is no answer to "how can I lose weight?"
        if own and not (said or wanted) and found[0].score < near_enough and sure >= THEME_CERTAIN:  # a bare question for the theme
            thin = intent == "weight" and patient.bmi_kg_m2 is not None and patient.bmi_kg_m2 < UNDERWEIGHT
            young = patient.age_years is not None and patient.age_years < 18
            named = "weight/underweight" if thin else (OF_THE_YOUNG if young and intent in OF_THE_YOUNG else MOST_GENERAL).get(intent)
            general = [one for one in own if passages[one.number - 1].id == named]
            if general:
                return intent, (min(general, key=lambda one: passages[one.number - 1].text.find(one.sentence)),)
        if own and wanted:  # the record says what would change most, whatever the question's words are near to
            return intent, to_quote(own, passages)
        if (
            own
            and (said or own[0].score >= OF_THEME * found[0].score)
            and (said or sure >= (THEME_SURE if own[0] is found[0] else LEAD_SURE) or own[0].score >= ANSWERS)
        ):
            return intent, to_quote(own, passages)
        if able(found) >= least:
            return "unknown", to_quote(found, passages)
        return (intent, to_quote(own, passages)) if own and sure >= THEME_CERTAIN else ("unknown", ())
    if intent == "unknown":
        return intent, to_quote(found, passages) if able(found) >= least else ()
    if intent not in SURE_BY_WORDS and sure < RECORD_SURE and able(found) >= LIBRARY_SURE:
        return "unknown", to_quote(found, passages)
    return intent, ()


def able(found: Sequence[Fitting]) -> float:
    """The chance that one of these sentences answers."""
    return sum(one.score for one in found)


def passages_for(
    library: GuidelineLibrary, question: str, intent: str, k: int, leans: str | None, wanted: Sequence[str]
) -> tuple[tuple[Passage, ...], tuple[float, ...]]:
    """Passages that may answer: of the question, else of its sentences, with those of its theme where none of the first is."""
    theme = THEMES.get(intent)
    if theme is not None and _NEW_SUBJECT.match(question) and library.search(question, k=k, nearest=NEAREST_OF_THEME).enough:
        leans = None  # "what about the cold?" names what it is about
    found = library.search(question, k=k, before=leans)
    if theme is not None and not found.enough:  # what it is about is known, so less will do
        found = library.search(question, k=k, before=leans, nearest=NEAREST_OF_THEME)
    several = [part for part in sentences(question) if len(part.split()) > 2]
    if not found.enough and len(several) > 1:
        found = max((library.search(part, k=k) for part in several), key=lambda one: one.results[0].score if one.enough else 0.0)
    hits = found.results if found.enough else ()
    if theme is not None and not any(_serves(hit.passage, intent, wanted) for hit in hits):
        named = library.search(_CHANGES[wanted[0]] if wanted else f"{theme.name}: {question}", k=k)
        hits = tuple([*(hit for hit in named.results if named.enough and _serves(hit.passage, intent, wanted)), *hits][:k])
    if theme is not None:  # its most general passage, for a question that no sentence is near
        general = library.search(f"{theme.keys[0]} {theme.name}", k=2)
        ids = {hit.passage.id for hit in hits}
        for name in (MOST_GENERAL.get(intent), OF_THE_YOUNG.get(intent)):
            if name in library.passages and name not in ids:
                hits, ids = (*hits, Hit(library.passages[name], 0.0)), {*ids, name}
        hits = (*hits, *(hit for hit in general.results if general.enough and hit.passage.id not in ids and _serves(hit.passage, intent, wanted)))
    known = {hit.passage.id for hit in hits}
    put = f"{leans} {question}" if leans and leans_back(question) else question
    hits = (*hits, *(Hit(passage, 0.0) for passage in library.near(put) if passage.id not in known))
    return tuple(hit.passage for hit in hits), tuple(hit.score for hit in hits)


def _serves(passage: Passage, intent: str, wanted: Sequence[str]) -> bool:
    """Whether a passage fits an intent, and is of the topics ``wanted`` of it where there are any; those on tests for it do not."""
    return fits(passage, intent) and (not wanted or passage.topic in wanted) and passage.topic != "exercise_testing"
