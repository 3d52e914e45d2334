"""The passages themselves: each says where it comes from, and together they cover what people ask."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from encoders.passages import GUIDELINES, Passage, PassageError, read_passage, read_passages

PASSAGES = read_passages()
HEADER = """id: topic/name
title: A title
section: A section
source: A source
year: 2020
url: https://example.org/a
licence: CC BY 4.0
topic: topic
"""


def passage_file(folder: Path, text: str) -> Path:
    path = folder / "one.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_there_are_at_least_two_hundred_passages_over_forty_topics_and_no_id_twice() -> None:
    assert len(PASSAGES) >= 200
    assert len({passage.topic for passage in PASSAGES}) >= 40
    assert [name for name, count in Counter(passage.id for passage in PASSAGES).items() if count > 1] == []
    assert len({passage.text for passage in PASSAGES}) == len(PASSAGES)


@pytest.mark.parametrize("passage", PASSAGES, ids=lambda passage: passage.id)
def test_a_passage_says_where_it_comes_from(passage: Passage) -> None:
    for name in ("title", "section", "source", "licence", "topic"):
        assert getattr(passage, name).strip(), name
    assert 1990 <= passage.year <= date.today().year
    assert passage.url.startswith("https://") and " " not in passage.url and "." in passage.url
    assert passage.id.startswith(passage.topic + "/")


@pytest.mark.parametrize("passage", PASSAGES, ids=lambda passage: passage.id)
def test_a_passage_is_a_few_whole_sentences(passage: Passage) -> None:
    assert 15 <= len(passage.text.split()) <= 80
    assert len(passage.title) <= 80
    assert passage.text[-1] in ".!?"
    assert not any(mark in passage.text for mark in ("<|", "|>", "http", "TODO", "[1]"))


@pytest.mark.parametrize("passage", PASSAGES, ids=lambda passage: passage.id)
def test_no_passage_gives_a_dose(passage: Passage) -> None:
    doses = r"\d ?(?:mg|micrograms?|mcg|\u00b5g|puffs?|tablets?|capsules?|ml)\b(?!/| per cubic)"
    assert not re.search(
        doses, re.sub(r"\d+ mg of caffeine|about \d+ mL(?: of FEV1)?(?=\.| a year)", "", passage.text), re.IGNORECASE
    )  # coffee and breath are no medicine


def test_the_strength_of_a_recommendation_is_read_where_the_source_grades_it() -> None:
    strengths = {passage.id: passage.strength for passage in PASSAGES}
    assert strengths["lung_cancer/screening"] == "USPSTF grade B"
    assert strengths["blood_pressure/numbers-conflict"] == strengths["spirometry/lln-or-070"] == "sources differ"
    assert sum(bool(strength) for strength in strengths.values()) >= 20


@pytest.mark.parametrize(
    "topic",
    ["spirometry", "asthma", "copd", "smoking", "physical_activity", "blood_pressure", "diabetes", "weight", "sleep", "vaccines", "air_quality", "when_to_seek_care"],
)  # fmt: skip
def test_what_people_ask_about_is_covered(topic: str) -> None:
    assert any(passage.topic == topic for passage in PASSAGES)


def test_a_passage_lies_in_the_folder_of_its_topic() -> None:
    for path in sorted(GUIDELINES.rglob("*.md")):
        if path.name != "README.md":
            passage = read_passage(path)
            assert passage.topic == path.parent.name
            assert passage.id == f"{path.parent.name}/{path.stem}"


def test_a_right_file_is_read_and_its_lines_are_joined(tmp_path: Path) -> None:
    passage = read_passage(passage_file(tmp_path, f"---\n{HEADER}---\nOne line,\nand   another.\n"))
    assert (passage.id, passage.year, passage.text) == ("topic/name", 2020, "One line, and another.")


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    text = f"---\n{HEADER}---\nOne sentence.\n"
    plain = read_passage(passage_file(tmp_path, text))
    path = tmp_path / "two.md"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read_passage(path) == plain


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "one.md has no header"),
        ("Only text, no header.\n", "one.md has no header"),
        (f"Something before\n---\n{HEADER}---\nText.\n", "one.md has no header"),
        (f"---\n{HEADER}Text without an end of the header.\n", "one.md has no header"),
        (f"---\n{HEADER}---\n  \n", "one.md has a header but no text"),
        ("---\n" + HEADER.replace("licence: CC BY 4.0\n", "") + "---\nText.\n", "the header of one.md lacks licence"),
        ("---\n" + HEADER.replace("A source", "").replace("source: ", "source:") + "---\nText.\n", "the header of one.md lacks source"),
        ("---\n" + HEADER.replace("A title", " ") + "---\nText.\n", "the header of one.md lacks title"),
        ("---\n" + HEADER.replace("2020", "last year") + "---\nText.\n", "the year of one.md is not a number: 'last year'"),
    ],
)
def test_a_malformed_file_is_refused_by_name(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(PassageError, match=complaint):
        read_passage(passage_file(tmp_path, text))


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.md"
    path.write_bytes(b"\xff\xfe\x00\x81" * 20)
    with pytest.raises(PassageError, match=r"one\.md"):
        read_passage(path)


def test_a_readme_is_no_passage(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("How to add a passage.", encoding="utf-8")
    passage_file(tmp_path, f"---\n{HEADER}---\nOne sentence.\n")
    assert [passage.id for passage in read_passages(tmp_path)] == ["topic/name"]
