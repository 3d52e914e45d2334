"""A bare question for a theme gets what is most general of it, not how to change it."""

from __future__ import annotations

import pytest

from assistant.dialogue import Assistant
from assistant.scripted import made_up


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("What about my blood pressure?", "What blood pressure levels mean"),
        ("and what about his sleep?", "How much sleep adults need"),
        ("what about my cholesterol?", "What cholesterol values mean"),
    ],
)
def test_what_is_most_general_of_a_theme_answers_a_bare_question(assistant: Assistant, question: str, title: str) -> None:
    *_, turn = assistant.ask(assistant.begin(made_up(7)), question)
    assert [one.title for one in turn.citations] == [title]


def test_how_to_change_it_is_no_bare_question(assistant: Assistant) -> None:
    *_, turn = assistant.ask(assistant.begin(made_up(7)), "How can I lower my blood pressure?")
    assert turn.citations[0].title == "Lowering blood pressure without medicines"
