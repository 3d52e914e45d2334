"""The page's layout and which event runs what. State lives in gr.State alone; what the events do stands in the rooms beside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.caller import LONGEST_QUESTION
from assistant.interface import corrections, doors, panels, risk_panel
from assistant.interface.arrivals import Arrivals, examples
from assistant.interface.corrections import CURVE_UNITS, HEIGHT_UNITS, SEXES
from assistant.interface.departures import DOWNLOAD, REPORTS, export, reported
from assistant.interface.desk import Desk, forget_patient
from assistant.interface.faults import caught
from assistant.interface.feedback import feedback_file
from assistant.interface.library_panel import LONGEST_QUERY, LibraryPanel
from assistant.interface.scripts import ONCE
from assistant.interface.suggestions import FIRST
from assistant.interface.talk import SAID, Talk
from assistant.interface.uploads import drop
from assistant.interface.zero_gpu import speak
from assistant.local_passages import SUFFIXES
from assistant.waiting_line import WaitingLine, in_line
from encoders.spirogram.reference import ANCESTRIES

LOGO = Path(__file__).resolve().parent.parent.parent / "assets" / "logo.svg"
BANNER = (
    "**Research and education software.** It states patterns and risks, never a diagnosis, a prescription or a dose. "
    "Do not upload real patients' data to a public copy."
)
ON_SPACE_WARNING = "⚠ This is a public copy: drop only made-up or public files, never a real patient's. The examples need no upload."
EXAMPLES_ONLY = "⚠ This is a public copy: it shows the examples and takes no files, never a real patient's."
ASK_CARE = (
    "Fill in what is missing, put right what was misread (age is in years) or read in another unit, leave out a blow. The files need not be dropped again."
)
QUIET = {"show_progress": "hidden", "api_name": False}
AT_ONCE = {"queue": False, **QUIET}
READING = {"concurrency_id": "open", "concurrency_limit": 2, **QUIET}
MODEL = {"concurrency_id": "model", "concurrency_limit": None, "trigger_mode": "multiple", **QUIET}


@dataclass(frozen=True)
class Arrival:
    """Where a patient comes from: the example list, the drop box and the line that says what came."""

    example: Any
    files: Any
    status: Any


@dataclass(frozen=True)
class Findings:
    """The left column. ``filled`` are the components in the order of ``Arrivals.shown``, ``form`` what a correction reads."""

    filled: list[Any]
    form: list[Any]
    apply: Any
    confirm: Any
    corrected: Any
    formats: list[Any]
    remove: Any
    group: Any
    both: Any
    card: Any
    risk: Any


@dataclass(frozen=True)
class Conversation:
    """The right column: the chat with its box and buttons."""

    talk: Any
    buttons: list[Any]
    box: Any
    send: Any
    stop: Any
    redo: Any
    wipe: Any
    save: Any
    said: Any
    saw: Any
    shelf: Any


@dataclass(frozen=True)
class Shelves:
    """The library: its search, what was found, and the box for documents where adding is allowed."""

    query: Any
    search: Any
    found: Any
    said: Any
    documents: Any | None


def build(assistant: Any, *, on_space: bool = False) -> gr.Blocks:
    """The page over one Assistant."""
    cure = getattr(assistant, "cure", "")
    has_library = getattr(assistant, "library", None) is not None
    takes_files = assistant.settings.space_uploads or not on_space
    ask = in_line(speak(assistant), WaitingLine(assistant.settings.answers_at_once, assistant.settings.queue_size))
    may_add = has_library and assistant.settings.library_upload and not on_space
    with gr.Blocks(title="Breathwise", analytics_enabled=False, delete_cache=(600, 600)) as page:
        desk = gr.State(None, time_to_live=assistant.settings.session_minutes * 60, delete_callback=forget_patient)
        dark = gr.Checkbox(False, visible=False)
        exported = gr.Textbox(visible=False)
        gr.HTML(panels.header(LOGO.read_text(encoding="utf-8")))
        gr.Markdown(BANNER + (f"\n\n{ON_SPACE_WARNING if takes_files else EXAMPLES_ONLY}" if on_space else ""), elem_id="banner")
        if cure:
            gr.Markdown(f"⚠ {panels.plain(cure)} The measurement, the curves and the report work.", elem_id="cure")
        with gr.Row(elem_id="columns"):
            with gr.Column(scale=5, min_width=340, elem_id="findings"):
                arrival = _arrival(takes_files)
                findings = _findings()
            with gr.Column(scale=4, min_width=340, elem_id="talk"):
                conversation = _conversation()
                shelves = _shelves(may_add) if has_library else None
                about = assistant.describe()
                gr.Markdown(f"<small>Model {about['model']} on {about['device']} in {about['precision']}; {about['note']}.</small>")
        talking = _wire_talk(assistant, ask, desk, conversation, exported, has_feedback=not on_space)
        _wire_patient(assistant, desk, dark, arrival, findings, conversation, exported, shelves, talking)
        if shelves is not None:
            _wire_library(assistant, shelves, may_add=may_add)
        doors.add(assistant, ask, reading=READING, model=MODEL)
        page.load(None, None, dark, js="() => document.body.classList.contains('dark')", api_name=False)
    return page


# what stands where ---------------------------------------------------------------------------------------------------
def _arrival(takes_files: bool) -> Arrival:
    with gr.Row(elem_id="arrival"):
        example = gr.Dropdown(examples(), value=None, label="Example patient (made up)", scale=2, min_width=200)
        files = drop(label="Or drop files of one person", file_count="multiple", height=150, scale=3, min_width=200, visible=takes_files)
    return Arrival(example, files, gr.Markdown("", elem_id="status"))


def _findings() -> Findings:
    welcome = gr.HTML(panels.WELCOME)
    with gr.Column(visible=False) as results:
        quality = gr.HTML("", elem_id="quality")
        taken = gr.HTML("", visible=False)
        confirm = gr.Button("All of this is right", size="sm", visible=False, elem_id="confirm")
        with gr.Accordion("Correct what was read", open=False, elem_id="correct") as correct:
            gr.Markdown(ASK_CARE)
            with gr.Row():
                sex = gr.Dropdown(SEXES, value=None, label="Sex", min_width=110)
                age = gr.Number(None, label="Age", min_width=110)
                height = gr.Number(None, label="Height", min_width=110)
                unit = gr.Dropdown(list(HEIGHT_UNITS), value="cm", label="Unit", min_width=110)
            after = gr.CheckboxGroup([], label="Blown after a bronchodilator", visible=False, elem_id="after")
            used = gr.CheckboxGroup([], label="Blows that count", visible=False)
            with gr.Row():
                field = gr.Dropdown([], label="Another value", visible=False, min_width=200, scale=2)
                value = gr.Number(None, label="It is", visible=False, min_width=90)
                value_unit = gr.Dropdown([], label="In", visible=False, min_width=90)
            curve_unit = gr.Dropdown(
                [(words[:1].upper() + words[1:], key) for key, (_, words) in CURVE_UNITS.items()],
                value="",
                label="The numbers of the curves are",
                visible=False,
            )
            hertz = gr.Number(None, label="Samples of a curve in one second (with a wrong unit of time this number is wrong too)", visible=False, min_width=110)
            apply = gr.Button("Measure again", size="sm", variant="primary")
        corrected = gr.Markdown("", elem_id="corrected")
        with gr.Row(elem_id="report"):
            formats = [gr.Button(kind, size="sm", min_width=60) for kind in REPORTS]
            remove = gr.Button("Delete now", size="sm", variant="stop", min_width=90, elem_id="delete")
        with gr.Row(elem_id="curves"):
            loop = gr.Plot(show_label=False, min_width=300, elem_id="loop")
            spirogram = gr.Plot(show_label=False, min_width=300, elem_id="spirogram")
        table = gr.HTML("", elem_id="numbers")
        bars = gr.Plot(show_label=False, elem_id="bars")
        with gr.Column(visible=False) as course:
            line = gr.Plot(show_label=False, elem_id="trend")
            series = gr.HTML("")
        with gr.Accordion("Every blow", open=False, elem_id="blows") as blows:
            every = gr.HTML("")
        with gr.Accordion("GLI-2012 beside it", open=False):
            group = gr.Dropdown(
                [(name.replace("_", " ").capitalize(), name) for name in ANCESTRIES], value=None,
                label="Group of the GLI-2012 equations, as the person states it",
            )  # fmt: skip
            both = gr.HTML("")
        with gr.Accordion("Patient", open=True, elem_id="patient"):
            card = gr.HTML("")
        with gr.Accordion("Risks", open=True, elem_id="risks"):
            risk = risk_panel.place()
    form = [sex, age, height, unit, after, used, field, value, value_unit, curve_unit, hertz]
    filled = [
        welcome, results, quality, taken, confirm, correct, *form, loop, spirogram, table, bars, course, line, series, blows, every, card, risk.table,
    ]  # fmt: skip
    return Findings(filled, form, apply, confirm, corrected, formats, remove, group, both, card, risk)


def _conversation() -> Conversation:
    gr.HTML("<h2>Conversation</h2>", elem_id="heading")  # Gradio's own label lies over the first message
    talk = gr.Chatbot(
        label="Conversation", show_label=False, height="54vh", min_height=340, buttons=["copy"], editable="user", sanitize_html=True, placeholder="Choose a patient, then ask.", layout="bubble",
        elem_id="chat",
    )  # fmt: skip
    shelf = gr.HTML("", elem_id="shelf")
    with gr.Row(elem_id="suggestions"):
        buttons = [gr.Button(text, size="sm", min_width=200) for text in FIRST]
    box = gr.Textbox(placeholder="Ask about this patient", label="Your question", show_label=False, max_length=LONGEST_QUESTION, autofocus=True, elem_id="box")
    said = gr.Markdown("", elem_id="said")
    with gr.Row(elem_id="controls"):
        send = gr.Button("Ask", variant="primary", size="md", min_width=70)
        stop = gr.Button("Stop", size="md", min_width=70)
        redo = gr.Button("Regenerate", size="md", min_width=110)
        wipe = gr.Button("Clear", size="md", min_width=70)
        save = gr.Button("Export", size="md", min_width=70)
    with gr.Accordion("What the model saw", open=False, elem_id="seen"):
        saw = gr.HTML(panels.seen(None))
    return Conversation(talk, buttons, box, send, stop, redo, wipe, save, said, saw, shelf)


def _shelves(may_add: bool) -> Shelves:
    with gr.Accordion("Library", open=False, elem_id="library"):
        with gr.Row():
            query = gr.Textbox(placeholder="Search the guideline passages", label="Search the library", show_label=False, max_length=LONGEST_QUERY, scale=4)
            search = gr.Button("Search", size="md", min_width=80, scale=1)
        said = gr.Markdown("", elem_id="library-said")
        found = gr.HTML("", elem_id="found")
        documents = drop(label="Add documents of your own", file_count="multiple", file_types=list(SUFFIXES), height=150) if may_add else None
    return Shelves(query, search, found, said, documents)


# which event runs what -----------------------------------------------------------------------------------------------
def _wire_patient(
    assistant: Any, desk: Any, dark: Any, arrival: Arrival, findings: Findings, conversation: Conversation, exported: Any, shelves: Shelves | None,
    talking: list[Any],
) -> None:  # fmt: skip
    arrivals = Arrivals(assistant)
    filled = [*findings.filled, conversation.talk, conversation.saw, conversation.shelf, *conversation.buttons, conversation.said]
    opened, measured = [desk, arrival.status, *filled, findings.corrected], [desk, findings.corrected, *filled, arrival.status]
    arrival.example.input(caught(arrivals.open_example, len(opened), 1), [arrival.example, desk, dark], opened, js=ONCE, **READING)
    dropped = arrival.files.upload(caught(arrivals.open_files, len(opened), 1), [arrival.files, desk, dark], opened, **READING)
    dropped.then(lambda: None, None, arrival.files, **AT_ONCE)
    findings.apply.click(caught(arrivals.correct, len(measured), 1), [desk, *findings.form], measured, **READING)
    field, value, unit = findings.form[6:9]
    field.input(corrections.chosen, [field, desk], [value, unit], **AT_ONCE)
    findings.confirm.click(caught(arrivals.confirm, len(measured), 1), [desk], measured, **READING)

    def compare(group: str | None, desk: Desk | None) -> str:
        return panels.beside(desk.session, group) if desk is not None and desk.session is not None else ""

    risk_panel.wire(findings.risk, assistant, desk, dark, [findings.card.change, findings.risk.table.change])
    gr.on([findings.group.input, findings.card.change], compare, [findings.group, desk], findings.both, **AT_ONCE)
    for button in findings.formats:
        event = button.click(caught(reported, 2, 1), [button, desk], [exported, arrival.status], **READING)
        event.then(None, [exported], None, js=DOWNLOAD, api_name=False).then(lambda: "", None, exported, **AT_ONCE)
    emptied = [arrival.files, arrival.example, findings.group, findings.both, exported, conversation.box]
    emptied += [shelves.query, shelves.found] if shelves is not None else []

    def delete(desk: Desk | None) -> tuple[Any, ...]:
        return arrivals.delete(desk)[: len(opened) + len(emptied)]

    findings.remove.click(delete, [desk], [*opened, *emptied], cancels=talking, **AT_ONCE)


def _wire_talk(assistant: Any, ask: Any, desk: Any, conversation: Conversation, exported: Any, *, has_feedback: bool) -> list[Any]:
    """The chat's events; returned are those in which an answer is spoken."""
    talk = Talk(assistant, ask, feedback_file(assistant.settings.feedback_file))
    asked = [desk, conversation.talk, conversation.box, conversation.said, conversation.saw, conversation.shelf, *conversation.buttons]
    answers = caught(talk.answer, len(asked), SAID)
    talking = [gr.on([conversation.box.submit, conversation.send.click], answers, [conversation.box, desk], asked, **MODEL)]
    talking += [button.click(answers, [button, desk], asked, **MODEL) for button in conversation.buttons]
    talking.append(conversation.redo.click(caught(talk.again, len(asked), SAID), [desk], asked, **MODEL))
    talking.append(conversation.talk.edit(caught(talk.edit, len(asked), SAID), [desk], asked, **MODEL))
    conversation.stop.click(talk.halt, [desk], None, **AT_ONCE)
    conversation.wipe.click(talk.clear, [desk], asked, **AT_ONCE)
    saved = conversation.save.click(caught(export, 2, 1), [desk], [exported, conversation.said], **AT_ONCE)
    saved.then(None, [exported], None, js=DOWNLOAD, api_name=False).then(lambda: "", None, exported, **AT_ONCE)
    if has_feedback:
        conversation.talk.like(talk.opine, [desk], conversation.said, **AT_ONCE)
    return talking


def _wire_library(assistant: Any, shelves: Shelves, *, may_add: bool) -> None:
    panel = LibraryPanel(assistant, may_add)
    searching = {"concurrency_id": "search", "concurrency_limit": 2, **QUIET}
    gr.on([shelves.query.submit, shelves.search.click], caught(panel.search, 2, 1), [shelves.query], [shelves.found, shelves.said], **searching)
    if shelves.documents is not None:
        event = shelves.documents.upload(caught(panel.add, 1, 0), [shelves.documents], [shelves.said], **READING)
        event.then(lambda: None, None, shelves.documents, **AT_ONCE)
