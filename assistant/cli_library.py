"""``breathwise library``: search the guideline passages, and take in, list, verify and remove those of a clinic's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

library = typer.Typer(no_args_is_help=True, help="The guideline library.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def print_json(document: Any) -> None:
    """The one JSON document of a command."""
    typer.echo(json.dumps(document, indent=1, ensure_ascii=False))


@library.command("search")
def library_search(query: str, k: Annotated[int, typer.Option("-k", min=1, max=50)] = 4, as_json: AsJson = False) -> None:
    """Passages that answer a question; ``enough`` is false when nothing relevant stands in the library."""
    from assistant.retrieval import GuidelineLibrary
    from assistant.settings import read_settings

    found = GuidelineLibrary.load(read_settings()).search(query, k)
    results = [
        {
            "id": h.passage.id, "title": h.passage.title, "section": h.passage.section, "source": h.passage.source, "year": h.passage.year,
            "url": h.passage.url, "strength": h.passage.strength, "local": h.passage.local, "text": h.passage.text, "score": h.score,
        }
        for h in found.results
    ]  # fmt: skip
    if as_json:
        print_json({"results": results, "enough": found.enough})
        return
    for one in results:
        strength = f", {one['strength']}" if one["strength"] else ""
        typer.echo(f"{one['title']} ({one['source']}{strength}, {one['score']:.2f})\n  {one['text']}")
    if not found.enough:
        typer.echo("Nothing relevant stands in the library.")


@library.command("list")
def library_list(as_json: AsJson = False) -> None:
    """Every passage of the library, those of your own documents last."""
    from assistant.local_passages import library_folder, read_local
    from assistant.settings import read_settings
    from encoders.passages import read_passages

    passages = (*read_passages(), *read_local(library_folder(read_settings().library_dir)))
    if as_json:
        print_json([{**vars(passage), "local": passage.local} for passage in passages])
        return
    for passage in passages:
        typer.echo(f"{passage.id}: {passage.title} ({passage.source}, {passage.year})")


@library.command("add")
def library_add(paths: Annotated[list[Path], typer.Argument(metavar="PATH...")]) -> None:
    """Take in your own documents (Markdown, text, PDF, HTML, or folders of them); every result says that they are local."""
    from assistant.local_passages import add, library_folder
    from assistant.settings import read_settings

    settings = read_settings()
    added = add(paths, library_folder(settings.library_dir), largest_mb=settings.max_upload_mb)
    for document in dict.fromkeys(passage.id.rpartition("/")[0] for passage in added):
        typer.echo(f"{document}: {sum(passage.id.startswith(document + '/') for passage in added)} passages")


@library.command("remove")
def library_remove(which: Annotated[str, typer.Argument(metavar="ID|all")]) -> None:
    """Remove one of your own documents, or all, for good: its file and every index that holds its text."""
    from assistant.local_passages import library_folder, remove
    from assistant.passage_index import index_folder
    from assistant.settings import read_settings

    settings = read_settings()
    gone = remove(which, library_folder(settings.library_dir), index_folder(settings.cache_dir))
    typer.echo(f"{gone} passages removed; no file holds them any more.")


@library.command("verify")
def library_verify() -> None:
    """Check every passage and the index."""
    from assistant.local_passages import check, library_folder
    from assistant.retrieval import GuidelineLibrary
    from assistant.settings import read_settings
    from encoders.passages import PassageError

    settings = read_settings()
    wrong = check(library_folder(settings.library_dir)) or GuidelineLibrary.load(settings).verify()
    if wrong:
        raise PassageError("; ".join(wrong))
    typer.echo("The library is sound.")


@library.command("vectors", hidden=True)
def library_vectors() -> None:
    """Write the vectors of our own passages to assets, after either has changed."""
    from assistant.retrieval import write_vectors

    typer.echo(f"{write_vectors()} vectors written.")


@library.command("reader", hidden=True)
def library_reader(epochs: Annotated[int, typer.Option(min=1)] = 5) -> None:
    """Teach the reader that tells what a question asks and which sentence answers it, and write it to assets, after its wordings or the passages have changed."""
    from assistant.reader_teaching import teach

    typer.echo(", ".join(f"{name} {value}" for name, value in teach(epochs=epochs, show=True).items()))


@library.command("net", hidden=True)
def library_net(seed: Annotated[int, typer.Option()] = 7) -> None:
    """Teach the second net for emergencies and write it to assets, after its wordings or the rules have changed."""
    from assistant.net_teaching import teach

    found = teach(seed)
    typer.echo(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in found.items()))
