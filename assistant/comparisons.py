"""Yes or no to a value that is asked to be compared: with a number, with its lower limit, with what is predicted."""

from __future__ import annotations

import re

from encoders.teacher.view import View

LIMIT = re.compile(
    r"\b(?P<way>below|under|less than|lower than|smaller than|above|over|more than|higher than|greater than|at least|exceeds?)\s+(?P<limit>\d+(?:[.,]\d+)?)"
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
    if name == "fev1_fvc" and limit > 1.5:
        limit /= 100
    less = re.match(r"below|under|less|lower|smaller", found["way"]) is not None
    return "Yes" if (own < limit) == less else "No"
