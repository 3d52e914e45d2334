"""Passages on the page: the chips of an answer, and the shelf from which a chip's passage is opened beside the chat."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from assistant.interface.panels import linkless
from assistant.session import Citation, Session, Turn
from encoders.passages import Passage

_CITED = re.compile(r"\[(\d+)\]")


def place(name: str) -> str:
    """The fragment that a chip points to, from a passage's id."""
    return "passage=" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def message(turn: Turn) -> str:
    """A turn's answer as the chat shows it: every number in brackets and every chip below opens its passage. All else is escaped."""
    text = linkless(escape(turn.answer or "...", quote=False))
    cited = {str(one.n): one for one in turn.citations}

    def link(found: re.Match[str]) -> str:
        one = cited.get(found[1])
        return found[0] if one is None else f'<a class="bw-cite" href="#{place(one.id)}">{found[0]}</a>'

    text = _CITED.sub(link, text)
    chips = " ".join(f'<a class="bw-chip" href="#{place(one.id)}">{one.n}. {escape(one.title)}</a>' for one in turn.citations)
    return f"{text}\n\n{chips}" if chips else text


def shelf(session: Session | None, assistant: Any) -> str:
    """Every passage that the conversation cites, hidden until its chip is chosen; the library knows more of a passage than a saved turn."""
    library = getattr(assistant, "library", None)  # absent where the language model could not be loaded
    known: Mapping[str, Passage] = library.passages if library is not None else {}
    cited: dict[str, Passage | Citation] = {}
    for turn in session.turns if session is not None else ():
        cited |= {one.id: known.get(one.id, one) for one in turn.citations}
    return articles(cited.values())


def articles(passages: Iterable[Passage | Citation]) -> str:
    """Passages as they are opened: title, text, source, date, strength where it is graded, and the address as text."""
    found = ""
    for one in passages:
        rows = [("Source", one.source), ("Section", one.section)]
        if isinstance(one, Passage):
            rows += [("Date", str(one.year)), ("Strength", one.strength), ("Licence", one.licence)]
        rows.append(("Address", one.url))
        said = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in rows if value)
        whole = "".join(f"<p>{escape(part)}</p>" for part in one.text.split("\n") if part.strip())
        found += f"<article data-passage='{place(one.id)}'><h2>{escape(one.title)}</h2>{whole}<dl>{said}</dl></article>"
    return f"<div hidden>{found}</div>" if found else ""
