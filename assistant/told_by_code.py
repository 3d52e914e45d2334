"""Questions that code answers from the record, in words that the language model was not taught: their wordings, and the answer to each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from assistant.answers_of_blows import OF_BLOWS
from assistant.answers_of_finding import OF_FINDING
from assistant.answers_of_person import OF_PERSON
from assistant.answers_of_test import OF_TEST
from assistant.asking import Asking
from encoders.passages import GUIDELINES, Passage

WORDINGS = GUIDELINES.parent / "questions"
BY_CODE: Mapping[str, Callable[[Asking], str]] = {**OF_TEST, **OF_BLOWS, **OF_PERSON, **OF_FINDING}
NAMES = {  # what a question must name to be one of these, whatever wording is nearest
    "risk_not_estimated": r"risk|chance|likel|odds|probab|(?:will|going to) (?:i |he |she )?(?:get|have|develop)", "need_oxygen": r"^(?!.*(?:depend|addict)).*(?:need\w* (?:\w+ ){0,2}oxygen|(?:go|put|be|end up|am i|is he|is she) on oxygen|bad enough for oxygen|oxygen (?:at home|machine|tank|cylinder|bottle)|home oxygen|concentrator|qualif\w* for oxygen)",
    "test_was_ill": r"cold\b|flu\b|infect|\bill\b|illness|sick|covid|virus|unwell|pneumonia|bronchitis", "diving": r"div(?:e|ing)|scuba|snorkel",
    "surgery": r"^(?!.*(?:lung surgery|volume reduction|lung transplant|(?:heart|lung) bypass machine)).*(?:surg|operat|an(?:a)?esth|replacement|pre-?op|\w+ectomy|bypass|gallbladder|put to sleep|procedure|\bhip\b|\bknee\b|transplant)",
    "lung_age": r"\bage|\bold|year", "gold_stage": r"\bgold\b|\bstage|end[- ]stage", "reliever_before_sport": r"inhaler|puff|reliever|ventolin|salbutamol|albuterol|spray",
    "smoking_a_little": r"smok|cig|fag|weekend|five a day|a few", "catching": r"contag|infectious|catch|give (?:it|this) to|pass|get (?:it|this) from|away from",
    "inherited": r"genetic|inherit|heredit|famil|genes?\b|run in|pass(?:ed)? (?:it )?(?:on|down)|\b(?:dad|mum|mom|father|mother|daughter|son|parents?|brother|sister)\b[^?.]{0,12}\b(?:has|had|have)\b|(?:children|kids) (?:get|have|inherit)", "need_test": r"need|should|ought|necessar|refer|would|help|worth",
    "lost_function": r"los[te]|left|gone|missing|per ?cent|%|works?\b|working|remain|cost", "allowed_blows": r"how many|max|limit|number of", "no_curve": r"curve|graph|plot|picture|drawn|image|loop",
    "privacy": r"data|stor|private|confiden|shar|delet|see|keep|safe|cloud|sent|record", "why_twice": r"why|point|reason|what for", "percentile": r"percent|compar|average|rank|stand|others?\b|people|better or worse",
    "next_blow": r"coach|during|next|how|tips|technique|better|avoid|right way|advice", "not_able": r"\byou\b|please|book|send|remind", "a_program": r"approved|medical device|\byou\b|human|robot|person|medical advice",
    "repeat_test": r"^(?!.*screen).*(?:repeat|again|often|next|when|back|regular|year|annual|retest|interval|soon|due|frequent|how long|another)",
    "can_it_improve": r"better|\bup\b|higher|improv|revers|heal|recover|cur(?:e|able)|permanent|\bback\b|go(?:es)? away|strong|raise|bring|too late|for life|increas|grow|repair|return|do something|no return",
    "before_test": r"before|prepar|ready|\bwear|\beat|coffee|avoid|leave out|fast\b",
    "axes": r"ax[ie]s|read|look|loop|curve|graph|plot|picture",
    "keep_well": r"keep|protect|healthy lungs|look after|prevent|stays", "blow_length": r"long|second|fet\b|stop|short", "causes_of_pattern": r"cause|behind|reason|disease|illness|makes|why(?! (?:is|are|was|were) (?:my|the|his|her|their) [\w/ ]{2,12} (?:so |too )?(?:low|high|reduced|down)\b)",
    "difference": r"worse than|differ|versus|\bvs\b|distinguish", "change_record": r"chang|correct|edit|updat|fix|add\b|enter", "my_vaccines": r"vaccin|jab|shot|immuni", "borderline": r"borderline|just (?:under|below|above)",
    "carbon_dioxide": r"co2|carbon dioxide|co 2", "damaged": r"smoker'?s lungs|scar|damag|ruin|destr|hole|black|harm|wreck", "warning_signs": r"sign|watch|look out|danger|emergenc|999|911|112|ambulance|red flag|symptom|worr",
    "fit_for_it": r"driv|work|employ|boss|job|fit|drive|driv|pilot|polic|army|fire|insur|disab|benefit|retire|join|allowed|licen[cs]e|career|train|shift|qualif|pass",
    "sport": r"run|race|marathon|sport|train|exercis|swim|cycl|football|gym|climb|hik|row(?:ing)?\b|10k|5k|rac(?:e|ing)|triathl|rugby|judo|danc", "above_predicted": r"bigger|too big|\babove|over (?:100|predict)|being over|higher than|more than predict|too (?:large|high|much)", "how_real": r"\breal|noise|fluke|just chance|luck|blip|false|genuine|random|artefact|one-off|bad day|\btrue\b",
    "rules_out": r"\brul\w+|exclud|can'?t be|isn'?t it|isn'?t (?:copd|asthma)|so no |off the list|have not got", "seen_in_blow": r"(?:see|spot|detect|tell|visible|show|guess\w*|recogni\w+|diagnos\w+) .*(?:asthma|copd|emphys)|asthma.*(?:show|visible|seen|guess)", "fits_symptom": r"breath|puff|wheez|cough|winded|symptom|feel fine",
    "own_value_good": r"\d.*(?:good|ok\b|normal|low|decent|all ?right|alright|poor|high|bad)", "for_child": r"child|kid|year[- ]?old|\bson\b|daughter|little (?:boy|girl)|toddler", "what_is_missing": r"miss|empty|blank|lack|gaps?\b|absent|not (?:recorded|been recorded|there|known|filled|got)|don'?t (?:have|you have|know|you know)|hole", "percent_without": r"(?:per ?cent|%|predicted).*(?:without|missing|need|no |height|age|weight|sex)|no height|need for percent",
    "smoked_ever": r"(?:did|has|was|is|does|do we|anything).*smok", "usable_at_all": r"anything.*(?:use|salvag|read|out of)|salvag|usable|one good|worth keeping|still use|can (?:you )?use|read anything|good enough to go|count|any good", "own_inhaler_before": r"inhaler|puff|reliever|ventolin|salbutamol|spray", "worked_out": r"calculat|work\w* (?:it )?out|working for|\bsum\b|divid|maths?|come from|arithmetic|how (?:did|do) (?:you|i|we) get",
    "not_just_age": r"\bage\b|ageing|aging|old age|getting (?:old|on)|older|wear and tear|the years|time of life", "overlaid": r"overla|superimp|both|together|same|one (?:picture|plot|graph|chart)|side by side|top of|over the|before and", "pet": r"\b(?:cat|dog|pet|rabbit|hamster|horse|kitten|puppy|bird|budgie|parrot|guinea)", "at_work": r"at work|work\w* (?:with|in|as)|\bjob|paint|spray|dust|fume|weld|asbestos|chemic|solvent|\blag|factory|\bmine\b|silica|flour|bleach|bak(?:er|ing)|isocyan|stone|trade",
}  # fmt: skip
OF_VALUES = (
    "normal_for_me",
    "percentile",
    "lowest_value",
    "lung_age",
    "lost_function",
    "gold_stage",
    "can_it_improve",
    "certainty",
    "how_real",
    "above_predicted",
    "own_value_good",
    "worked_out",
    "percent_without",
)  # these speak of values that they may name
SURE = 0.6  # from here a question is taken to be one of these; under it the library is looked through first
_CITES = re.compile(r"\[([a-z0-9_]+/[a-z0-9_-]+)\]")


@dataclass(frozen=True)
class Told:
    """An answer, facts as tokens, and the passages that its bracketed numbers stand for, in order."""

    text: str
    passages: tuple[Passage, ...] = ()


@lru_cache(maxsize=1)
def load_wordings(folder: Path = WORDINGS) -> dict[str, tuple[str, ...]]:
    """Human wordings of each of these intents: intent -> lines of assets/questions/<intent>.txt."""
    return {path.stem: tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()) for path in sorted(folder.glob("*.txt"))}


def told(intent: str, asking: Asking) -> Told | None:
    """The answer to one of these intents; None where it is none of them, or where code has nothing to say for this person."""
    if intent not in BY_CODE or (intent in NAMES and not re.search(NAMES[intent], asking.question)):
        return None
    return cited(BY_CODE[intent](asking), asking)


def cited(said: str, asking: Asking) -> Told | None:
    """An answer whose passages stand by id, with their numbers; None where it is empty."""
    text = " ".join(said.split())
    if not text:
        return None
    names = tuple(dict.fromkeys(_CITES.findall(text)))
    passages = tuple(asking.library[name] for name in names)
    return Told(_CITES.sub(lambda found: f"[{names.index(found[1]) + 1}]", text), passages)
