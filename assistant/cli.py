"""``breathwise``: the command line. Heavy libraries are imported by the command that needs them."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup


class _CohortByDefault(TyperGroup):
    """``breathwise evaluate COHORT`` is ``breathwise evaluate risk COHORT``; a cohort of the name of a command is given as ./NAME."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if named else ["risk", *args])


if TYPE_CHECKING:
    from assistant.session import RiskEstimate

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Breathwise: reads a spirogram and talks about it. Research and education only.",
)
library = typer.Typer(no_args_is_help=True, help="The guideline library.")
app.add_typer(library, name="library")
evaluate = typer.Typer(no_args_is_help=True, cls=_CohortByDefault, help="Measure the risks (COHORT, or risk COHORT) or the conversation (dialogue).")
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


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def _print(document: Any) -> None:
    typer.echo(json.dumps(document, indent=1, ensure_ascii=False))


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
        _print(document)
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
        _print({"patient": facts, "measurement": document, **caller.risks(assistant, session), "turns": [turn_json(turn) for turn in session.turns]})


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
) -> None:
    """Write down what a record and its curves, or a saved JSON report, say: Markdown, PDF, JSON or FHIR. No language model is needed."""
    from assistant.intake import read
    from assistant.report import check_suffix, write
    from assistant.saved_session import find
    from assistant.session import begin

    check_suffix(out)
    write(find(records) or begin(read(records)), out)
    typer.echo(f"written to {out}", err=True)


@app.command()
def risk(
    cohort: Annotated[Path, typer.Argument(metavar="COHORT.csv")],
    out: Annotated[Path, typer.Option("--out", metavar="RISKS.csv")],
    traits: Annotated[str, typer.Option(help="Comma-separated; all by default.")] = "",
    batch: Annotated[int, typer.Option(min=1, max=1024)] = 64,
    explain: Annotated[
        Path | None, typer.Option(metavar="REASONS.csv", help="Also write what each risk rests on: log-odds of every field and stretch of the curve.")
    ] = None,
) -> None:
    """Risks for a table of people: an id and one calibrated probability per trait."""
    import pandas as pd
    from tqdm import tqdm

    from assistant.dialogue import EMBEDDED_MODEL
    from assistant.reasons import explain_cohort
    from assistant.risk import Risk, score_cohort
    from assistant.settings import Settings
    from encoders.cohort import CohortError
    from encoders.multimodal import MultimodalLM, choose_device
    from encoders.record import RISK_TRAITS

    if not cohort.exists():
        raise CohortError(f"{cohort.name} does not exist; give a CSV file of people or a folder of CDC's files")
    settings = Settings()
    device, dtype = choose_device(settings.device, settings.precision)
    model = MultimodalLM.load(EMBEDDED_MODEL, device=device, dtype=dtype)
    chosen = [one.strip() for one in traits.split(",") if one.strip()] or [trait for trait, _ in RISK_TRAITS]
    part = out.with_name(f"{out.name}.part")
    with tqdm(unit="person", file=sys.stderr) as bar, part.open("w", encoding="utf-8", newline="") as file:
        for index, chunk in enumerate(score_cohort(model, Risk.load(EMBEDDED_MODEL), cohort, chosen, batch)):
            chunk.to_csv(file, index=False, header=index == 0)
            bar.update(len(chunk))
    part.replace(out)
    if explain is not None:
        with tqdm(unit="risk", desc="reasons", file=sys.stderr) as bar, explain.open("w", encoding="utf-8", newline="") as file:
            for index, rows in enumerate(explain_cohort(model, Risk.load(EMBEDDED_MODEL), cohort, tuple(chosen))):
                pd.DataFrame(rows).to_csv(file, index=False, header=index == 0)
                bar.update(1)


@library.command("search")
def library_search(query: str, k: Annotated[int, typer.Option("-k", min=1, max=50)] = 4, as_json: AsJson = False) -> None:
    """Passages that answer a question; ``enough`` is false when nothing relevant stands in the library."""
    from assistant.retrieval import GuidelineLibrary
    from assistant.settings import Settings

    found = GuidelineLibrary.load(Settings()).search(query, k)
    results = [
        {
            "id": h.passage.id, "title": h.passage.title, "section": h.passage.section, "source": h.passage.source, "year": h.passage.year,
            "url": h.passage.url, "strength": h.passage.strength, "local": h.passage.local, "text": h.passage.text, "score": h.score,
        }
        for h in found.results
    ]  # fmt: skip
    if as_json:
        _print({"results": results, "enough": found.enough})
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
    from assistant.settings import Settings
    from encoders.passages import read_passages

    passages = (*read_passages(), *read_local(library_folder(Settings().library_dir)))
    if as_json:
        _print([{**vars(passage), "local": passage.local} for passage in passages])
        return
    for passage in passages:
        typer.echo(f"{passage.id}: {passage.title} ({passage.source}, {passage.year})")


@library.command("add")
def library_add(paths: Annotated[list[Path], typer.Argument(metavar="PATH...")]) -> None:
    """Take in your own documents (Markdown, text, PDF, HTML, or folders of them); every result says that they are local."""
    from assistant.local_passages import add, library_folder
    from assistant.settings import Settings

    settings = Settings()
    added = add(paths, library_folder(settings.library_dir), largest_mb=settings.max_upload_mb)
    for document in dict.fromkeys(passage.id.rpartition("/")[0] for passage in added):
        typer.echo(f"{document}: {sum(passage.id.startswith(document + '/') for passage in added)} passages")


@library.command("remove")
def library_remove(which: Annotated[str, typer.Argument(metavar="ID|all")]) -> None:
    """Remove one of your own documents, or all, for good: its file and every index that holds its text."""
    from assistant.local_passages import library_folder, remove
    from assistant.retrieval import index_folder
    from assistant.settings import Settings

    settings = Settings()
    gone = remove(which, library_folder(settings.library_dir), index_folder(settings.cache_dir))
    typer.echo(f"{gone} passages removed; no file holds them any more.")


@library.command("verify")
def library_verify() -> None:
    """Check every passage and the index."""
    from assistant.local_passages import check, library_folder
    from assistant.retrieval import GuidelineLibrary
    from assistant.settings import Settings
    from encoders.passages import PassageError

    settings = Settings()
    wrong = check(library_folder(settings.library_dir)) or GuidelineLibrary.load(settings).verify()
    if wrong:
        raise PassageError("; ".join(wrong))
    typer.echo("The library is sound.")


@library.command("vectors", hidden=True)
def library_vectors() -> None:
    """Write the vectors of our own passages and wordings to assets, after either has changed."""
    from assistant.retrieval import write_vectors

    typer.echo(f"{write_vectors()} vectors written.")


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="Folder of the model to write.")] = Path("breathwise-model"),
    minutes: Annotated[float, typer.Option(min=0.1)] = 98.0,
    seed: Annotated[int, typer.Option()] = 7,
    data: Annotated[Path | None, typer.Option(help="A cohort table with traits (NHANES columns), for risk.")] = None,
    base_model: Annotated[str | None, typer.Option(help="Adapt another language model instead: a Hub id or a folder.")] = None,
    smoke: Annotated[bool, typer.Option(help="A tiny run that shows that everything works.")] = False,
    resume: Annotated[bool, typer.Option(help="Go on with a run that was stopped.")] = False,
    teacher: Annotated[
        str | None, typer.Option(help="A LangChain chat model that writes rationales (checked): provider:model or package.module:function; by default code.")
    ] = None,
) -> None:
    """Teach a model: encoder, language, curve, dialogue; then calibrate its risks where a cohort is given."""
    import torch

    from assistant.model_card import write
    from assistant.risk import fit_model
    from encoders.multimodal import MultimodalLM
    from encoders.passages import read_passages
    from encoders.teacher.chat import load_teacher
    from encoders.training import TrainConfig
    from encoders.training import train as teach

    make = TrainConfig.smoke_size if smoke else TrainConfig.gpu_size if torch.cuda.is_available() else TrainConfig
    config = make(seed=seed) if smoke else make(seed=seed, minutes=minutes)
    teach(out, read_passages(), config, data=data, base_model=base_model, resume=resume, chat=load_teacher(teacher) if teacher else None)
    if data is not None and base_model is None:
        found = fit_model(MultimodalLM.load(out), data, limit=200 if smoke else None)
        (out / "risk.json").write_text(json.dumps(found) + "\n", encoding="utf-8")
    write(out)
    typer.echo(f"written to {out}")


@evaluate.command("risk")
def evaluate_risk(
    cohort: Annotated[Path, typer.Argument(metavar="COHORT", help="A table of people with traits, or a folder of CDC's files.")],
    out: Annotated[Path, typer.Option(help="Folder of evaluation.json, evaluation.md and the figures.")] = Path("evaluation"),
    readme: Annotated[
        list[Path] | None, typer.Option(help="Markdown file with <!-- evaluation --> marks to write the table into; may be given several times.")
    ] = None,
    later: Annotated[Path | None, typer.Option(help="Another cohort to test on, all of it; by default the test fold.")] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of the model; by default the embedded one.")] = None,
    seed: Annotated[int, typer.Option()] = 7,
    limit_minutes: Annotated[float, typer.Option(min=0.0, help="Teaching on simulated people with a known limit; 0 leaves it out.")] = 4.0,
    left_out_minutes: Annotated[float, typer.Option(min=0.0, help="Teaching of each of eight readers that never saw one trait; 0 leaves them out.")] = 0.0,
    smoke: Annotated[bool, typer.Option(help="A tiny run that shows that everything works; its figures mean nothing.")] = False,
) -> None:
    """The honest table: risks on held-out people beside classical models, ablations, traits never trained, groups, a known limit."""
    import time

    from assistant import evaluation_report
    from assistant.benchmark import write_readme
    from assistant.dialogue import EMBEDDED_MODEL
    from assistant.risk import Risk
    from assistant.settings import Settings
    from encoders import evaluation, probes
    from encoders.baselines import require_lightgbm
    from encoders.cohort import CohortError
    from encoders.multimodal import MultimodalLM, choose_device

    for path in (cohort, later):
        if path is not None and not path.exists():
            raise CohortError(f"{path.name} does not exist; give a CSV file of people or a folder of CDC's files")
    require_lightgbm()
    started, folder, settings = time.perf_counter(), model or EMBEDDED_MODEL, Settings()
    device, dtype = choose_device(settings.device, settings.precision)
    reader, risks = MultimodalLM.load(folder, device=device, dtype=dtype), Risk.load(folder)
    folds = evaluation.read_folds(cohort, later, 150 if smoke else None)
    few: dict[str, Any] = {"times": 20, "limit_people": 150, "limit_minutes": min(limit_minutes, 0.05)} if smoke else {"limit_minutes": limit_minutes}
    few["left_out_minutes"] = min(left_out_minutes, 0.02) if smoke else left_out_minutes
    result = evaluation.evaluate(reader, risks.calibrate, folds, seed=seed, **few)
    result.found["rebuilt"] = probes.rebuilt(cohort, 150 if smoke else None)
    result.found["provenance"] = evaluation_report.provenance(folder, cohort, later, seed, (time.perf_counter() - started) / 60)
    lines = evaluation_report.write(result, out)
    for path in readme or []:
        write_readme(lines, path, "evaluation")
    typer.echo(lines)


@evaluate.command("dialogue")
def evaluate_dialogue(
    out: Annotated[Path, typer.Option(help="Folder of dialogue.json and dialogue.md.")] = Path("evaluation"),
    readme: Annotated[
        list[Path] | None, typer.Option(help="Markdown file with <!-- dialogue --> marks to write the table into; may be given several times.")
    ] = None,
    conversations: Annotated[int, typer.Option(min=1, help="Scripted conversations of 3 to 6 turns.")] = 300,
    curve: Annotated[list[Path] | None, typer.Option(help="A real curve; one conversation in ten is about it, beside a made-up record.")] = None,
    seed: Annotated[int, typer.Option()] = 7,
    limit: Annotated[int | None, typer.Option(min=1, help="Hold only the first so many; the figures of a few mean little.")] = None,
) -> None:
    """Hold scripted conversations and measure the answers by rule: ours, composed text, and ours without soft tokens, passages or the numeral limit."""
    import time

    from tqdm import tqdm

    from assistant import dialogue_report, scripted
    from assistant.benchmark import write_readme
    from assistant.dialogue import EMBEDDED_MODEL, Assistant
    from assistant.dialogue_evaluation import conversations_held
    from assistant.dialogue_evaluation import evaluate as measure_dialogue

    started = time.perf_counter()
    scripts = scripted.draw(conversations, seed, curve or [])[:limit]
    assistant = Assistant.load()
    with tqdm(total=conversations_held(len(scripts)), unit="conversation", file=sys.stderr) as bar:

        def progress(label: str) -> None:
            bar.set_description(label)
            bar.update(1)

        found = measure_dialogue(assistant, scripts, progress=progress)
    minutes = (time.perf_counter() - started) / 60
    found["provenance"] = dialogue_report.provenance(EMBEDDED_MODEL, assistant.name, str(assistant.engine.model.device), curve or [], seed, minutes)
    lines = dialogue_report.write(found, out)
    for path in readme or []:
        write_readme(lines, path, "dialogue")
    typer.echo(lines)


@app.command()
def transcripts(out: Annotated[Path | None, typer.Option(help="Folder to write to; by default assets/transcripts.")] = None) -> None:
    """Put the twelve questions to every example patient and write the answers out."""
    from assistant import Assistant
    from assistant.transcripts import TRANSCRIPTS, write

    for path in write(Assistant.load(), out or TRANSCRIPTS):
        typer.echo(path.name)


class Measured(StrEnum):
    page = "page"
    spirometry = "spirometry"
    quality = "quality"
    search = "search"
    risk = "risk"
    load = "load"
    safety = "safety"


@app.command()
def benchmark(
    what: Annotated[
        Measured,
        typer.Argument(
            help="The page and its conversation, the speed of measuring, its quality on simulated blows, the search, risks, red flags and refusals, or many chats at once."
        ),
    ] = Measured.page,
    out: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
    readme: Annotated[Path | None, typer.Option(help="README whose table is to be written.")] = None,
    repeats: Annotated[int, typer.Option(min=1, max=50, help="Conversations (page and load only).")] = 3,
    blows: Annotated[int, typer.Option(min=1, help="Blows (spirometry only).")] = 10_000,
    seed: Annotated[int, typer.Option()] = 7,
) -> None:
    """Measure this machine: start, first token, tokens a second, memory; or blows and z-scores a second; how well the library is searched; or many chats at once."""
    from assistant import benchmark as page
    from assistant import load_benchmark as load
    from assistant import risk_benchmark as risks
    from assistant import safety_benchmark as safety
    from assistant import search_benchmark as searching
    from assistant import spirometry_benchmark as spirometry

    def progress(doing: str) -> None:
        typer.echo(f"measuring: {doing}", err=True)

    if what is Measured.page:
        found = page.run(seed=seed, repeats=repeats, progress=progress)
        lines = page.table(found)
    elif what is Measured.search:
        found = searching.run(progress=progress)
        lines = searching.table(found)
    elif what is Measured.risk:
        found = risks.run(repeats=max(repeats, 10), seed=seed, progress=progress)
        lines = risks.table(found)
    elif what is Measured.load:
        found = load.run(repeats=repeats, progress=progress)
        lines = load.table(found)
    elif what is Measured.safety:
        found = safety.run()
        lines = safety.table(found)
    elif what is Measured.quality:
        found = spirometry.quality(seed=seed, progress=progress)
        lines = spirometry.quality_table(found)
    else:
        found = spirometry.run(blows=blows, people=100 * blows, seed=seed, progress=progress)
        lines = spirometry.table(found)
    if out is not None:
        page.write_json(found, out)
    if readme is not None:
        page.write_readme(lines, readme, "benchmark" if what is Measured.page else f"{what.value} benchmark")
    typer.echo(lines)


@app.command("app")
def run_app(host: Annotated[str | None, typer.Option()] = None, port: Annotated[int | None, typer.Option()] = None) -> None:
    """Open the page."""
    from assistant.interface.server import launch
    from assistant.measuring_only import load
    from assistant.settings import Settings

    settings = Settings()
    launch(load(settings), host=host or settings.host, port=settings.port if port is None else port)


@app.command()
def mcp() -> None:
    """Serve measure, risk, ask and forget to a program on this machine over the Model Context Protocol (standard input and output)."""
    from assistant.mcp_server import serve

    serve()


def main() -> None:
    """Run, and turn errors about the input into one plain sentence and exit code 2."""
    try:
        app()
    except (ValueError, FileNotFoundError) as error:
        from encoders.multimodal import ModelError

        message = " ".join(str(error).split())
        typer.echo(f"breathwise: {message}", err=True)
        sys.exit(1 if isinstance(error, ModelError) else 2)
    except RuntimeError as error:
        typer.echo(f"breathwise: {' '.join(str(error).split())}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
