"""The page's layout and what its buttons do. State lives in gr.State alone."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr

from assistant import report
from assistant.caller import LONGEST_QUESTION, MOST_TURNS
from assistant.interface import doors, panels
from assistant.interface.faults import caught
from assistant.interface.uploads import drop, forget
from assistant.interface.zero_gpu import speak
from assistant.session import Session, Turn
from encoders.spirogram import plot
from encoders.spirogram.reference import ANCESTRIES

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "assets" / "patients"
LOGO = Path(__file__).resolve().parent.parent.parent / "assets" / "logo.svg"
BANNER = (
    "**Research and education software.** It states patterns and risks, never a diagnosis, a prescription or a dose. "
    "Do not upload real patients' data to a public copy."
)
FIRST = ("Explain my result", "How good was the test?", "What does the z-score mean?", "Should I exercise?")
NEXT = {
    "explain_result": ("And is that bad?", "Why?", "What does the curve look like?", "What should I do next?"),
    "exercise": ("How do I stop smoking?", "Which vaccines should I have?", "What about my sleep?", "When should I see a doctor?"),
    "stop_smoking": ("What would change it?", "Should I exercise?", "Shorter please", "What about my blood pressure?"),
}
ANSWERING = "Answering... every sentence is checked at the end."
REPORTS = {
    "PDF": (".pdf", "application/pdf"), "Markdown": (".md", "text/markdown"), "JSON": (".json", "application/json"),
    "FHIR": (".fhir.json", "application/fhir+json"),
}  # fmt: skip
# made in the browser: nothing is written here
DOWNLOAD = """parcel => { if (!parcel) return;
  const {name, type, data} = JSON.parse(parcel);
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], {type}));
  link.download = name; link.click(); setTimeout(() => URL.revokeObjectURL(link.href), 1000); }"""
LOG = logging.getLogger("breathwise.page")
ON_SPACE_WARNING = "⚠ This is a public copy: drop only made-up or public files, never a real patient's. The examples need no upload."
EXAMPLES_ONLY = "⚠ This is a public copy: it shows the examples and takes no files, never a real patient's."
BUSY = "⚠ One answer at a time: wait for it, or press Stop."
READING = "Reading the files, measuring the blows and estimating risks..."


@dataclass
class Desk:
    """One visitor's table: the session, the bell that stops an answer, the lock of the one answer, and whether the page is dark."""

    session: Session | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    answering: threading.Lock = field(default_factory=threading.Lock)
    dark: bool = False


def examples() -> list[tuple[str, str]]:
    """Label and folder name of each example patient."""
    names = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()) if EXAMPLES.is_dir() else []
    return [(name.replace("_", " ").capitalize(), name) for name in names]


def suggestions(session: Session | None) -> list[str]:
    """Four next questions that fit what was asked last and what this patient has."""
    last = session.turns[-1].seen.intent if session is not None and session.turns else ""
    asked = {turn.question.lower() for turn in session.turns} if session is not None else set()
    pool = [*NEXT.get(last, ()), *FIRST, "Show me the flow-volume loop", "What about my blood pressure?", "What are my risks?"]
    return [question for question in dict.fromkeys(pool) if question.lower() not in asked][:4]


def parcel(name: str, kind: str, content: bytes) -> str:
    """A file on its way to the browser, as text; ``DOWNLOAD`` unpacks it."""
    return json.dumps({"name": name, "type": kind, "data": base64.b64encode(content).decode("ascii")})


def chat(session: Session, growing: Turn | None = None, *, dark: bool = False) -> list[dict[str, Any]]:
    """The transcript as the chat shows it, with the plots that were asked for."""
    shown: list[dict[str, Any]] = []
    for turn in (*session.turns, *([growing] if growing is not None else [])):
        shown += [{"role": "user", "content": panels.linkless(turn.question.replace("<", "&lt;"))}, {"role": "assistant", "content": panels.message(turn)}]
        if turn.plot and turn.done and session.spirometry is not None and session.spirometry.maneuvers:
            draw = plot.flow_volume if turn.plot == "flow_volume" else plot.volume_time
            shown.append({"role": "assistant", "content": gr.Plot(draw(session.spirometry, dark=dark))})
    return shown


def build(assistant: Any, *, on_space: bool = False) -> gr.Blocks:
    """The page over one Assistant."""
    about = assistant.describe()
    ask = speak(assistant)
    cure = getattr(assistant, "cure", "")
    takes_files = assistant.settings.space_uploads or not on_space
    unchanged = 20  # components that an upload may change, besides the desk and the status line

    def shown(session: Session, dark: bool) -> tuple[Any, ...]:
        test = session.spirometry
        drawn = (plot.flow_volume(test, dark=dark), plot.volume_time(test, dark=dark)) if test is not None and test.maneuvers else (None, None)
        curves = [gr.update(value=figure, visible=figure is not None) for figure in drawn]
        bars = plot.z_bars(test, dark=dark) if test is not None and test.references else None
        dated = test.visits if test is not None else None
        return (
            gr.update(visible=False), gr.update(visible=True), gr.update(value=panels.assumed(session), visible=bool(session.patient.assumptions)), panels.blows(test), gr.update(visible=dated is not None),
            plot.trend(dated, dark=dark) if dated is not None else None, panels.visits(test), panels.patient_card(session), panels.quality(test), *curves, panels.numbers(test), bars, panels.risks(session), chat(session, dark=dark),
            panels.seen(None), *offered(session),
        )  # fmt: skip

    def offered(session: Session | None) -> list[Any]:
        texts = suggestions(session)
        return [gr.update(value=text, visible=bool(text)) for text in texts + [""] * (4 - len(texts))]

    def opened(paths: Sequence[Path], desk: Desk | None, dark: bool) -> Iterator[tuple[Any, ...]]:
        kept = desk or Desk()
        yield (kept, READING, *[gr.skip()] * unchanged)
        kept.stop.set()
        try:
            session = assistant.open(paths)
        except ValueError as error:
            also = " The patient that was open still is." if kept.session is not None else ""
            yield (kept, f"⚠ {panels.plain(str(error))}{'' if str(error).endswith('.') else '.'}{also}", *[gr.skip()] * unchanged)
            return
        fresh = Desk(session, dark=bool(dark))
        again = f", with {len(session.turns)} earlier question{'s' * (len(session.turns) > 1)}" if session.turns else ""
        count = len(session.patient.blows)
        blows = "no curve" if not count else "one blow" if count == 1 else f"{count} blows"
        yield (fresh, f"Read: {panels.plain(session.patient.label)}, {blows}{again}.", *shown(session, fresh.dark))

    def open_example(name: str | None, desk: Desk | None, dark: bool) -> Iterator[tuple[Any, ...]]:
        if name not in {folder for _, folder in examples()}:
            yield (desk, "Choose one of the examples.", *[gr.skip()] * unchanged)
            return
        yield from opened(sorted(path for path in (EXAMPLES / str(name)).iterdir() if path.is_file()), desk, dark)

    def open_files(files: list[str] | None, desk: Desk | None, dark: bool) -> Iterator[tuple[Any, ...]]:
        if not files:
            yield (desk, "Drop a record and a curve.", *[gr.skip()] * unchanged)
            return
        try:
            yield from opened([Path(file) for file in files], desk, dark)
        finally:
            forget(files)  # what was uploaded is read at once and not kept

    def answer(question: str, desk: Desk | None, temperature: float = 0.0, seed: int = 0) -> Iterator[tuple[Any, ...]]:
        empty = [gr.skip()] * 4

        def refused(said: str) -> tuple[Any, ...]:
            return desk, gr.skip(), question, said, gr.skip(), *empty

        if desk is None or desk.session is None:
            yield refused("⚠ Choose an example or upload a record first.")
        elif len(question) > LONGEST_QUESTION:
            yield refused(f"⚠ This question has {len(question)} characters; at most {LONGEST_QUESTION} are read: shorten it.")
        elif len(desk.session.turns) >= MOST_TURNS:
            yield refused(f"⚠ A conversation has at most {MOST_TURNS} questions; export it and clear it.")
        elif not desk.answering.acquire(blocking=False):
            yield refused(BUSY)
        else:
            try:
                yield from spoken(question, desk, desk.session, temperature, seed)
            finally:
                desk.answering.release()

    def spoken(question: str, desk: Desk, session: Session, temperature: float, seed: int) -> Iterator[tuple[Any, ...]]:
        desk.stop = stop = threading.Event()
        yield desk, chat(session, Turn(question), dark=desk.dark), "", ANSWERING, gr.skip(), *[gr.skip()] * 4
        for turn in ask(session, question, stop=stop, temperature=temperature, seed=seed):
            if desk.session is not session:  # another patient was opened, or this one deleted, meanwhile
                return
            if turn.done:
                desk.session = session.add(turn)
                LOG.info(
                    "answered by %s in %.2f s, first token after %.2f s",
                    turn.triage.rule if turn.triage else turn.seen.model or "rule",
                    turn.timings.total_s,
                    turn.timings.first_token_s,
                )
                yield desk, chat(desk.session, dark=desk.dark), "", "", panels.seen(turn), *offered(desk.session)
            else:
                yield desk, chat(session, turn, dark=desk.dark), "", ANSWERING, gr.skip(), *[gr.skip()] * 4

    def again(desk: Desk | None) -> Iterator[tuple[Any, ...]]:
        if desk is None or desk.session is None or not desk.session.turns:
            yield desk, gr.skip(), gr.skip(), "Nothing to answer again.", gr.skip(), *[gr.skip()] * 4
            return
        if desk.answering.locked():
            yield desk, gr.skip(), gr.skip(), BUSY, gr.skip(), *[gr.skip()] * 4
            return
        last = desk.session.turns[-1]
        desk.session = replace(desk.session, turns=desk.session.turns[:-1])
        yield from answer(last.question, desk, 0.6, len(last.answer))

    def compare(group: str | None, desk: Desk | None) -> str:
        return panels.beside(desk.session, group) if desk is not None and desk.session is not None else ""

    def halt(desk: Desk | None) -> None:
        if desk is not None:
            desk.stop.set()

    def clear(desk: Desk | None) -> tuple[Any, ...]:
        if desk is None or desk.session is None:
            return desk, [], ""
        desk.stop.set()
        desk.session = replace(desk.session, turns=(), memory=None)
        return desk, [], "The conversation was cleared."

    def export(desk: Desk | None) -> tuple[str, str]:
        if desk is None or desk.session is None or not desk.session.turns:
            return "", "There is no conversation to export yet."
        text = panels.transcript(desk.session).encode("utf-8", "replace")
        return parcel("breathwise-conversation.md", "text/markdown", text), "The conversation was exported."

    def reported(kind: str, desk: Desk | None) -> Iterator[tuple[str, str]]:
        if desk is None or desk.session is None:
            yield "", "⚠ Open a patient first; the report is about one."
            return
        if kind not in REPORTS:
            yield "", f"⚠ A report is written as {', '.join(REPORTS)}."
            return
        yield "", f"Writing the report as {kind}..."
        suffix, media = REPORTS[kind]
        content = report.check_suffix(Path(f"report{suffix}"))(desk.session)
        yield parcel(f"breathwise-report{suffix}", media, content), f"The report was written as {kind}; your browser keeps it, this page does not."

    def delete(desk: Desk | None) -> tuple[Any, ...]:
        _forget(desk)
        blank = (
            gr.update(visible=True), gr.update(visible=False), "", "", gr.update(visible=False), None, "", "", "", None, None, "", None, "", [],
            panels.seen(None), *offered(None),
        )  # fmt: skip
        return (None, "Everything about this patient was deleted here.", *blank, None, None, None, "", "", "")

    with gr.Blocks(title="Breathwise", analytics_enabled=False, delete_cache=(600, 600)) as page:
        desk = gr.State(None, time_to_live=assistant.settings.session_minutes * 60, delete_callback=_forget)
        gr.HTML(panels.header(LOGO.read_text(encoding="utf-8")))
        gr.Markdown(BANNER + (f"\n\n{ON_SPACE_WARNING if takes_files else EXAMPLES_ONLY}" if on_space else ""), elem_id="banner")
        if cure:
            gr.Markdown(f"⚠ {panels.plain(cure)} The measurement, the curves and the report work.", elem_id="cure")
        dark = gr.Checkbox(False, visible=False)
        with gr.Row():
            with gr.Column(scale=5, min_width=340):
                with gr.Row():
                    example = gr.Dropdown(examples(), value=None, label="Example patient (made up)", scale=2, min_width=200)
                    files = drop(label="Or drop files of one person", file_count="multiple", height=165, scale=3, min_width=200, visible=takes_files)
                status = gr.Markdown("", elem_id="status")
                welcome = gr.HTML(panels.WELCOME)
                with gr.Column(visible=False) as results:
                    quality = gr.HTML("")
                    taken = gr.HTML("", visible=False)
                    with gr.Row(elem_id="report"):
                        formats = [gr.Button(kind, size="sm", min_width=60) for kind in REPORTS]
                        remove = gr.Button("Delete now", size="sm", variant="stop", min_width=90, elem_id="delete")
                    with gr.Row():
                        loop = gr.Plot(show_label=False, min_width=300, elem_id="loop")
                        spirogram = gr.Plot(show_label=False, min_width=300, elem_id="spirogram")
                    table = gr.HTML("")
                    bars = gr.Plot(show_label=False)
                    with gr.Column(visible=False) as course:
                        line = gr.Plot(show_label=False, elem_id="trend")
                        series = gr.HTML("")
                    with gr.Accordion("Every blow", open=False):
                        every = gr.HTML("")
                    with gr.Accordion("GLI-2012 beside it", open=False):
                        group = gr.Dropdown(
                            [(name.replace("_", " ").capitalize(), name) for name in ANCESTRIES], value=None,
                            label="Group of the GLI-2012 equations, as the person states it",
                        )  # fmt: skip
                        both = gr.HTML("")
                    with gr.Accordion("Patient", open=True):
                        card = gr.HTML("")
                    with gr.Accordion("Risks (first edition)", open=False):
                        risk = gr.HTML("")
            with gr.Column(scale=4, min_width=340, elem_id="talk"):
                talk = gr.Chatbot(
                    label="Conversation", height=560, buttons=["copy"], sanitize_html=True, placeholder="Choose a patient, then ask.", layout="bubble"
                )
                with gr.Row(elem_id="suggestions"):
                    buttons = [gr.Button(text, size="sm", min_width=200) for text in FIRST]
                box = gr.Textbox(placeholder="Ask about this patient", label="Your question", show_label=False, max_length=LONGEST_QUESTION, autofocus=True)
                with gr.Row():
                    send = gr.Button("Ask", variant="primary", size="md", min_width=70)
                    stop = gr.Button("Stop", size="md", min_width=70)
                    redo = gr.Button("Regenerate", size="md", min_width=110)
                    wipe = gr.Button("Clear", size="md", min_width=70)
                    save = gr.Button("Export", size="md", min_width=70)
                exported = gr.Textbox(visible=False)
                with gr.Accordion("What the model saw", open=False):
                    saw = gr.HTML(panels.seen(None))
                gr.Markdown(f"<small>Model {about['model']} on {about['device']} in {about['precision']}; {about['note']}.</small>")

        everything = [
            desk,
            status,
            welcome,
            results,
            taken,
            every,
            course,
            line,
            series,
            card,
            quality,
            loop,
            spirogram,
            table,
            bars,
            risk,
            talk,
            saw,
            *buttons,
        ]
        place = everything.index(status)
        reading = {"concurrency_id": "open", "concurrency_limit": 2, "show_progress": "hidden", "api_name": False}
        at_once = {"queue": False, "show_progress": "hidden", "api_name": False}
        example.input(caught(open_example, len(everything), place), [example, desk, dark], everything, **reading)
        files.upload(caught(open_files, len(everything), place), [files, desk, dark], everything, **reading).then(lambda: None, None, files, **at_once)
        gr.on([group.input, card.change], compare, [group, desk], both, **at_once)
        asked = [desk, talk, box, status, saw, *buttons]
        model = {"concurrency_id": "model", "concurrency_limit": 4, "show_progress": "hidden", "trigger_mode": "multiple", "api_name": False}
        answers = caught(answer, len(asked), 3)
        talking = [gr.on([box.submit, send.click], answers, [box, desk], asked, **model)]
        talking += [button.click(answers, [button, desk], asked, **model) for button in buttons]
        talking.append(redo.click(caught(again, len(asked), 3), [desk], asked, **model))
        stop.click(halt, [desk], None, **at_once)
        wipe.click(clear, [desk], [desk, talk, status], **at_once)
        wrapped = [exported, status]
        handed = [save.click(caught(export, 2, 1), [desk], wrapped, **at_once)]
        handed += [button.click(caught(reported, 2, 1), [button, desk], wrapped, **reading) for button in formats]
        for event in handed:
            event.then(None, [exported], None, js=DOWNLOAD, api_name=False).then(lambda: "", None, exported, **at_once)
        remove.click(delete, [desk], [*everything, files, example, group, both, exported, box], cancels=talking, **at_once)
        doors.add(assistant, ask, reading=reading, model=model)
        page.load(None, None, dark, js="() => document.body.classList.contains('dark')", api_name=False)
    return page


def _forget(desk: Desk | None) -> None:
    """An idle page is forgotten: its answer stops and its session goes."""
    if desk is not None:
        desk.stop.set()
        desk.session = None
