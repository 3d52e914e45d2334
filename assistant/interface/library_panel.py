"""The library on the page: searching it, opening a passage, and adding documents where the page's owner allows that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from assistant.interface import citations, panels
from assistant.interface.uploads import forget
from assistant.local_passages import SUFFIXES, add, library_folder
from encoders.passages import Passage, PassageError

MOST = 6  # passages shown for a search
LONGEST_QUERY = 200  # characters
BEGINNING = 130  # characters of a passage that a search shows
SEARCHING = "Searching the library..."
ADDING = "Reading the documents and building the index again..."


@dataclass(frozen=True)
class LibraryPanel:
    """The panel's events over one Assistant. ``may_add`` is the setting's word; a Space never may."""

    assistant: Any
    may_add: bool = False

    def search(self, query: str) -> Iterator[tuple[str, str]]:
        """Passages that answer a query, each to be opened, and a line of status."""
        words = " ".join(query.split())
        if not words:
            yield "", "Type what you look for, for example: inhaler technique."
            return
        if len(words) > LONGEST_QUERY:
            yield "", f"⚠ This search has {len(words)} characters; at most {LONGEST_QUERY} are read: shorten it."
            return
        yield "", SEARCHING
        found = self.assistant.library.search(words, k=MOST)
        if not found.enough:
            yield "", "Nothing relevant stands in the library."
            return
        passages = [hit.passage for hit in found.results]
        yield listed(passages), f"{len(passages)} passage{'s' * (len(passages) > 1)}; choose one to open it."

    def add(self, files: list[str] | None) -> Iterator[str]:
        """Documents of the clinic's own into the library, for every later question. Yields lines of status."""
        if not self.may_add:
            forget(files or [])
            yield "⚠ Documents cannot be added on this page; its owner may allow it with BREATHWISE_LIBRARY_UPLOAD=true."
            return
        if not files:
            yield f"Drop documents: {', '.join(SUFFIXES)}."
            return
        from assistant.retrieval import GuidelineLibrary

        yield ADDING
        settings = self.assistant.settings
        try:
            added = add([Path(file) for file in files], library_folder(settings.library_dir), largest_mb=settings.max_upload_mb)
        except PassageError as error:
            yield f"⚠ {panels.plain(str(error))}."
            return
        finally:
            forget(files)
        self.assistant.library = GuidelineLibrary.load(settings)
        yield f"Added {len(added)} passage{'s' * (len(added) > 1)}; `breathwise library remove` takes a document out again."


def listed(passages: list[Passage]) -> str:
    """What a search found: title, source and beginning, each opening its passage."""
    rows = ""
    for one in passages:
        start = one.text if len(one.text) <= BEGINNING else one.text[:BEGINNING].rsplit(" ", 1)[0] + "..."
        mark = " <b>local</b>" if one.local else ""
        rows += (
            f"<li><a href='#{citations.place(one.id)}'>{escape(one.title)}</a>{mark}<br><span>{escape(start)}</span><br>"
            f"<small>{escape(one.source)}, {one.year}</small></li>"
        )
    return f"<div class='bw-card bw-found'><ol>{rows}</ol></div>{citations.articles(passages)}"
