"""The search benchmark: its questions are whole, its shares are counted right, and a follow-up is read with the question before."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant import search_benchmark
from assistant.minilm import MiniLM
from assistant.retrieval import GuidelineLibrary, Match, fuse
from assistant.search_benchmark import Found, Question, read_questions
from encoders.passages import read_passages

QUESTIONS = read_questions()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> GuidelineLibrary:
    return GuidelineLibrary(read_passages(), tmp_path_factory.mktemp("library"), MiniLM())


def test_there_are_two_hundred_questions_with_answers_sixty_without_and_some_follow_ups() -> None:
    assert sum(bool(one.right) for one in QUESTIONS) >= 200
    assert sum(not one.right for one in QUESTIONS) >= 60
    assert sum(one.before is not None for one in QUESTIONS) >= 15
    assert len({(one.question, one.before) for one in QUESTIONS}) == len(QUESTIONS)


def test_every_right_passage_is_in_the_library_and_most_passages_are_asked_for() -> None:
    known = {passage.id for passage in read_passages()}
    asked = {name for one in QUESTIONS for name in one.right}
    assert asked <= known
    assert len(asked) >= 0.8 * len(known)


def test_shares_are_counted_over_answerable_and_unanswerable_apart() -> None:
    questions = (Question("a", ("x",)), Question("b", ("y", "z")), Question("c", ()), Question("d", ()))
    found = (Found(("q", "x"), 0.9), Found(("q",), 0.1), Found((), 0.1), Found(("x",), 0.9))
    shares = search_benchmark._shares(questions, found, 0.5)
    assert (shares["first"], shares["recall"], shares["right_refusals"], shares["wrong_refusals"]) == (0.0, 0.5, 0.5, 0.5)
    assert search_benchmark._limit([Found((), n / 100) for n in range(100)]) == 0.03


def test_ranks_are_fused_and_a_shared_word_lifts_a_passage() -> None:
    found = {"first": Match(0.61, 0.0, 0.0), "second": Match(0.60, 5.0, 0.5), "third": Match(0.2, 0.0, 0.0)}
    assert fuse(found) == ["second", "first", "third"]
    assert fuse({name: Match(match.cosine, 0.0, 0.0) for name, match in found.items()}) == ["first", "second", "third"]


@pytest.mark.parametrize(
    ("question", "before", "right"),
    [
        ("and how do i lower it", "Is my blood pressure too high?", "blood_pressure"),
        ("can it be treated", "What is pulmonary fibrosis?", "pulmonary_fibrosis"),
        ("what is afib", "How do I stop smoking?", "atrial_fibrillation"),
    ],
)
def test_a_follow_up_is_read_with_the_question_before_and_a_new_question_is_not(library: GuidelineLibrary, question: str, before: str, right: str) -> None:
    assert right in {hit.passage.topic for hit in library.search(question, 4, before).results}


@pytest.mark.parametrize("question", ["what is NIV", "my result says LLN, what's that", "wat is emphisema inherited", "hyprtension nubmers"])
def test_short_forms_and_slips_of_the_hand_find_a_passage(library: GuidelineLibrary, question: str) -> None:
    assert library.search(question).enough


def test_the_search_reaches_what_is_aimed_at_on_every_fifth_question(library: GuidelineLibrary) -> None:
    some = QUESTIONS[3::5]
    found = [library.search(one.question, 4, one.before) for one in some]
    hits = [bool(set(one.right) & {hit.passage.id for hit in got.results}) for one, got in zip(some, found, strict=True) if one.right]
    refused = [not got.enough for one, got in zip(some, found, strict=True) if not one.right]
    assert sum(hits) / len(hits) >= 0.85 and sum(refused) / len(refused) >= 0.8


def test_the_table_goes_between_the_marks_of_the_readme(tmp_path: Path) -> None:
    shares = {"first": 0.9, "recall": 0.96, "right_refusals": 0.95, "wrong_refusals": 0.02, "answerable": 100, "unanswerable": 30}
    way = {"reported": shares, "tuned_on": shares}
    intents = {
        "right": 0.86,
        "of_three": 0.95,
        "library_known": 0.9,
        "taken_for_library": 0.03,
        "wordings": 2000,
        "intents": 100,
        "questions": 500,
        "natural": 900,
        "authors": 6,
        "either": 0.9,
        "sentence_found": 0.7,
        "passage_found": 0.8,
    }
    found = {"k": 4, "quoted": way, "hybrid": way, "vectors": way, "words": way, "passages": 3, "intents": intents, "commit": "abc", "date": "2026-01-01"}
    lines = search_benchmark.table(found)
    assert (
        "2000 wordings of 100 intents, 500 questions of single sentences and 900 questions put beside results by 6 authors" in lines
        and "read right of 86.0%" in lines
    )
    assert "| vectors and BM25, fused and checked | 90.0% | 96.0% | 95.0% | 2.0% |" in lines
