"""How well the library is searched: questions in people's own words with the passages that answer them, and questions it cannot answer."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.answering import Fitting
from assistant.benchmark import commit
from assistant.looked_up import ANSWERS_AT_ALL, LEAST
from assistant.reader import made_of
from assistant.retrieval import GuidelineLibrary
from assistant.settings import read_settings
from encoders.passages import GUIDELINES

QUESTIONS = GUIDELINES.parent / "benchmarks" / "search.jsonl"
MOST_WRONG = 0.03  # share of answerable questions refused, at which the limits of the single ways are set


@dataclass(frozen=True)
class Question:
    """A question, the ids of passages any of which answers it (none: the library cannot), and the question before a follow-up."""

    question: str
    right: tuple[str, ...]
    before: str | None = None


@dataclass(frozen=True)
class Found:
    """What a way of searching brought: ids, best first, and how sure it is of the best."""

    ids: tuple[str, ...]
    sure: float


def read_questions() -> tuple[Question, ...]:
    lines = (json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines() if line.strip())
    return tuple(Question(str(one["question"]), tuple(one["right"]), one.get("before")) for one in lines)


def run(*, k: int = 4, progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Shares over the half of the questions that no weight or limit was chosen on (every second one), and over the other for comparison."""
    progress("the library")
    library = GuidelineLibrary.load(read_settings())
    questions = read_questions()
    progress("the questions")
    ways: dict[str, list[Found]] = {"quoted": [], "hybrid": [], "vectors": [], "words": []}
    for one in questions:
        result = library.search(one.question, k, one.before)
        ways["hybrid"].append(Found(tuple(hit.passage.id for hit in result.results), float(result.enough)))
        asked = f"{one.before} {one.question}" if one.before else one.question
        follows = library.asked(one.before or "")
        passages = tuple({hit.passage.id: hit.passage for hit in result.results} | {passage.id: passage for passage in follows.near(asked)})
        fitting = follows.answering(asked, [library.passages[name] for name in passages])
        ways["quoted"].append(Found(tuple(dict.fromkeys(passages[fit.number - 1] for fit in fitting))[:k], _able(fitting, result.enough)))
        found = library.matches(asked)
        by_cosine = sorted(found, key=lambda name: -found[name].cosine)
        ways["vectors"].append(Found(tuple(by_cosine[:k]), found[by_cosine[0]].cosine))
        words = library.by_words(asked)
        by_words = sorted(words, key=lambda name: -words[name])
        ways["words"].append(Found(tuple(by_words[:k]), max(words.values(), default=0.0)))
    document: dict[str, Any] = {"k": k, "questions": len(questions), "unanswerable": sum(not one.right for one in questions)}
    for way, all_found in ways.items():
        limit = (
            ANSWERS_AT_ALL
            if way == "quoted"
            else 0.5
            if way == "hybrid"
            else _limit([f for f, one in list(zip(all_found, questions, strict=True))[0::2] if one.right])
        )
        document[way] = {"reported": _shares(questions[1::2], all_found[1::2], limit), "tuned_on": _shares(questions[0::2], all_found[0::2], limit)}
    progress("the intents")
    return document | {
        "intents": made_of(),
        "passages": len(library.passages),
        "commit": commit(),
        "date": dt.date.today().isoformat(),
    }


def _able(fitting: Sequence[Fitting], enough: bool) -> float:
    """How sure a quotation is: what the search holds for relevant is quoted though its chance is small."""
    chance = sum(fit.score for fit in fitting)
    return max(chance, ANSWERS_AT_ALL) if enough and chance >= LEAST else chance


def _limit(answerable: Sequence[Found]) -> float:
    """The highest sureness that refuses at most ``MOST_WRONG`` of the answerable questions."""
    sure = sorted(one.sure for one in answerable)
    return sure[int(MOST_WRONG * len(sure))]


def _shares(questions: Sequence[Question], found: Sequence[Found], limit: float) -> dict[str, float]:
    pairs = list(zip(questions, found, strict=True))
    answerable = [(one, got) for one, got in pairs if one.right]
    others = [got for one, got in pairs if not one.right]
    return {
        "first": round(sum(got.ids[:1] != () and got.ids[0] in one.right for one, got in answerable) / len(answerable), 4),
        "recall": round(sum(bool(set(one.right) & set(got.ids)) for one, got in answerable) / len(answerable), 4),
        "right_refusals": round(sum(got.sure < limit for got in others) / len(others), 4),
        "wrong_refusals": round(sum(got.sure < limit for _, got in answerable) / len(answerable), 4),
        "answerable": len(answerable),
        "unanswerable": len(others),
    }


def _following(read: dict[str, Any]) -> str:
    """How questions that go on from others are read, with those and alone."""
    of = read.get("following")
    if not of:
        return ""
    both, alone = of["with_those_before"], of["alone"]
    return (
        f"{of['questions']} of them go on from questions before: read with those, {both['right']:.1%} are right and the sentence is found for {both['sentence_found']:.1%}; "
        f"read alone, {alone['right']:.1%} and {alone['sentence_found']:.1%}. "
    )


def table(found: dict[str, Any]) -> str:
    """The README's lines."""
    lines = [f"| search | the first is right | recall at {found['k']} | right refusals | wrong refusals |", "|---|---|---|---|---|"]
    for way, name in (
        ("quoted", "what is quoted: the fused search, then the reader over the sentences"),
        ("hybrid", "vectors and BM25, fused and checked"),
        ("vectors", "vectors alone"),
        ("words", "BM25 alone"),
    ):
        one = found[way]["reported"]
        lines.append(f"| {name} | {one['first']:.1%} | {one['recall']:.1%} | {one['right_refusals']:.1%} | {one['wrong_refusals']:.1%} |")
    read = found["intents"]
    one, other = found["hybrid"]["reported"], found["hybrid"]["tuned_on"]
    lines += [
        "",
        f"Over {one['answerable']} questions the library answers and {one['unanswerable']} it cannot, the half on which no weight or limit was chosen, though the table of lay words was written with its misses in view (hybrid on the other half: "
        f"{other['recall']:.1%}, {other['right_refusals']:.1%}, {other['wrong_refusals']:.1%}); {found['passages']} passages. Right refusals: an unanswerable question "
        f"gets no passage; wrong: an answerable one gets none. The reader was taught {read['wordings']} wordings of {read['intents']} intents, {read['questions']} questions of single sentences and {read['natural']} questions put beside results by {read['authors']} authors. "
        f"Of authors left out, a third at a time: what a question is about is read right of {read['right']:.1%} ({read['either']:.1%} where one of two things asked counts), the right one is among the three likeliest for {read['of_three']:.1%}, "
        f"questions for the library alone are known for such in {read['library_known']:.1%}, others taken for such in {read['taken_for_library']:.1%}; the sentence that answers is the nearest of all for {read['sentence_found']:.1%}, its passage for {read['passage_found']:.1%}. {_following(read)}Commit {found['commit']}, {found['date']}, by `breathwise benchmark search`.",
    ]
    return "\n".join(lines)
