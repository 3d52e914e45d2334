"""The chat's own events, without a browser: changing the last question, thumbs, suggestions, and the library beside it."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from assistant.interface import talk
from assistant.interface.arrivals import examples
from assistant.interface.library_panel import LibraryPanel
from assistant.interface.suggestions import FIRST, GENERAL, NEXT, fitting, suggestions
from assistant.session import Seen, Triage, Turn, begin
from assistant.settings import Settings
from prompts import load_questions
from tests.test_corrections import read
from tests.test_interface import Scripted, at, doing

if TYPE_CHECKING:
    from assistant import Assistant


def changed(index: int, words: Any) -> Any:
    return SimpleNamespace(index=index, value=words, previous_value="")


def test_changing_the_last_question_replaces_its_turn() -> None:
    desk, scripted = at("healthy_runner"), Scripted()
    page = doing(scripted)
    for question in ("Explain my result", "Should I exercise?"):
        list(page["answer"](question, desk))
    list(page["edit"](desk, changed(2, [{"type": "text", "text": "Should I sleep &lt; 8 hours?"}])))
    assert scripted.asked[-1] == "Should I sleep < 8 hours?"
    assert desk.session is not None and [turn.question for turn in desk.session.turns] == ["Explain my result", "Should I sleep < 8 hours?"]


def test_an_earlier_question_is_not_changed_as_later_answers_rest_on_it() -> None:
    desk, page = at("healthy_runner"), doing(Scripted())
    for question in ("Explain my result", "Should I exercise?"):
        list(page["answer"](question, desk))
    said = list(page["edit"](desk, changed(0, "Am I ill?")))
    assert said[0][3] == talk.ONLY_THE_LAST
    assert said[0][1][0]["content"] == "Explain my result"
    assert desk.session is not None and len(desk.session.turns) == 2


def test_a_model_that_fails_on_the_changed_question_loses_neither_turn_nor_words() -> None:
    def fail() -> None:
        raise RuntimeError

    desk, scripted = at("healthy_runner"), Scripted()
    page = doing(scripted)
    list(page["answer"]("Explain my result", desk))
    scripted.during = fail
    said = list(page["edit"](desk, changed(0, "Am I ill?")))
    assert said[-2][1][0]["content"] == "Explain my result" and said[-2][2] == "Am I ill?"
    assert desk.session is not None and [turn.question for turn in desk.session.turns] == ["Explain my result"]


def test_messages_belong_to_their_turns_also_with_plots_between() -> None:
    session = begin(read("mild_obstruction")).add(Turn("loop", "Here.", plot="flow_volume", done=True)).add(Turn("why", "So.", done=True))
    assert [talk.turn_at(session, message) for message in range(6)] == [0, 0, 0, 1, 1, None]


def test_a_thumb_is_kept_without_a_word_of_the_patient_or_the_question(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    scripted, desk = Scripted(), at("severe_obstruction")
    scripted.settings = Settings(feedback_file=tmp_path / "kept" / "feedback.jsonl")
    page = doing(scripted)
    list(page["answer"]("Is Zebra Quagga well?", desk))
    assert desk.session is not None
    desk.session = desk.session.add(Turn("chest pain of Quagga", "Call.", triage=Triage("chest_pain", "emergency", "Call."), done=True))
    assert "Thank you" in page["opine"](desk, SimpleNamespace(index=1, liked=True))
    assert "Thank you" in page["opine"](desk, SimpleNamespace(index=3, liked=False))
    assert page["opine"](desk, SimpleNamespace(index=1, liked="")) == "", "a thumb taken back counts for nothing"
    lines = [json.loads(line) for line in (tmp_path / "kept" / "feedback.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [set(line) for line in lines] == [{"rule", "intent", "version", "liked"}] * 2
    assert (lines[0]["intent"], lines[0]["liked"], lines[1]["rule"], lines[1]["liked"]) == ("explain_result", True, "chest_pain", False)
    assert "Quagga" not in caplog.text


def test_a_thumb_that_cannot_be_kept_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    scripted, desk = Scripted(), at("healthy_runner")
    scripted.settings = Settings(feedback_file=tmp_path / "file" / "feedback.jsonl")
    page = doing(scripted)
    list(page["answer"]("Explain my result", desk))
    assert page["opine"](desk, SimpleNamespace(index=1, liked=True)).startswith("⚠")


# suggestions ---------------------------------------------------------------------------------------------------------
def test_suggestions_follow_from_this_patients_findings() -> None:
    offered = {name: suggestions(begin(read(name))) for _, name in examples()}
    assert all(len(questions) == len(set(questions)) == 4 for questions in offered.values())
    assert "How do I stop smoking?" in offered["mild_obstruction"]
    assert "Did I respond to the spray?" in offered["pre_and_post"]
    assert "What about my blood pressure?" in offered["missing_data"]
    assert offered["poor_effort"][0] == "How good was the test?"
    assert "How do I stop smoking?" not in offered["healthy_runner"]


def test_suggestions_follow_the_last_answer_first_and_none_comes_twice() -> None:
    session = begin(read("mild_obstruction")).add(Turn("Explain my result", "It is.", seen=Seen(intent="explain_result"), done=True))
    assert suggestions(session)[:2] == ["And is that bad?", "Why?"]
    assert "How do I stop smoking?" in suggestions(session)
    assert "Explain my result" not in suggestions(session)


def test_every_suggestion_is_worded_as_the_library_of_questions_knows_it() -> None:
    known = {text.lower() for texts in load_questions().values() for text in texts}
    offered = {*FIRST, *GENERAL, *(one for few in NEXT.values() for one in few)}
    offered |= {one for _, name in examples() for one in fitting(begin(read(name)))}
    assert {one for one in offered if one.lower() not in known} == set()


# the library ---------------------------------------------------------------------------------------------------------
def test_a_search_lists_passages_that_open_and_says_when_there_is_none(assistant: Assistant) -> None:
    panel = LibraryPanel(assistant)
    waiting, (found, said) = list(panel.search("how do I stop smoking"))
    assert waiting[1].startswith("Searching")
    assert found.count("href='#passage=") == found.count("<article ") > 0
    assert "choose one" in said
    assert list(panel.search("quantum chromodynamics lattice"))[-1] == ("", "Nothing relevant stands in the library.")
    assert "Type what" in list(panel.search("  "))[-1][1]
    assert "at most 200" in list(panel.search("x" * 300))[-1][1]


def test_documents_are_added_only_where_the_setting_allows_it_and_never_on_a_space(assistant: Assistant, tmp_path: Path) -> None:
    from assistant.interface import layout

    def boxes(allowed: bool, on_space: bool) -> bool:
        settings = Settings(library_upload=allowed)
        page = layout.build(SimpleNamespace(settings=settings, library=assistant.library, describe=assistant.describe, ask=assistant.ask), on_space=on_space)
        return "Add documents of your own" in json.dumps(page.get_config_file(), default=str)

    assert [boxes(True, False), boxes(False, False), boxes(True, True)] == [True, False, False]
    refused = tmp_path / "own.md"
    refused.write_text("# Own", encoding="utf-8")
    assert list(LibraryPanel(assistant, may_add=False).add([str(refused)]))[-1].startswith("⚠")
    assert not refused.exists()


def test_an_added_document_is_found_at_once_marked_as_local(assistant: Assistant, cache: Path, tmp_path: Path) -> None:
    settings = Settings(library_dir=tmp_path / "library", cache_dir=cache)
    mine = SimpleNamespace(settings=settings, library=assistant.library)
    panel = LibraryPanel(mine, may_add=True)
    file = tmp_path / "upload" / "zeppelin.md"
    file.parent.mkdir()
    file.write_text("# Zeppelin clinic\n\nThe zeppelin clinic gives flights above the harbour on Tuesdays at noon.\n", encoding="utf-8")
    said = list(panel.add([str(file)]))
    assert said[-1].startswith("Added 1 passage")
    assert not file.exists()
    found, _ = list(panel.search("zeppelin clinic flights harbour"))[-1]
    assert "Zeppelin clinic" in found and "<b>local</b>" in found
    (tmp_path / "upload").mkdir(exist_ok=True)
    (tmp_path / "upload" / "bad.exe").write_bytes(b"\0")
    assert list(panel.add([str(tmp_path / "upload" / "bad.exe")]))[-1].startswith("⚠ bad.exe is of another kind")
