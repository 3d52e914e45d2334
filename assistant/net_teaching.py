"""How the second net is taught, and its limits chosen by what it says of wordings whose author it has not read: ``breathwise library net``.

It is taught the wordings in ``assets/triage``, our own questions, those of the search benchmark, and the sets of the safety benchmark that were mended for.
"""

from __future__ import annotations

import json
import random
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.alarm_net import BUCKETS, BYTES, LIKENESS, SPELLINGS, SURER, WEIGHTS, AlarmNet, more_alike, of_length_one, pieces
from assistant.disputes import OF_AN_ESTIMATE
from assistant.intents import OF_PASSAGES, load_taught, read_natural
from assistant.safety_benchmark import MENDED_FOR, Wording, read_wordings
from assistant.taught_wordings import EMERGENCY, HARMLESS, SELF_HARM, SLIPPED, TEMPLATES, mistyped, write_out
from assistant.text_features import WIDTH, bags, buckets, meanings, spellings
from assistant.triage import by_rules, stands

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

SEARCHED = TEMPLATES.parent / "benchmarks" / "search.jsonl"
# what a wording of the safety benchmark counts beside one of a template, a question of the search benchmark, one to this app, and one of a sentence of the library
REAL, ASKED, OURS, OF_LIBRARY = 3.0, 2.5, 1.0, 0.4  # those put beside results count as those of the library: they are many
FALSE_ALARMS = 0.015  # the share of look-alikes that the rules let pass which the net may raise, each judged by a net that has not read its author
LOST = 0.007  # the share of emergencies found by a rule that it may take back, each judged likewise; with more, of one set more than a twentieth is missed
OF_EMERGENCIES = (  # topics and passages whose questions may tell of one
    "when_to_seek_care", "stroke", "coronary_disease", "pneumothorax", "blood_clots", "allergy", "mental_wellbeing", "heart_failure", "pneumonia", "children", "pregnancy",
    "atrial_fibrillation", "cough", "heat_and_cold", "oxygen_therapy", "breathlessness", "infections", "blood_pressure", "diabetes", "travel_and_altitude", "medicines",
)  # fmt: skip
OF_URGENCY = ("when_to_seek_care", "urgent_now", "warning_signs")  # intents whose questions may tell of one
_URGENT = re.compile(r"emergenc|ambulance|\b(?:999|911|112)\b|a ?& ?e\b|casualty", re.IGNORECASE)
ROUNDS = 150  # of fitting; stopped before it fits the wordings to the letter
STRENGTH = 5.0  # the inverse of the penalty on weights
HARDEST = 3000  # harmless questions to this app, those that the heads hold for the most alarming, that are remembered beside the sets
_ALARMING = (EMERGENCY, SELF_HARM)


@dataclass(frozen=True)
class _Row:
    text: str
    kind: str
    source: str  # wordings of one source are never both taught and judged
    weight: float


def teach(seed: int = 7) -> dict[str, Any]:
    """Fit the net, choose its limits by cross-validation over authors, write it to assets and return what was found."""
    real = [one for one in read_wordings() if one.set in MENDED_FOR]
    rows = _rows(real, seed)
    texts = list(dict.fromkeys(piece for row in rows for piece in pieces(row.text)))
    place = {text: n for n, text in enumerate(texts)}
    inputs = _inputs(texts)
    at = np.array([place[pieces(row.text)[0]] for row in rows])
    alarm, self_harm = np.array([row.kind in _ALARMING for row in rows]), np.array([row.kind == SELF_HARM for row in rows])
    weight, source = np.array([row.weight for row in rows]), np.array([row.source for row in rows])

    def head(use: NDArray[np.bool_], target: NDArray[np.bool_]) -> tuple[NDArray[np.float32], float]:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is meant
            fitted = LogisticRegression(C=STRENGTH, max_iter=ROUNDS).fit(inputs[at[use]], target[use], sample_weight=weight[use])
        return fitted.coef_[0].astype(np.float32), float(fitted.intercept_[0])

    def remembered(use: NDArray[np.bool_], coefficients: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
        """The messages taught that others are likened to, in bytes, and which are alarming: those of the sets, and the harmless questions nearest to an alarm."""
        of_sets = np.flatnonzero(use & (weight == REAL))
        ours = np.flatnonzero(np.isin(source, ("ours", "asked")))
        hardest = ours[np.argsort(-(inputs[at[ours]] @ coefficients), kind="stable")[:HARDEST]]
        kept = np.concatenate([of_sets, hardest])
        states = of_length_one(inputs[at[kept], :WIDTH].toarray())
        return np.clip(np.round(states * BYTES), -127, 127).astype(np.int8), alarm[kept]

    odds: dict[str, float] = {}
    for number in sorted({one.set for one in real}):
        coefficients, intercept = head(source != str(number), alarm)
        places, alarming = remembered(source != str(number), coefficients)
        known = (places / BYTES).astype(np.float32)
        for row in rows:
            if row.source == str(number) and row.weight == REAL:
                read = inputs[[place[piece] for piece in pieces(row.text)]]
                each = read @ coefficients + intercept + LIKENESS * more_alike(read[:, :WIDTH].toarray(), known, alarming)
                each[1:] -= SURER
                odds[row.text] = float(each.max())
    found = {"wordings": len(rows), "alarms": int(alarm.sum()), "seed": seed} | _limits(real, odds)
    every = np.ones(len(rows), dtype=bool)
    heads = [head(every, alarm), head(alarm, self_harm)]
    places, alarming = remembered(every, heads[0][0])
    meaning, words, spelling = np.split(np.array([one[0] for one in heads]).astype(np.float16), (WIDTH, WIDTH + BUCKETS), axis=1)
    np.savez_compressed(
        WEIGHTS, meaning=meaning, words=words, spelling=spelling, taught=places, alarming=alarming, bias=np.array([one[1] for one in heads], dtype=np.float32),
        alarm=np.float32(found["alarm"]), doubt=np.float32(found["doubt"]), made_of=np.array(json.dumps(found)),
    )  # fmt: skip
    AlarmNet.load.cache_clear()
    return found


def _rows(real: Sequence[Wording], seed: int) -> list[_Row]:
    """All that is taught. The sources are the sets of the safety benchmark, each by an author of its own, and a sixth of the templates beside each."""
    numbers = sorted({one.set for one in real})
    chance = np.random.default_rng(seed)
    taught = write_out()
    beside = {name: str(chance.choice(numbers)) for name in dict.fromkeys(one.template for one in taught)}
    rows = [_Row(one.text, one.kind if one.kind in _ALARMING else HARMLESS, str(one.set), REAL) for one in real]
    unread = {one.text for one in read_wordings() if one.set not in MENDED_FOR}
    wordings = (text for intent, texts in load_taught().items() if intent not in OF_URGENCY for text in texts)
    rows += [_Row(text, HARMLESS, "ours", OURS) for text in wordings if text not in unread and by_rules(text) is None]
    rows += [_Row(text, HARMLESS, "ours", OF_LIBRARY) for text in _beside_results() if text not in unread]
    rows += [_Row(text, HARMLESS, "ours", OF_LIBRARY) for text in _of_the_library() if text not in unread and by_rules(text) is None]
    asked = [str(json.loads(line)["question"]) for line in SEARCHED.read_text(encoding="utf-8").splitlines()]
    rows += [_Row(text, HARMLESS, "asked", ASKED) for text in asked if by_rules(text) is None]
    hand = random.Random(seed)
    rows += [_Row(mistyped(row.text, hand), row.kind, row.source, SLIPPED * min(row.weight, 1.0)) for row in rows]
    rows += [_Row(one.text, one.kind, beside[one.template], one.weight) for one in taught]
    # what is harmless is so in every part
    return rows + [_Row(piece, HARMLESS, row.source, 1.0) for row in rows if row.kind == HARMLESS for piece in pieces(row.text)[1:]]


def _beside_results() -> tuple[str, ...]:
    """Questions beside a result that tell of no emergency. One in which a rule finds one is taught only where it is of an estimated risk."""
    found = []
    for one in read_natural():
        topics = {name.partition("/")[0] for name, _ in one.sentences}
        if set(one.intents) & set(OF_URGENCY) or topics & set(OF_EMERGENCIES) or _URGENT.search(one.text):
            continue
        if by_rules(one.text) is None or set(one.intents) <= set(OF_AN_ESTIMATE):
            found.append(one.text)
    return tuple(found)


def _of_the_library() -> tuple[str, ...]:
    """The questions of passages that speak of no emergency."""
    lines = (line.split("\t") for line in OF_PASSAGES.read_text(encoding="utf-8").splitlines())
    return tuple(text for name, _, text in lines if name.partition("/")[0] not in OF_EMERGENCIES and not _URGENT.search(text))


def _limits(real: Sequence[Wording], odds: dict[str, float]) -> dict[str, Any]:
    """``alarm`` and ``doubt``, and what each set's recall and false alarms are by a net that has not read its author."""
    ruled = {one.text: by_rules(one.text) for one in real}
    sure = {text for text, rule in ruled.items() if rule is not None and stands(rule)}
    unsure = {text for text, rule in ruled.items() if rule is not None and text not in sure}
    passed = sorted((odds[one.text] for one in real if one.kind not in _ALARMING and ruled[one.text] is None), reverse=True)
    alarm = passed[int(FALSE_ALARMS * len(passed))] + 1e-3
    doubt = min(alarm, float(np.quantile([odds[one.text] for one in real if one.kind in _ALARMING and one.text in unsure], LOST)))
    look_alikes, emergencies = [one for one in real if one.kind == HARMLESS], [one for one in real if one.kind == EMERGENCY]

    def share(some: Sequence[Wording], raised: Callable[[Wording], bool]) -> float:
        return round(sum(map(raised, some)) / len(some), 4)

    def both(one: Wording) -> bool:
        return one.text in sure or odds[one.text] >= (doubt if one.text in unsure else alarm)

    def alone(one: Wording) -> bool:
        return odds[one.text] >= alarm

    sets = {
        str(number): {"recall": share([one for one in emergencies if one.set == number], both), "false_alarms": share([one for one in look_alikes if one.set == number], both)}
        for number in sorted({one.set for one in real})
    }  # fmt: skip
    return {
        "alarm": round(alarm, 3), "doubt": round(doubt, 3), "folds": len(sets), "unread": sets,
        "alone_recall": share(emergencies, alone), "alone_false_alarms": share(look_alikes, alone), "alone_emergencies": len(emergencies), "alone_look_alikes": len(look_alikes),
    }  # fmt: skip


def _inputs(texts: Sequence[str]) -> csr_matrix:
    """(text) -> (text, layer x width + bucket + bucket)."""
    from scipy.sparse import csr_matrix, hstack

    found: csr_matrix = hstack(
        [
            csr_matrix(meanings(texts)),
            bags([buckets(text, BUCKETS) for text in texts], BUCKETS),
            bags([spellings(text, SPELLINGS) for text in texts], SPELLINGS),
        ]
    ).tocsr()
    return found
