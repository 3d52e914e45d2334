"""Whether the record mentions something ("does the record mention joint disease?"): its lists are searched by meaning and answered from."""

from __future__ import annotations

import re
from collections.abc import Callable

from encoders.teacher.sentences import join
from encoders.teacher.view import View

LIKE = 0.45  # cosine of what is asked for with what the record lists, at least; words of one kind of illness reach about 0.5
_RECORD = r"(?:records?|notes?|charts?|file|history|medical history|background|past)"
_ASKED = (
    re.compile(
        rf"\b(?:does|do|did|is|are|has|was|were)\b[^?.]{{0,24}}\b{_RECORD}\b[^?.]{{0,12}}\b(?:mention\w*|list\w*|say|show|include|contain|hold|have|note|noted|document\w*|state)\b(?: (?:that|if|whether|anything|something|any|about|of|he|she|i|they|has|have|had|a|an))*(?P<thing>[^?.]+)"
    ),
    re.compile(
        rf"\b(?:is|are|was|were) (?:there )?(?:any|anything|something|a|an)?(?: (?:mention|note|record|history|entry|sign))?(?: (?:of|about|on))?(?P<thing>[^?.]+?)\b(?:in|on) (?:the |his |her |my |their |this )?{_RECORD}\b"
    ),
    re.compile(r"\b(?:does|do|did|has|have|had) (?:he|she|i|they|this \w+|the patient) (?:have |had |got |suffer from |ever had )*(?:a |an |any )?(?:history|record|diagnosis) of(?P<thing>[^?.]+)"),
    re.compile(r"\b(?:is|are|was|were) (?:his |her |my |the |any |there (?:an? |any )?)?(?P<thing>[^?.]{3,40}?) (?:recorded|noted|documented|mentioned|listed|written down|on (?:file|record))\b"),
    re.compile(rf"\b(?:any|a) (?:mention|record|history|note) of(?P<thing>[^?.]+?)(?:\b(?:in|on) (?:the |his |her |my |this )?{_RECORD})?(?:$|[?.])"),
)  # fmt: skip
_VALUES = re.compile(
    r"\b(?:fev ?1|fvc|ratio|pressure|\bbp\b|oxygen|saturation|spo2|weight|height|age|sex|bmi|glucose|sugar|hba1c|cholesterol|pulse|heart rate|temperature|smok\w*|pack|blows?|curve|test|spirometry|vaccin\w*|jabs?|risk|waist|creatinine|missing|triglyceride\w*"
    r"|medicines?|medications?|tablets?|drugs?|symptoms?|conditions?|illness\w*|diagnos\w+)\b"
)
_LISTS = (("conditions", "conditions"), ("symptoms", "symptoms"), ("medications", "medicines"))


def mentioned(view: View, question: str, cosine: Callable[[str, str], float]) -> str:
    """What the record says of a thing that it is asked to mention (small letters), facts as tokens; empty where it is asked for none.

    ``cosine``: how near two texts are in meaning.
    """
    if re.match(r"\W*(?:and |so |but )?(?:what|which|how|why|when)\b", question) or re.search(r"\b(?:explain\w*|account\w* for|behind|cause\w*)\b", question):
        return ""
    found = next((match for pattern in _ASKED if (match := pattern.search(question))), None)
    thing = " ".join(found["thing"].split()).strip(" ,") if found else ""
    if not thing or _VALUES.search(thing) or len(thing.split()) > 9:
        return ""
    near = []
    for name, _ in _LISTS:
        for item in view.text(name).split(", ") if view.has(name) else ():
            words = set(re.findall(r"\w{4,}", item.lower())) & set(re.findall(r"\w{4,}", thing))
            near.append((1.0 if words else cosine(thing, item), item))
    best = max(near, default=(0.0, ""))
    if best[0] >= LIKE:
        return f"Yes: your record lists {', '.join(item for score, item in near if score >= LIKE)}."
    held = [f"the {words} {view.token(name)}" for name, words in _LISTS if view.has(name)]
    return f"No, your record does not mention that. {f'It lists {join(held)}.' if held else 'It lists no conditions, symptoms or medicines.'}"
