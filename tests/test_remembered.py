"""Questions remembered by where they lie: what is like one asks the same, and an unknown sentence is neither near nor far."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.remembered import NARROW, UNLIKE, Remembered


@pytest.fixture
def questions() -> np.ndarray:
    found = np.random.default_rng(7).normal(size=(40, 384)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_a_question_is_like_the_one_it_was_taught_as(questions: np.ndarray) -> None:
    intents, sentences = np.arange(40, dtype=np.int16) % 5, np.where(np.arange(40) < 30, np.arange(40) // 3, -1).astype(np.int16)
    remembered = Remembered.of(questions, intents, sentences)
    near = questions[:30] + 0.02 * np.random.default_rng(8).normal(size=(30, 384)).astype(np.float32)
    assert (remembered.of_intents(near, 5).argmax(1) == intents[:30]).mean() > 0.95
    of_sentences = remembered.of_sentences(near, 12)
    assert (of_sentences.argmax(1) == sentences[:30]).mean() > 0.95
    assert (of_sentences[:, 10:] == np.float32(UNLIKE)).all()  # of these two sentences no question is known
    assert remembered.places.dtype == np.int8 and remembered.places.shape == (40, NARROW)


def test_the_likest_of_several_counts_whatever_their_order(questions: np.ndarray) -> None:
    intents = np.random.default_rng(9).permutation(np.arange(40) % 4).astype(np.int16)
    none = np.full(40, -1, dtype=np.int16)
    one, other = Remembered.of(questions, intents, none), Remembered.of(questions[::-1], intents[::-1], none)
    found = one.of_intents(questions, 4)
    assert np.allclose(found, other.of_intents(questions, 4), atol=0.05)
    assert (found.argmax(1) == intents).all() and (one.of_sentences(questions, 3) == np.float32(UNLIKE)).all()


def test_only_what_no_sentence_answers_counts_as_unanswered(questions: np.ndarray) -> None:
    intents, sentences = np.arange(40, dtype=np.int16) % 2, np.where(np.arange(40) < 20, 3, -1).astype(np.int16)
    unanswered = Remembered.of(questions, intents, sentences).unanswered(1)
    like = unanswered.of_intents(questions, 1)[:, 0]
    known = (intents == 1) & (sentences < 0)
    assert like[known].min() > 0.98 and like[~known].max() < 0.9
