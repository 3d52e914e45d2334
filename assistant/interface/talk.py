"""The conversation on the page: asking, stopping, answering again, changing the last question, and what visitors thought."""

from __future__ import annotations

import html
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.caller import LONGEST_QUESTION, MOST_TURNS
from assistant.interface import citations, feedback, panels, risk_panel
from assistant.interface.corrections import CORRECTION
from assistant.interface.desk import Desk
from assistant.interface.panels import linkless
from assistant.interface.suggestions import OFFERED, suggestions
from assistant.interface.zero_gpu import Speak
from assistant.session import Session, Turn
from assistant.waiting_line import place_said

ANSWERING = "Answering... each sentence is shown once it is checked."
BUSY = "⚠ One answer at a time: wait for it, or press Stop."
ONLY_THE_LAST = "⚠ Only the last question can be changed, as later answers rest on it; ask this one below."
OUTPUTS = 6 + OFFERED  # desk, chat, box, what is said beside it, what the model saw, shelf, suggestions
SAID = 3  # the place of what is said beside the chat
LOG = logging.getLogger("breathwise.page")


def chat(session: Session, growing: Turn | None = None, *, dark: bool = False) -> list[dict[str, Any]]:
    """The transcript as the chat shows it, with the plots that were asked for."""
    shown: list[dict[str, Any]] = []
    for turn in (*session.turns, *([growing] if growing is not None else [])):
        shown += [{"role": "user", "content": linkless(turn.question.replace("<", "&lt;"))}, {"role": "assistant", "content": citations.message(turn)}]
        if _has_plot(turn, session) and session.spirometry is not None:
            shown.append({"role": "assistant", "content": gr.Plot(risk_panel.drawn_for(turn, session.spirometry, dark=dark))})
    return shown


def turn_at(session: Session, message: int) -> int | None:
    """The place of the turn that a message of the chat belongs to."""
    first = 0
    for number, turn in enumerate(session.turns):
        count = 3 if _has_plot(turn, session) else 2
        if first <= message < first + count:
            return number
        first += count
    return None


def _has_plot(turn: Turn, session: Session) -> bool:
    return turn.plot is not None and turn.done and session.spirometry is not None and bool(session.spirometry.maneuvers)


def offered(session: Session | None) -> list[Any]:
    """The suggestions' buttons; one without a question is hidden but keeps its room."""
    texts = suggestions(session)
    return [gr.update(value=text, visible=bool(text)) for text in texts + [""] * (OFFERED - len(texts))]


@dataclass(frozen=True)
class Talk:
    """The chat's events over one Assistant. ``opinions`` is where thumbs are counted."""

    assistant: Any
    ask: Speak
    opinions: Path

    def answer(self, question: str, desk: Desk | None, temperature: float = 0.0, seed: int = 0) -> Iterator[tuple[Any, ...]]:
        """One more question."""
        if desk is None or desk.session is None:
            yield self._refused(desk, question, "⚠ Choose an example or upload a record first.")
        elif len(desk.session.turns) >= MOST_TURNS:
            yield self._refused(desk, question, f"⚠ A conversation has at most {MOST_TURNS} questions; export it and clear it.")
        else:
            yield from self._alone(question, desk, desk.session, temperature, seed)

    def again(self, desk: Desk | None) -> Iterator[tuple[Any, ...]]:
        """The last question once more, worded freely. The answer before it stays until the new one is there."""
        if desk is None or desk.session is None or not _has_question(desk.session):
            yield self._refused(desk, gr.skip(), "Nothing to answer again.")
            return
        last = desk.session.turns[-1]
        yield from self._alone(last.question, desk, _without_last(desk.session), 0.6, len(last.answer), kept=gr.skip())

    def edit(self, desk: Desk | None, changed: gr.EditData) -> Iterator[tuple[Any, ...]]:
        """The last question in other words: it and its answer are replaced."""
        if desk is None or desk.session is None or not _has_question(desk.session):
            yield self._refused(desk, gr.skip(), "There is no question to change yet.")
            return
        place = turn_at(desk.session, changed.index if isinstance(changed.index, int) else changed.index[0])
        question = html.unescape(_words(changed.value))
        if place != len(desk.session.turns) - 1:
            yield desk, chat(desk.session, dark=desk.dark), gr.skip(), ONLY_THE_LAST, *[gr.skip()] * (OUTPUTS - 4)
            return
        yield from self._alone(question, desk, _without_last(desk.session), 0.0, 0, kept=gr.skip())

    def halt(self, desk: Desk | None) -> None:
        """Ring the bell: the answer ends where it is."""
        if desk is not None:
            desk.stop.set()

    def clear(self, desk: Desk | None) -> tuple[Any, ...]:
        """An empty conversation about the same patient."""
        if desk is None or desk.session is None:
            return desk, [], gr.skip(), "", panels.seen(None), "", *offered(None)
        desk.stop.set()
        desk.session = replace(desk.session, turns=(), memory=None)
        return desk, [], gr.skip(), "The conversation was cleared.", panels.seen(None), "", *offered(desk.session)

    def opine(self, desk: Desk | None, opinion: gr.LikeData) -> str:
        """Count a thumb, by rule and intent alone."""
        if desk is None or desk.session is None:
            return ""
        place = turn_at(desk.session, opinion.index if isinstance(opinion.index, int) else opinion.index[0])
        if place is None or not isinstance(opinion.liked, bool):
            return ""
        if not feedback.keep(desk.session.turns[place], opinion.liked, self.opinions):
            return "⚠ Your opinion could not be kept: nothing can be written to this machine's feedback file."
        return "Thank you. Your opinion stays on this machine, without a word of the conversation."

    def _alone(self, question: str, desk: Desk, base: Session, temperature: float, seed: int, *, kept: Any = None) -> Iterator[tuple[Any, ...]]:
        """One answer at a time on a desk. ``base`` is the conversation that the answer continues, ``kept`` what the box keeps when refused."""
        kept = question if kept is None else kept
        if len(question) > LONGEST_QUESTION:
            said = f"⚠ This question has {len(question)} characters; at most {LONGEST_QUESTION} are read: shorten it."
            yield self._refused(desk, kept, said)
        elif not desk.answering.acquire(blocking=False):
            yield self._refused(desk, kept, BUSY)
        else:
            try:
                yield from self._spoken(question, desk, base, temperature, seed)
            finally:
                desk.answering.release()

    def _spoken(self, question: str, desk: Desk, base: Session, temperature: float, seed: int) -> Iterator[tuple[Any, ...]]:
        # the desk is changed in place and never given back here: by now another patient's may lie there
        session, waiting = desk.session, [gr.skip()] * (OUTPUTS - 4)
        desk.stop = stop = threading.Event()
        yield gr.skip(), chat(base, Turn(question), dark=desk.dark), "", ANSWERING, *waiting
        try:
            for turn in self.ask(base, question, stop=stop, temperature=temperature, seed=seed):
                if desk.session is not session:  # another patient was opened, or this one deleted or measured again, meanwhile
                    yield self._left(desk)
                    return
                if not turn.done:
                    yield gr.skip(), chat(base, turn, dark=desk.dark), "", place_said(turn) or ANSWERING, *waiting
                    continue
                desk.session = session = base.add(turn)
                answered_by = turn.triage.rule if turn.triage else turn.seen.model or "rule"
                LOG.info("answered by %s in %.2f s, first token after %.2f s", answered_by, turn.timings.total_s, turn.timings.first_token_s)
                yield (
                    gr.skip(), chat(session, dark=desk.dark), "", "", panels.seen(turn), citations.shelf(session, self.assistant), *offered(session),
                )  # fmt: skip
        except Exception:
            if desk.session is not None and desk.session is session:  # nothing is lost: the conversation as it was, the question in the box
                yield gr.skip(), chat(session, dark=desk.dark), question, gr.skip(), *waiting
            raise

    def _left(self, desk: Desk) -> tuple[Any, ...]:
        """The chat as it is now: what was given a moment ago may have reached the page after that of another patient."""
        now = desk
        while now.after is not None:
            now = now.after
        session = now.session
        shown = chat(session, dark=now.dark) if session is not None else []
        return gr.skip(), shown, gr.skip(), "", *[gr.skip()] * (OUTPUTS - 4)

    def _refused(self, desk: Desk | None, box: Any, said: str) -> tuple[Any, ...]:
        shown = chat(desk.session, dark=desk.dark) if desk is not None and desk.session is not None and not desk.answering.locked() else gr.skip()
        return desk, shown, box, said, *[gr.skip()] * (OUTPUTS - 4)


def _has_question(session: Session) -> bool:
    """Whether the last turn is a question, not the mark of a correction."""
    return bool(session.turns) and session.turns[-1].seen.intent != CORRECTION


def _without_last(session: Session) -> Session:
    return replace(session, turns=session.turns[:-1])


def _words(content: Any) -> str:
    """The text of a message as Gradio hands it back: a string, or a list of parts."""
    if isinstance(content, list):
        return " ".join(_words(part) for part in content)
    return str(content.get("text", "")) if isinstance(content, dict) else str(content)
