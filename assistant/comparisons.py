"""Yes or no to a value that is asked to be compared: with a number, with its lower limit, with what is predicted."""

from __future__ import annotations

import re

from assistant.record_cells import REPORTED, IntakeError, in_own_unit
from encoders.record import QUANTITY
from encoders.teacher.view import View

LIMIT = re.compile(
    r"\b(?P<way>below|under|less than|lower than|smaller than|above|over|more than|higher than|greater than|at least|exceeds?)\s+(?P<limit>\d+(?:[.,]\d+)?) ?(?P<unit>mmol/mol|mmol/l|umol/l|mg/dl|ml|l/s|l/min|litres?|liters?|l|cm|mm ?hg|kg|kilos?|lbs?|pounds?|stone|feet|ft|inch(?:es)?|%|per ?cent|m|c|f)?(?![\w/])"
)


def compares(view: View, name: str, question: str) -> str:
    """Yes or no to "is my ratio below 0.7?", with the value; empty where the question compares with no number."""
    beside = re.search(
        r"\b(below|under|lower than|less than|above|over|higher than|more than) (?:the |my |his |her )?(?:lower )?(limit|lln|normal|predicted|expected|average)\b",
        question,
    )
    against = (
        f"{name.removesuffix('_l')}_{'lln' if beside and beside[2] in ('limit', 'lln', 'normal') else 'predicted'}{'_l' if name.endswith('_l') else ''}"
        if beside
        else ""
    )
    if beside and view.has(name, against) and re.match(r"\W*(?:and |so |but |ok )*(?:is|are|was|were)\b", question):
        less = beside[1] in ("below", "under", "lower than", "less than")
        return "Yes" if ((view.facts[name].value or 0.0) < (view.facts[against].value or 0.0)) == less else "No"
    found = LIMIT.search(question)
    if found is None or not view.has(name):
        return ""
    limit, own = float(found["limit"].replace(",", ".")), view.facts[name].value
    if own is None or not re.match(r"\W*(?:and |so |but |ok )*(?:is|are|was|were|do i have|does)\b", question):
        return ""
    unit = (found["unit"] or "").replace("per cent", "%").replace("percent", "%").replace("kilo", "kg").rstrip("s" if found["unit"] == "kilos" else "")
    if name in QUANTITY or name in REPORTED:
        try:
            limit = in_own_unit(name, limit, unit, "", [])  # 200 pounds, 6 mmol/L, a ratio of 70
        except IntakeError:
            return ""
    less = re.match(r"below|under|less|lower|smaller", found["way"]) is not None
    return "Yes" if (own < limit) == less else "No"
