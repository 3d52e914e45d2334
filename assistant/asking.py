"""A question about one person as the code that answers it sees it: the record, the test, the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assistant.session import Session
from encoders.passages import Passage
from encoders.teacher import Case
from encoders.teacher.guidance import sentences
from encoders.teacher.sentences import headline, not_read, value
from encoders.teacher.view import View

READ_SURE = 0.84  # sureness of what a question is read as, from which no pattern of words says otherwise, but for safety


@dataclass(frozen=True)
class Asking:
    """``question``: in small letters, slips put right. ``near``: the sentence of the library nearest to a question with its passage's id, or two empty texts."""

    session: Session
    question: str
    library: Mapping[str, Passage]
    near: Callable[[str], tuple[str, str]] = lambda question: ("", "")

    @property
    def view(self) -> View:
        return View(Case(self.session.patient, self.session.spirometry, self.session.facts))

    def quote(self, name: str, n: int = 0) -> str:
        """Sentence ``n`` of a passage with its id in brackets, as ``told`` numbers it; empty where the library has no such passage."""
        if name not in self.library:
            return ""
        found = sentences(self.library[name].text)
        return cite(found[n], name) if n < len(found) else ""

    def quote_near(self, question: str) -> str:
        """The sentence of the library that answers a question, cited; empty where none is near."""
        sentence, name = self.near(question)
        return cite(sentence, name) if sentence else ""


def cite(sentence: str, name: str) -> str:
    return f"{sentence.rstrip('.!?')} [{name}]."


def result(view: View) -> str:
    """The pattern of the test, or why it has none, in one or two sentences."""
    return headline(view) if view.state == "read" else not_read(view)


DECIDES = {  # a pattern -> the values that decide it
    "normal": ("fev1", "fev1_fvc"), "obstruction": ("fev1_fvc", "fev1"), "possible_mixed": ("fev1_fvc", "fvc"), "possible_restriction": ("fvc", "fev1_fvc"),
    "preserved_ratio_impaired": ("fev1", "fev1_fvc"), "possible_dysanapsis": ("fev1_fvc", "fev1"),
}  # fmt: skip


def measures(view: View) -> tuple[str, ...]:
    """Those of the three measures that the test holds."""
    return tuple(m for m in ("fev1", "fvc", "fev1_fvc") if view.has("fev1_fvc" if m == "fev1_fvc" else f"{m}_l"))


def with_limit(view: View, measure: str) -> str:
    """One measure with all that is known about it, then its lower limit of normal."""
    limit = "fev1_fvc_lln" if measure == "fev1_fvc" else f"{measure}_lln_l"
    return f"{value(view, measure)}{f' The lower limit of normal is {view.token(limit)}.' if view.has(limit) else ''}"


def finding(view: View) -> str:
    """The pattern with the values that decide it, the first with its limit; or why there is none."""
    if view.state != "read":
        return not_read(view)
    first, second = DECIDES.get(view.pattern, ("fev1", "fev1_fvc"))
    return f"{headline(view)} {with_limit(view, first)} {value(view, second)}"


def listed(view: View, *names: str) -> bool:
    """Whether the record lists one of these conditions (small letters)."""
    conditions = view.text("conditions").lower()
    return any(name in conditions for name in names)
