"""Red flags, by rule and before any model. Recall first; negations and other people's past are respected.

Rules after NEWS2 (Royal College of Physicians, 2017), NHS 111 advice pages on chest pain, stroke, anaphylaxis and sepsis, and
GINA and GOLD on worsening asthma and COPD. Wordings are fixed: what to do now, in two sentences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.session import Triage
from encoders.record import Patient

NOW = "This can be an emergency: call your local emergency number (112, 999 or 911) now. Do not wait for this assistant, do not drive yourself, and stay with someone if you can."
CARE = (
    "I am sorry you are going through this; you deserve help right now: call your local emergency number (112, 999 or 911) or a crisis "
    "line such as 988 in the US or 116 123 in the UK and Ireland. Please do not stay alone, and tell someone near you how you feel."
)
TODAY = "This needs a clinician today: contact your doctor, urgent care or your respiratory team now. If you cannot breathe, speak or stay awake, call your local emergency number (112, 999 or 911)."


@dataclass(frozen=True)
class Rule:
    name: str
    level: str  # emergency or urgent
    words: str  # a regular expression over the lower-case message
    text: str = NOW


_PAIN = r"(?:pain|pains|ache|aching|hurt|hurts|hurting|pressure|tight|tightness|tightening|squeezing|squeezed|crushing|crushed|heavy|heaviness|discomfort|burning|stabbing)"
RULES: tuple[Rule, ...] = (
    Rule("self_harm", "emergency", r"suicid|kill(?:ing)? my ?self|end(?:ing)? (?:my (?:own )?life|it all)|want to die|wish i (?:was|were) dead|better off dead|don'?t want to (?:live|be alive|be here any ?more|wake up)|no reason to live|hurt(?:ing)? my ?self|harm(?:ing)? my ?self|self[- ]?harm|cut(?:ting)? my ?self(?! some| a (?:piece|slice)| shaving| while)|take my (?:own )?life|taking my own life|jump(?:ing)? off (?:a|the) (?:bridge|roof|building|balcony|cliff)|(?:life|living) (?:is(?: not|n'?t)|not) worth|not worth living|no point (?:in )?(?:living|going on|being alive)|better off without me|if i (?:was|were) dead|can'?t go on (?:like this|living|any ?more)|(?:want to|going to|^)\W*kms\W*$", CARE),
    Rule("overdose", "emergency", r"overdos|(?:took|taken|swallowed|swallowing|drank|drunk|ate|eaten) (?:too many|a whole|all (?:of )?(?:my|the|his|her)|the whole|a (?:bottle|box|packet|handful)|bleach|poison|antifreeze|\d+ (?:tablets|pills|paracetamol))|(?:too many|bottle of|handful of) (?:pills|tablets|paracetamol|painkillers)|poisoned"),
    Rule("chest_pain", "emergency", rf"(?:chest|breast ?bone|sternum)[^.;,?!]{{0,40}}\b{_PAIN}\b|\b{_PAIN}\b[^.;,?!]{{0,40}}\b(?:my |the |his |her |in |of )?(?:chest|breast ?bone|sternum)\b|elephant (?:is )?(?:on|sitting)|chest is killing|(?:clutch|grip|hold)\w* (?:my|his|her|their) chest|heart attack|angina attack|cardiac arrest"),
    Rule("arm_or_jaw_pain", "emergency", rf"(?:left arm|arm and jaw|jaw|arm)[^.;,?!]{{0,25}}\b(?:pain|ache|aching|hurts|numb)\b[^.;?!]{{0,40}}(?:sweat|breath|chest|sick|nause)|{_PAIN}[^.;,?!]{{0,40}}(?:spread|radiat|down|into|shoot|moving|going)[^.;,?!]{{0,20}}(?:arm|jaw|neck|shoulder)|pain in (?:my |the |his |her )?(?:left arm|arm and jaw|jaw and arm|jaw)"),
    Rule("cannot_breathe", "emergency", r"(?:can(?:'?t|not)|can not|cant|unable to|hardly|barely|struggling to|fighting to|struggle to|struggles to)\s+(?:even\s+)?(?:breath(?!e out (?:any|more|further|longer|all|fully))|breathe(?! out (?:any|more|further|longer|all|fully))|get (?:any |enough |my |his |her )?(?:air|breath)|catch (?:my|his|her) breath|(?:speak|talk)(?! (?:about|to|with|for|on|over|[a-z]*(?:ish|ese|ian|man|nch))\b(?![^.?!]*breath))|finish (?:a |my )?sentence|say (?:a |more))|(?:struggl\w*|fight\w*|gasp\w*) for (?:air|breath)|gasping|suffocat|choking|drowning in my|(?:feel|feels) like (?:i'm |i am )?drowning|pink(?:,| and)? (?:sputum|froth\w*)|frothy (?:pink )?(?:sputum|phlegm)|lungs?[^.;,?!]{0,25}filling|stridor|high[- ]pitched (?:noise|sound)[^.;?!]{0,30}breath|(?:having|in the middle of) (?:a|an) (?:\w+ ){0,3}asthma attack|stuck in (?:my|his|her|the) (?:throat|windpipe)|(?:too )?(?:breathless|short of breath|out of breath|wheezy) to (?:speak|talk|eat|move|sleep|lie|stand|finish|walk)|stopped breathing|not breathing|(?:isn'?t|is not) breathing|no air|full sentences|few words|silent chest|very short of breath (?:at|while) rest(?:ing)?|breathless at rest|(?:severe|sudden|extreme|terrible|acute)(?:ly)? (?:breathless|short(?:ness)? of breath|difficulty breathing|trouble breathing|asthma attack)|suddenly (?:very |so |really )?(?:breathless|short of breath|can'?t breathe)"),
    Rule("blue", "emergency", r"\b(?:lips?|face|fingers?|fingertips|finger ?nails|nails|tongue|skin)\b[^.;,?!]{0,25}\b(?:blue|bluish|grey|gray|purple)\b|\b(?:he|she|baby|child|son|daughter|father|mother|dad|mum|mom|husband|wife)\b[^.;,?!]{0,12}\b(?:is|looks?|looking|went|gone|goes|turned|turning) (?:\w+ ){0,2}(?:blue|bluish|grey|gray|purple)\b|\b(?:blue|bluish|grey|purple) (?:lips?|face|fingers?|fingertips|tongue|skin)"),
    Rule("coughing_blood", "emergency", r"cough\w*(?: up)?(?: a lot of| lots of| some| bright red| fresh)? ?(?:red )?blood|(?:cough|bring|hack)\w* up (?:\w+ ){0,4}blood|brought up (?:\w+ ){0,4}blood|blood[^.;,?!]{0,25}(?:when|while|in|with)[^.;,?!]{0,12}(?:cough|sputum|phlegm|spit)|spit\w*(?: up| out)? blood|bloody (?:sputum|phlegm)|haemoptysis|hemoptysis"),
    Rule("vomiting_blood", "emergency", r"(?:vomit\w*|throw\w* up|threw up|puk\w*)[^.;,?!]{0,15}blood|blood[^.;,?!]{0,12}vomit|black tarry stool|coffee[- ]ground"),
    Rule("fainting", "emergency", r"\bfaint(?:ed|ing|s)?\b|pass(?:ed|ing) out|(?:about|going|nearly|almost) (?:to )?(?:pass|black) out|black(?:ed|ing) out|los(?:t|ing|e) consciousness|unconscious|collaps(?:ed|ing|e)|unresponsive|won'?t wake|(?:can'?t|cannot) (?:be )?w[ao]ke"),
    Rule("stroke", "emergency", r"(?:face|mouth|smile|eyelid)[^.;,?!]{0,25}(?:droop|fallen|sagg|lopsided|crooked|numb|one side)|droop\w* (?:face|mouth|smile)|(?:slurr\w*|garbled|jumbled)[^.;,?!]{0,15}(?:speech|words|talk\w*|speak\w*)|speech[^.;,?!]{0,15}(?:slurr|gone funny|garbled)|(?:sudden\w*|one|left|right)[^.;,?!]{0,25}(?:arm|leg|side|body)[^.;,?!]{0,20}(?:weak|numb|paraly|dead|can'?t move|cannot move|won'?t move)|(?:weak|numb)\w* (?:in|on|down) (?:my |one |the |his |her )*(?:left |right )?(?:arm|side|leg)|(?:having|had|think|be|is it|sign of)[^.;,?!]{0,20} (?:a )?stroke\b|sudden\w*[^.;,?!]{0,20}(?:confus|loss of vision|blind|can(?:'?t|not| not) see|vision)|(?:can'?t|cannot) (?:lift|raise|move) (?:my|his|her|one|the)"),
    Rule("headache", "emergency", r"worst (?:head ?ache|headache)|worst [^.;,?!]{0,12}head|thunderclap|(?:head ?ache)[^.;,?!]{0,30}(?:of my life|ever had|suddenly|exploded|like an explosion|stiff neck)|sudden (?:severe|terrible|violent) head"),
    Rule("anaphylaxis", "emergency", r"anaphyla|(?:throat|tongue|lips?|\bface|mouth)[^.;,?!]{0,25}(?:swell|swollen|swelling)|(?:throat|airway)[^.;,?!]{0,25}(?:closing|closed|tight)|\b(?:hives|stung|bee sting|wasp sting|peanuts?|nuts|allergic reaction)\b[^.;?!]{0,60}(?:breath|wheez|swell|swollen|throat|faint)|swollen (?:throat|tongue|lips|face)|(?:swelling|closing)[^.;,?!]{0,15}(?:throat|tongue|lips|airway)|epipen"),
    Rule("abdomen", "emergency", r"(?:severe|rigid|worst|unbearable|agoni[sz]ing|excruciating|board[- ]like|hard)[^.;,?!]{0,20}(?:abdom\w*|stomach|belly|tummy)|(?:abdom\w*|stomach|belly|tummy)[^.;,?!]{0,25}(?:rigid|unbearable|excruciating|agony|severe|rock hard|hard as)"),
    Rule("meningitis", "emergency", r"stiff neck|neck (?:is |so )?stiff|rash[^.;,?!]{0,25}(?:doesn'?t|does not|won'?t|not) (?:fade|disappear|blanch)|sepsis|septic"),
    Rule("seizure", "emergency", r"(?:having|had|has|is having) (?:a |an )?(?:fit|seizure|convulsion)|seizing|convuls"),
    Rule("bleeding", "emergency", r"(?:heavy|heavily|won'?t stop|will not stop|can'?t stop|not stop\w*|lot of|badly|profuse\w*|severe(?:ly)?|gush\w*|pouring)[^.;,?!]{0,20}(?:bleed|blood)|(?:bleed\w*|blood)[^.;,?!]{0,25}(?:heavily|won'?t stop|will not stop|doesn'?t stop|can'?t be stopped|badly|everywhere|gushing|pouring|profusely)"),
    Rule("limb", "emergency", r"(?:leg|arm|foot|hand|calf|limb)[^.;,?!]{0,30}(?:suddenly|gone|turned|is|feels)?[^.;,?!]{0,10}(?:cold and|white and|pale and)[^.;,?!]{0,15}(?:numb|pale|white|painful|cold|blue)|(?:swollen|swelling)[^.;?!]{0,30}(?:leg|calf)[^.;?!]{0,40}(?:breath)|breath\w*[^.;?!]{0,40}(?:swollen|swelling)[^.;?!]{0,20}(?:calf|one leg|left leg|right leg)|(?:calf|leg)[^.;?!]{0,30}(?:swollen|swelling|swelled)[^.;?!]{0,40}breath"),
    Rule("dehydrated_child", "emergency", r"(?:baby|infant|toddler|child|son|daughter|newborn)[^.?!]{0,60}(?:no wet napp|no wet diaper|dry napp|dry diaper|not (?:peed|urinated|drinking)|sunken|floppy|limp|lethargic|dehydrat|hard to wake|blue)"),
    Rule("confusion", "emergency", r"(?:suddenly|newly|become|became|getting|very|so|now|acutely|new) (?:very )?(?:confused|delirious|disorient\w*)|new confusion|doesn'?t know (?:where|who) (?:he|she|they)"),
    Rule("dying", "emergency", r"(?:i'?m|i am|he is|she is|he's|she's) (?:dying|going to die|about to die)(?! (?:to|for|of (?:boredom|curiosity|thirst|heat)))"),
    Rule("ambulance", "emergency", r"\b(?:i|we|he|she) needs? an ambulance|(?:^|[.!,] |please |pls |help )(?:call|send|get)(?: me| us)? an ambulance|(?<!when )(?:should|shall|must) (?:i|we) call an ambulance"),
    Rule("gas", "emergency", r"carbon monoxide (?:alarm|detector)[^.;?!]{0,20}(?:going|goes|went|off|beep|ring)|(?:inhal\w*|breathed in|breathing in)[^.;,?!]{0,20}(?:chlorine|ammonia|toxic|poisonous|gas fumes|smoke[^.;,?!]{0,15}fire)"),
    Rule("worse_despite_reliever", "urgent", r"(?:inhaler|reliever|puffer|salbutamol|albuterol|ventolin|nebuli[sz]er)[^.;?!]{0,40}(?:not (?:help|work)|isn'?t (?:help|work)|doesn'?t (?:help|work)|no (?:help|relief|effect|longer)|stopped (?:help|work)|not enough|every (?:hour|two hours)|hasn'?t)|(?:copd|asthma|breathing)[^.;,?!]{0,30}(?:(?:much|a lot|far|suddenly|getting|got|so much) worse|worse (?:today|since|despite|than usual)|flar\w+)|despite (?:my |the )?(?:inhaler|reliever|puffer)", TODAY),
    Rule("fever_cough_breathless", "urgent", r"(?=.*(?:fever|high temperature|shiver|chills))(?=.*cough)(?=.*(?:breathless|short of breath|shortness of breath|hard to breathe|difficulty breathing))", TODAY),
    Rule("hard_to_breathe", "urgent", r"\b(?:difficulty|trouble|problems?) (?:in |with )?breathing|(?:hard|harder|difficult) (?:for (?:me|him|her) )?to breathe|breathing is (?:\w+ )?(?:hard|difficult|laboured|labored)", TODAY),
    Rule("leg_swelling", "urgent", r"(?:new|suddenly|sudden|started|one)[^.;,?!]{0,20}(?:leg|calf|ankle)s?[^.;,?!]{0,20}(?:swell|swollen)|(?:leg|calf|ankle)s?[^.;,?!]{0,20}(?:swell\w*|swollen)[^.;?!]{0,25}(?:new|since|today|yesterday|this week|suddenly)", TODAY),
)  # fmt: skip
_COMPILED = tuple((rule, re.compile(rule.words)) for rule in RULES)
# what goes before a match and takes it back. Words that show the negation belongs to something else ("not well", "haven't slept") do not
_ELSE = r"(?!(?:because|since|due|sleep|slept|well|good|great|ok|okay|right|fine|sure|able|walk|eat|help\w*|work\w*|better|stop\w*|gone|going|know|like|only|just|now|but|normal|think|my|i|i'm|until)\b)"
_NEGATED = re.compile(
    rf"\b(?:no|not|never|without|denies|deny|denied|isn'?t|wasn'?t|don'?t have|do not have|doesn'?t have|haven'?t(?: had)?|have not had|hasn'?t had|had no|didn'?t|did not|nor|neither)\s+(?:{_ELSE}\w+\s+){{0,4}}$"
    r"|\b(?:free of|negative for|rules? out|ruled out|no sign of|no history of|absence of|worried i (?:might|will|could)|afraid of|fear of|avoid|prevent\w*|lower|reduce|reduces|risk of|chance of|chances of|likelihood of|odds of|symptoms of|signs of|what (?:is|are|causes)|causes of|define|definition of|meaning of|difference between|information (?:on|about)|learn about|explain what)\s+(?:(?!(?:my|i|i'm)\b)\w+\s+){0,4}$"
)
_WILL_I = re.compile(r"\b(?:can|could|will|would|might|may) (?:i|you|one|people)\s+$")
_AS_NEVER_BEFORE = re.compile(r"^\W*(?:like this|this bad|as bad|so bad|worse|such)")
_OTHERS = re.compile(
    r"\b(?:father|mother|dad|mum|mom|brother|sister|uncle|aunt|grand\w+|parents?|family|relatives?|neighbou?r|friend|husband|wife)\b[^.;?!]{0,40}\b(?:had|died|suffered|in (?:19|20)\d\d|years? ago|at (?:the )?age|history|when (?:he|she) was)\b"
)
_PAST = re.compile(
    r"\b(?:in (?:19|20)\d\d|\d+ years? ago|(?:many|several|some|a few|two|three|five|ten|twenty) (?:years?|months?|decades?) ago|last year|years ago|as a child|when i was (?:a |young|\d+)|in childhood|in my (?:teens|twenties|youth)|previous|previously|history of (?!\w+ and (?:i|my|am)\b)|used to (?:have|get|be|suffer|faint|cough)|long ago|at school)\b"
)
_PRESENT = re.compile(
    r"\b(?:now|today|again|right now|just|tonight|still|at the moment|this (?:morning|evening|afternoon)|since|minutes?|hours?|has had|is having|i have|i've got|i'm|i am|is|are|am|hurts|feels?|can't|cannot|cant|keeps?)\b"
)
_PART = re.compile(r"[.;?!]| but |,? and (?=(?:i|my|now|he|she|his|her|i'm|i've)\b)|, (?=(?:i|my|now|he|she|his|her|i'm|i've)\b)")
# a question about the world rather than about someone: no person in it, no present, no plea
_ASKED = re.compile(
    r"^(?:please |hello,? |hi,? |ok,? |and |so |but )*(?:can you (?:explain|tell me)|(?:please )?(?:explain|tell me|describe)|what (?:is|are|does|do|causes?|makes?|triggers?|about)|what's|can(?!'t| ?not)|could|does|do|is|are|how (?:is|are|does|do|can)|why (?:is|are|does|do|can)|when (?:is|are|does|do|should)|which|in (?:asthma|copd)|should)\b"
)
_PERSON = re.compile(
    r"\b(?:i|i'm|i've|i'd|my|me|mine|myself|he|she|his|her|him|they|them|their|we|our|us|someone|somebody|baby|child|son|daughter|father|mother|dad|mum|mom|husband|wife|patient|now|today|tonight|suddenly|help|urgent|since|serious|dangerous|emergency|normal|worry|worried|bad|this|these)\b"
)
_TYPOS = tuple((re.compile(rf"\b(?:{wrong})\b"), right) for wrong, right in (
    ("chset|cheast|chesst|chets|chect|cheest", "chest"), ("chestpains?", "chest pain"), ("pian|payn", "pain"), ("hart at+ac?k|heart (?:atack|attak|attck)", "heart attack"),
    ("cnt|carnt|cant|cannt|can t", "can't"), ("breth", "breath"), ("breeth|brethe|breate|braethe|breahte|bretahe", "breathe"), ("brethless|breathles", "breathless"),
    ("coughin|cofing|coffing|couging|caughing", "coughing"), ("anaf[iy]laxis", "anaphylaxis"), ("anaf[iy]lactic", "anaphylactic"), ("storke", "stroke"),
    ("sucidal|suisidal|suicidle", "suicidal"), ("sucide|suiside", "suicide"), ("colapsed|collasped", "collapsed"), ("unconcious|unconsious|unconscous", "unconscious"),
    ("siezure|seisure", "seizure"), ("wanna", "want to"), ("gonna", "going to"), ("swolen", "swollen"), ("blod|bloood", "blood"), ("slured", "slurred"),
    ("ambulence|amublance|ambulanse", "ambulance"), ("tounge|tonge", "tongue"), ("thorat|troat", "throat"),
))  # fmt: skip
_BENIGN = re.compile(
    r"chest (?:x-?ray|radiograph|ct|scan|infection|physio\w*|freezer|of drawers|strap|size|press|expansion|wall exam\w*|film|cold|clinic|circumference|measurement|hair|binder|muscles?)|blue (?:inhaler|puffer|badge|cheese|light|line|bar|curve|dot)|stroke (?:risk|volume|unit|clinic|prevention|team)|risk of (?:a )?(?:stroke|heart attack)|(?:estimated|my|the) (?:risk|chance)s? of|heart attack risk|stroke in (?:the|my) family|blood (?:pressure|test|tests|sugar|glucose|count|work|group|type|oxygen|donation)|pressure (?:cuff|monitor|reading)|(?:swim|breast|back)[- ]?stroke|stroke (?:of|my|the) |panic button|overdosing on|faint (?:line|smell|trace|sound|wheeze|colou?r|print)|collapsed (?:table|panel|menu|section)|fitness|fit (?:for|to|test|in)|(?:curve|airways?|loop|dynamic|line)(?: is| are| was| has)? collaps\w*|airway collapse|collaps\w* (?:lung|airway)|(?:spirometry|test|blow\w*|fly\w*|travel\w*|exercis\w*)(?: \w+){0,4} after (?:a |an |my |the )?(?:heart attack|stroke)|recent heart attack|blackout (?:curtain|blind)|pass out (?:leaflets|copies|the)|tight[- ]fitting|tight schedule|pain (?:free|clinic)|heavy (?:metal|lifting|bag|smoker)"
)
_VITAL = (
    ("spo2", re.compile(r"(?:spo2|sp02|o2 sat\w*|sats?|saturations?|oxygen(?: level| saturation| sat\w*)?|pulse ox\w*)\D{0,25}?(\d{2,3})\s*%?"), lambda v: 50 <= v <= 92),
    ("respiratory_rate", re.compile(r"(?:respiratory rate|breathing rate|breaths (?:a|per) minute|resp rate|\brr\b)\D{0,12}?(\d{2})|(\d{2}) breaths"), lambda v: v >= 25),
    ("heart_rate", re.compile(r"(?:heart rate|pulse(?! ox)|heartbeat|\bhr\b|heart is (?:beating|racing) at)\D{0,15}?(\d{2,3})"), lambda v: v >= 130),
    ("temperature", re.compile(r"(?:temperature|temp|fever)\D{0,14}?(\d{2}(?:\.\d)?)"), lambda v: 40 <= v < 46),
)  # fmt: skip
_EXERTION = re.compile(r"stairs|running|\brun\b|exercis|walk|uphill|hills?\b|cycl|climb|sport|altitude|mountain|exertion|in the cold|cold air|lying|at night")
_PRESSURE = re.compile(r"(?:blood pressure|\bbp\b|systolic)\D{0,14}?(\d{2,3})(?:\s*/\s*\d{2,3})?")
_GLUCOSE = re.compile(r"(?:glucose|blood sugar|sugar)\D{0,14}?(\d{2,3})\b(?!\s*mmol)")
_SYMPTOM = re.compile(
    r"breathless|short of breath|dizzy|diz+iness|headache|blurred|confus|sweat|shak|faint|unwell|sick|vomit|chest|weak|drows|palpit|thirst|feel (?:awful|terrible|ill|bad|strange)|numb|vision|nosebleed"
)


def triage(message: str, patient: Patient | None = None) -> Triage | None:
    """The red flag in a message, or None. A record's own vital signs count only beside a symptom in the message."""
    text = " ".join(message.lower().replace("\u2019", "'").split())
    for wrong, right in _TYPOS:
        text = wrong.sub(right, text)
    for rule, pattern in _COMPILED:
        match = pattern.search(text)
        while match:
            if _counts(text, match, rule):
                return Triage(rule.name, rule.level, rule.text)
            match = pattern.search(text, match.start() + 1)  # a match that does not count may hide one that does
    return _vitals(text, patient)


def _counts(text: str, match: re.Match[str], rule: Rule) -> bool:
    """Whether a match speaks of now and of someone who can be helped."""
    clause_start = max(text.rfind(mark, 0, match.start()) for mark in (".", ";", "?", "!", " but ")) + 1
    before = text[clause_start : match.start()]
    if rule.name == "self_harm":
        return not re.search(r"\b(?:no|not|never|without|denies)\s+(?:\w+\s+){0,2}$", before)
    sentence = re.split(r"[.;?!]", text[clause_start:])[0].strip()
    general = _ASKED.search(sentence)
    if general and rule.name != "overdose" and not _PERSON.search(sentence[general.end() :]) and not _PERSON.search(text[:clause_start]):
        return False
    benign = rule.name != "worse_despite_reliever" and any(found.start() < match.end() and match.start() < found.end() for found in _BENIGN.finditer(text))
    if benign and not re.search(r"\bi(?:'m| am| have|'ve)? (?:now |also )?(?:have|having|got|feel|can'?t)", text):
        return False
    if rule.name == "cannot_breathe":
        if re.search(r"\b(?:no|not|never|without)\s+(?:\w+\s+){0,1}$", before):
            return False
    elif rule.name == "hard_to_breathe":
        if re.search(r"\b(?:why|what|how|when|if|no|not|never|without|don'?t|doesn'?t)\b", before) or _EXERTION.search(sentence):
            return False
    elif rule.name == "fainting" and _WILL_I.search(before):
        return False
    if rule.name not in ("cannot_breathe", "hard_to_breathe") and _NEGATED.search(before) and not _AS_NEVER_BEFORE.search(text[match.end() :]):
        return False
    return not _past(text, clause_start, match)


def _past(text: str, clause_start: int, match: re.Match[str]) -> bool:
    """Whether what matched happened long ago or to a relative who is not in danger now."""
    clause = re.split(r"[.;?!]", text[clause_start:])[0]
    start = max([found.end() for found in _PART.finditer(text, 0, match.start())] or [0])
    end = min([found.start() for found in _PART.finditer(text, match.end())] or [len(text)])
    part = text[start:end]  # what stands between one "and I" and the next
    if _PRESENT.search(part):
        return False
    return bool(_OTHERS.search(part) or _PAST.search(part) or (_PAST.search(clause) and re.search(r"\b(?:had|was|were|got|suffered|\w+ed)\b", part)))


def _vitals(text: str, patient: Patient | None) -> Triage | None:
    symptom = bool(_SYMPTOM.search(text))
    for name, pattern, bad in _VITAL:
        for match in pattern.finditer(text):
            value = float(next(group for group in match.groups() if group))
            hypercapnic = name == "spo2" and patient is not None and "hypercapnic" in " ".join(patient.conditions).lower()
            if bad(value) and not (hypercapnic and value > 88):
                return Triage(f"vital_{name}", "emergency", NOW)
    pressure, glucose = _PRESSURE.search(text), _GLUCOSE.search(text)
    if pressure and (float(pressure.group(1)) < 90 or (float(pressure.group(1)) >= 180 and symptom)):
        return Triage("vital_blood_pressure", "emergency", NOW)
    if glucose and symptom and (float(glucose.group(1)) < 54 or float(glucose.group(1)) > 300):
        return Triage("vital_glucose", "emergency", NOW)
    if patient is None or not re.search(r"\b(?:i feel|i'm|i am|feeling)\b", text) or not symptom:
        return None
    low = 88.0 if "hypercapnic" in " ".join(patient.conditions).lower() else 92.0
    if patient.spo2_percent is not None and patient.spo2_percent <= low and "breath" in text:
        return Triage("record_spo2_with_symptoms", "emergency", NOW)
    if patient.systolic_bp_mmhg is not None and (patient.systolic_bp_mmhg >= 180 or patient.systolic_bp_mmhg < 90):
        return Triage("record_blood_pressure_with_symptoms", "emergency", NOW)
    return None
