"""What is declined by rule, with the fixed sentence that says so and whom to ask: doses, other people's records, other rules, other topics."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.other_languages import ENGLISH_ONLY, language_of


@dataclass(frozen=True)
class Refusal:
    """Something that is declined, with the fixed sentence that says so and whom to ask."""

    kind: str
    text: str


DOSE = (
    "I cannot advise on doses or prescriptions. Please ask the clinician who prescribes for you, or a pharmacist; bring your inhaler or medicine list with you."
)
OTHER = "I only have the record that is open here, and I never show another person's. Open that record in a session of its own if you are allowed to see it."
OFF_TOPIC = "That is outside what I can help with: I talk about this patient's lung function, record and wellness."
INJECTION = "I follow my own safety rules and cannot change them or show them; I am glad to talk about this patient's lung function and wellness."
NO_WORDS = "I could not find a question in that; please ask in plain English, for example: explain my result."

_BRANDS = r"methotrexate|amlodipine|azathioprine|mycophenolate|leflunomide|clopidogrel|simvastatin|ventolin|proventil|bricanyl|seretide|advair|symbicort|fostair|relvar|trelegy|trimbow|spiriva|anoro|flixotide|pulmicort|qvar|clenil|duoresp|breo|incruse|ultibro|montelukast|singulair|theophylline|aminophylline|salmeterol|formoterol|fluticasone|beclomet\w+|ciclesonide|umeclidinium|ipratropium|atrovent|azithromycin|doxycycline|codeine|morphine|tramadol|warfarin|apixaban|lisinopril|losartan|bisoprolol|atenolol|furosemide|omeprazole|gabapentin|pregabalin|sertraline|diazepam|zopiclone|melatonin|antihistamines?|cetirizine|loratadine|cough (?:syrup|medicine|mixture)|beta[- ]?blockers?|blood thinners?|water tablets?|painkillers?|nebuli[sz]ers?"
_DRUG = rf"(?:salbutamol|albuterol|pred\b|prednisolone|prednisone|steroids?|inhalers?|puffer|tiotropium|budesonide|antibiotics?|amoxicillin|metformin|insulin|ramipril|amlodipine|statins?|atorvastatin|varenicline|champix|meds\b|medicines?|medications?|tablets?|pills?|drugs?|ibuprofen|paracetamol|aspirin|tylenol|nicotine (?:patch(?:es)?|gum)|reliever|preventer|{_BRANDS}|oxygen(?! (?:is|do|does|in|level|levels|saturation|therapy work)\b))"
_TRIP = r"(?! (?:on|onto|to|in|into|with me|through|along|for) (?:the |a |an |my )?(?:plane|flight|flying|fly|airport|aircraft|air travel|cabin|hand luggage|security|holiday|gym|swimming))"
_DOSE = re.compile(
    rf"{_DRUG}[^?]{{0,60}}\b(?:can|could|should|may|shall|okay|ok|safe)\b[^?]{{0,20}}\b(?:leave|skip|miss|stop|drop) (?:just )?(?:it|them|that|those|one)\b|"
    rf"\b(?:what|which|right|correct|max\w*|safe|usual|starting|my|the|daily|best|normal) (?:\w+ )?(?:dose|dosage|dosing|doses)\b(?! (?:of (?:\w+ )?(?:was|is|did|were)|was|were|used|given|in the test|for the test|in (?:the )?spirometry)|[^.?!]{{0,30}}(?:test protocol|the protocol|in the test|my record|the record)|[- ]response)|\bdos(?:e|age) of\b(?![^.?!]{{0,40}}(?:protocol|in the test|was given|was used|did i get))|{_DRUG} dos(?:e|age|ing)\b|^\W*(?:wh?at )?(?:max )?(?:dose|dosage)\W*$|"
    rf"do(?:es)? (?:i|he|she|my \w+) (?:really |still )?need (?:to (?:take|use|start) )?(?:more |a |an |my |any |stronger )?(?!oxygen){_DRUG}{_TRIP}|(?:what|which|how much) (?:mg|mcg|milligrams?|micrograms?|strength|amount) of {_DRUG}|(?:take|use|have) (?:\w+ )?puffs|lit(?:re|er)s of (?:oxygen|o2)\b|how (?:many|much|manny) (?:more )?(?:\w+ )?(?:puffs?|pufs|mg|mcg|milligrams?|micrograms?|units of insulin|ml\b(?![^?.]*\b(?:fev ?1|fvc|lungs?|air|blow|breath|test|chang\w+|mov\w+|ris\w+|rose|went up|improv\w+|gain\w*|differ\w*|drop\w*|fall|fell|below|above|under|over|missing|los[te]|short)\b)|tablets?|pills?|drops|sprays|{_DRUG})(?! (?:do|does|did)\b| (?:is|are) (?:left|in))|"
    rf"how (?:often|many times|long|frequently)(?![^?.]{{0,20}}(?:clean|wash|replace|shake|check|work|last|wait))[^?.]{{0,16}}\b(?:take|use|need|stay on|give|keep|have|be on|puff)\b[^?.]{{0,20}}{_DRUG}|\b(?:prescribe|prescribing|prescription for|(?:a|another|new|repeat) (?:prescription|script)\b(?! mean)|refill)(?! for (?:glasses|exercise))|"
    rf"(?:should|shall|shd|can|could|may|do|must|is it (?:ok|okay|safe|fine) (?:for me )?to|ok to|safe to|want to|going to|better to) ?(?:i|we|he|she|my (?:son|daughter|mum|mother|dad|father|child|wife|husband))? ?(?:just |also |safely |now |still )?(?:take|stop|start|increase|double|halve|reduce|change|skip|miss|up|drop|switch|swap|combine|mix|use more|use less|come off|go back on|wean off|cut (?:down|back)|give (?:him|her)|try|be on|go on|add|put me on|crush|split|quit)[^?.]{{0,30}}{_DRUG}{_TRIP}|"
    rf"\bwill (?:i|he|she|we) (?:ever |have to )?(?:need|be given|take|use) (?:an? |any |some |more )?(?:\w+ )?(?!oxygen){_DRUG}|(?:double|halve|skip|raise|lower|stop|up|adjust|change) my {_DRUG}|(?:which|what|best|stronger|strongest|better) (?:\w+ )?{_DRUG} (?:should|shall|can (?:i|we|he|she)|do i need|would (?:i|you)|is best|for me|suits|to take|must|is right)|puffs? (?:a|per|every) (?:day|hour|night)|(?:is|are|was) \d+(?:\.\d+)? ?(?:mg|mcg|micrograms?|puffs?|tablets?|pills?|units|ml|litres|liters|l)\b(?!/| ?per )[^?.]{{0,60}}\b(?:enough|too (?:much|many|little)|ok|okay|safe|right|correct)|"
    rf"\bmax\w*\b[^?.]{{0,30}}{_DRUG}|(?:what|which one|anything|something|what else) (?:should|shall|can|could|do|would) (?:i|you) (?:take|be taking|be on|give|prescribe|recommend taking)(?! (?:away|home|from|with me|along|part|into account|a (?:look|test|break)))|(?:give|put|get) me (?:on )?(?:a |an |some |more |stronger )?{_DRUG}|\b(?:tell|say|name|recommend|suggest)(?: (?:me|us|him|her))? (?:just )?(?:which|what|an?|the (?:best|right)) (?:\w+ )?{_DRUG}(?! (?:is|are|do|does|did|means?|technique|works?|list|helps?|am i|i(?:'m| am)|i use|i take|he|she)\b)|(?:what|which) {_DRUG} (?:do|will|would|am|is|are) (?:i|he|she|we|they) (?:get|getting|be given|given|need|be put on|going to get)\b|together with (?:my |his |her )?{_DRUG}|{_DRUG} (?:together )?(?:and|with) (?:my |a |an |the )?{_DRUG}(?=[^.?!]*(?:together|safe|same time|ok|interact|\?))|"
    rf"how often (?:can|should|do|may) i (?:puff|inhale|spray)|strongest (?:painkiller|inhaler|medicine|drug)|take (?:two|three|double|both|another one|an extra)\b|(?:would|is|are|will) \d+(?:\.\d+)? ?(?:mg|mcg|puffs?|units|tablets?)\b|go (?:up|down) on (?:my|his|her|the) |how much is too much|(?:what|which) (?:meds?|medicines?|medications?|drugs?|tablets?) (?:to|should|shall)|give (?:my|the) \w+ (?:my|some|a|an) (?:\w+ )?{_DRUG}|"
    rf"\b(?:turn|set|put) (?:up |down )?(?:my |the |his |her )?(?:oxygen|concentrator|flow rate)"
)  # fmt: skip
_BEFORE_TEST = re.compile(
    r"\b(?:stop|skip|miss|leave (?:out|off)|withhold|use|take|have|hold)\b[^?.]{0,40}\bbefore (?:a|the|this|that|my|his|her|another|doing|having) (?:\w+ )?(?:test|spirometry|blow)\b(?![^?.]*\b(?:how (?:much|many)|dose|mg|puffs)\b)"
)
_BODY_DATA = r"(?:record|results?|data|files?|fev1|fvc|spirometr\w*|spirogram|curves?|tests?|numbers|values|diagnos[ie]s|history|chart|report|notes|risks?|blow\w*|age|name|saturation|details)"
_DISEASE = r"(?:asthma\w*|copd|emphysema|(?:lung |pulmonary )?fibrosis|cancer|tumou?r|bronchitis|bronchiectasis|tuberculosis|\btb\b|pneumonia|heart (?:failure|disease)|diabet\w+|sarcoidosis|cystic fibrosis|pulmonary hypertension|sleep apno?ea|covid|alpha[- ]?1|silicosis|asbestosis|\bild\b|\bipf\b|an? (?:lung |heart )?(?:disease|illness|condition))"
_OTHER = re.compile(
    rf"(?:another|other|previous|last|different|next|someone else'?s?|somebody else'?s?|anybody else'?s?|earlier|prior|first) (?:patient|person|visitor|session|user|client|conversation|chat|record)s?'?s?\b(?! (?:like|with|of) (?:me|my|copd|asthma)| (?:my|the same|your) age| (?:coach|do|test|tak|hold|measur|blow|try|giv)ing)|(?:show|tell|give|open|read|load|fetch|pull up|display|compare)[^?.]{{0,25}}{_BODY_DATA} (?:of|for|from|about) (?!me\b|(?:getting |having |developing )?(?:an? )?(?:{_DISEASE}|lung|lungs|heart|kidney|liver|skin|breast|blood|high|low|type|pulmonary|chronic|coronary|dementia|stroke|allerg\w+|smoking|dying|osteoporosis)\b|my (?!neighbou?r|colleague|boss|friend|co-?worker|landlord|teacher|ex\b|roommate|flatmate)|this\b|the (?:patient|blow|test|best|last|first|curve|record)\b)(?:mr|mrs|ms|miss|dr|patient \w+|room \d+|bed \d+|my \w+|[a-z]+ [a-z]+)|"
    rf"\bpatient (?:no\.? ?|number ?|id ?)?\d+|\b(?:neighbou?r|colleague|boss|co-?worker|friend|stranger)'s (?:lungs?|breathing|spiro)|access (?:to )?(?:other|another|all)|\bmy (?:\w+ )?(?:colleague|friend|neighbou?r|boss|co-?worker|landlord|teacher|ex|flatmate)\b[^?.]{{0,40}}\b(?:tested|measured|seen|blew|came|was) (?:here|in)\b[^?.]{{0,30}}\b(?:his|her|their|numbers|results?|values)\b|\bmy (?:\w+ )?(?:colleague|friend|neighbou?r|boss|co-?worker|landlord|teacher|ex|flatmate)\b[^?.]{{0,30}}\b(?:have|has|had|got)\b[^?.]{{0,24}}\b(?:fev1|fvc|lung function|results?|spirometry|values?|ratio)\b|(?:the )?(?:patient|person|one) (?:you|we|they) (?:saw|had|looked at|tested|measured) (?:before|earlier|last|yesterday|this morning)|the (?:person|one|patient) before\b|"
    rf"who (?:else )?(?:has|have|was|used|is)[^?.]{{0,20}}(?:used|been|before me|here before|using)|(?:all|every|any|which|how many (?!people)|list)(?: of)?(?: the)?(?: your)? (?:patients?|sessions?|users?|visitors?|people|records|names)\b(?=[^?.]*(?:stor\w*|sav\w*|have|database|seen|list|you|open|know|today|server|memory|system|held))|\b(?:patient|person|user|people|man|woman|lady|guy|visitor)s? (?:who (?:was|came|were)|before|after|next to|prior to|ahead of) (?:here |in here )?(?:me|this one|us|before|mine)\b|"
    rf"\b(?:mr|mrs|ms|miss)\.? [a-z]+(?:'s|s')? {_BODY_DATA}|(?:neighbou?r|colleague|boss|co-?worker|flatmate|roommate|landlord|ex|friend|stranger|celebrity|president)(?:'s|s')? (?:lung )?{_BODY_DATA}|(?:someone|somebody|anybody|anyone) else'?s\b|(?:who|what) (?:did|was) (?:you|the last)[^?.]{{0,20}}(?:talk\w*|speak\w*|ask\w*)[^?.]{{0,15}}(?:before|earlier|yesterday|to last)"
)
_NAMED = re.compile(
    rf"\b(?:[Ww]hat|[Ss]how|[Tt]ell|[Gg]ive|[Oo]pen|[Hh]ow|[Ll]oad|[Cc]ompare|[Rr]ead|[Ii]s|[Dd]oes|[Dd]id)\b[^?.]{{0,40}}\b(?!GOLD|GLI|COPD|FEV|FVC|Global|World)[A-Z][a-z]+ (?:[A-Z]\.? )?[A-Z][a-z]+(?:'s|\u2019s|s')? {_BODY_DATA}\b"
    rf"|\b{_BODY_DATA} (?:of|for) (?!Global|World|Europe|Health|The|GOLD)[A-Z][a-z]+ [A-Z][a-z]+\b"
)
_WRITE = r"(?:write|compose|draft|make up|invent|create|generate|make)"
_OFF = re.compile(
    rf"\bhair\b(?=[^?.]*(?:loss|los|fall|thin|grow|dye|cut))|\bbald(?:ing|ness)?\b|\bacne\b|wrinkles?\b|tooth ?ache|\bdentist|\bkidney stones?\b|verruca|varicose|dandruff|erectile|menopaus\w+|period pains?|how long is (?:a )?pregnancy|\b(?:raining|snowing|sunny) in\b|(?:convert|how many|exchange) [^?.]{{0,14}}(?:dollars|euros|pounds|yen)\b|how many (?:planets|countries|continents|states|stars)|offside|(?:washing|coffee) machine|dishwasher|router|wi-?fi|^(?!.*\b(?:fly|flying|flight|travel\w*|safe|danc\w*|breath\w*|lungs?|cough\w*|wheez\w*|well enough|fit enough)\b).*wedding|\bhaiku\b|(?:today'?s|the) news\b|news (?:of )?today|machine learning|\baliens?\b|(?:plan|organi[sz]e) (?:me )?a (?:trip|party|holiday)|job interview|how old is the (?:universe|earth|sun)|(?:french|russian|american|industrial) (?:revolution|civil)|\bshares\b|your favou?rite|\bmean(?:s)? in (?:latin|french|greek)|carpe diem|(?:suggest|find|think of) (?:me )?(?:a |some )?(?:baby )?names? for|who is (?!this|the patient|it\b|at risk|breathwise|my |your |responsible)[a-z]+ [a-z]+\??$|"
    rf"world cup|super ?bowl|champions league|won the (?:cup|match|league|game|election|war|race|title)|who (?:won|will win|scored)|(?<!play )(?<!playing )(?<!for )(?<!while )(?:football|soccer|cricket|basketball|tennis|baseball|hockey) (?:results?|scores?|team|player|match|league|news)|olympic (?:games|medal)|best (?:football|tennis|basketball) player|\bstocks?\b(?! (?:up|of))(?=[^?.]*(?:buy|market|price|invest|sell|trade))|(?:invest|shares?) in\b|bitcoin|crypto\w*|mortgage|interest rates?|exchange rate|tax(?:es)? return|"
    rf"(?:what(?:'s| is| will)|how(?:'s| is)|tell me)[^?.]{{0,14}}\bweather\b(?![^?.]*(?:asthma|lung|breath|copd|cough))|weather forecast|will it (?:rain|snow)|{_WRITE} (?:me )?(?:up )?(?:a |an |some |my |the )?(?:\w+ )?(?:poem|haiku|limerick|sonnet|song|lyrics|story|essay|code|python|program|script|joke|rap|cover letter|cv\b|resume|novel|speech|blog|tweet|email to my boss|advert|function|regex|website|app\b)|(?:cover letter|love letter)|tell (?:me|us) (?:a|another) (?:\w+ )?(?:joke|story|riddle)|sing (?:me )?(?:a )?song|"
    rf"capital (?:city )?of|president of|prime minister|king of|queen of|python (?:code|script|loop|function|program)|(?:fix|debug|refactor|compile|run|review) (?:this|my|the|some)[^?.]{{0,16}}(?:code|script|loop|bug|function|program|app|website|computer|laptop|printer|car|bike|sink|tap|phone|wifi|router)|recipes?\b|(?:how (?:do|to|can|long|would)[^?.]{{0,14}}(?:bake|cook|roast|fry|grill|boil (?:an )?egg|brew))|\bmovies?\b|films? (?:about|should|to watch)|tv (?:show|series)|netflix|celebrit\w+|lottery|horoscope|star sign|zodiac|\btranslate\b|how (?:do|would) (?:you|i) say [^?.]{{1,40}} in (?:french|german|spanish|italian|japanese|chinese|latin|dutch|polish|russian)|in (?:french|german|spanish|italian|japanese|chinese|russian) please|"
    rf"\bsql\b|javascript|\bhtml\b|\bc\+\+|\bjava\b|\blinux\b|\bexcel (?:formula|sheet)|\bhomework|who (?:painted|wrote|invented|sang|directed|discovered|built|composed|founded|is the (?:president|king|queen|pope|prime|ceo|richest))|when (?:did|was) (?:the |world |ww)?[^?.]{{0,20}}\b(?:war|revolution|empire|titanic|battle|wall|moon landing)|pizza|(?:car|truck|motorbike) (?:engine|tyre|tire|battery|insurance)|change a (?:tyre|tire|light ?bulb|nappy)|\b(?:vote|voting|voted) (?:for|in)\b|(?:which|what) (?:party|candidate)|elections?\b|politic\w+|\b(?:is|does) (?:there a )?god\b|meaning of life|bible|religion|"
    rf"\b(?:what(?:'s| is)|calculate|compute|solve|how much is)\s+(?:\d[\d.,]*|[a-z]+teen|two|three)\s*(?:times|x|\*|plus|\+|minus|divided|/|squared|to the power)|square root|solve (?:this|the) (?:equation|riddle|puzzle)|(?:which|what|best|recommend)[^?.]{{0,18}}\b(?:laptop|phone|tv\b|camera|car|hotel|restaurant|headphones|tablet computer|shoes|wine|game console|video ?game|vacuum)|book (?:me |us )?(?:a |an )?(?:flight|hotel|table|taxi|ticket|room)|(?:cheap|find)[^?.]{{0,10}}(?:flights?|hotels?)|(?:things to do|sightseeing) in [a-z]+|(?:plan|book)[^?.]{{0,14}} holiday|"
    rf"(?:train|walk|feed|groom|name)[^?.]{{0,8}} (?:my |a |the )?(?:puppy|dog|cat|kitten|parrot|hamster)(?![^?.]*(?:asthma|allerg|breath|lung|exercise))|my (?:girlfriend|boyfriend|crush)\b(?![^?.]*(?:smok|vap|lung|breath|asthma|cough|copd|catch|wheez|test))|dating|pick-?up line|what time is it|what(?:'s| is) (?:the time|today'?s date)|how (?:tall|far|old|big|deep|long) is (?:the )?(?:mount|everest|moon|sun|eiffel|earth|nile|mariana|queen|king)|distance (?:to|from) the (?:moon|sun)|quantum|black holes?|dinosaurs?|who are the (?:beatles|stones)|play (?:some )?(?:music|a game|chess|tic)|chess\b(?=[^?.]*(?:move|opening|play))|(?:water|grow|plant)[^?.]{{0,12}}(?:tomatoes|roses|garden|lawn)|legal advice|sue my|divorce|immigration|\bvisa\b"
)
_INJECTION = re.compile(
    r"(?:ignore|disregard|forget|override|bypass|neglect|drop|skip|discard|cancel|suspend|disable|turn off|switch off|deactivate|remove|break|violate|unlearn)\s+(?:\w+\s+){0,4}?(?:instructions?|rules?|prompts?|guard ?rails?|guidelines|polic(?:y|ies)|safety|filters?|restrictions?|limits|constraints|checks|programming|training|directives?|safeguards?|triage)\b(?! (?:of normal|in my test))|developer mode|debug mode|admin mode|god mode|sudo\b|root access|maintenance mode|jail ?break|"
    r"system[- ](?:prompt|message|instructions?|override|note)|(?:reveal|show|print|repeat|output|display|leak|dump|tell me|give me|share|quote|echo|recite|list|expose|what(?:'s| is| are| were)|summari[sz]e|translate|encode|copy|write out|return|paste|read out)\s+(?:\w+\s+){0,5}?(?:prompts?\b|(?:your|hidden|secret|initial|original|internal|system|developer|the above|previous|these|those) (?:\w+ )?(?:instructions|rules|guidelines|configuration|settings|message|messages|tokens|text|context)|(?:text|words|everything|all|sentences|lines) (?:above|before|that came before)|api key|password|credentials|environment variables?|\.env\b|source code|soft tokens as text|weights)|"
    r"you(?:'re| are) (?:now|no longer|from now on|hereby|going to (?:act|be|pretend))\b(?! (?:right|correct|wrong|sure|ready|helpful))|from now on(?:,| you)|pretend (?:to be|you|that|i)(?!(?:'?m| am)? (?:know|never|have never|clueless|new|a (?:child|kid|beginner)|five|six|seven|eight|nine|ten)\b)|act as (?:an?|if|my|the)|role[- ]?play|imagine you(?:'re| are)|simulate (?:a|being)|behave (?:like|as)|i(?:'m| am)(?: \w+)? (?:the|your|a|an|breathwise'?s?) (?:\w+ )?(?:developer|administrator|admin|creator|engineer|owner|programmer|maintainer|author|operator|root)\b|as (?:the|your) (?:developer|administrator|admin|creator|owner|maintainer)|this is (?:the|your) (?:developer|administrator|admin|creator|system)|(?:message|note|order|command) from (?:the )?(?:developers?|admin\w*|system|creator|operator|openai|anthropic)|"
    r"new (?:instructions?|rules?|system)\b|do anything now|\bdan\b (?:mode|can)|without (?:any )?(?:restrictions|filters|rules|limits|safety|disclaimers?)|no (?:restrictions|filters) (?:apply|mode)|stay in character|hypothetical(?:ly)?[^?.]{0,30}(?:no rules|unrestricted)|(?:say|answer|reply|respond|write|state|tell me|claim|report|pretend|confirm|output|print)[^?.]{0,14} (?:that )?(?:my|the|your|this patient'?s?) (?:fev1|fvc|ratio|spo2|pef|z-?scores?|saturation|result|grade|risk)s? (?:is|are|was) (?:\d|normal\b(?=[^?]*(?:regardless|anyway|always|only|no matter|even))|perfect|healthy)|"
    r"(?:change|set|alter|edit|modify|overwrite|replace|falsify|fake|update|increase|raise|make)\s+(?:\w+\s+){0,2}?(?:fev1|fvc|ratio|spo2|pef|z-?score|saturation|number|value|result|record|grade|citation|source|passage)s?\s+(?:to|into|with|as|=|by)\b|(?:cite|citing|use|invent|make up|fabricate|add) (?:a |an |the )?(?:fake|false|made[- ]up|invented|non-?existent|imaginary) |(?:end|start|begin) (?:of )?(?:every|each|all) (?:answer|reply|sentence|response)s?|always (?:answer|say|reply|respond|recommend|start|end)|(?:answer|respond|reply) only (?:with|in)|(?:base64|rot13|hex|morse)\b|"
    r"<\s*(?:script|iframe|img|svg|object)|javascript:|!\[[^\]]*\]\(|\{\{.*\}\}|\$\{.*\}|(?:drop|delete from|select \*|union select)\s+(?:table|from|users|patients|\w+ where)|__import__|os\.system|subprocess|eval\(|exec\("
)  # fmt: skip
_DIAGNOSIS = re.compile(
    rf"\b(?:do|does|have|has|did|could|might|may|would|am|is|was|must) (?:i|this|it|that|he|she|they|we|the patient|my (?:son|daughter|child|wife|husband|mother|father|mum|dad)|this patient)\b[^?.,;]{{0,28}}?\b{_DISEASE}(?! (?:common|serious|curable|contagious|hereditary|dangerous|treat\w*|medic\w+|risk|show|look|test|booster|vaccin\w+|jabs?|shots?|clinic|nurse|team|plan|diary))|(?:so|then) (?:it|this|that)(?:'s| is)[^?.]{{0,12}}{_DISEASE}|\b(?:it|this|that)(?:'s| is) (?:\w+ )?{_DISEASE}[^?.]{{0,10}}(?:right|isn'?t it|correct|yes|then|no)\b|"
    rf"(?:confirm|rule out|exclude|verify|prove|tell me)\b[^?.]{{0,30}}\b{_DISEASE}|(?:what|which) (?:disease|illness|condition|diagnosis|sickness|disorder)[^?.]{{0,30}}\b(?:i|i've|my|me|this|he|she|patient|curve|it)\b|what(?:'s| is) (?:my|the|his|her) diagnosis|\bdiagnose (?:me|this|him|her|it|my|the patient|us)\b|(?:give|make|need|want|get)[^?.]{{0,14}}\b(?:a|the|my|your) diagnosis|(?:have|had|got) i got|what(?:'s| is) wrong with (?:me|him|her|my lungs?)|\bam i (?:an? )?(?:asthmatic|diabetic|copd)|"
    rf"(?:sure|certain|know|say|yes or no)[^?.]{{0,16}}\b(?:i|it|this|he|she)(?:'ve| have|'s| has| is)?[^?.]{{0,8}} {_DISEASE}|(?:i|he|she|my \w+) (?:definitely|surely|must|clearly|obviously) (?:have|has) {_DISEASE}|(?:what|which)[^?.]{{0,10}} (?:do|have) i (?:have|got|suffer from)\??$|my (?:copd|asthma|emphysema) is confirmed|name my (?:condition|disease|illness|problem)|(?:says?|said|thinks?|told)[^?.]{{0,16}} {_DISEASE}[^?.]{{0,10}},? (?:do you agree|is (?:he|she|that) right|right\b|correct)"
)
_ABOUT_NO_ONE = re.compile(
    r"\b(?:in|on|does|of) (?:the|my|his|her|this) (?:file|list|chart|notes|record)\b|\bscreen(?:ed|ing)\b|\b(?:qualif\w+|eligible|entitled)\b|\btoo (?:young|old) (?:for|to)\b|why (?:can'?t|won'?t|don'?t|do) you|\b(?:die|dying|fatal)\b|in (?:my|the|this) record|\b(?:what|which) tests?\b|\b(?:risk|chance|likel\w+|probabilit\w+|how (?:is|are|do|does)|in (?:copd|asthma)|my (?:father|mother|dad|mum|mom|gran\w*|parents?|sister|brother|uncle|aunt)\b[^?.]{0,12}\b(?:had|has))\b|(?:does|could|can|would|do|might|is) (?:it|this|that|asthma|smoking|stress|pollution) (?:cause|make|affect|help|worsen|lead|trigger|fit|go with|change|raise|increase)|(?:have|had|having) (?:a |an )?(?:flare|attack)|fit with|suggest|compatible|consistent|in keeping|instead of"
)

_WISHES_NONE = re.compile(  # what to do instead of a medicine
    r"\b(?:eat\w*|food|diet|exercis\w*|sleep|walk\w*|home remed\w+|natural\w*)\b.*\b(?:don'?t|do not|rather not|without|instead of)\b[^?.]{0,24}\b(?:tablets?|pills?|medic\w+|drugs?)\b|\b(?:without|instead of|other than|isn'?t|isnt|not) (?:\w+ ){0,2}(?:tablets?|pills?|medicines?|drugs?)\b"
)
_OF_THIS_RECORD = re.compile(
    r"\b(?:is|was|be|could|might|are) (?:it|this|that|these) (?:\w+ ){0,3}(?:someone|somebody) else'?s\b"
)  # whether the open one is mixed up


def asks_diagnosis(message: str) -> bool:
    """Whether a message asks to confirm, name or rule out a disease."""
    text = " ".join(message.lower().replace("\u2019", "'").split())
    found = _DIAGNOSIS.search(text)
    return bool(found and not _ABOUT_NO_ONE.search(text))


def scope(message: str) -> Refusal | None:
    """What is declined by rule: no words, attempts to change the rules, other people's records, doses, other topics, other languages."""
    text = " ".join(message.lower().replace("\u2019", "'").split())
    if not re.search(r"[^\W\d_]", text):
        return Refusal("no_words", NO_WORDS)
    for kind, pattern, answer in (
        ("injection", _INJECTION, INJECTION), ("other_person", _OTHER, OTHER), ("dose", _DOSE, DOSE), ("off_topic", _OFF, OFF_TOPIC),
    ):  # fmt: skip
        if kind == "dose" and _BEFORE_TEST.search(text):
            continue  # what to leave out before a breathing test is in the library
        if kind == "dose" and _WISHES_NONE.search(text) and not re.search(r"\bdoses?\b|\bmg\b|\bpuffs?\b|\bhow (?:many|much)\b", text):
            continue
        if kind == "other_person" and _OF_THIS_RECORD.search(text):
            continue
        if pattern.search(text) or (kind == "other_person" and _NAMED.search(message)):
            return Refusal(kind, answer)
    if language_of(message) != "English":
        return Refusal("other_language", ENGLISH_ONLY)
    return None
