"""What lies beyond record and library is said to, though a passage shares its words."""

from __future__ import annotations

import pytest

from assistant.dialogue import Assistant
from assistant.scripted import made_up


@pytest.mark.parametrize(
    "question",
    [
        "what helps against hair loss",
        "how do you treat athletes foot",
        "when do babies start teething",
        "what cream is best for eczema",
        "how long is a pregnancy",
        "how do i stop nosebleeds from picking",
    ],
)
def test_another_ailment_is_not_answered_with_what_a_passage_says_of_its_own(assistant: Assistant, question: str) -> None:
    *_, turn = assistant.ask(assistant.begin(made_up(7)), question)
    assert turn.answer.startswith("I cannot answer that")
    assert not turn.citations
