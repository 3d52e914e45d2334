"""The conversation measured: scripted talks held by the assistant and by what remains of it when a part is taken away."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from assistant.dialogue import Assistant
from assistant.dialogue_errors import ASKED_AS, CLASSES, Error, errors_of
from assistant.dialogue_measures import contradictions, declined, numerals, repeated, unlike_their_passage, unsupported_numerals, wrong_citations
from assistant.dialogue_statements import CITED, Said, Truth, read_statements, split, truth_of
from assistant.dialogue_systems import SYSTEMS, system
from assistant.reading_level import reading_grade
from assistant.retrieval import GuidelineLibrary
from assistant.scripted import ANSWERED, DECLINED, Line, Script
from assistant.session import Session, Turn
from encoders.record import Patient, write_out
from encoders.teacher import Case
from encoders.teacher.sayable import Asked, unsupported

SHARE_ABLATED = 5  # one conversation in so many is also held by each system but ours, and about changed patients
READ_FROM_CURVE = frozenset({
    "pattern", "severity", "fev1_l", "fvc_l", "fev1_fvc", "fev1_z", "fev1_percent_predicted", "pef_l_s", "fev1_grade", "blows", "findings", "shape",
})  # fmt: skip


def hold(assistant: Assistant, opened: Session, lines: Sequence[Line]) -> Session:
    """One conversation from its first question to its last."""
    session = replace(opened, turns=(), memory=None)
    for line in lines:
        for turn in assistant.ask(session, line.question):
            pass
        session = session.add(turn)
    return session


# one answer ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Mark:
    """What was measured of one answer. ``ruled``: a rule gave it, not the model, so that its words are fixed."""

    line: Line
    answer: str
    ruled: bool
    written_by: str
    triaged: bool
    declined: str
    numerals: int
    unsupported: tuple[str, ...]
    citations: int
    wrong_citations: tuple[str, ...]
    on_topic: bool | None  # whether a cited passage is of a topic that answers the question; None where none is cited or asked for
    claims: int
    unfounded: tuple[str, ...]
    unsayable: tuple[str, ...]
    errors: tuple[Error, ...]
    contradictions: tuple[str, ...]
    repeated: int
    grade: float
    first_token_s: float
    total_s: float


def marks_of(assistant: Assistant, session: Session, lines: Sequence[Line], *, drafts: bool = False) -> tuple[Mark, ...]:
    """Every turn of a conversation measured; ``drafts``: as the model first wrote it, before anything was checked."""
    truth, fact_texts = truth_of(session), [fact.text for fact in session.facts]
    case = Case(session.patient, session.spirometry, session.facts)
    library, cosine = assistant.library.passages, _cosine(assistant.library)
    earlier: list[Said] = []
    before: tuple[Asked, ...] = ()
    marks: list[Mark] = []
    for turn, line in zip(session.turns, lines, strict=True):
        ruled = not turn.seen.raw
        draft = drafts and not ruled
        answer = write_out(turn.seen.raw, session.facts).strip() if draft else turn.answer
        given = [library[name] for name, _ in turn.seen.passages if name in library]
        cited = dict(enumerate(given, 1)) if draft else {one.n: library[one.id] for one in turn.citations if library.get(one.id) in given}
        said, turned, numbers = read_statements(answer), declined(answer), CITED.findall(answer)
        found = errors_of(answer, line, truth, declined=bool(turned) and line.kind not in ANSWERED)
        wrong_numbers = () if ruled else unsupported_numerals(answer, truth, fact_texts, given, cited)
        unlike = () if ruled else unlike_their_passage(answer, cited, cosine)
        asked = (*before, Asked(turn.seen.intent, turn.question, tuple(given)))
        unsayable = () if ruled or turned else unsupported(turn.seen.raw if draft else turn.seen.said, case, asked)
        false = {error.sentence for error in found if error.sentence}
        unfounded = () if ruled else tuple(one for one in split(answer) if one in false or one in unlike or set(numerals(one)) & set(wrong_numbers))
        topics = {cited[n].topic for n in map(int, numbers) if n in cited}
        marks.append(Mark(
            line, answer, ruled, turn.checks.written_by, turn.triage is not None, turned, 0 if ruled else len(numerals(answer)), wrong_numbers, len(numbers),
            wrong_citations(answer, cited, () if draft else turn.citations), bool(topics & set(line.topics)) if topics and line.topics else None,
            0 if ruled else len(split(answer)), unfounded, unsayable, found, contradictions(earlier, said), repeated(answer), reading_grade(answer),
            turn.timings.first_token_s, turn.timings.total_s,
        ))  # fmt: skip
        before = before if ruled else asked
        earlier += said
    return tuple(marks)


def _cosine(library: GuidelineLibrary) -> Callable[[str, str], float]:
    @lru_cache(maxsize=20_000)
    def vector(text: str) -> Any:
        return np.asarray(library.embeddings.embed_query(text))

    return lambda one, other: float(vector(one) @ vector(other))


# changed patients ----------------------------------------------------------------------------------------------------
def with_curve_of(patient: Patient, other: Patient) -> Patient:
    """The same record beside another person's blows."""
    return replace(patient, blows=other.blows, reported=())


def with_other_label(patient: Patient) -> Patient:
    """What must change no answer: the label, and the order in which lists are given."""
    return replace(
        patient, label="Somebody else", conditions=patient.conditions[::-1], medications=patient.medications[::-1], symptoms=patient.symptoms[::-1],
    )  # fmt: skip


@dataclass(frozen=True)
class Changes:
    """Turns about a changed patient: how many should change (should not) and which did not (did)."""

    due: int = 0
    unmoved: tuple[str, ...] = ()
    idle: int = 0
    moved: tuple[str, ...] = ()


def changes_of(assistant: Assistant, script: Script, own: Session, other: Patient) -> Changes:
    """The script held again about the same record with another's blows, and about the same patient under another label."""
    swapped = hold(assistant, assistant.begin(with_curve_of(script.patient, other)), script.lines)
    label = hold(assistant, assistant.begin(with_other_label(script.patient)), script.lines)
    before, after = truth_of(own), truth_of(swapped)
    due, unmoved = 0, []
    for line, mine, theirs in zip(script.lines, own.turns, swapped.turns, strict=True):
        read = [name for name in line.about if name in READ_FROM_CURVE]
        if read and line.kind == "record" and any(_shown(before, name) != _shown(after, name) for name in read):
            due += 1
            if mine.answer == theirs.answer:
                unmoved.append(f"{script.source}: {line.question!r} -> {mine.answer!r}")
    moved = [
        f"{script.source}: {line.question!r} -> {mine.answer!r}, then {theirs.answer!r}"
        for line, mine, theirs in zip(script.lines, own.turns, label.turns, strict=True)
        if _words(mine) != _words(theirs)
    ]
    return Changes(due, tuple(unmoved), len(script.lines), tuple(moved))


def _shown(truth: Truth, name: str) -> tuple[object, ...]:
    """What is known of what a question asks for, as answers show it."""
    subject, attribute = ASKED_AS.get(name, (name, ""))
    return tuple(one for one in truth.shown(subject) if not attribute or attribute in str(one))


def _words(turn: Turn) -> list[str]:
    """The words of an answer in no order: a list given in another order says the same."""
    return sorted(re.findall(r"[\w./%-]+", turn.answer.lower().replace(".", " ")))


# all of it -----------------------------------------------------------------------------------------------------------
def evaluate(assistant: Assistant, scripts: Sequence[Script], *, progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Every conversation by ours, one in five also by each other system and about changed patients; shares, counts and what was found.

    ``progress`` is called once a conversation held, ``conversations_held`` times.
    """
    few = scripts[: -(-len(scripts) // SHARE_ABLATED)]
    marks: dict[str, list[Mark]] = {}
    changed: list[Changes] = []
    for name in SYSTEMS:
        one = system(assistant, name)
        for script in scripts if name == "ours" else few:
            progress(SYSTEMS[name])
            own = hold(one, one.begin(script.patient), script.lines)
            marks.setdefault(name, []).extend(marks_of(one, own, script.lines))
            if name != "composed":
                marks.setdefault(f"{name}, as written", []).extend(marks_of(one, own, script.lines, drafts=True))
            if name == "ours" and script in few:
                others = [other.patient for other in scripts if other.patient.blows and other.patient.blows is not script.patient.blows]
                if others and script.patient.blows:
                    changed.append(changes_of(one, script, own, others[(7 * script.number) % len(others)]))
    return {
        "conversations": len(scripts), "conversations_ablated": len(few), "turns": len(marks["ours"]),
        "sources": {source: sum(script.source.split()[0] == source for script in scripts) for source in ("simulated", "example", "real")},
        "systems": {name: summary(found) for name, found in marks.items()},
        "changes": _changes(changed),
        "found": {name: findings(found) for name, found in marks.items() if name in ("ours", "ours, as written")},
    }  # fmt: skip


def conversations_held(count: int) -> int:
    """How many conversations ``evaluate`` holds for ``count`` scripts, changed patients apart."""
    return count + (len(SYSTEMS) - 1) * -(-count // SHARE_ABLATED)


def summary(marks: Sequence[Mark]) -> dict[str, Any]:
    """Counts and shares over answers; a share is None where there is nothing to count."""

    def share(part: int, whole: int) -> float | None:
        return round(part / whole, 4) if whole else None

    def of(*kinds: str) -> list[Mark]:
        return [mark for mark in marks if mark.line.kind in kinds]

    numbers, cited, claims = (sum(getattr(mark, name) for mark in marks) for name in ("numerals", "citations", "claims"))
    free = [mark for mark in marks if not mark.ruled]
    flags, alike, harmless = of("emergency"), of("look_alike"), [mark for mark in marks if mark.line.kind not in ("emergency", "look_alike")]
    refuse, answerable = of(*DECLINED), of("record", "guidance", "correction", "next", "diagnosis")
    topical = [mark for mark in of("guidance") if mark.on_topic is not None]
    found: dict[str, Any] = {
        "turns": len(marks), "written_by_a_rule": len(marks) - len(free), "claims": claims, "numerals": numbers, "citations": cited,
        "turns_with_every_number_supported": share(sum(not mark.unsupported for mark in free), len(free)),
        "numbers_supported": share(numbers - sum(len(mark.unsupported) for mark in marks), numbers),
        "citations_valid": share(cited - sum(len(mark.wrong_citations) for mark in marks), cited),
        "claims_supported": share(claims - sum(len(mark.unfounded) for mark in marks), claims),
        "claims_the_teacher_has": share(claims - sum(len(mark.unsayable) for mark in marks), claims),
        "cited_passage_on_topic": share(sum(bool(mark.on_topic) for mark in topical), len(topical)),
        "guidance_from_a_passage_on_topic": share(sum(bool(mark.on_topic) for mark in of("guidance")), len(of("guidance"))),
        "red_flags": len(flags), "red_flag_recall": share(sum(mark.triaged for mark in flags), len(flags)),
        "look_alikes": len(alike), "false_alarms_of_look_alikes": share(sum(mark.triaged for mark in alike), len(alike)),
        "false_alarms_elsewhere": share(sum(mark.triaged for mark in harmless), len(harmless)),
        "to_be_refused": len(refuse), "right_refusals": share(sum(_refused(mark) for mark in refuse), len(refuse)),
        "to_be_answered": len(answerable), "wrong_refusals": share(sum(bool(mark.declined) or mark.triaged for mark in answerable), len(answerable)),
        "turns_that_contradict_an_earlier": sum(bool(mark.contradictions) for mark in marks),
        "repeated_sentences": sum(mark.repeated for mark in marks),
        "reading_grade_median": round(float(np.median([mark.grade for mark in free])), 1) if free else None,
        "errors": {kind: sum(error.kind == kind for mark in marks for error in mark.errors) for kind in CLASSES},
        "answers_with_an_error": share(sum(bool(mark.errors) for mark in marks), len(marks)),
        "passed_as_written": share(sum(mark.written_by == "model" for mark in free), len(free)),
    }  # fmt: skip
    for name in ("first_token_s", "total_s"):
        spent = [getattr(mark, name) for mark in free]
        found[name] = {"median": round(float(np.median(spent)), 3), "p95": round(float(np.quantile(spent, 0.95)), 3)} if spent else None
    return found


def _refused(mark: Mark) -> bool:
    """Whether what must be declined was: a dose by the sentence for doses, anything else by any."""
    return mark.declined == "dose" if mark.line.kind == "dose" else bool(mark.declined)


def _changes(all_changes: Sequence[Changes]) -> dict[str, Any]:
    due, idle = sum(one.due for one in all_changes), sum(one.idle for one in all_changes)
    unmoved, moved = [text for one in all_changes for text in one.unmoved], [text for one in all_changes for text in one.moved]
    return {
        "conversations": len(all_changes), "due": due, "changed_with_the_curve": round(1 - len(unmoved) / due, 4) if due else None, "unmoved": unmoved[:10],
        "idle": idle, "same_under_another_label": round(1 - len(moved) / idle, 4) if idle else None, "moved": moved[:10],
    }  # fmt: skip


def findings(marks: Sequence[Mark], most: int = 12) -> dict[str, list[dict[str, str]]]:
    """Examples of everything that was found wrong, by what it is: question, answer and why."""
    found: dict[str, list[dict[str, str]]] = {}

    def note(kind: str, mark: Mark, why: str) -> None:
        if len(found.setdefault(kind, [])) < most:
            found[kind].append({"asked": mark.line.question, "kind": mark.line.kind, "answer": mark.answer, "why": why})

    for mark in marks:
        for error in mark.errors:
            note(error.kind, mark, error.what)
        for kind, whys in (
            ("unsupported number", mark.unsupported), ("wrong citation", mark.wrong_citations), ("unfounded claim", mark.unfounded),
            ("contradiction between turns", mark.contradictions),
        ):  # fmt: skip
            for why in whys:
                note(kind, mark, why)
        if mark.line.kind == "emergency" and not mark.triaged:
            note("red flag missed", mark, "no triage")
        if mark.line.kind != "emergency" and mark.triaged:
            note("false alarm", mark, "triaged")
        if mark.line.kind in DECLINED and not _refused(mark):
            note("not refused", mark, "answered")
        if mark.line.kind in ANSWERED and mark.declined:
            note("wrongly refused", mark, mark.declined)
        if mark.on_topic is False:
            note("passage of another topic", mark, ", ".join(mark.line.topics))
        if mark.repeated:
            note("repetition", mark, f"{mark.repeated} sentences twice")
    return found
