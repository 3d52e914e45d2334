"""The page's layout and what its buttons do. State lives in gr.State alone."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.interface import panels
from assistant.interface.theme import CSS, theme
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
MOST_TURNS = 100
DOWNLOAD = """text => { if (!text) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "text/markdown"}));
  link.download = "breathwise-conversation.md"; link.click(); URL.revokeObjectURL(link.href); }"""  # made in the browser: nothing is written here


@dataclass
class Desk:
    """One visitor's table: the session, and the bell that stops an answer."""

    session: Session | None = None
    stop: threading.Event = field(default_factory=threading.Event)


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


def chat(session: Session, growing: Turn | None = None) -> list[dict[str, Any]]:
    """The transcript as the chat shows it, with the plots that were asked for."""
    shown: list[dict[str, Any]] = []
    for turn in (*session.turns, *([growing] if growing is not None else [])):
        shown += [{"role": "user", "content": turn.question.replace("<", "&lt;")}, {"role": "assistant", "content": panels.message(turn)}]
        if turn.plot and turn.done and session.spirometry is not None and session.spirometry.maneuvers:
            draw = plot.flow_volume if turn.plot == "flow_volume" else plot.volume_time
            shown.append({"role": "assistant", "content": gr.Plot(draw(session.spirometry))})
    return shown


def build(assistant: Any) -> gr.Blocks:
    """The page over one Assistant."""
    about = assistant.describe()
    unchanged = 20  # components that an upload may change, besides the desk and the status line

    def shown(session: Session) -> tuple[Any, ...]:
        test = session.spirometry
        drawn = (plot.flow_volume(test), plot.volume_time(test)) if test is not None and test.maneuvers else (None, None)
        curves = [gr.update(value=figure, visible=figure is not None) for figure in drawn]
        bars = plot.z_bars(test) if test is not None and test.references else None
        dated = test.visits if test is not None else None
        return (
            gr.update(visible=False), gr.update(visible=True), panels.assumed(session), panels.blows(test), gr.update(visible=dated is not None),
            plot.trend(dated) if dated is not None else None, panels.visits(test), panels.patient_card(session), panels.quality(test), *curves, panels.numbers(test), bars, panels.risks(session), chat(session),
            panels.seen(None), *[gr.update(value=question) for question in suggestions(session)],
        )  # fmt: skip

    def opened(paths: Sequence[Path], desk: Desk | None) -> tuple[Any, ...]:
        kept = desk or Desk()
        kept.stop.set()
        try:
            session = assistant.open(paths)
        except ValueError as error:
            return (kept, f"⚠ {error}", *[gr.skip()] * unchanged)
        fresh = Desk(session)
        name = session.patient.label
        count = len(session.patient.blows)
        blows = "no curve" if not count else "one blow" if count == 1 else f"{count} blows"
        return (fresh, f"Read: {name}, {blows}.", *shown(session))

    def open_example(name: str | None, desk: Desk | None) -> tuple[Any, ...]:
        if name not in {folder for _, folder in examples()}:
            return (desk, "Choose one of the examples.", *[gr.skip()] * unchanged)
        return opened(sorted(path for path in (EXAMPLES / str(name)).iterdir() if path.is_file()), desk)

    def open_files(files: list[str] | None, desk: Desk | None) -> tuple[Any, ...]:
        if not files:
            return (desk, "Drop a record and a curve.", *[gr.skip()] * unchanged)
        try:
            return opened([Path(file) for file in files], desk)
        finally:
            for file in files:  # what was uploaded is read at once and not kept
                with contextlib.suppress(OSError):
                    Path(file).unlink()

    def answer(question: str, desk: Desk | None, temperature: float = 0.0, seed: int = 0) -> Iterator[tuple[Any, ...]]:
        empty = [gr.skip()] * 4
        if desk is None or desk.session is None:
            yield desk, gr.skip(), question, "⚠ Choose an example or upload a record first.", gr.skip(), *empty
            return
        if len(desk.session.turns) >= MOST_TURNS:
            yield desk, gr.skip(), question, f"⚠ A conversation has at most {MOST_TURNS} questions; export it and clear it.", gr.skip(), *empty
            return
        desk.stop = stop = threading.Event()
        session = desk.session
        for turn in assistant.ask(session, question, stop=stop, temperature=temperature, seed=seed):
            if desk.session is not session:  # another patient was opened meanwhile
                return
            if turn.done:
                desk.session = session.add(turn)
                fresh = suggestions(desk.session)
                fresh += [""] * (4 - len(fresh))
                yield desk, chat(desk.session), "", "", panels.seen(turn), *[gr.update(value=text, visible=bool(text)) for text in fresh]
            else:
                yield desk, chat(session, turn), "", "Answering...", gr.skip(), *empty

    def again(desk: Desk | None) -> Iterator[tuple[Any, ...]]:
        if desk is None or desk.session is None or not desk.session.turns:
            yield desk, gr.skip(), gr.skip(), "Nothing to answer again.", gr.skip(), *[gr.skip()] * 4
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
        return panels.transcript(desk.session), "The conversation was exported."

    with gr.Blocks(title="Breathwise", analytics_enabled=False, delete_cache=(600, 600)) as page:
        desk = gr.State(None, time_to_live=assistant.settings.session_minutes * 60, delete_callback=_forget)
        gr.HTML(panels.header(LOGO.read_text(encoding="utf-8")))
        gr.Markdown(BANNER, elem_id="banner")
        with gr.Row():
            with gr.Column(scale=5, min_width=340):
                with gr.Row():
                    example = gr.Dropdown(examples(), value=None, label="Example patient (made up)", scale=2)
                    files = gr.File(label="Or drop a record and a curve", file_count="multiple", height=120, scale=3)
                status = gr.Markdown("", elem_id="status")
                welcome = gr.HTML(panels.WELCOME)
                with gr.Column(visible=False) as results:
                    quality = gr.HTML("")
                    taken = gr.HTML("")
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
            with gr.Column(scale=4, min_width=340):
                talk = gr.Chatbot(
                    label="Conversation", height=560, buttons=["copy"], sanitize_html=True, placeholder="Choose a patient, then ask.", layout="bubble"
                )
                with gr.Row(elem_id="suggestions"):
                    buttons = [gr.Button(text, size="sm", min_width=200) for text in FIRST]
                box = gr.Textbox(placeholder="Ask about this patient", show_label=False, max_length=2000, autofocus=True)
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
        example.input(open_example, [example, desk], everything, concurrency_id="open", api_name=False)
        files.upload(open_files, [files, desk], everything, concurrency_id="open", api_name=False).then(lambda: None, None, files, api_name=False)
        gr.on([group.input, card.change], compare, [group, desk], both, api_name=False)
        asked = [desk, talk, box, status, saw, *buttons]
        model = {"concurrency_id": "model", "concurrency_limit": 4, "api_name": False}
        gr.on([box.submit, send.click], answer, [box, desk], asked, **model)
        for button in buttons:
            button.click(answer, [button, desk], asked, **model)
        redo.click(again, [desk], asked, **model)
        stop.click(halt, [desk], None, queue=False, api_name=False)
        wipe.click(clear, [desk], [desk, talk, status], queue=False, api_name=False)
        save.click(export, [desk], [exported, status], queue=False, api_name=False).then(None, [exported], None, js=DOWNLOAD, api_name=False)
    return page


def _forget(desk: Desk | None) -> None:
    """An idle page is forgotten: its answer stops and its session goes."""
    if desk is not None:
        desk.stop.set()
        desk.session = None


def launch(assistant: Any, *, host: str, port: int, block: bool = True) -> Any:
    """Serve the page. Another address than loopback needs a user and a password, except on a Space."""
    settings = assistant.settings
    on_space = "SPACE_ID" in os.environ
    login = (settings.user, settings.password) if settings.user and settings.password else None
    if host not in ("127.0.0.1", "localhost", "::1") and login is None and not on_space:
        raise ValueError(f"the page would be open to others at {host} without a login; set BREATHWISE_USER and BREATHWISE_PASSWORD, or use 127.0.0.1")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    page = build(assistant).queue(max_size=64)
    return page.launch(
        server_name="0.0.0.0" if on_space else host, server_port=port, share=False, auth=login, ssr_mode=False, theme=theme(), css=CSS,
        max_file_size=f"{settings.max_upload_mb}mb", enable_monitoring=False, show_error=False, quiet=True, prevent_thread_lock=not block,
        footer_links=[], favicon_path=str(LOGO),
    )  # fmt: skip
