"""Tenses: whether what is said is of now and of someone who can be helped, or denied, long past, supposed, asked about, of a story or a thing.

The expressions are over lower-case text with plain apostrophes; triage and vital signs read by them.
"""

from __future__ import annotations

import re

# no symptom by themselves, so nothing harmless to mistake them for; or true though they began in the past
_PLAIN_WORDS = frozenset(
    "sugar_off heart words no_relief no_urine severe sudden not_fading rest one_sided limb leg skin belly back eye "
    "lungs diabetes thinner travel chemo clot_risk tick head_hit inhaler pregnant gas_source toxin old child young_baby allergen swallowed".split()
)
# what goes before a match and takes it back. Words that show the negation belongs to something else ("not well", "haven't slept") do not
_ELSE = r"(?!(?:because|since|due|sleep|slept|well|good|great|ok|okay|right|fine|sure|able|walk|eat|help\w*|work\w*|better|stop\w*|gone|going|know|like|only|just|now|but|normal|think|my|i|i'm|until)\b)"
_NEGATED = re.compile(
    rf"\b(?:no|not|never|without|denies|deny|denied|isn'?t|wasn'?t|don'?t have|do not have|doesn'?t have|haven'?t(?: had)?|have not had|hasn'?t had|had no|didn'?t|did not|nor|neither)\s+(?:{_ELSE}\w+\s+){{0,4}}$"
    r"|\b(?:free of|negative for|rules? out|ruled out|no sign of|no history of|absence of|worried i (?:might|will|could)|(?:afraid|terrified|scared|frightened) of|fear of|avoid|prevent\w*|lower|reduce|reduces|risk of|chance of|chances of|likelihood of|odds of|symptoms of|signs of|what (?:is|are|causes)|causes of|define|definition of|meaning of|difference between|information (?:on|about)|learn about|explain what)\s+(?:(?!(?:my|i|i'm)\b)\w+\s+){0,4}$"
)
_WILL_I = re.compile(r"\b(?:can|could|will|would|might|may) (?:i|you|one|people)\s+$")
_AS_NEVER_BEFORE = re.compile(r"^\W*(?:like this|this bad|as bad|so bad|worse|such)")
_OTHERS = re.compile(
    r"\b(?:father|mother|dad|mum|mom|brother|sister|uncle|aunt|grand\w+|nan\b|nana|gran|parents?|family|relatives?|neighbou?r|friend|husband|wife|son|daughter|cousin|colleague)\b[^.;?!]{0,40}\b(?:had|died|suffered|in (?:19|20)\d\d|committed|years? ago|at (?:the )?age|history|when (?:he|she) was)\b"
)
PAST = re.compile(
    r"\b(?:back in|in the (?:sixties|seventies|eighties|nineties)|years back|in (?:19|20)\d\d|\d+ years? ago|(?:many|several|some|a few|two|three|five|ten|twenty) (?:years?|months?|decades?) ago|last year|years ago|as (?:a |an )?(?:child|kid|baby|infant|toddler|boy|girl|kids|children)|when (?:i|he|she|we) (?:was|were) (?:a |young|little|small|\d+)|in childhood|in my (?:teens|twenties|youth)|previous(?! (?:tablets?|pills?)\b)|previously(?! (?:healthy|well|fit)\b)|i survived|always (?:have|did)(?=\W*$|[,.;])|history of (?!\w+ and (?:i|my|am)\b)|used to (?:have|get|be|suffer|faint|cough)|long ago|at (?:school|university|college)|back then|as a teen\w*|pmh|past medical history|born (?:in|at)|once (?=(?:had|fainted|choked|collapsed)\b)|last (?:winter|summer|spring|autumn|fall|month)|a (?:year|decade|month) ago|(?:19[3-9]\d|20[01]\d|202[0-4]))\b"
)
_PRESENT = re.compile(
    r"\b(?:now|today|again|right now|just|tonight|still|at the moment|this (?:morning|evening|afternoon)|(?<!nothing )(?<!none )(?<!never )(?<!not )(?<!fine )(?<!well )(?<!clear )since|minutes?|hours?|has had|is having|i have|i've got|i'm|i am|is|are|am|hurts|feels?|can't|cannot|cant|keeps?)\b"
)
_PART = re.compile(
    r"[.;?!]| but |,? (?=(?:can i|may i|could i|does it|is it|is that|is blowing|is spirometry|is the|should i|am i|will it|what|how|why|feels well|and feels well|has no|takes|walks|lives|carries)\b)|,? and (?=(?:i|my|now|he|she|his|her|i'm|i've)\b)|, (?=(?:i|my|now|he|she|his|her|i'm|i've)\b)"
)
# a question about the world rather than about someone: no person in it, no present, no plea
_ASKED = re.compile(
    r"^(?:please |hello,? |hi,? |ok,? |and |so |but )*(?:can you (?:explain|tell me)|(?:please )?(?:explain|tell me|describe)|what (?:is|are|does|do|causes?|makes?|triggers?|about)|what's|can(?!'t| ?not)|could|does|do|is|are|how (?:is|are|does|do|can|much|often|many)|why (?:is|are|does|do|can)|when (?:is|are|does|do|should)|which|in (?:asthma|copd)|should)\b"
)
_PERSON = re.compile(
    r"\b(?:i|i'm|i've|i'd|my|me|mine|myself|he|she|his|her|him|they|them|their|we|our|us|someone|somebody|baby|child|son|daughter|father|mother|dad|mum|mom|husband|wife|patient|now|today|tonight|suddenly|help|urgent|since|serious|dangerous|emergency|normal|worry|worried|bad|this|these)\b"
)
_OF_POLLEN = (  # a season that is one of pollen, and nothing after it that no pollen does
    r"(?:pollen|hay ?fever|(?:streams?|sneez\w*|season)[^.;?!]{0,20}(?:may|june|july|spring|summer)|^\W*(?:every|each) (?:spring|summer|autumn|may|june)(?=.*\b(?:nose|eyes|sneez\w*|streams?|itch\w*|pollen|hay ?fever)\b)|from (?:april|may) to (?:june|july))"
    r"(?!.*(?:pain|hurt|crush|squeez|heav|spread|sweat|clammy|vomit|nause|\bsick|faint|pass(?:es|ed|ing)? out|gr[ae]y|numb|\barms?\b|jaw|shoulder|\bneck|worse|\bnow\b|today))"
)
_BENIGN = re.compile(
    _OF_POLLEN
    + r"(?:(?!\b(?:now|today|tonight|but|so|very|really|gone|since|struggl\w*)\b)[^.;?!,]){0,40}chest (?:feels |gets |is |goes )?(?:a (?:bit|little) )?tight|risk estimates?(?: \w+){0,2} (?:of|for) (?:a )?heart attack|heart attack (?:number|figure|percentage|estimate|score|chance)|cold (?:air|weather)[^.;?!]{0,20}chest[^.;?!]{0,8}tight|chest (?:\w+ ){0,2}tight (?:in|with|from) (?:the )?cold|a (?:bit|little) (?:tight|sore)[^.;?!]{0,12}(?:when|after|while|as) i bl[eo]w|faint(?:s|ed|ing)? (?:at|with) (?:the sight of )?(?:needles?|injections?|jabs?|blood tests?|blood)\b|(?:could|might|may|can) faint\W+(?:do|does|is|will|how)\b|hear (?:my|your|his|her) (?:own )?lungs? collaps\w*|can'?t (?:even )?breathe in (?:this|these|my|that|those) (?:\w+ )?(?:bra|dress|jeans|suit|corset|belt|trousers|shirt|tie|costume|uniform)\b|(?:machine|computer|app|program|printer|upload|server|software) (?:has |just )?(?:choked|crashed|died|collapsed|fainted|froze)|suffocating (?:heat|weather|summer|room|humidity|atmosphere|debt|job)|overdos\w* (?:on|of) (?:\w+ ){0,2}(?:vitamins?|cake|chocolate|sugar|coffee|caffeine|tv|netflix|cheese|sweets|christmas|biscuits|sun|news)|chest (?:x-?ray|radiograph|ct|scan|infection|physio\w*|freezer|of drawers|strap|size|press|expansion|wall exam\w*|film|cold|clinic|circumference|measurement|hair|binder|muscles?)|blue (?:inhaler|puffer|badge|cheese|light|line|bar|curve|dot)|stroke (?:risk|volume|unit|clinic|prevention|team)|risk of (?:a )?(?:stroke|heart attack)|(?:estimated|my|the) (?:risk|chance)s? of|heart attack risk|stroke in (?:the|my) family|blood (?:pressure|test|tests|sugar|glucose|count|work|group|type|oxygen|donation)|pressure (?:cuff|monitor|reading)|(?:swim|breast|back)[- ]?stroke|stroke (?:of|my|the) |panic button|overdosing on|faint (?:line|smell|trace|sound|wheeze|colou?r|print)|collapsed (?:table|panel|menu|section)|fitness|(?<!a )fit (?:for|to|test|in)|(?:curve|airways?|loop|dynamic|line)(?: is| are| was| has)? collaps\w*|airway collapse|collaps\w* (?:lung|airway)|(?:spirometry|test|blow\w*|fly\w*|travel\w*|exercis\w*)(?: \w+){0,4} after (?:a |an |my |the )?(?:heart attack|stroke)|recent heart attack|blackout (?:curtain|blind)|pass out (?:leaflets|copies|the)|tight[- ]fitting|tight schedule|pain (?:free|clinic)|heavy (?:metal|lifting|bag|smoker)|(?:mask|clip|mouthpiece|tube|belt|corset|collar|scarf)[^.;?!]{0,12}(?:made|makes|making|is|was|too)[^.;?!]{0,30}breathe?|after the (?:six|6|fifteen|15) seconds|at the end of the (?:blow|test)|first aid for[^.;?!]{0,30}|eyes bleed|gasping for a (?!ir\b|breath)\w+|choking (?:hazard|rescue)|can'?t (?:speak|talk) (?:highly|now\b|right now)|(?:tie|paperwork|mask)[^.;?!]{0,14}(?:strangl\w*|suffocat\w*)|strangled by (?:paperwork|work|red tape)|collapsed (?:laughing|on the (?:sofa|bed|couch))|through my nose|tyres|mov(?:e|ing) the (?:cursor|mouse)"
)
_EXERTION = re.compile(r"stairs|running|\brun\b|exercis|walk|uphill|hills?\b|cycl|climb|sport|altitude|mountain|exertion|in the cold|cold air|lying|at night")
_IF = re.compile(
    r"\b(?:if|in case|whenever|unless|would|could you|can one|can people)\b[^.;?!]{0,60}\b(?:turns?|goe?s?|gets?|becomes?|starts?|were|was|ever|develops?|happens?|faints?|collapses?|drops?|falls?|swells?|feels?|someone|somebody|people|they)\b"
    r"|\bif (?:i|he|she|we) (?:ever |had |were to )[^.;?!]{0,60}\b(?:would|could|whom)\b|^\W*suppos\w+\b"
    r"|\bwhat (?:would|should|do|must) (?:people|patients|someone|somebody|one|you|we|parents|they)\b|\bwhat (?:does|do|is|did) [^.;?!]{0,40}\bmean\b|\bhow (?:do|can|would|could|should) (?:i|you|we|one|people|doctors|parents|they|someone) (?:recogni[sz]e|tell|know|spot|identify|notice|detect|prevent|avoid)\b|\bhow (?:is|are|does|do) [^.;?!]{0,40}\b(?:show|look|differ|diagnosed|treated|recogni[sz]ed|related|linked)\b|\b(?:signs|symptoms|causes?|risks?|definition|meaning|types?|stages?) of\b|\b(?:warning )?signs\b[^.;?!]{0,25}\b(?:for|are)\b"
)
NOW = re.compile(
    r"\b(?:now|today|tonight|again|still|help|since|this (?:morning|evening|afternoon)|at the moment|i can'?t|i'm having|i am having|i have|i've got|he can'?t|she can'?t|just)\b"
)
_STORY = re.compile(
    r"\b(?:films?|movies?|novel|(?:my|the|a|this) book|tv|series|video ?games?|dream(?:t|ed|s)?|nightmare|fiction|character|documentary|podcast|quiz|exam|textbook|essay|lecture|article|magazine|lyrics|song|crossword|theat(?:re|er)|celebrit(?:y|ies)|in the news|newspaper)\b"
)
_THING = re.compile(
    r"(?<!from the )(?<!from a )(?<!off the )(?<!off a )(?<!by the )(?<!by a )(?<!down the )(?<!under a )(?<!under the )\b(?:dog|cat|puppy|kitten|horse|hamster|rabbit|parrot|goldfish|budgie|hen|cow|sheep|car|laptop|phone|computer|printer|plant|tent|bridge|roof|shelf|chair|table|building|market|company|website|server|app|machine|upload|session|software|spirometer|file|economy|boat|bicycle|tyre|tire)\b(?:'s)?(?! (?:accident|crash|hit|fell|bit|ran|kicked|knocked|scratched|on (?:my|his|her)))"
)
_BODY = re.compile(
    r"\b(?:i|i'm|i've|me|my (?!dog|cat|puppy|kitten|horse|hamster|rabbit|parrot|car|laptop|phone|computer|printer|plant|tent|company|website|boat)|he|she|him|her|his|we|us)\b"
)
_FIGURE = re.compile(
    r"\b(?:she|he|they|i)(?:'s|'re|'m| is| are| am) (?:only |just )?(?:joking|kidding)\b|\b(?:only|just) (?:joking|kidding)\b|(?:nurse|doctor|boss|wife|husband|mum|friend|he|she|they) (?:nearly|almost) (?:fainted|died|choked|collapsed) when|gave (?:me|him|her|us) (?:a|an|such a) (?:\w+ )?(?:heart attack|stroke|fit)|(?:nearly|almost|could have|practically) (?:fainted|died|choked|collapsed|passed out|suffocated|had a (?:heart attack|stroke|fit|seizure))[^.;?!]{0,40}\b(?:when i (?:saw|heard|read|got)|at the|laugh\w*|from (?:laugh|bored|shock)\w*|with laugh\w*|price|bill|news|score)|\b(?:price|bill|cost|rent|insurance|news|salary|tax|exam|boredom|embarrass\w*|laugh\w*)\b[^.;?!]{0,60}(?:faint\w*|heart attack|died|chok\w*|collaps\w*|suffocat\w*)|(?:laugh\w*|bored?\w*|embarrass\w*)[^.;?!]{0,20}(?:chok\w*|breath\w*|cr(?:y|ied)|death)"
)
_BLOWING = re.compile(r"\b(?:blow\w*|spirometry|forced|breathing test|lung test|lung function|the test|manoeuvre|maneuver)\b")
_WELL_NOW = re.compile(
    r"\b(?:am|i'm|feel\w*|been|doing|is|are)\b[^.;?!]{0,16}\b(?:well|fine|better|ok|okay|good|recovered|happy|stable)\b|not any ?more|no longer|never since|none since|not since|behind me|(?:well|fine|ok|okay|good|better) (?:now|since|today)|good place|recovered|no complaints"
)
_LIST = re.compile(
    r"\b(?:denies|denied|denying|no|without|negative for|never had|reports no|no history of|not have|don'?t have|haven'?t (?:had )?)\s+(?P<list>[^.;?!:]{0,110})$"
)
_ENDS_LIST = re.compile(
    r"\b(?:i|i'm|i've|but|now|my|is|are|has|have|can'?t|cannot|he|she|his|her|although|though|however|since|started|just|today|because|and then)\b"
)


# it was looked into, or is over, and nothing says that it came back
_RESOLVED = re.compile(
    r"\b(?:turned out|ruled out|all clear|cleared up|healed|went away|gone away|is gone|has gone(?=\W*$|,|;| since| and (?:i|he|she|all))|it'?s gone|mended|wearing off|wore off|(?:sorts|fixes|settles) it|stopped (?:by (?:itself|pinching|pressing)|at once|with pressure)|(?:doctor|dentist|gp|nurse|cardiologist) (?:said|says|told me)[^.;?!]{0,40}\b(?:muscles?|reflux|stomach|stress|normal|harmless|nothing|fine|ribs?)\b|(?:is|was) (?:only|just) (?:a |the |my )?(?:muscle|reflux|stress|virus|curry|heartburn)|checked by|false alarm|nothing serious)\b"
)
_BACK_AGAIN = re.compile(r"\b(?:again|is back|came back|come back|returned|same (?:pain|thing)|worse|but now|today)\b")
# asked by a form or a person, not had: "the nurse asked whether I'd had chest pain"
_INQUIRED = re.compile(
    r"\b(?:ask\w*|questions?|questionnaire|form|leaflet|guideline|page|tick\w*|mention\w*)\b[^.;?!]{0,18}\b(?:about|whether|if|for|says?|on)\b[^.;?!]{0,30}$"
)
_FAR_OFF = re.compile(
    r"\b(?:can|could|will|would|might|may|does|do) (?:i|you|one|people|we)\s+(?:\w+ )?$|\bmeans? (?:that )?(?:i|he|she|we) (?:will|would|might|can|could)\s+(?:\w+ )?$|\bcould i have(?: had)?\s+(?:a |an )?(?:\w+ )?$"
)
_LATER = re.compile(r"\b(?:some ?day|one day|in (?:the|my) future|eventually|ever|at the end|without knowing|in the long run)\b")
_LONG_AFTER = re.compile(
    r"\b(?:how (?:long|soon)|weeks?|months?|years?|living|life|rehab\w*|exercise|sport) (?:after|since|from)\s+(?:a |an |my |the )?(?:\w+ ){0,2}$"
)
# what makes a finding one of years, and what makes it one of today all the same
_LASTING = {
    "confusion": re.compile(r"\b(?:alzheimer\w*|dementia)\b"),
    "head_injury": re.compile(r"\b(?:since birth|always been|born with)\b"),
}
_ALL_AT_ONCE = re.compile(
    r"\b(?:sudden\w*|today|tonight|overnight|yesterday|since (?!years|birth)|hours?|minutes?|this (?:morning|afternoon|evening)|fever|fell|fall|hit|drows\w*)\b"
)
# of suicide as a subject or a side effect, or of somebody else's long ago
_OF_SUICIDE = re.compile(
    r"\b(?:do|does|did|can|could|may)\b[^.;?!]{0,40}\b(?:make|cause|lead|trigger|give)\b[^.;?!]{0,24}\bsuicid|\bcauses?\b[^.;?!]{0,16}\bsuicid|\blost (?:someone|somebody|his|her|their|a|my) ?(?:\w+ )?to suicide|\basked? (?:me )?(?:if|whether|about)\b[^.;?!]{0,60}\b(?:i don'?t|i said no|never)\b|\bwas suicidal\b[^.;?!]{0,60}\b(?:well|fine|better|good|ok) (?:now|today|since|place)"
)
_TERM = re.compile(r"\b(?:what|explain)\b[^.;?!]{0,80}\b(?:mean|means|meaning|is|tell\w*)\b|^\W*(?:explain|define|translate)\b")


def is_of_now(text: str, start: int, end: int, name: str) -> bool:
    """Whether what was matched speaks of now and of someone who can be helped."""
    clause_start = max(text.rfind(mark, 0, start) for mark in (".", ";", "?", "!", " but ")) + 1
    before, after = text[clause_start:start], text[end:]
    sentence = re.split(r"[.;?!]", text[clause_start:])[0].strip()
    if name == "self_harm":
        long_ago = PAST.search(sentence) and (_WELL_NOW.search(text[start:]) or _OTHERS.search(sentence))
        denied = re.search(r"\b(?:no|not|never|without|denies|don't(?! just| know| care)|isn't|not feeling)\s+(?:\w+\s+){0,2}$", before)
        return not denied and not long_ago and not _OF_SUICIDE.search(sentence)
    if name in _PLAIN_WORDS:
        if name == "words" and _TERM.search(sentence):
            return False
        return name in ("no_relief", "no_urine", "not_fading", "child", "words") or not _NEGATED.search(before)
    lasting = _LASTING.get(name)
    if lasting and lasting.search(text) and not _ALL_AT_ONCE.search(text) and not re.search(r"confus|(?:where|who) (?:he|she|they)", text[start:end]):
        return False
    general = _ASKED.search(sentence)
    if (
        general
        and not (name == "overdose" and re.search(r"\b(?:take|die|lethal|fatal|kill|dangerous|too many)\b", sentence))
        and not _PERSON.search(sentence[general.end() :])
        and not _PERSON.search(text[:clause_start])
    ):
        return False
    if name != "overdose" and not name.startswith("swallow") and _told_about(sentence, before, after):
        return False
    if _imagined(sentence, before, text[start:end], name):
        return False
    benign = name != "worse_despite_reliever" and any(found.start() < end and start < found.end() for found in _BENIGN.finditer(text))
    if benign and not re.search(r"\bi(?:'m| am| have|'ve)? (?:now |also )?(?:have|having|got|feel|can'?t)", text):
        return False
    if name in ("cannot_breathe", "unresponsive", "breath_stops"):
        if re.search(r"\b(?:no|not|never|without)\s+(?:\w+\s+){0,1}$", before):
            return False
    elif name == "hard_to_breathe":
        if re.search(r"\b(?:why|what|how|when|if|no|not|never|without|don'?t|doesn'?t)\b", before) or _EXERTION.search(sentence):
            return False
    elif name == "fainting" and (
        _WILL_I.search(before) or (_BLOWING.search(sentence) and not re.search(r"fainted|passed out|collapsed|unconscious|blacked out", text[start:end]))
    ):
        return False
    if (
        name not in ("cannot_breathe", "hard_to_breathe", "unresponsive")
        and not _AS_NEVER_BEFORE.search(after)
        and (_NEGATED.search(before) or _in_list(before, after))
    ):
        return False
    return not _past(text, clause_start, start, end)


def _told_about(sentence: str, before: str, after: str) -> bool:
    """Whether it is over and was looked into, asked about by a form, a term to be explained, or of a far-off future."""
    if _RESOLVED.search(sentence) and not _BACK_AGAIN.search(sentence):
        return True
    if _INQUIRED.search(before) or _LONG_AFTER.search(before) or (_TERM.search(sentence) and not re.search(r"\b(?:i have|i've|i'm|my|now|today)\b", sentence)):
        return True
    return bool(
        _FAR_OFF.search(before)
        and (_LATER.search(sentence) or not re.search(r"\b(?:now|today|tonight|since|my|breathe|move|feel|get)\b", before[-12:] + after[:40]))
    )


def _imagined(sentence: str, before: str, matched: str, name: str) -> bool:
    """Whether it is supposed, told of a story, an animal or a thing, or a figure of speech."""
    if _FIGURE.search(sentence):
        return True
    if NOW.search(sentence):
        return False
    supposed = _IF.search(f"{before}{matched} ") or _IF.search(sentence)
    story = _STORY.search(sentence) and not re.search(r"\b(?:i feel|my chest|i'm|i am)\b", sentence)
    thing = _THING.search(before) and not _BODY.search(sentence[sentence.find(_THING.search(before)[0]) :])  # type: ignore[index]
    return bool(supposed or story or thing)


def _in_list(before: str, after: str) -> bool:
    """Whether it is one of several things that are denied together: "no fever, rash or headache"."""
    found = _LIST.search(before)
    if not found or _ENDS_LIST.search(found["list"]):
        return False
    denied = found[0].startswith(("den", "negative", "reports", "never"))
    return bool(
        ("," not in found["list"] and re.search(r"\b(?:or|nor|and)\s+(?:\w+\s+){0,2}$", found["list"]))
        or ((denied or re.search(r"\b(?:or|nor)\b", found["list"] + re.split(r"[.;?!:]", after)[0])) and ("," in found["list"] or " or " in found["list"]))
    )


def _past(text: str, clause_start: int, start: int, end: int) -> bool:
    """Whether what matched happened long ago or to a relative who is not in danger now."""
    clause = re.split(r"[.;?!]", text[clause_start:])[0]
    part_start = max([found.end() for found in _PART.finditer(text, 0, start)] or [0])
    part_end = min([found.start() for found in _PART.finditer(text, end)] or [len(text)])
    part = text[part_start:part_end]  # what stands between one "and I" and the next
    if _WELL_NOW.search(clause) and PAST.search(clause) and not NOW.search(clause):
        return True
    if _PRESENT.search(part):
        return False
    return bool(_OTHERS.search(part) or PAST.search(part) or (PAST.search(clause) and re.search(r"\b(?:had|was|were|got|suffered|\w+ed)\b", part)))
