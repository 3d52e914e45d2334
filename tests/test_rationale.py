"""Reasons for and against: the score first, only this patient's, from the text or the curve; another teacher's are checked."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from functools import lru_cache

import pytest
from langchain_core.language_models import FakeListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage

from encoders import teacher
from encoders.cases import simulated
from encoders.record import write_out
from encoders.teacher import Case, View, answer, rationales
from encoders.teacher.chat import ChatTeacher, TeacherError, load_teacher, prompt
from encoders.teacher.rationale import asked_kind
from encoders.teacher.sayable import Asked, sentences, unsupported

QUESTION = {"both": "Why is my COPD risk like this?", "text": "What in my record speaks for COPD?", "curve": "What in the curve speaks for COPD?"}


@lru_cache(maxsize=1)
def cases() -> tuple[Case, ...]:
    return tuple(Case(one.patient, one.spirometry, one.facts) for one in map(simulated, range(7000, 7300)))


@lru_cache(maxsize=1)
def obstructed() -> Case:
    """A read test with a scooped limb, a low ratio and an estimated risk; a smoker."""
    for one in map(simulated, range(7000, 7300)):
        case = Case(one.patient, one.spirometry, one.facts)
        view = View(case)
        if (
            view.pattern == "obstruction"
            and view.shape[:1] == ("scooped",)
            and view.has("risk_copd", "pack_years")
            and view.text("smoking_status") == "current"
        ):
            return case
    raise AssertionError("no such person among the simulated ones")


def gold(case: Case, kind: str = "both") -> str:
    return answer("why_risk", QUESTION[kind], View(case), (), random.Random(1)).text


def taught(case: Case, *replies: str, kind: str = "both") -> tuple[str, ChatTeacher]:
    chat = ChatTeacher(FakeListChatModel(responses=list(replies)), "a fake")
    return chat.rationale(case, QUESTION[kind], gold(case, kind)), chat


def test_every_rationale_of_300_people_may_be_said() -> None:
    rng = random.Random(3)
    for n, case in enumerate(cases()):
        turn = rationales(case, rng, ("text", "curve", "both")[n % 3])
        assert unsupported(turn.answer, case, [Asked(turn.intent, turn.question)]) == ()
        assert len(sentences(turn.answer)) <= 4
        assert not re.search(r"\d", re.sub(r"<\|\w+\|>|FEV1|HbA1c", "", turn.answer))


def test_the_score_comes_first_and_is_the_same_for_every_kind() -> None:
    for case in cases()[:60]:
        heads = {sentences(gold(case, kind))[0] for kind in QUESTION}
        assert len(heads) == 1
        assert View(case).has("risk_copd") == ("<|risk_copd|>" in heads.pop())


def test_a_question_says_which_reasons_it_wants() -> None:
    assert [asked_kind(QUESTION[kind]) for kind in QUESTION] == list(QUESTION)
    for intent in teacher.RATIONALES:
        assert {asked_kind(text) for text in teacher._questions()[intent]} == {"text", "curve", "both"}


def test_reasons_from_the_curve_speak_of_the_curve_alone() -> None:
    assert "smok" not in gold(obstructed(), "curve") and "scooped limb" in gold(obstructed(), "curve")
    assert "limb" not in gold(obstructed(), "text") and "smoking" in gold(obstructed(), "text")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("speak for it", "speak against it"),
        ("scooped", "rounded"),
        ("low FEV1/FVC", "normal FEV1/FVC"),
        ("<|risk_copd|>", "<|risk_stroke|>"),
        ("current", "past"),
    ],
)
def test_a_planted_error_in_a_rationale_is_found(right: str, wrong: str) -> None:
    case, text = obstructed(), gold(obstructed())
    assert right in text
    assert unsupported(text.replace(right, wrong), case, [Asked("why_risk", QUESTION["both"])])


def test_a_right_rationale_of_a_chat_model_is_learned_with_facts_as_tokens() -> None:
    case = obstructed()
    ratio = View(case).text("fev1_fvc")
    told, chat = taught(case, f"A low FEV1/FVC ratio ({ratio}) speaks for it.".replace("A low", "In the record, a low"))
    assert "In the record, a low FEV1/FVC ratio (<|fev1_fvc|>) speaks for it." in told
    assert told.startswith(sentences(gold(case))[0])
    assert chat.card()["learned"] == 1 and chat.card()["rejected"] == 0


def test_the_code_teachers_own_words_pass_when_a_chat_model_says_them() -> None:
    for case in cases()[:80]:
        if "<|risk_copd|>" in gold(case):
            told, chat = taught(case, write_out(gold(case), case.facts))
            assert told == gold(case)
            assert not chat.card()["rejected"], (chat.card(), gold(case))


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("A low FEV1/FVC ratio (0.12) speaks for it.", "a number that is not the patient's"),
        ("The estimated risk is 99 %.", "a number that is not the patient's"),
        ("A low FEV1/FVC ratio speaks against it.", "words that do not fit the value"),
        ("Current smoking speaks against it.", "words that do not fit the value"),
        ("A normal FEV1/FVC ratio speaks for it.", "a claim that is not the patient's"),
        ("A low FEV1/FVC ratio, lower than before, speaks for it.", "an invented comparison"),
        ("Current smoking, improved since earlier, speaks for it.", "an invented comparison"),
        ("Nothing clear speaks for it.", "reasons left out"),
        ("A rounded limb of the loop speaks against it.", "a claim that is not the patient's"),
        ("You have emphysema.", "a claim that is not the patient's"),
        ("Not smoking speaks for it.", "a claim that is not the patient's"),
        ("", "not two to four sentences"),
        ("It speaks for it. " * 6, "not two to four sentences"),
    ],
)
def test_a_wrong_rationale_of_a_chat_model_is_rejected_and_counted(reply: str, why: str) -> None:
    case = obstructed()
    told, chat = taught(case, reply)
    assert told == gold(case)
    card = chat.card()
    assert (card["learned"], card["rejected"]) == (0, 1)
    assert any(why in name for name in card["rejected_because"]), card


def test_a_curve_that_is_not_there_is_not_spoken_of() -> None:
    case = obstructed()
    assert case.spirometry is not None
    without = replace(case, spirometry=replace(case.spirometry, shape=()))
    told, chat = taught(without, "The scooped limb of the loop after the peak speaks for it.")
    assert told == gold(without)
    assert chat.card()["rejected_because"] == {"a curve that is not there": 1}


def test_a_model_is_asked_once_for_one_question_and_its_silence_is_counted() -> None:
    case = obstructed()
    chat = ChatTeacher(GenericFakeChatModel(messages=iter([AIMessage("You have emphysema.")])), "a fake")
    assert {chat.rationale(case, QUESTION["both"], gold(case)) for _ in range(3)} == {gold(case)}
    assert chat.card()["asked"] == 1
    assert chat.rationale(case, QUESTION["curve"], gold(case, "curve")) == gold(case, "curve")  # its messages have run out
    assert chat.card()["rejected_because"]["no answer"] == 1


def test_the_chat_model_is_given_the_facts_the_score_and_the_question() -> None:
    case = obstructed()
    text = prompt(case, QUESTION["both"], sentences(gold(case))[0], "both")[0][1]
    assert View(case).text("risk_copd") in text and QUESTION["both"] in text and "scooped" in text
    assert "<|" not in text


def right_teacher() -> FakeListChatModel:
    return FakeListChatModel(responses=["It cannot be said."])


def test_a_teacher_is_named_by_the_function_that_makes_it() -> None:
    assert load_teacher("tests.test_rationale:right_teacher").name == "tests.test_rationale:right_teacher"


@pytest.mark.parametrize("name", ["nobody", "tests.test_rationale:cases", "nowhere:nothing", ":"])
def test_a_name_of_no_teacher_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(TeacherError, match=r"teacher|chat model"):
        load_teacher(name)
