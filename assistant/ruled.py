"""What is answered by rule, before any model: a red flag, what is declined, what is never held, tests that are compared, faults of the blows."""

from __future__ import annotations

import re

from assistant import guardrails
from assistant.asked_blows import asked_blows
from assistant.asked_measures import asked_measures
from assistant.asked_values import named_values
from assistant.asking import READ_SURE
from assistant.disputes import corrects_record
from assistant.left_out import asks_what_it_means, of_response
from assistant.session import Seen, Session, Turn
from encoders.spirogram.results import Spirometry

SPOKEN_OF = "I can speak of FEV1, FVC, their ratio, PEF, FEF25-75, the quality of the test, and what the record holds; the report lists every measured value."
DOSE_READ_OTHERWISE = 0.9  # of another intent than that for doses, from which a question that asks nothing to be done is not declined as one for a dose
PROGNOSIS = (
    "A breathing test cannot say how long anyone will live, and I do not guess. Such a worry is worth telling a clinician who knows you: ask what this result means "
    "for you and what helps most. I can explain the result, or what you can do yourself."
)
_ABSENT = re.compile(
    r"\b(?:my|his|her|their|the|your|patient'?s)\b.{0,20}?\b(fev6|fev3|fev0\.5|fev0\.75|fivc|pif|dlco|tlco|kco|tlc|frc|residual volume|feno|mvv|vo2 ?max|bnp|crp|egfr|psa|tsh|ldl)\b",
    re.IGNORECASE,
)
_FEARS = re.compile(
    r"\b(?:going to|gonna|will (?:it|this)|could (?:it|this)|can (?:it|this)) (?:kill (?:me|him|her|them)|die)\b|\bhow long (?:have|has) (?:i|he|she|they|we) got\b(?! (?:to (?:wait|do|blow)|until|before|between))|\bwill (?:i|he|she|they) die\b|\b(?:am i|is (?:he|she)) dying\b|\bhow (?:long|many years) (?:do|does|have|has) (?:i|he|she|they|dad|mum|my \w+)(?: have| has| got)?(?: got)?(?: left)?(?: to live)?\W*$|\bhow long (?:will|can|do people|does (?:he|she)) (?:i |he |she |they )?(?:live|survive)\b|\blife expectancy\b|\bsurviv(?:al|able)\b|\bprognosis\b|\bwhat is the outlook\b|\bis (?:it|this|that) (?:terminal|fatal|deadly)\b",
    re.IGNORECASE,
)
_TEST = r"\b(?:results?|tests?|fev1|fvc|ratio|lung function|values?|numbers?|spirometry|readings?)\b"
_OVER_TIME = re.compile(
    rf"\b(?:declin\w*|drop\w*|fallen|fell|worsen\w*|improv\w*|chang\w*|lost|gone (?:up|down|downhill))\b[^?.]{{0,30}}\bsince (?:the |his |her |my )?(?:last|previous)\b|\bcompared? (?:it|this|them|my|the)?[^?.]{{0,30}}\b(?:last (?:year|time|test|visit|month)|previous|earlier|before)\b"
    rf"|{_TEST}[^?.]{{0,30}}\b(?:better|worse|lower|higher|changed|different|dropped|improved)\b[^?.]{{0,25}}\b(?:than|since|from) (?:the |my )?(?:last|previous|earlier)\b|{_TEST}[^?.]{{0,20}}\bover time\b",
    re.IGNORECASE,
)
THANKS = "You are welcome. Ask me anything else about this test."
_POLITE = re.compile(
    r"^\W*(?:ok(?:ay)?|great|good|lovely|perfect|cheers|brilliant|right|ah|oh|well|alright)?\W*(?:many thanks|thanks?(?: you)?|cheers|ta)\b(?: (?:a lot|so much|very much|again|for \w+(?: \w+){0,4}|doc(?:tor)?|all))?"
    r"(?:\W+(?:that|this|it)(?:'s| is| was| has)? ?(?:helps?|helped|really helps?|great|helpful|useful|good|clear(?:er)?|all|been (?:helpful|useful)|(?:very|really|so|most) (?:helpful|useful|clear|kind)|all i (?:needed|wanted)))?\W*$",
    re.IGNORECASE,
)
_DRUG = r"(?:inhaler|puffer|spray|bronchodilator|reliever|salbutamol|ventolin|medicine)"
_RESPONSE = re.compile(
    rf"\bhow much better (?:did|was|were|is|are|am)\b|{_DRUG}\b[^?]{{0,40}}\bby how much\b|\bby how much\b[^?]{{0,40}}{_DRUG}|"
    r"\b(?:how (?:big|large|much|strong|good)|my|his|her|any|significant|(?:is|was) there)\b[^?.]{0,20}\b(?:bronchodilator|bd) (?:effect|response|result|change)|"
    r"\bhow (?:big|large|much|strong) (?:was|is) (?:the|my|his|her|that) (?:change|rise|improvement|difference|increase|response)\b|"
    r"\b(?:is|was) (?:an?|the|my|that|this|his|her) (?:\S+ ){0,3}(?:change|rise|improvement|increase|response|difference) (?:a lot|big|large|significant|good|enough|meaningful|real)\b|"
    rf"\bhow (?:many|much)\b[^?.]{{0,20}}\b(?:gain\w*|improv\w*)\b|\b(?:how (?:much|many)|what)\b[^?.]{{0,40}}\b(?:fev1|fvc|ratio|lungs?|values?|numbers?|it|result|test)\b[^?.]{{0,20}}\b(?:go(?:es|ne)? up|went up|rise|rose|increas\w+|improv\w+|chang\w+|mov\w+|shift\w*|better)\b(?![^?.]*\b(?:over time|years?|age|if|would|could|smok|weight|exercis))"
    rf"|\b(?:first or second|pre or post)\b|\bbefore (?:and|vs?\.?|versus|to|or) after\b(?![^?.]*\b(?:eat|meal|exercis|surgery|food))(?<!show me the curve before and after)|\b(?:pre|post)[- ]?(?:and|vs?\.?|versus|/)[- ]?(?:pre|post)\b|\bpost[- ]?(?:bronchodilator|bd|fev1|fvc)\b"
    rf"|\b(?:count|counts|qualif\w+|meets?|met)\b[^?.]{{0,30}}\b(?:positive|significant|response|reversib\w+|responder)\b|\b(?:positive|significant) (?:bronchodilator )?respon\w+"
    rf"|\b(?:fev1|fvc)\b[^?.]{{0,10}}\b(?:jump|gain|delta|rise|increase|change|difference)\b[^?.]{{0,14}}(?:\bml\b|\bsignificant\b|millilit|\bper ?cent|%|\blit(?:re|er)s|\W*$)"
    rf"|\b(?:fev1|fvc|ratio)\b[^?.]{{0,14}}\b(?:mov\w+|went up|r[io]sen?)\b(?![^?.]*\b(?:since|over time|years?))"
    rf"|\b(?:numbers|values|results?|figures|readings)\b[^?.]{{0,20}}\b(?:before|prior to)\b[^?.]{{0,20}}\b(?:took |had |the |her |his |my |that )+{_DRUG}"
    rf"|\b(?:did|does|has|is|was) (?:the |my |that |his |her )?{_DRUG} (?:help|work|change|do|make|effective|any good)|\b(?:respond|response|react)\w*\b[^?.]{{0,20}}\b{_DRUG}"
    rf"|\b(?:after|with|from|since) (?:the |my |his |her )?{_DRUG}\b[^?.]{{0,30}}\b(?:fev1|fvc|values?|numbers?|results?|better|improv\w+|chang\w+)\b|\b(?:fev1|fvc|values?|numbers?|results?|differen\w+|chang\w+|improv\w+)\b[^?.]{{0,30}}\b(?:after|with|from) (?:the |my |his |her )?{_DRUG}",
    re.IGNORECASE,
)
_MEDICINE = re.compile(
    r"\b(?:inhaler|puffer|tiotropium|salbutamol|ventolin|spiriva|symbicort|steroids?|prednisolone|reliever|preventer|medicines?|medication|tablets?|antibiotics?|metformin|ramipril|statins?|spray|nebuli[sz]er)\b",
    re.IGNORECASE,
)
_MORE_OF_IT = re.compile(
    r"\b(?:should|can|could|may|do|must|shall) (?:i|we|he|she|they) (?:just |also |then )?(?:use|take|puff|have|need|stop|skip|double|increase|start|cut|halve|reduce|lower)\b[^?.]{0,12}\b(?:it|that|this|them|those|one|more|less)\b(?! (?:properly|correctly|right|before the test))",
    re.IGNORECASE,
)
_IN_ML = re.compile(r"\bmls?\b|millilit|\bper ?cent\b|%|\bhow much\b", re.IGNORECASE)
_DRAWN = re.compile(r"\b(?:show|draw|overlay|overlaid|superimpose|plot|picture|graph|curves?|loops?)\b", re.IGNORECASE)
_FAULTS = re.compile(
    r"\bwhat(?:'s| is| was| were| are)? (?:exactly )?(?:went |gone |go |did i do |did (?:he|she|they) do |the )?(?:wrong|faults?|mistakes?|problems?|errors?)\b(?! (?:with (?:me|my|him|her|his|the patient|it all)|value|number))[^?.]{0,40}(?:exactly|blows?|test|spirometry|attempts?|measurement|it)?\W*$"
    r"|\b(?:which|what) (?:faults?|errors?|mistakes?)\b|\bwhy\b[^?.]{0,30}\b(?:blows?|test|attempts?)\b[^?.]{0,20}\b(?:not (?:usable|acceptable|good|valid|count)|unusable|rejected|invalid|fail\w*|no good)\b",
    re.IGNORECASE,
)

_TO_DO = re.compile(
    r"\b(?:coach\w*|script|next (?:time|attempt|blow|try)|avoid|instead|tips?|advice|improve|differently)\b", re.IGNORECASE
)  # what to do, not what was wrong


_TO_BE_DONE = re.compile(
    r"\b(?:doses?|dosage|mg|micrograms?|mcg|puffs?|units?|how (?:many|much|often)|prescri\w+)\b"
    r"|\b(?:should|shall|can|could|may|might|must|do|does|would|want|need\w*|ok(?:ay)?|safe|fine|dangerous|right|wise|better)\b[^?.]{0,30}\b(?:i|he|she|they|we|him|her|me|it|to|mum|dad|my \w+)?\b[^?.]{0,16}"
    r"\b(?:take|taking|be on|go on|start\w*|stop\w*|quit\w*|drop\w*|skip\w*|miss\w*|leave|leaving|reduc\w+|come off|coming off|go off|swap\w*|chang\w+|switch\w*|cut\w*|wean\w*|increas\w+|doubl\w+|halv\w+|lower\w*|rais\w+|more|less|use|using|try|have|having|combin\w+|mix\w*|give|giving|put)\b"
    r"|\b(?:strongest|best) (?:\w+ )?(?:painkiller|tablet|pill|medicine|drug|inhaler)\b",
    re.IGNORECASE,
)


def by_rule(session: Session, question: str, spelt: str = "", read: tuple[str, float] = ("", 0.0)) -> Turn | None:
    """What is answered by rule: nothing asked, a red flag, something declined, a value that is never held, a record that is wrong.

    ``spelt``: the question with its slips put right; what is declined as typed or as meant is declined. ``read``: the likeliest intent and how sure it is:
    where it is surely another one, what only looks like something off topic, of a dose or of a wrong record is not answered by rule.
    """

    def may(*intents: str) -> bool:
        return read[1] < READ_SURE or read[0] in intents

    if not question:
        return Turn(question, "Please type a question, for example: explain my result.")
    triage = guardrails.triage(question, session.patient)
    if triage is not None:
        return Turn(question, triage.text, triage=triage)
    refusals = [one for one in (guardrails.scope(question), guardrails.scope(spelt) if spelt else None) if one is not None]
    refusal = min(refusals, key=lambda one: one.kind in ("off_topic", "dose"), default=None)  # whatever may be read otherwise comes last
    otherwise = refusal is not None and (
        (refusal.kind == "off_topic" and not may("off_topic", "other_language"))
        or (refusal.kind == "dose" and read[0] != "dose" and read[1] >= DOSE_READ_OTHERWISE and not _TO_BE_DONE.search(question))
    )
    if refusal is not None and not otherwise:
        return Turn(question, refusal.text, seen=Seen(intent=refusal.kind))
    if session.told and _MORE_OF_IT.search(question) and _MEDICINE.search(session.told[-1].question):
        return Turn(question, guardrails.DOSE, seen=Seen(intent="dose"))
    absent = _ABSENT.search(question)
    if (
        absent is not None and may("my_numbers", "not_held", "missing_data", "what_is_missing", "lung_volumes") and not named_values(question.lower())
    ):  # beside another value it is told after that
        name = absent[1].upper() if len(absent[1]) < 7 else absent[1].lower()
        return Turn(question, f"I hold no {name} for this patient. {SPOKEN_OF}")
    if _FEARS.search(question):
        return Turn(question, PROGNOSIS, seen=Seen(intent="prognosis"))
    if _POLITE.match(question):
        return Turn(question, THANKS, seen=Seen(intent="thanks"))
    test = session.spirometry
    if (
        test is not None
        and test.response is not None
        and (_RESPONSE.search(question) or _goes_on_of_response(session, question))
        and not _DRAWN.search(question)
        and may("bronchodilator", "my_numbers", "explain_result", "own_value_good", "every_blow")
        and (asked_measures(session, spelt) or asked_blows(session, spelt)) is None
    ):
        said = before_and_after(test, question)
        return Turn(question, said, evidence="record", seen=Seen(intent="bronchodilator", said=said))
    if test is not None and test.maneuvers and _FAULTS.search(question) and not _TO_DO.search(question) and asked_blows(session, spelt) is None:
        return Turn(question, faults(test), evidence="record", seen=Seen(intent="faults"))
    if _OVER_TIME.search(question) and may("over_time"):
        return Turn(question, over_time(session), evidence="record", seen=Seen(intent="over_time"))
    corrected = corrects_record(question) if may("change_record", "odd_record") else None
    if corrected is not None:
        return Turn(question, corrected.answer(session.facts), evidence="record", seen=Seen(intent="corrects_record"))
    return None


def _goes_on_of_response(session: Session, question: str) -> bool:
    """Whether a few words after the answer on the bronchodilator ask how large the change was: "by how much? in ml please"."""
    before = session.told[-1] if session.told else None
    return (
        before is not None
        and before.seen.intent == "bronchodilator"
        and len(question.split()) <= 9
        and re.search(r"\b(?:how (?:much|many|big|large)|mls?|millilit\w+|per ?cent)\b|%", question, re.IGNORECASE) is not None
    )


def over_time(session: Session) -> str:
    """What changed between tests of several dates, as it was computed; or that there is one test only."""
    visits = session.spirometry.visits if session.spirometry is not None else None
    if visits is None or not visits.statements:
        return "The record that is open holds tests of one date only, or none, so nothing can be compared over time. Open the files of both dates together."
    return " ".join(one.text for one in visits.statements)


def before_and_after(test: Spirometry, question: str = "") -> str:
    """FEV1 and FVC (or the one that a question names) before and after the bronchodilator, and whether the change is a response (ERS/ATS 2022)."""
    response, said = test.response, []
    changes = {"FEV1": response.fev1_change_percent_predicted, "FVC": response.fvc_change_percent_predicted} if response is not None else {}
    named = [label for label in changes if re.search(rf"(?<!/){label}\b(?!/)", question, re.IGNORECASE)] or list(changes)
    for label in named:
        before, after = (getattr(best, f"{label.lower()}_l", None) for best in (test.best, test.post))
        if before is not None and after is not None:
            change = changes[label]
            of_predicted = f", a change of {change:+.1f} % of predicted" if change is not None else ""
            said.append(f"{label} was {before:.2f} L before the bronchodilator and {after:.2f} L after it{of_predicted}.")
            if _IN_ML.search(question):
                said.append(f"That is {(after - before) * 1000:+.0f} mL, or {(after - before) / before:+.1%} of the value before.".replace("%", " %"))
    alone = changes[named[0]] if len(named) == 1 else None
    if alone is not None:
        return " ".join(
            [
                *said,
                f"That is {'more' if alone > 10 else 'not more'} than 10 % of predicted, so it is {'' if alone > 10 else 'not '}significant by itself.",
            ]
        )
    verdict = "a significant response" if response is not None and response.significant else "no significant response"
    of_asthma = [of_response(response is not None and response.significant)] if asks_what_it_means(question.lower()) else []
    return " ".join([*said, f"The test shows {verdict}: more than 10 % of predicted in FEV1 or FVC is significant.", *of_asthma])


def faults(test: Spirometry) -> str:
    """What was found in each blow, in words."""
    said = [f"Blow {n}: {'; '.join(one.text.rstrip('.') for one in blow.findings)}." for n, blow in enumerate(test.maneuvers, 1) if blow.findings]
    return " ".join(said) if said else "No faults were found in the blows."
