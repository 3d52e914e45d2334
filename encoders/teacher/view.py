"""A person as the teacher sees one: the case, what is known about it, and the reply that is built from it."""

from __future__ import annotations

from dataclasses import dataclass

from encoders.record import Fact, Patient
from encoders.spirogram.results import Spirometry


@dataclass(frozen=True)
class Case:
    """One person as the prompt shows them: the record, the test, and the facts an answer may name."""

    patient: Patient
    spirometry: Spirometry | None
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Reply:
    """An answer, with what a follow-up needs: a shorter form, plainer words, and the subject it was about."""

    text: str
    evidence: str = "record"
    short: str = ""
    plain: str = ""
    subject: str = ""


class View:
    """A case with questions asked of it in one word; ``state`` says how far the test can be read.

    "none" no test, "ratio" a recorded ratio without volumes, "unusable" no value can be trusted, "no_reference" values
    without a comparison, "partial" FEV1 compared but no pattern, "read" a pattern.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.facts = {fact.name: fact for fact in case.facts}
        test = case.spirometry
        self.shape = test.shape if test is not None and len(test.shape) == 4 else ()
        reading = test.interpretation if test is not None else None
        self.pattern = reading.pattern if reading is not None and self.has("pattern") else ""
        if test is None and not self.has("fev1_l"):
            self.state = "none"
        elif self.pattern:
            self.state = "read"
        elif self.has("fev1_fvc") and not (self.has("fev1_l") or self.has("fvc_l")):
            self.state = "ratio"
        elif not (self.has("fev1_l") or self.has("fvc_l")) or self.text("fev1_grade") == "F":
            self.state = "unusable"
        elif self.has("fev1_z") or self.has("fvc_z"):
            self.state = "partial"
        else:
            self.state = "no_reference"
        age = case.patient.age_years
        self.child = age is not None and age < 18

    def has(self, *names: str) -> bool:
        return all(name in self.facts for name in names)

    def token(self, name: str) -> str:
        """The token of a fact that this case has; KeyError otherwise, so that no answer names what is not there."""
        return self.facts[name].token

    def text(self, name: str) -> str:
        return self.facts[name].text if name in self.facts else ""

    def status(self, name: str) -> str:
        return self.facts[name].status if name in self.facts else ""

    def found(self) -> str:
        """What is wrong with the blows as a sentence with a leading space; empty where nothing is known."""
        if self.text("findings") in {"", "none"}:
            return " No faults were found." if self.has("findings") else ""
        return f" What was found: {self.token('findings')}."

    def below(self, name: str) -> bool:
        return self.status(name) in {"low", "borderline low", "slightly low"}

    def above(self, name: str) -> bool:
        return self.status(name) in {"raised", "high"}
