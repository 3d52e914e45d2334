"""A clinic's own documents as passages: read, split, kept in one folder, marked as local, and removed for good."""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from assistant.guardrails import clean
from encoders.passages import Passage, PassageError

SUFFIXES = (".md", ".markdown", ".txt", ".pdf", ".html", ".htm")
LONGEST_PASSAGE = 600  # characters; about 100 words, as long as a passage of ours may be
LONGEST_TABLE = 1800  # characters; a longer table is cut between rows, its caption and head repeated
MOST_PASSAGES = 5000  # of one document
SOURCE = "Local document"
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$")
_CAPTION = re.compile(r"^(?:\*\*|_)?(?:table|tab\.|tabelle|tableau)\s*\d*", re.IGNORECASE)


@dataclass(frozen=True)
class Block:
    """A stretch of a document under one heading; a table is kept whole, with its caption."""

    heading: str
    text: str
    table: bool = False


def library_folder(chosen: Path | None) -> Path:
    """Where local documents are kept: as set, else a folder of the user's data directory. It need not exist."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return chosen if chosen is not None else data / "breathwise" / "library"


def add(paths: Sequence[Path], folder: Path, *, largest_mb: int = 20) -> tuple[Passage, ...]:
    """Documents, or folders of them -> their passages, now kept in ``folder``. All or nothing.

    Raises PassageError, one plain sentence that names the file, where one cannot be read or is there already.
    """
    known = {document["sha256"]: str(document["name"]) for _, document in _documents(folder)}
    kept = []
    for path in _files(paths):
        if path.stat().st_size > largest_mb * 1_000_000:
            raise PassageError(f"{path.name} is larger than {largest_mb} MB; split it or raise BREATHWISE_MAX_UPLOAD_MB")
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest in known:
            raise PassageError(f"{path.name} is in the library already, as {known[digest]}; remove that first to add it again")
        name = " ".join(clean(path.name).split())
        known[digest] = name
        kept.append(_document(name, digest, split(_markdown(path, content))))
    folder.mkdir(parents=True, exist_ok=True)
    for document in kept:
        part = folder / f"{_slug(document['id'])}.part"
        part.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(folder / f"{_slug(document['id'])}.json")
    return tuple(passage for document in kept for passage in _passages(document))


def read_local(folder: Path) -> tuple[Passage, ...]:
    """The passages of every kept document. Raises PassageError where a file of the folder is damaged."""
    return tuple(passage for _, document in _documents(folder) for passage in _passages(document))


def remove(which: str, folder: Path, index: Path | None) -> int:
    """Take a document out (its id, the id of one of its passages, or "all") -> how many passages went.

    The index folders hold copies of the text, which Chroma does not erase, so they go too and are built again at the next start.
    Raises PassageError where there is no such document, RuntimeError where any file still holds a removed text.
    """
    chosen = [(path, one) for path, one in _documents(folder) if which == "all" or which == one["id"] or which.startswith(f"{one['id']}/")]
    if not chosen and which != "all":
        raise PassageError(f"no local document is called {which!r}; `breathwise library list` shows those there are")
    gone = [passage for _, document in chosen for passage in _passages(document)]
    for path, _ in chosen:
        path.unlink()
    if index is not None:
        from chromadb.api.client import SharedSystemClient

        for old in index.glob("library-*"):
            shutil.rmtree(old)
        SharedSystemClient.clear_system_cache()
    kept = {passage.text for passage in read_local(folder)}
    left = [where for passage in gone if passage.text not in kept for where in _holding(passage.text, folder, index)]
    if left:
        raise RuntimeError(f"{left[0]} still holds a removed passage; stop other Breathwise processes and remove it again")
    return len(gone)


def check(folder: Path) -> tuple[str, ...]:
    """What is wrong with the kept documents, a sentence each; empty when nothing is."""
    wrong = []
    if folder.is_dir():
        wrong += [f"{path.name} lies in the library's folder but is no document of it" for path in sorted(folder.iterdir()) if path.suffix != ".json"]
    for path in sorted(folder.glob("*.json")):
        try:
            document = _load(path)
        except PassageError as error:
            wrong.append(str(error))
            continue
        if _slug(document["id"]) != path.stem:
            wrong.append(f"{path.name} holds the document {document['id']}")
        wrong += [
            f"{document['id']}/{number} was changed after it was added"
            for number, one in enumerate(document["passages"], 1)
            if hashlib.sha256(str(one["text"]).encode()).hexdigest() != one["sha256"]
        ]
    return tuple(wrong)


def split(markdown: str) -> tuple[Block, ...]:
    """A document in Markdown -> blocks of at most ``LONGEST_PASSAGE`` characters; tables whole, beside their captions."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=LONGEST_PASSAGE, chunk_overlap=0, separators=["\n\n", "\n", ". ", "; ", ", ", " ", ""], keep_separator="end"
    )
    blocks: list[Block] = []
    for block in _sections(markdown):
        if block.table:
            blocks += [Block(block.heading, part, True) for part in _table_parts(block.text)]
        else:
            blocks += [Block(block.heading, " ".join(part.split())) for part in splitter.split_text(block.text) if re.search(r"\w", part)]
    return tuple(blocks)


# documents -----------------------------------------------------------------------------------------------------------
def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = [one for one in sorted(path.rglob("*")) if one.is_file() and not one.is_symlink() and one.suffix.lower() in SUFFIXES]
            if not found:
                raise PassageError(f"{path.name} holds no document; allowed are {', '.join(SUFFIXES)}")
            yield from found
        elif not path.is_file():
            raise PassageError(f"{path.name} does not exist or is not a file")
        elif path.suffix.lower() not in SUFFIXES:
            raise PassageError(f"{path.name} is of another kind; allowed are {', '.join(SUFFIXES)}")
        else:
            yield path


def _document(name: str, digest: str, blocks: Sequence[Block]) -> dict:  # type: ignore[type-arg]
    if not blocks:
        raise PassageError(f"{name} holds no text; a scanned document must be turned into text first")
    if len(blocks) > MOST_PASSAGES:
        raise PassageError(f"{name} makes {len(blocks)} passages; at most {MOST_PASSAGES} are taken, so split it")
    stem = Path(name).stem
    passages = [
        {"title": (block.heading or stem)[:80], "section": "Table" if block.table else "Text", "text": block.text,
         "sha256": hashlib.sha256(block.text.encode()).hexdigest()}
        for block in blocks
    ]  # fmt: skip
    slug = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:40] or "document"
    return {"id": f"local/{slug}-{digest[:8]}", "name": name, "sha256": digest, "added": dt.date.today().isoformat(), "passages": passages}


def _passages(document: dict) -> tuple[Passage, ...]:  # type: ignore[type-arg]
    return tuple(
        Passage(
            id=f"{document['id']}/{number}", title=str(one["title"]), section=str(one["section"]), source=f"{SOURCE}: {document['name']}",
            year=int(str(document["added"])[:4]), url=str(document["id"]).replace("local/", "local:", 1), licence="the clinic's own", topic="local",
            text=str(one["text"]),
        )
        for number, one in enumerate(document["passages"], 1)
    )  # fmt: skip


def _documents(folder: Path) -> list[tuple[Path, dict]]:  # type: ignore[type-arg]
    return [(path, _load(path)) for path in sorted(folder.glob("*.json"))]


def _load(path: Path) -> dict:  # type: ignore[type-arg]
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        whole = {"id", "name", "sha256", "added", "passages"} <= set(document) and str(document["id"]).startswith("local/")
        whole = whole and all({"title", "section", "text", "sha256"} <= set(one) for one in document["passages"]) and int(document["added"][:4]) > 0
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise PassageError(f"{path.name} in {path.parent.name} is damaged ({type(error).__name__}); delete it and add the document again") from error
    if not whole:
        raise PassageError(f"{path.name} in {path.parent.name} lacks a part; delete it and add the document again")
    return dict(document)


def _slug(name: str) -> str:
    return name.removeprefix("local/")


def _holding(text: str, folder: Path, index: Path | None) -> Iterator[Path]:
    """Files that hold the beginning of a text, as it is or as JSON writes it."""
    wanted = (text[:60].encode(), json.dumps(text[:60])[1:-1].encode())
    for root in (folder, index):
        for path in sorted(root.rglob("*")) if root is not None and root.is_dir() else ():
            if path.is_file() and any(one in path.read_bytes() for one in wanted):
                yield path


# every format as Markdown --------------------------------------------------------------------------------------------
def _markdown(path: Path, content: bytes) -> str:
    suffix = path.suffix.lower()
    if suffix == ".pdf":
        text = _pdf(path.name, content)
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise PassageError(f"{path.name} is not text in UTF-8; save it as UTF-8 and add it again") from error
        if suffix in (".html", ".htm"):
            page = _Page()
            page.feed(text)
            page.close()
            text = "".join(page.out)
    text = clean(text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n"))
    return re.sub(r"\A---\n.*?\n---\n", "", text.lstrip(), count=1, flags=re.DOTALL)


def _pdf(name: str, content: bytes) -> str:
    import io
    import logging

    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise PassageError(f"{name} is locked with a password; save it without one and add it again")
        return "\n\n".join(
            f"# {Path(name).stem}, page {number}\n\n{page.extract_text()}" for number, page in enumerate(reader.pages, 1) if page.extract_text().strip()
        )
    except PassageError:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise PassageError(f"{name} cannot be read as a PDF ({type(error).__name__}); save it again as PDF or as text") from error


class _Page(HTMLParser):
    """HTML as Markdown: headings, paragraphs, list items and tables; scripts, styles and what is hidden are left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._silent = 0
        self._cells: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "template", "noscript"):
            self._silent += 1
        elif re.fullmatch(r"h[1-6]", tag):
            self.out.append(f"\n\n{'#' * int(tag[1])} ")
        elif tag == "tr":
            self._cells = []
        elif tag in ("td", "th"):
            if self._cells is not None:
                self._cells.append("")
        elif tag == "li":
            self.out.append("\n- ")
        elif tag in ("p", "div", "table", "caption", "section", "article", "br", "ul", "ol"):
            self.out.append("\n" if tag == "br" else "\n\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "template", "noscript"):
            self._silent = max(0, self._silent - 1)
        elif tag == "tr" and self._cells is not None:
            self.out.append("| " + " | ".join(" ".join(cell.split()) for cell in self._cells) + " |\n")
            self._cells = None
        elif tag in ("caption", "table", "p") or re.fullmatch(r"h[1-6]", tag):
            self.out.append("\n\n")

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._cells is not None:
            if self._cells:
                self._cells[-1] += data
        else:
            self.out.append(re.sub(r"\s+", " ", html.unescape(data)))


def _sections(markdown: str) -> Iterator[Block]:
    """Headings, paragraphs and tables; a caption just before or after a table belongs to it."""
    heading, parts = "", [part for part in re.split(r"\n\s*\n|\n(?=#{1,6}\s)|(?<=\n)(?=\|)(?<!\|\n)", markdown) if part.strip()]
    prose: list[str] = []
    number = 0

    def flush() -> Iterator[Block]:
        if prose:
            yield Block(heading, "\n\n".join(prose))
            prose.clear()

    while number < len(parts):
        part = parts[number].strip("\n")
        number += 1
        first, _, rest = part.strip().partition("\n")
        found = _HEADING.match(first)
        if found:
            yield from flush()
            heading = found[1]
            if rest.strip():
                parts.insert(number, rest)
            continue
        lines = [line for line in part.splitlines() if line.strip()]
        rows = [line for line in lines if line.lstrip().startswith("|")]
        if rows and len(rows) >= len(lines) - 2:
            caption = " ".join(line.strip() for line in lines if line not in rows)
            if not caption and prose and (_CAPTION.match(prose[-1].strip()) or len(prose[-1]) <= 120):
                caption = " ".join(prose.pop().split())
            elif not caption and number < len(parts) and _CAPTION.match(parts[number].strip()):
                caption = " ".join(parts[number].split())
                number += 1
            yield from flush()
            yield Block(heading, "\n".join([caption, *rows] if caption else rows), True)
        elif _CAPTION.match(part.strip()) and len(lines) > 2:  # a table as plain lines, as a PDF gives it
            yield from flush()
            yield Block(heading, "\n".join(line.strip() for line in lines), True)
        else:
            prose.append(part)
    yield from flush()


def _table_parts(text: str) -> Iterator[str]:
    """A table of at most ``LONGEST_TABLE`` characters as it is, else cut between rows with caption and head repeated."""
    lines = [line for line in text.splitlines() if not re.fullmatch(r"[|\s:\-]+", line)]
    head = 2 if not lines[0].startswith("|") else 1
    start, rows = lines[:head], lines[head:]
    kept: list[str] = []
    for row in (one[:LONGEST_TABLE] for one in rows):
        if kept and sum(len(one) + 1 for one in [*start, *kept, row]) > LONGEST_TABLE:
            yield "\n".join([*start, *kept])
            kept = []
        kept.append(row)
    yield "\n".join([*start, *kept])[: 3 * LONGEST_TABLE]
