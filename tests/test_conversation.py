"""The wording that training and answering share."""

from __future__ import annotations

from encoders.batch import CURVE_MARK, RECORD_MARK
from encoders.conversation import KEY_FACTS, risk_messages, system_message, user_message
from encoders.passages import read_passages
from encoders.record import FACT_NAMES, RISK_TRAITS, Fact
from encoders.teacher import INTENTS

SMOKES = Fact("smoking_status", "Smoking status", "former")
PRESSURE = Fact("systolic_bp_mmhg", "Systolic blood pressure", "142 mmHg", 142.0, "mmHg", "high")


def test_every_key_fact_and_topic_is_one_that_exists() -> None:
    assert set(KEY_FACTS) <= set(INTENTS)
    assert {name for names in KEY_FACTS.values() for name in names} <= set(FACT_NAMES)


def test_the_facts_a_topic_turns_on_stand_beside_the_question() -> None:
    said = user_message("How do I stop?", (), "stop_smoking", (SMOKES, PRESSURE), by_token=True)["content"]
    assert said == "(stop_smoking; <|smoking_status|> former; not measured: <|pack_years|>) How do I stop?"
    plain = user_message("And that?", (), "blood_pressure", (SMOKES, PRESSURE), by_token=False)["content"]
    assert "Systolic blood pressure: 142 mmHg (high)" in plain
    assert "former" not in plain


def test_a_question_about_nothing_known_brings_no_facts() -> None:
    assert user_message("Hm?", (), "unknown", (SMOKES,), by_token=True)["content"] == "(unknown) Hm?"


def test_passages_are_numbered_from_one() -> None:
    first, second = read_passages()[:2]
    said = user_message("Why?", (first, second), "unknown", (), by_token=True)["content"]
    assert said.index(f"[1] {first.title}") < said.index(f"[2] {second.title}")


def test_a_system_message_has_a_place_for_each_soft_token_stream_that_is_there() -> None:
    whole = system_message((SMOKES,), ("pack_years",), curve=True, by_token=True)["content"]
    assert CURVE_MARK in whole
    assert RECORD_MARK in whole
    assert CURVE_MARK not in system_message((SMOKES,), (), curve=False, by_token=True)["content"]


def test_there_is_one_risk_question_for_each_trait() -> None:
    system, questions = risk_messages()
    assert len(set(questions)) == len(RISK_TRAITS)
    assert RECORD_MARK in system
