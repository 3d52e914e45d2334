"""What a question by itself is about: what the net reads, put right where its words say otherwise."""

from __future__ import annotations

import re

from assistant import guardrails
from assistant.asking import READ_SURE
from assistant.disputes import OF_AN_ESTIMATE
from assistant.retrieval import KNOWN_WORDING, GuidelineLibrary
from assistant.told_by_code import BY_CODE, SURE
from encoders.teacher.numbers import asked_number
from encoders.teacher.themes import THEMES

DECLINED = ("dose", "off_topic")  # said only where it is sure: rules decline the clear ones before
FOLLOW_UPS = ("is_it_bad", "why", "shorter", "plain_words")
_WHY = re.compile(r"^(?:and |but |so )?why\b", re.IGNORECASE)
_RISK = r"(?:risks?|estimates?|chances?|odds|probabilit\w+|likelihood|risk (?:score|figure|number|percentage)s?)"
_TRAIT = r"(?:asthma|copd|diabetes|hypertension|blood pressure|stroke|heart (?:attack|failure|disease)|coronary(?: heart disease)?)"
_PLAINLY = (  # what these words ask is certain, whatever wording is nearest
    (re.compile(r"^\W*(?:and |so |but )?(?:should|can|may|could) (?:i|he|she|we|they) (?:still |do )?exercise\W*$", re.IGNORECASE), "exercise"),
    (
        re.compile(
            r"^(?!.*\b(?:pressure|bp|lose|losing|gain|kg|kilos?)\b).*\b(?:lift\w* weights?|weight ?lifting|weight training)\b[^?.]{0,30}\b(?:ok(?:ay)?|safe|fine|bad|good|lungs?|asthma|copd)\b",
            re.IGNORECASE,
        ),
        "exercise",
    ),
    (
        re.compile(
            r"^\W*(?:so |and |then |ok )*(?:is|could|might|can) (?:it|this|that|there) (?:be |all |also )?(?:any |just )?(?:scarr\w+|scars?)\b(?![^?.]*\b(?:face|skin|acne|arm|leg|surgery|operation)\b)",
            re.IGNORECASE,
        ),
        "damaged",
    ),
    (
        re.compile(
            r"\b(?:why|how come)\b[^?.]*\b(?:no|not (?:any|a single)|without) (?:\w+ )?(?:risks?|estimates?|risk (?:scores?|figures?|estimates?))\b(?! (?:in|with|from|of)\b)",
            re.IGNORECASE,
        ),
        "risks",
    ),
    (
        re.compile(rf"\b(?:app|model|you|program|it)\b[^?.]{{0,12}}\b(?:make of|say (?:about|of)|estimate|think of)\b[^?.]{{0,20}}\b{_TRAIT}\b", re.IGNORECASE),
        "risks",
    ),
    (
        re.compile(
            rf"\b{_TRAIT} (?:risk )?(?:drivers?|factors?|reasons?)\b|\bwhy\b[^?.]{{0,16}}\b{_TRAIT}\b[^?.]{{0,20}}\b(?:come out|show up|flagged|zero|estimated|not lower|so high|raised)\b",
            re.IGNORECASE,
        ),
        "why_risk",
    ),
    (
        re.compile(
            r"\b(?:why|how)\b[^?.]*\b(?:fev1|fvc|ratio)\b[^?.]*\b(?:when|while|but|though|yet|if)\b[^?.]*\b(?:fev1|fvc|ratio)\b"
            r"|\b(?:fev ?1|fvc|ratio)\b[^?.]*\b(?:normal|low|fine|ok(?:ay)?|reduced|high)\b[^?.]*\b(?:fev ?1|fvc|ratio)\b[^?]*\b(?:how|what)\b[^?.]*\b(?:read|interpret|make of|mean|explain|understand)\b",
            re.IGNORECASE,
        ),
        "pattern",
    ),
    (
        re.compile(
            r"\bask\b[^?.]{0,20}\b(?:clinic|doctor|specialist|hospital|gp|consultant|lab|team)\b[^?.]{0,10}\bto (?:do|arrange|order|check|measure)\b",
            re.IGNORECASE,
        ),
        "next_steps",
    ),
    (
        re.compile(
            r"^(?!.*\b(?:los(?:e|ing)|shed\w*|drop\w*|gain\w*|putting on) ).*\b(?:could|can|might|is|does|would|may)\b[^?.]{0,12}\b(?:weight|belly|bmi|obesity|size|fat|tummy|stomach|posture|scoliosis|anxiety|anaemia)\b[^?.]{0,24}\b(?:pull\w*|bring\w*|drag\w*|push\w*|squash\w*|explain\w*|caus\w+|lower\w*|reduc\w+|be (?:why|behind|the reason|to blame)|account|do(?:ing)? (?:this|that|it))\b",
            re.IGNORECASE,
        ),
        "cause_of_result",
    ),
    (
        re.compile(
            r"\b(?:rais\w+|lower\w*|affect\w*|count\w*|chang\w+|push\w*|add\w*)\b[^?.]{0,20}\b(?:asthma|copd|diabetes|hypertension|stroke|heart (?:attack|failure|disease)|coronary) (?:risk|estimate|chance|number|figure)\b(?<!reduce)",
            re.IGNORECASE,
        ),
        "why_risk",
    ),
    (re.compile(r"^\W*(?:[\w.,/%-]+ ){0,6}(?:- )?(?:is (?:that|it|this) )?(?:obstruct\w+|restrict\w+)\?\W*$", re.IGNORECASE), "pattern"),
    (
        re.compile(
            r"\b(?:rely on|trust|depend on|go by)\b[^?]{0,16}\b(?:fev ?1|fvc|ratio|tests?|blows?|results?|values?|numbers?|\d+(?:\.\d+)? ?(?:l|lit(?:re|er)s?))\b",
            re.IGNORECASE,
        ),
        "certainty",
    ),
    (
        re.compile(
            r"(?:%|\bper ?cent|\bpredicted)[^?]*\b(?:mild|moderate|severe)\b[^?]*\b(?:why|how come)\b|\b(?:why|how come)\b[^?]*\b(?:called|graded|only|just|considered|rated)\b[^?]{0,10}\b(?:mild|moderate|severe)\b",
            re.IGNORECASE,
        ),
        "severity_scale",
    ),
    (re.compile(r"\bworth\b[^?]{0,40}\b(?:again|repeat\w*|redo\w*)\b", re.IGNORECASE), "repeat_test"),
    (
        re.compile(r"\b(?:risks?|estimates?)\b[^?]{0,40}\bwhat (?:can|could|should) (?:we|i|he|she|they) (?:change|do|work on)\b", re.IGNORECASE),
        "what_would_change",
    ),
    (
        re.compile(
            r"\bwhat (?:can|could|do) (?:you|we|i|one) (?:still |actually )?(?:tell|say|get|learn|see|read|know) (?:me )?(?:from|about|out of) (?:the|this|that|one|his|her|my) (?:single |one )?(?:blow|test|result|recording)",
            re.IGNORECASE,
        ),
        "explain_result",
    ),
    (
        re.compile(
            r"\b(?:explains?|drives?|driving|behind|makes?|accounts? for)\b[^?.]{0,24}\b(?:asthma|copd|diabetes|hypertension|blood pressure|stroke|heart (?:attack|failure|disease)|coronary|heart) (?:number|figure|score|per ?cent\w*|estimate|result)",
            re.IGNORECASE,
        ),
        "why_risk",
    ),
    (
        re.compile(
            rf"^(?!.*\b(?:lower(?:ing)? (?:it|my|his|her|the)|reduce|would|could|if)\b).*(?:\b(?:what|which|why|how come|tell me)\b[^?.]*\b(?:push\w*|driv\w+|rais\w+|behind|contribut\w*|factors?|makes?|making|pulling|based on|rests? on|so (?:high|low)|look(?:s|ing)? (?:so )?(?:high|low|raised)|up|explain\w*)\b[^?.]*\b{_RISK}\b"
            rf"|\b(?:what|which|why|how come|explain)\b[^?.]*\b{_RISK}\b[^?.]*\b(?:push\w*|driv\w+|rais\w+|behind|contribut\w*|factors?|made up|based on|rests? on|so (?:high|low)|(?:high|low|raised)|up|down|come from|reasons?)\b"
            rf"|\b(?:{_RISK}|likely|prone)\b[^?.]*\b(?:and|but)? ?why\W*$)",
            re.IGNORECASE,
        ),
        "why_risk",
    ),
    (
        re.compile(
            r"\b(?:were|was|are|is|can) (?:my|the|these|his|her|those|this) (?:\w+ )?(?:blows?|puffs?|attempts?|efforts?|tries|tests?|readings?|measurements?|numbers|values|results?)\b[^?.]{0,16}\b(?:good enough|acceptable|usable|valid|reliable|repeatable|trustworthy|trusted|count(?:ed)?)\b",
            re.IGNORECASE,
        ),
        "quality",
    ),
    (
        re.compile(
            r"^\W*(?:so |and |then )?(?:is|could|might|can) (?:it|this|that) (?:be |all |also )?(?:an? )?(?:emphysema|fibrosis|cancer|asthma|copd|bronchitis)\b",
            re.IGNORECASE,
        ),
        "do_i_have_asthma",
    ),
    (
        re.compile(
            r"(?<!why )\b(?:is|are|was|were) (?:this|my|his|her|the|that|these|their) (?:test )?(?:results?|test|spirometry|lung function|lungs|numbers|values)\b[^?.]{0,12}\b(?:normal|abnormal|ok(?:ay)?|fine|good|bad|all ?right|healthy)\b",
            re.IGNORECASE,
        ),
        "explain_result",
    ),
    (
        re.compile(
            r"\bhow (?:did|have) (?:i|my lungs|he|she|it|the (?:test|blow\w*)) (?:do|done|go|gone|come out|perform)\b(?!\W*wrong)|\bwhat (?:came|comes) (?:out of|from) (?:the|my|this|that|his|her) (?:\w+ )?(?:test|blow\w*|machine)"
            r"|\b(?:explain|interpret|describe|summari[sz]e|talk me through|read) (?:me )?(?:the |my |his |her |this |these |that |those )+(?:\w+ )?(?:blows?|tests?|results?|spirometry|spirogram|readings?|patient|person|case)\b(?![^?.]*(?:colleague|doctor|gp\b))"
            r"|\b(?:did|have) (?:i|he|she) (?:do|done|pass) (?:\w+ ){0,2}(?:on|in|at|the|this|my|his|her)\b[^?.]{0,20}\b(?:test|thing|blow\w*|machine|spirometry)|\bwhat (?:does|do|did) (?:the|my|his|her|this|these) (?:\w+ )?(?:tests?|blows?|results?|spirometry|numbers|values|figures) (?:show|say|tell|mean)",
            re.IGNORECASE,
        ),
        "explain_result",
    ),
    (
        re.compile(
            r"\b(?:what|which) (?:should|must|do|can|could) i (?:add|enter|give|fill in|upload|put in|supply)\b|\bwhat (?:else )?(?:do|would) you need (?:to|from me)\b",
            re.IGNORECASE,
        ),
        "missing_data",
    ),
    (re.compile(r"\b(?:show|draw|plot|see|display)\b[^?.]*\bbefore (?:and|vs\.?|versus|or) after\b", re.IGNORECASE), "show_flow_volume"),
    (
        re.compile(
            r"\b(?:should|do|must|shall) (?:i|he|she|we)\b[^?.]*\b(?:a ?& ?e|casualty|emergency (?:room|department)|hospital|ambulance|\ber)\b", re.IGNORECASE
        ),
        "urgent_now",
    ),
    (
        re.compile(
            r"^\W*(?:so |and |but )?(?:is|was) (?:that|this|it) (?:an? )?(?:good|bad|normal|poor|decent|ok(?:ay)?|great|high|low)(?: (?:score|result|value|number|test|reading|one))?\W*$",
            re.IGNORECASE,
        ),
        "is_it_bad",
    ),
    (re.compile(r"\bwhat(?:'s| is| would be)? (?:an? |the |considered )?normal (?:ratio|fev ?1|fvc)\b", re.IGNORECASE), "normal_for_me"),
    (re.compile(r"\bhow (?:is|are|do they|do you) [^?.]*\bgrad(?:ed?|es|ing)\b|\bin general\b|\bgenerally\b", re.IGNORECASE), "unknown"),
    (re.compile(r"\b(?:confirm|prove|diagnose|establish|detect)\w* (?:a )?restricti(?:on|ve)", re.IGNORECASE), "lung_volumes"),
    (
        re.compile(
            r"\b(?:did|do) (?:i|he|she) (?:start|stop|cough|leak|hesitate|finish|end)\b[^?.]*\b(?:late|early|slow\w*|soon|quickly|during|blow\w*|test)\b",
            re.IGNORECASE,
        ),
        "quality",
    ),
    (re.compile(r"\b(?:show|draw|see|display|plot)\b(?![^?.]*\btime\b)[^?.]*\b(?:curves|loops?|both curves|graphs)\b", re.IGNORECASE), "show_flow_volume"),
    (
        re.compile(
            r"\b(?:what|anything) (?:did|does|has) (?:the |my |this )?(?:machine|test|blow|spirometer) (?:find|found|measured?|record|see|pick up)\b",
            re.IGNORECASE,
        ),
        "explain_result",
    ),
    (re.compile(r"\b(?:give|show|tell|list)\b[^?.]{0,12}\b(?:my|his|her|the|all) (?:numbers|values|figures|results)\b", re.IGNORECASE), "explain_result"),
    (
        re.compile(
            r"^(?!.*\b(?:inhaler|puffer|spray|bronchodilator)\b).*\b(?:lungs?|numbers?|fev1|fvc|values?|lung function|damage)\b[^?.]*\b(?:get better|(?:back to|become) normal|recover|heal|go back up|come back|revers\w+)\b",
            re.IGNORECASE,
        ),
        "can_it_improve",
    ),
    (
        re.compile(
            r"\b(?:is|are|was|were|could|can|might|be|just|only|that|it|this)\b(?: \w+){0,4} because (?:i'm|i am|he's|he is|she's|she is|of (?:my|his|her|the))\b",
            re.IGNORECASE,
        ),
        "cause_of_result",
    ),
    (
        re.compile(
            r"^\W*(?:can|could|should|may|is it)\b[^?.]*(?:\b\d{4} ?(?:m|metres|meters)\b|\b(?:altitude|mountains?|ski(?:ing)?|everest|trek\w*)\b)",
            re.IGNORECASE,
        ),
        "travel_altitude",
    ),
    (
        re.compile(
            r"\bhow (?:do|can|could) (?:i|he|she|we) (?:get|bring|raise|increase|improve) (?:my|his|her|the) (?:ratio|fev ?1|fvc|numbers|values)\b",
            re.IGNORECASE,
        ),
        "can_it_improve",
    ),
    (
        re.compile(
            r"^\W*(?:so |and |but )?(?:can|may|is|am) (?:i|he|she) (?:still |fit to |safe to |allowed to )*(?:drive|driving|work(?! out)|go (?:back )?to work)\b",
            re.IGNORECASE,
        ),
        "fit_for_it",
    ),
    (
        re.compile(
            r"\bhow urgent|\b(?:seen|see (?:a|my|the) \w+|need\w* \w+) urgently\b|\bis (?:my|this|it|that|his|her)\b[^?.]*\ban emergency\b", re.IGNORECASE
        ),
        "urgent_now",
    ),
    (
        re.compile(
            r"\bwhy (?:do|does|am|is|are) (?:i|he|she|they)\b[^?.]{0,20}\b(?:wheez\w*|cough\w*|breathless|out of breath|puffed|short of breath)\b",
            re.IGNORECASE,
        ),
        "fits_symptom",
    ),
    (
        re.compile(
            r"\bhow (?:bad|severe|serious|far gone|advanced) (?:is|are) (?:my|his|her|the|this|these) (?:copd|asthma|emphysema|lungs?|obstruction|restriction|disease|condition|result|test|chest|breathing)\b",
            re.IGNORECASE,
        ),
        "explain_result",
    ),
    (re.compile(r"\b(?:test|spirometry|blowing)\b[^?.]*\b(?:hurts?|painful|dangerous|risky)\b", re.IGNORECASE), "unknown"),
    (
        re.compile(
            r"\b(?:what|which) (?:other |further |more |next )?(?:tests?|investigations?|scans?)\b[^?.]*\b(?:next|should|need\w*|order|ask|request|else|arrange|suggest|recommend)\b",
            re.IGNORECASE,
        ),
        "next_steps",
    ),
    (
        re.compile(
            r"\b(?:is|are) (?:my|his|her|the|their)?[^?.]{0,30}\brisks? (?:of \w+ )?(?:high|low|raised|normal|big|bad|up|increased|average)\b", re.IGNORECASE
        ),
        "risks",
    ),
    (
        re.compile(
            r"\b(?:is|could|might|would) (?:it be )?(?:an? )?(?:asthma|copd|emphysema|fibrosis)\b[^?.]{0,24}\b(?:possib\w+|probable|plausible|on the cards|behind)\b",
            re.IGNORECASE,
        ),
        "do_i_have_asthma",
    ),
    (
        re.compile(
            r"^(?!.*\bgold\b).*\bmild\b[^?.]*\b(?:moderate|severe)\b|\bwhat does (?:that|this|such an?) (?:pattern|combination|picture) (?:mean|say|suggest)",
            re.IGNORECASE,
        ),
        "pattern",
    ),
    (
        re.compile(
            r"^(?!.*\b(?:copd|asthma|wheez\w*|cough\w*|breathless|symptoms?)\b).*\b(?:why|how come)\b[^?]{0,30}\b(?:count\w*|call\w*|class\w*|consider\w*|read\w*|mark\w*|flag\w*)\b[^?]{0,12}\b(?:normal|fine|ok(?:ay)?)\b",
            re.IGNORECASE,
        ),
        "own_value_good",
    ),
    (re.compile(r"^\W*(?:and |but |so )?why\b[^?.]*\b(?:quality|grade|an? [a-f]\b)", re.IGNORECASE), "quality"),
    (re.compile(r"^\W*(?:and |but |so )?why\b[^?.]*\b(?:tail|scoop\w*|limb)\b", re.IGNORECASE), "curve_shape"),
    (
        re.compile(
            r"^(?!.*\b(?:why|lower|reduce)\b).*\b(?:likely|at risk|chances?|odds|(?:will|going to) (?:i |he |she )?(?:get|develop))\b[^?.]*\b(?:asthma|copd|diabetes|hypertension|high blood pressure|heart (?:attack|failure|disease)|stroke)\b",
            re.IGNORECASE,
        ),
        "risks",
    ),
    (
        re.compile(
            r"^(?!.*\b(?:inhaler|puffer|spray|reliever|oxygen|test|spirometry|asthma attack)\b)\W*(?:so |and |but )?(?:can|may|could|should|is it (?:safe|ok(?:ay)?|dangerous)(?: for \w+)? to|am i able to) ?(?:i|he|she|we|they|my \w+)? ?(?:still |safely |do |go |try |play |train for |run )*(?:an? |the |some )?(?:exercis\w+|swim\w*|run\w*|jog\w*|cycl\w+|bik\w+|gym|football|tennis|dance|dancing|yoga|lift\w* weights|hik\w+|half[- ]marathon|marathon|sports?|climb\w* stairs|triathlon|row\w*|walk\w*)\b",
            re.IGNORECASE,
        ),
        "exercise",
    ),
    (
        re.compile(
            r"^\W*(?:and |but |so )?(?:why|how come)\b[^?.]*\b(?:no|not|aren'?t|isn'?t|doesn'?t|don'?t|without|missing)\b[^?.]*\b(?:predicted|z-?scores?|interpret\w*|verdict)\b",
            re.IGNORECASE,
        ),
        "why_not_read",
    ),
    (re.compile(r"\bgrade\b.*\bwhy\b|\bwhy\b.*\bgrade\b", re.IGNORECASE), "quality"),
    (re.compile(r"\b(?:revers\w+|respon\w+)\b[^?.]*\basthma\b", re.IGNORECASE), "bronchodilator"),
    (re.compile(r"^\W*(?:and |so )?what (?:does|do|did) it (?:show|say|mean)\W*$", re.IGNORECASE), "explain_result"),
    (
        re.compile(
            r"^(?!.*\bwhy\b).*\b(?:what|how (?:high|big|large|great))\b[^?.]*\b(?:asthma|copd|diabet\w+|hypertension|blood pressure|heart (?:attack|failure|disease)|stroke|coronary)[^?.]{0,12}\brisk\b"
            r"|^(?!.*\bwhy\b).*\b(?:what|how (?:high|big|large|great))\b[^?.]*\brisk (?:of|for) (?:getting |having )?(?:an? )?(?:asthma|copd|diabet\w+|hypertension|high blood pressure|heart (?:attack|failure|disease)|stroke|coronary)",
            re.IGNORECASE,
        ),
        "risks",
    ),
    (re.compile(r"^(?!.*\b(?:risk|chance|likely|odds)).*\b\d{2,3} ?(?:/|over) ?\d{2,3}\b", re.IGNORECASE), "blood_pressure"),
    (re.compile(r"\b(?:guess|make (?:it|one) up|assume (?:it|one|a value))\b", re.IGNORECASE), "missing_data"),
    (
        re.compile(
            r"\b(?:did|does|has) (?:the |my |that )?(?:inhaler|puffer|spray|bronchodilator|reliever|medicine) (?:help|work|change|do|make)", re.IGNORECASE
        ),
        "bronchodilator",
    ),
)
ASSERTING = (  # intents whose answers say too much of what was meant to be guessed
    "not_held",
    "other_language",
    "insurance",
    "prognosis",
    "all_clear",
    "odd_record",
    "open_record",
    "a_program",
    "privacy",
    "change_record",
    "not_able",
    "carbon_dioxide",
    "my_vaccines",
    "urgent_now",
)
LEAST_SURE = 0.45  # less says nothing of what is asked
LEAD_SURE = 0.62  # from here a theme's own lead is to the point, and the record answers what is asked of it
_NOT_QUALITY = re.compile(r"\b(?:pay|cost|price|cheat|fake|pharmacy|normal to|after the test|appointment|book)\b")
_TEST_WORDS = re.compile(
    r"fev1|fvc|ratio|pattern|obstruct|restrict|result|test|lungs?\b|normal|abnormal|low|blow|curve|loop|limb|scoop|spirometr|reading|verdict|say|think|conclu|find|call"
)
_PLAIN_WHY = re.compile(r"\b(?:quality|grade|tail|scoop\w*|limb|an? [a-f])\b")
_COMPARES = re.compile(r"\b(?:differ\w*|versus|vs|instead of|rather than|better than|which (?:one|is)|or (?:the )?(?:fixed|lower|percent))\b")
_OF_IT = re.compile(r"\b(?:it|that|this|them|those|these)\b")
_OF_WHAT_WAS_SAID = (  # what a question that points back asks of it
    (
        re.compile(
            r"^(?!.*\b(?:down|drop|lower|fall|reliable|likel\w+)\b)\W*(?:and |so |but )?(?:what|which \w+)\b[^?.]{0,20}\b(?:push|driv|put|rais|mak)\w*\b[^?.]{0,12}\b(?:it|that|this|them|those|these)\b[^?.]{0,16}\b(?:up|higher|so high)\b"
        ),
        "why",
    ),
    (
        re.compile(
            r"^\W*(?:and |so |but )?(?:how|what|can|could|is there)\b[^?.]*\b(?:lower|reduce|improve|change|prevent|(?:bring|get|take) (?:(?:it|that|this|them|those) )?down|better)\b"
        ),
        "what_would_change",
    ),
    (
        re.compile(
            r"^\W*(?:and |so |but )?(?:is|are|was|were) (?:it|that|this|these|those|they)\b[^?.]*\b(?:a lot|much|large|big|small|significant|serious|normal|good|bad|worrying|high|low|enough|ok(?:ay)?)\b"
        ),
        "is_it_bad",
    ),
)
_TRAIT = r"(?:asthma|copd|stroke|heart (?:attack|failure)|coronary(?: (?:heart )?disease)?|diabetes)"
_ESTIMATE_BAD = re.compile(  # whether an estimate is bad, not the test
    rf"^(?!.*\b(?:sats?|oxygen|spo2|saturation|fev ?1|fvc|predicted|ratio|hba1c|years?|heart ?rate|pulse)\b).*(?:\b{_TRAIT}(?: risk)?(?: (?:is|of|at|says))? ?\d{{1,2}} ?(?:%|per ?cent|in a hundred)"
    rf"|\b{_TRAIT} risk (?:is |of |at )?\d|\d{{1,2}} ?(?:%|per ?cent|in a hundred)[^?.]{{0,20}}\b{_TRAIT}\b|\bworr\w+ about (?:my|his|her|the) (?:heart\b|{_TRAIT}))"
)
TO_PACK = re.compile(
    r"\b(?:take|bring|carry)\b[^?.]{0,12}\b(?:along|on (?:the|a) (?:plane|trip|flight|journey)|with (?:me|him|her|us|them))\b|\bpack(?:ed|ing)?\b(?! ?-?years?)"
)
_WHEN_TO_WORRY = re.compile(r"^\W*(?:and |so |but )?when (?:should|do|would|must) (?:i|we|he|she|they)\b[^?.]{0,16}\b(?:worr\w+|concern\w*|panic\w*)")
_NOT_THERE = re.compile(
    r"\bno (?:\w+ )?(?:risks?|estimates?|figures?|percentages?|chances?)\b|\b(?:risks?|estimates?|figures?|percentages?)\b[^?.]{0,12}\b(?:missing|blank|empty|absent|not (?:shown|there|given|estimated|worked out))\b"
)
_LEAVES_OUT = re.compile(r"\b(?:leave|leaving|left) (?:it|them|that|this|\w+) (?:out|off)\b|\b(?:skip\w*|miss\w*|stop\w*|come off|halve|double|swap\w*)\b")
_FOR_SOMEONE = re.compile(
    r"\b(?:i|me|my|we|us|our|he|him|his|she|her|they|them|their|patient|mum|dad|mother|father|take|taking|use|double|skip)\b", re.IGNORECASE
)
_OF_BLOWING = re.compile(r"\b(?:blow\w*|blew|test|machine|puff\w*|results?|lungs?|spirometr\w*|breathing)\b")


def meant(library: GuidelineLibrary, question: str, spelt: str) -> tuple[str, float]:
    """What a question by itself is about, and how sure that is: what the net reads, put right where its words say otherwise."""
    intent, sure = library.intent(question)
    if (
        guardrails.asks_diagnosis(question)
        and not (intent in THEMES and sure >= LEAD_SURE)
        and not (sure >= READ_SURE and intent not in ("unknown", *DECLINED))
        and not (intent in OF_AN_ESTIMATE and sure >= SURE)
    ):
        return "do_i_have_asthma", 1.0
    if intent in THEMES and sure < KNOWN_WORDING and re.search(r"\bpregnan\w+|\bbreast-?feed\w*|\btrying for a baby\b", spelt):
        intent = "unknown"  # the library holds passages of its own on that
    if intent in ("is_it_bad", "own_value_good") and sure < KNOWN_WORDING and _ESTIMATE_BAD.search(spelt):
        return "risks", max(sure, READ_SURE)
    if intent == "percent_without" and "risk" in spelt:
        intent = "risks"
    if sure < (0.65 if intent in DECLINED and not _LEAVES_OUT.search(spelt) else LEAST_SURE) or (intent == "dose" and not _FOR_SOMEONE.search(spelt)):
        intent = "unknown"
    if intent == "risks" and _WHY.match(question) and sure < KNOWN_WORDING:
        return ("risks" if _NOT_THERE.search(spelt) else "why_risk"), sure
    if (
        _WHY.match(question)
        and sure < 0.95
        and intent not in ("why_risk", "why_pattern", "unknown")
        and not (_PLAIN_WHY.search(spelt) or (intent in BY_CODE and sure >= SURE))
    ):
        intent = "why"
    if sure < READ_SURE or (sure < KNOWN_WORDING and intent == "unknown") or (_WHY.match(question) and _PLAIN_WHY.search(spelt)):
        plain = next((meant for pattern, meant in _PLAINLY if pattern.search(spelt)), "")
        if plain:
            return plain, 0.95
    if intent == "lists_held" and sure < KNOWN_WORDING and TO_PACK.search(spelt):
        intent = "unknown"  # what to pack for a journey is no list of the record
    if intent == "is_it_bad" and _WHEN_TO_WORRY.match(spelt):
        return "warning_signs", sure
    if sure < KNOWN_WORDING:
        if intent == "why" and len(spelt.split()) > 3 and not (_TEST_WORDS.search(spelt) or _OF_IT.search(spelt)):
            intent = "unknown"  # reasons for the result are beside a question why something else is
        if intent == "quality" and _NOT_QUALITY.search(spelt):
            intent = "unknown"
        if intent.startswith("what_is_") and _COMPARES.search(spelt):
            intent = "unknown"  # how two things differ is no definition of one
    return intent, sure


def of_no_value(intent: str, sure: float, spelt: str) -> str:
    """What a question is about that is worded as one for a value and names none, or asks for advice on it."""
    if intent != "my_numbers":
        return intent
    if re.search(r"\bgrades?\b", spelt):
        return "quality"
    return "explain_result" if _OF_BLOWING.search(spelt) else "unknown" if asked_number(spelt) or sure < 0.8 else intent


def of_what_was_said(spelt: str) -> str:
    """What a question that points back asks of it: whether it is bad, what would change it; empty where it asks neither."""
    return next((intent for pattern, intent in _OF_WHAT_WAS_SAID if pattern.search(spelt)), "") if _OF_IT.search(spelt) else ""
