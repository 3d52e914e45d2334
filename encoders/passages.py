"""A passage of guideline knowledge, as the library holds it and as a prompt cites it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """A few sentences in our own words, with the source they rest on. ``text`` has at most about 70 words."""

    id: str
    title: str
    section: str
    source: str
    year: int
    url: str
    licence: str
    text: str
    topic: str
