"""The risks on the page: a picture, and what the chosen one rests on, reckoned when it is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr
from matplotlib.figure import Figure

from assistant import risk_picture
from assistant.reasons import explain
from assistant.session import WHAT_A_RISK_IS, Contribution, RiskEstimate, Session, Turn
from assistant.spoken_reasons import reasons_in_words, score
from encoders.spirogram import plot
from encoders.spirogram.results import Spirometry

CHOOSE = "Choose a risk to see what it rests on: every value and every stretch of the curve is taken away in turn."
RECKONING = "Taking away one value and one stretch of the curve after another..."


@dataclass(frozen=True)
class RiskPanel:
    """``table`` is filled with ``table_of_risks`` by whoever opens a patient; everything else follows it."""

    picture: Any
    table: Any
    trait: Any
    said: Any
    fields: Any
    loop: Any
    words: Any


def place() -> RiskPanel:
    """Put the panel where the page stands now."""
    picture = gr.Plot(show_label=False, visible=False, elem_id="risk-bars")
    table = gr.HTML("")
    trait = gr.Radio([], label="What it rests on", visible=False, elem_id="trait")
    said = gr.Markdown("", elem_id="reckoning")
    with gr.Row():
        fields = gr.Plot(show_label=False, visible=False, min_width=520, elem_id="fields")
        loop = gr.Plot(show_label=False, visible=False, min_width=520, elem_id="stretches")
    return RiskPanel(picture, table, trait, said, fields, loop, gr.HTML(""))


def wire(panel: RiskPanel, assistant: Any, desk: Any, dark: Any, changed: list[Any]) -> None:
    """Draw when one of ``changed`` says that another patient is on the page; explain when a risk is chosen."""

    def draw(desk: Any, dark: bool) -> tuple[Any, ...]:
        session = desk.session if desk is not None else None
        if session is None or not session.risks:
            return gr.update(value=None, visible=False), gr.update(choices=[], value=None, visible=False), "", *_nothing()
        choices = [(one.label[:1].upper() + one.label[1:], one.trait) for one in session.risks]
        picture = risk_picture.risk_bars(session.risks, dark=bool(dark))
        return gr.update(value=picture, visible=True), gr.update(choices=choices, value=None, visible=True), CHOOSE, *_nothing()

    def choose(trait: str | None, desk: Any, dark: bool) -> Iterator[tuple[Any, ...]]:
        session = desk.session if desk is not None else None
        if session is None or trait is None or trait not in {one.trait for one in session.risks}:
            yield CHOOSE, *_nothing()
            return
        if trait not in session.explained:
            yield RECKONING, gr.skip(), gr.skip(), gr.skip()
        found = explain(assistant, session, trait)
        yield "", *_explained(session, trait, found, bool(dark))

    quiet = {"show_progress": "hidden", "api_name": False}
    below = [panel.said, panel.fields, panel.loop, panel.words]
    chosen = panel.trait.input(choose, [panel.trait, desk, dark], below, concurrency_id="open", concurrency_limit=2, **quiet)
    gr.on(changed, draw, [desk, dark], [panel.picture, panel.trait, *below], cancels=[chosen], queue=False, **quiet)


def _nothing() -> tuple[Any, ...]:
    return gr.update(value=None, visible=False), gr.update(value=None, visible=False), ""


def _explained(session: Session, trait: str, found: tuple[Contribution, ...], dark: bool) -> tuple[Any, ...]:
    label = next(one.label for one in session.risks if one.trait == trait)
    fields = risk_picture.field_bars(found, label, dark=dark)
    loop = risk_picture.stretch_loop(session.spirometry, found, label, dark=dark) if session.spirometry is not None else None
    return gr.update(value=fields, visible=True), gr.update(value=loop, visible=loop is not None), reasons_text(session, trait, found)


def reasons_text(session: Session, trait: str, found: tuple[Contribution, ...]) -> str:
    """The score, the reasons in words, and every contribution as a table."""
    rows = "".join(
        f"<tr><td>{escape(one.label)}</td><td>{'raises' if one.log_odds > 0 else 'lowers'}</td><td>&times;{math.exp(one.log_odds):.2f}</td></tr>"
        for one in found
    )
    return (
        f"<div class='bw-card'><p>{escape(score(session, trait))} {escape(reasons_in_words(session.facts, found, marked=False))}</p>"
        "<details><summary>Every part as a table</summary><div class='scroll' tabindex='0' role='region' aria-label='table'><table>"
        f"<tr><th>taken away</th><th>it</th><th>times the odds</th></tr>{rows}</table></div></details>"
        "<p><small>The odds with everything over the odds without the one thing. Values that tell the same share what they add.</small></p></div>"
    )


def table_of_risks(risks: tuple[RiskEstimate, ...]) -> str:
    """The picture's figures as a table, and which inputs were missing."""
    if not risks:
        return "<div class='bw-card'><p>No risks are estimated: they need an adult's age and sex.</p></div>"
    body = "".join(
        f"<tr><td>{escape(one.label)}</td><td>{risk_picture.percent(one.probability)}</td><td>{100 * one.low:.1f} to {100 * one.high:.1f} %</td>"
        f"<td>{_percent(one.population)}</td><td>{_percent(one.classical)}</td></tr>"
        for one in risks
    )
    head = "<tr><th>told by a doctor of</th><th>estimate</th><th>90 % interval</th><th>same age and sex</th><th>logistic regression</th></tr>"
    absent = ", ".join(risks[0].missing)
    return (
        f"<div class='bw-card'><details><summary>The same as a table</summary><div class='scroll' tabindex='0' role='region' aria-label='table'><table>{head}{body}</table></div>"
        f"</details><p><small>Not measured, so not read: {escape(absent or 'nothing')}. {WHAT_A_RISK_IS}</small></p></div>"
    )


def _percent(share: float | None) -> str:
    return "" if share is None else risk_picture.percent(share)


def drawn_for(turn: Turn, test: Spirometry, *, dark: bool = False) -> Figure:
    """The plot that belongs to a turn, the stretch that it speaks of marked."""
    return plot.volume_time(test, dark=dark) if turn.plot == "volume_time" else plot.flow_volume(test, dark=dark, mark=turn.mark_l)
