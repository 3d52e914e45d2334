"""``breathwise``: the command line. Heavy libraries are imported by the command that needs them."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer

from assistant.cli_library import AsJson, library, print_json
from assistant.cli_made import benchmark, evaluate, train, transcripts
from encoders.faults import InputError

if TYPE_CHECKING:
    from assistant.session import RiskEstimate

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Breathwise: reads a spirogram and talks about it. Research and education only.",
)
app.add_typer(library, name="library")
app.add_typer(evaluate, name="evaluate")


class Sex(StrEnum):
    female = "female"
    male = "male"


class Reference(StrEnum):
    gli_global_2022 = "gli-global-2022"
    gli_2012 = "gli-2012"


class Phase(StrEnum):
    pre = "pre"
    post = "post"


@app.command()
def measure(
    curves: Annotated[list[Path], typer.Argument(metavar="CURVE...")],
    sex: Annotated[Sex | None, typer.Option()] = None,
    age_years: Annotated[float | None, typer.Option()] = None,
    height_cm: Annotated[float | None, typer.Option()] = None,
    ancestry: Annotated[str | None, typer.Option(help="GLI-2012 group, asked for and never assumed.")] = None,
    reference: Annotated[Reference, typer.Option()] = Reference.gli_global_2022,
    bronchodilator: Annotated[Phase | None, typer.Option()] = None,
    as_json: AsJson = False,
) -> None:
    """Measure one or more blows of a visit."""
    from assistant import caller
    from encoders.record import Patient
    from encoders.spirogram.read import Blow, CurveError, once, read_curves

    blows: list[Blow] = []
    for path in curves:
        if not path.is_file():
            raise CurveError(f"{path.name} does not exist or is not a file")
        blows += read_curves(path)
    document = caller.measure(
        Patient(blows=once(tuple(blows))), sex=sex.value if sex else None, age_years=age_years, height_cm=height_cm, reference=reference.value,
        ancestry=ancestry, bronchodilator=bronchodilator.value if bronchodilator else None,
    )  # fmt: skip
    if as_json:
        print_json(document)
        return
    _say(document)


def _say(document: dict[str, Any]) -> None:
    """A measurement in words: the grade and its reasons first."""
    session = document["session"]
    typer.echo(f"Quality: FEV1 grade {session['fev1_grade']}, FVC grade {session['fvc_grade']}")
    for reason in session["reasons"]:
        typer.echo(f"  {reason}")
    for m in document["maneuvers"]:
        numbers = ", ".join(f"{label} {m[name]:.2f} {unit}".rstrip() for name, label, unit in _SHOWN if m[name] is not None)
        phase = f" ({m['bronchodilator']})" if m["bronchodilator"] else ""
        typer.echo(f"Blow {m['id']}{phase}: {numbers or 'nothing could be measured'}")
        for finding in m["findings"]:
            typer.echo(f"  {finding['text']}")
        for note in (*m["assumptions"], *m["warnings"]):
            typer.echo(f"  note: {note}")
    if document["reference"]:
        for name in ("fev1", "fvc", "fev1_fvc"):
            ref = document["reference"][name]
            z = "" if ref["z"] is None else f", z {ref['z']:.2f}, {ref['percent_predicted']:.0f} % of predicted"
            typer.echo(f"{name.upper().replace('_', '/')}: predicted {ref['predicted']:.2f}, LLN {ref['lln']:.2f}{z}")
    for statement in (document["interpretation"] or {"statements": []})["statements"]:
        typer.echo(statement)
    if document["bronchodilator_response"]:
        typer.echo(document["bronchodilator_response"]["text"])
    for visit in document["visits"]:
        numbers = ", ".join(f"{label} {visit[name]:.2f} {unit}".rstrip() for name, label, unit in _SHOWN[:3] if visit[name] is not None)
        typer.echo(f"Visit {visit['date']}: {numbers or 'nothing could be measured'}")
    for line in [*document["trend"]["statements"], *(f"note: {note}" for note in document["trend"]["notes"])] if document["trend"] else []:
        typer.echo(line)
    for note in document["notes"]:
        typer.echo(f"note: {note}")


_SHOWN = (
    ("fev1_l", "FEV1", "L"),
    ("fvc_l", "FVC", "L"),
    ("fev1_fvc", "FEV1/FVC", ""),
    ("pef_l_s", "PEF", "L/s"),
    ("fef25_75_l_s", "FEF25-75", "L/s"),
    ("bev_l", "BEV", "L"),
    ("fet_s", "FET", "s"),
)


@app.command()
def ask(
    records: Annotated[list[Path], typer.Argument(metavar="RECORD...")],
    questions: Annotated[list[str], typer.Option("--question", "-q", help="May be given several times.")],
    as_json: AsJson = False,
) -> None:
    """Ask about one person; several files describe the same person."""
    from assistant import Assistant, caller
    from assistant.session import turn_json
    from encoders.spirogram import to_json

    assistant = Assistant.load()
    session = assistant.open(records)
    document = to_json(session.spirometry) if session.spirometry is not None else None
    if document is not None and not as_json:
        _say(document)
        typer.echo()
    if not as_json:
        _say_risks(session.risks)
    for question in questions:
        for turn in assistant.ask(session, question):
            pass
        session = session.add(turn)
        if not as_json:
            typer.echo(f"> {question}\n{turn.answer}")
            for citation in turn.citations:
                typer.echo(f"  [{citation.n}] {citation.title}. {citation.source}. {citation.url}")
            for one in turn.reasons:
                typer.echo(f"  {one.label:24} {'raises' if one.log_odds > 0 else 'lowers'} the odds x{math.exp(one.log_odds):.2f}")
    if as_json:
        facts = {fact.name: fact.value if fact.value is not None else fact.text for fact in session.facts}
        print_json({"patient": facts, "measurement": document, **caller.risks(assistant, session), "turns": [turn_json(turn) for turn in session.turns]})


def _say_risks(risks: Sequence[RiskEstimate]) -> None:
    """Each risk as a bar of signs (| this person, + the same age and sex), with its interval and the figures beside it."""
    from assistant.risk_picture import percent

    for one in risks:
        bar = ["="] * round(_BAR * one.probability**0.5)
        bar += [" "] * (_BAR + 1 - len(bar))
        if one.population is not None:
            bar[round(_BAR * one.population**0.5)] = "+"
        bar[round(_BAR * one.probability**0.5)] = "|"
        usual, classical = ("not known" if value is None else percent(value) for value in (one.population, one.classical))
        beside = f"{percent(one.low)} to {percent(one.high)}; same age and sex {usual}, logistic regression {classical}"
        typer.echo(f"{one.label:24}{''.join(bar)} {percent(one.probability)} ({beside})")
    if risks:
        typer.echo(f"Risks are of having been told by a doctor. Not measured, so not read: {', '.join(risks[0].missing) or 'nothing'}.\n")


_BAR = 20  # signs of a bar for a chance of 1; its length is the square root of the chance


@app.command()
def report(
    records: Annotated[list[Path], typer.Argument(metavar="RECORD...")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="FILE.md, .pdf, .json or .fhir.json")],
    risks: Annotated[bool, typer.Option("--risks", help="Estimate risks, too: reads the model, which takes some seconds.")] = False,
) -> None:
    """Write down what a record and its curves, or a saved JSON report, say: Markdown, PDF, JSON or FHIR. No language model is needed."""
    from assistant.report import check_suffix, write

    check_suffix(out)
    if risks:
        from assistant.dialogue import Assistant

        session = Assistant.load().open(records)
    else:
        from assistant.intake import read
        from assistant.saved_session import find
        from assistant.session import begin

        session = find(records) or begin(read(records))
    write(session, out)
    typer.echo(f"written to {out}", err=True)


@app.command()
def risk(
    cohort: Annotated[Path, typer.Argument(metavar="COHORT.csv")],
    out: Annotated[Path, typer.Option("--out", metavar="RISKS.csv")],
    traits: Annotated[str, typer.Option(help="Comma-separated; all by default.")] = "",
    batch: Annotated[int, typer.Option(min=1, max=1024, help="People scored together; on a GPU more are faster.")] = 16,
    explain: Annotated[
        Path | None, typer.Option(metavar="REASONS.csv", help="Also write what each risk rests on: log-odds of every field and stretch of the curve.")
    ] = None,
) -> None:
    """Risks for a table of people: an id and one calibrated probability per trait."""
    import pandas as pd
    from tqdm import tqdm

    from assistant.dialogue import EMBEDDED_MODEL
    from assistant.reasons import explain_cohort
    from assistant.risk import Risk, look_through, score_cohort
    from assistant.settings import read_settings
    from encoders.cohort import CohortError
    from encoders.multimodal import MultimodalLM, choose_device
    from encoders.record import RISK_TRAITS

    if not cohort.exists():
        raise CohortError(f"{cohort.name} does not exist; give a CSV file of people or a folder of CDC's files")
    for place in (out, explain):
        if place is not None:
            check_place(place)
    looked = look_through(cohort)
    for name, count in looked.set_aside.items():
        typer.echo(f"{name}: {count} impossible {'value is' if count == 1 else 'values are'} taken as not measured", err=True)
    settings = read_settings()
    device, dtype = choose_device(settings.device, settings.precision)
    model = MultimodalLM.load(EMBEDDED_MODEL, device=device, dtype=dtype)
    chosen = [one.strip() for one in traits.split(",") if one.strip()] or [trait for trait, _ in RISK_TRAITS]
    with whole(out) as file, tqdm(total=looked.people, unit="person", file=sys.stderr) as bar:
        for index, chunk in enumerate(score_cohort(model, Risk.load(EMBEDDED_MODEL), cohort, chosen, batch)):
            chunk.to_csv(file, index=False, header=index == 0)
            bar.update(len(chunk))
    if explain is not None:
        with whole(explain) as file, tqdm(unit="risk", desc="reasons", file=sys.stderr) as bar:
            for index, rows in enumerate(explain_cohort(model, Risk.load(EMBEDDED_MODEL), cohort, tuple(chosen))):
                pd.DataFrame(rows).to_csv(file, index=False, header=index == 0)
                bar.update(1)


def check_place(path: Path) -> None:
    """Raises InputError where no file can be written, before the work that it is to hold."""
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(f"{path.name} cannot be written; name a file in a folder that exists and may be written to")


@contextmanager
def whole(path: Path) -> Iterator[TextIO]:
    """A file that stands at ``path`` when all of it was written, and leaves nothing behind when it was not."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@app.command("app")
def run_app(host: Annotated[str | None, typer.Option()] = None, port: Annotated[int | None, typer.Option(min=0, max=65535)] = None) -> None:
    """Open the page."""
    from assistant.interface.starting import open_page
    from assistant.settings import read_settings

    settings = read_settings()
    open_page(settings, host=host or settings.host, port=settings.port if port is None else port)


@app.command()
def mcp() -> None:
    """Serve measure, risk, ask and forget to a program on this machine over the Model Context Protocol (standard input and output)."""
    from assistant.mcp_server import serve

    serve()


for made in (train, transcripts, benchmark):
    app.command()(made)


def main() -> None:
    """Run; a fault of the input is one plain sentence and exit code 2, one that we know of our own is a sentence and exit code 1."""
    try:
        app()
    except (InputError, FileNotFoundError) as error:
        say_and_stop(error, 2)
    except RuntimeError as error:
        say_and_stop(error, 1)


def say_and_stop(error: Exception, code: int) -> NoReturn:
    typer.echo(f"breathwise: {' '.join(str(error).split())}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
