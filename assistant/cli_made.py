"""``breathwise train``, ``evaluate``, ``transcripts`` and ``benchmark``: the commands that make the model and every figure shown."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup


class _CohortByDefault(TyperGroup):
    """``breathwise evaluate COHORT`` is ``breathwise evaluate risk COHORT``; a cohort of the name of a command is given as ./NAME."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if named else ["risk", *args])


evaluate = typer.Typer(no_args_is_help=True, cls=_CohortByDefault, help="Measure the risks (COHORT, or risk COHORT) or the conversation (dialogue).")


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
    from encoders.model_folder import seal
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
        seal(out)
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
    from assistant.settings import read_settings
    from encoders import evaluation, probes
    from encoders.baselines import require_lightgbm
    from encoders.cohort import CohortError
    from encoders.multimodal import MultimodalLM, choose_device

    for path in (cohort, later):
        if path is not None and not path.exists():
            raise CohortError(f"{path.name} does not exist; give a CSV file of people or a folder of CDC's files")
    require_lightgbm()
    started, folder, settings = time.perf_counter(), model or EMBEDDED_MODEL, read_settings()
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


def benchmark(
    what: Annotated[
        Measured,
        typer.Argument(
            help="The page and its conversation, the speed of measuring, its quality on simulated blows, the search, risks, red flags and refusals, or many chats at once."
        ),
    ] = Measured.page,
    out: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
    readme: Annotated[Path | None, typer.Option(help="README whose table is to be written.")] = None,
    repeats: Annotated[int, typer.Option(min=1, max=50, help="How often each is timed (page, load and risk); the median counts.")] = 3,
    blows: Annotated[int, typer.Option(min=1, help="Blows (spirometry only).")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of made-up blows and people and of the page's answers; nothing else is drawn.")] = 7,
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
        found = risks.run(repeats=repeats, seed=seed, progress=progress)
        lines = risks.table(found)
    elif what is Measured.load:
        found = load.run(repeats=repeats, progress=progress)
        lines = load.table(found)
    elif what is Measured.safety:
        found = safety.run(progress=progress)
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
