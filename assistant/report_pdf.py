"""The report as A4 pages: a page and a half for a test, more only where a conversation is added."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.sax import saxutils

import matplotlib
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, Image, KeepTogether, PageTemplate, Paragraph, Spacer, Table, TableStyle

from assistant.fhir_export import NOTICE
from assistant.report import RISKS
from assistant.report_contents import HEAD, QUALITY_STANDARD, Contents
from assistant.session import WHAT_A_RISK_IS

INK, SOFT, LINE, BAND, ACCENT, LOW = (HexColor(code) for code in ("#22282f", "#5b6672", "#cfd6dd", "#eef3f7", "#0072B2", "#B3261E"))
MARGIN = 16 * mm
WIDTH = A4[0] - 2 * MARGIN


@lru_cache(maxsize=1)
def _fonts() -> None:
    """DejaVu Sans, which comes with matplotlib: the pages look the same everywhere and hold names in many scripts."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name, file in (("Body", "DejaVuSans.ttf"), ("Body-Bold", "DejaVuSans-Bold.ttf"), ("Body-Italic", "DejaVuSans-Oblique.ttf")):
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))
    pdfmetrics.registerFontFamily("Body", normal="Body", bold="Body-Bold", italic="Body-Italic", boldItalic="Body-Bold")


def escape(text: str) -> str:
    """Words as a paragraph holds them; what is no character (half of a pair) becomes a question mark."""
    return saxutils.escape(text.encode("utf-8", "replace").decode())


def _style(name: str, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(name, **{"fontName": "Body", "fontSize": 8.2, "leading": 11.2, "textColor": INK, **more})


TEXT = _style("text")
SMALL = _style("small", fontSize=7, leading=9.4, textColor=SOFT)
BOLD = _style("bold", fontName="Body-Bold")
ITEM = _style("item", leftIndent=9, bulletIndent=1, spaceAfter=1)
CELL = _style("cell", fontSize=7.8, leading=9.8)
RIGHT = _style("right", fontSize=7.8, leading=9.8, alignment=TA_RIGHT)
HEADING = _style("heading", fontName="Body-Bold", fontSize=10, leading=13, textColor=ACCENT, spaceBefore=7, spaceAfter=3)
VERDICT = _style("verdict", fontName="Body-Bold", fontSize=11, leading=14)


def pdf(said: Contents, pictures: list[tuple[str, bytes]]) -> bytes:
    """The pages as bytes. ``pictures``: title and PNG of each plot."""
    _fonts()
    buffer = io.BytesIO()
    frame = Frame(MARGIN, 15 * mm, WIDTH, A4[1] - 15 * mm - 25 * mm, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    pages = BaseDocTemplate(buffer, pagesize=A4, title="Breathwise report", author="Breathwise", subject=NOTICE)
    pages.addPageTemplates(PageTemplate(frames=[frame], onPage=lambda canvas, _: _furniture(canvas, said)))
    pages.build(_story(said, pictures))
    return buffer.getvalue()


def _furniture(canvas: Canvas, said: Contents) -> None:
    """What stands on every page: the name, the date, the notice and the page's number."""
    top, bottom = A4[1] - 13 * mm, 9 * mm
    canvas.saveState()
    canvas.setFillColor(ACCENT)
    canvas.setFont("Body-Bold", 13)
    canvas.drawString(MARGIN, top, "Breathwise")
    canvas.setFillColor(SOFT)
    canvas.setFont("Body", 8)
    canvas.drawString(MARGIN + 92, top, "Spirometry report")
    canvas.drawRightString(A4[0] - MARGIN, top, f"written {said.date}")
    canvas.setFont("Body", 7.2)
    canvas.drawString(MARGIN, top - 11, NOTICE)
    canvas.setStrokeColor(ACCENT)
    canvas.setLineWidth(1.1)
    canvas.line(MARGIN, top - 17, A4[0] - MARGIN, top - 17)
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.5)
    canvas.line(MARGIN, bottom + 9, A4[0] - MARGIN, bottom + 9)
    canvas.drawString(MARGIN, bottom, NOTICE)
    canvas.drawRightString(A4[0] - MARGIN, bottom, f"page {canvas.getPageNumber()}")
    canvas.restoreState()


def _story(said: Contents, pictures: list[tuple[str, bytes]]) -> list[Any]:
    """The report from top to bottom."""
    story: list[Any] = [Spacer(0, 2), _card(said), Spacer(0, 6), _quality(said), Spacer(0, 5)]
    wide = ("z-scores", "Visits over time", RISKS)
    curves = [png for title, png in pictures if title not in wide]
    bars, trend, risks = ([png for title, png in pictures if title == name] for name in wide)
    if curves:
        story.append(Table([[_image(one, WIDTH / 2 - 4) for one in curves]], colWidths=[WIDTH / 2] * len(curves), style=_BARE))
    if said.rows:
        widths = [0.32, 0.15, 0.12, 0.17, 0.10, 0.14]
        story.append(
            KeepTogether([Paragraph("Values", HEADING), _table(HEAD, said.rows, widths, said.low), Spacer(0, 2), Paragraph(escape(said.reference), SMALL)])
        )
    if bars:
        story += [Spacer(0, 3), *(_image(one, WIDTH * 0.8) for one in bars)]
    if said.statements:
        sources = list(dict.fromkeys(source for _, source in said.statements if source))
        first, *others = [_item(text, sources.index(source) + 1 if source else 0) for text, source in said.statements]
        cited = [Paragraph(escape("Sources: " + "; ".join(f"[{n}] {source}" for n, source in enumerate(sources, 1))), SMALL)] if sources else []
        story += [KeepTogether([Paragraph("Interpretation", HEADING), first]), *others, *cited]
    if said.series:
        head, *tests = said.series
        table = _table(head, tuple(tests), [0.2] * len(head))
        story += [Paragraph("Tests over time", HEADING), *(_image(one, WIDTH * 0.62) for one in trend), table]
    if said.risks:
        head = ("Told by a doctor of", "Estimate", "90 % interval", "Same age and sex", "Logistic regression")
        note = Paragraph(WHAT_A_RISK_IS, SMALL)
        unread = Paragraph(escape(f"Not measured, so not read: {said.unread or 'nothing'}."), SMALL)
        story.append(KeepTogether([Paragraph("Risks", HEADING), *(_image(one, WIDTH * 0.72) for one in risks)]))
        story.append(KeepTogether([_table(head, said.risks, [0.28, 0.14, 0.22, 0.18, 0.18]), Spacer(0, 2), note, unread]))
        if said.rests_on:
            first, *others = map(_item, said.rests_on)
            story += [KeepTogether([Paragraph("What the risks rest on", HEADING), first]), *others]
    if said.record:
        story.append(KeepTogether([Paragraph("Record", HEADING), _pairs(said.record)]))
    if said.turns:
        story.append(Paragraph("Conversation", HEADING))
        for turn in said.turns:
            story += [Paragraph(escape(turn.question), BOLD), Paragraph(escape(turn.answer), TEXT)]
            story += [Paragraph(escape(f"[{one.n}] {one.title}. {one.source}. {one.url}"), SMALL) for one in turn.citations] + [Spacer(0, 4)]
    story.append(KeepTogether([Paragraph("Missing and assumed", HEADING), _item(f"Not known: {said.missing}")]))
    story += [_item(text[:1].upper() + text[1:]) for text in said.assumptions]
    versions = "; ".join(f"{name}: {text}" for name, text in said.versions)
    story.append(KeepTogether([Paragraph("Versions", HEADING), Paragraph(escape(versions), SMALL)]))
    return story


_BARE = TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0), ("ALIGN", (0, 0), (-1, -1), "CENTER"),
                    ("TOPPADDING", (0, 0), (-1, -1), 0), ("BOTTOMPADDING", (0, 0), (-1, -1), 0)])  # fmt: skip


def _card(said: Contents) -> Table:
    """Who it is about, in one band."""
    cells = [Paragraph(f"<font size=6.6 color='#5b6672'>{escape(label)}</font><br/>{escape(text)}", CELL) for label, text in said.card]
    rows = [[Paragraph(escape(said.title), _style("name", fontName="Body-Bold", fontSize=11, leading=14))] + [""] * (len(cells) - 1), cells]
    lengths = [max(len(label) * 0.85, len(text)) + 2.5 for label, text in said.card]
    table = Table(rows, colWidths=[WIDTH * length / sum(lengths) for length in lengths])
    table.setStyle(TableStyle([
        ("SPAN", (0, 0), (-1, 0)), ("BACKGROUND", (0, 0), (-1, -1), BAND), ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 5),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2), ("TOPPADDING", (0, 0), (-1, -1), 3), ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
    ]))  # fmt: skip
    return table


def _quality(said: Contents) -> Table:
    """The verdict on the test before anything it may mean."""
    cells: list[Any] = [Paragraph(f"<font color='#5b6672' size=8>Quality</font>&nbsp; {escape(said.quality)}", VERDICT), *map(_item, said.reasons)]
    if said.graded:
        cells.append(Paragraph(f"Judged by the {QUALITY_STANDARD}.", SMALL))
    table = Table([[cell] for cell in cells], colWidths=[WIDTH])
    table.setStyle(TableStyle([
        ("LINEBEFORE", (0, 0), (0, -1), 3, ACCENT), ("LEFTPADDING", (0, 0), (-1, -1), 8), ("TOPPADDING", (0, 0), (-1, -1), 0.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 0.5),
    ]))  # fmt: skip
    return table


def _table(head: tuple[str, ...], rows: tuple[tuple[str, ...], ...], shares: list[float], low: tuple[bool, ...] = ()) -> Table:
    """A ruled table; a low value is said in words and set in red."""

    def cell(text: str, column: int, mark: bool = False, strong: bool = False) -> Paragraph:
        words = escape(text)
        words = f"<b><font color='{LOW.hexval().replace('0x', '#')}'>{words}</font></b>" if mark else f"<b>{words}</b>" if strong else words
        return Paragraph(words, RIGHT if column else CELL)

    marks = [*low, *[False] * (len(rows) - len(low))]
    body = [[cell(text, at, mark and at == 1) for at, text in enumerate(row)] for row, mark in zip(rows, marks, strict=True)]
    table = Table([[cell(text, at, strong=True) for at, text in enumerate(head)], *body], colWidths=[WIDTH * share for share in shares], repeatRows=1)
    table.setStyle(TableStyle([
        ("LINEBELOW", (0, 0), (-1, 0), 0.9, INK), ("LINEBELOW", (0, 1), (-1, -1), 0.4, LINE), ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 2.4), ("LEFTPADDING", (0, 0), (-1, -1), 3), ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ]))  # fmt: skip
    return table


def _pairs(pairs: tuple[tuple[str, str], ...]) -> Table:
    """Label and value, two pairs a line; long ones have a line of their own."""
    short = [pair for pair in pairs if len(pair[1]) <= 34]
    long = [pair for pair in pairs if len(pair[1]) > 34]
    cells = [Paragraph(f"<font color='#5b6672'>{escape(label)}:</font> {escape(text)}", CELL) for label, text in (*short, *long)]
    rows: list[list[Any]] = [[cells[at], cells[at + 1] if at + 1 < len(short) else ""] for at in range(0, len(short), 2)]
    spans = [("SPAN", (0, at), (1, at)) for at in range(len(rows), len(rows) + len(long))]
    rows += [[cell, ""] for cell in cells[len(short) :]]
    return Table(rows, colWidths=[WIDTH / 2] * 2, style=TableStyle([
        *spans, ("LEFTPADDING", (0, 0), (-1, -1), 3), ("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]))  # fmt: skip


def _item(text: str, source: int = 0) -> Paragraph:
    beside = f" <font size=6.6 color='#5b6672'>[{source}]</font>" if source else ""
    return Paragraph(f"{escape(text)}{beside}", ITEM, bulletText="\u2022")


def _image(png: bytes, width: float) -> Image:
    across, down = ImageReader(io.BytesIO(png)).getSize()
    return Image(io.BytesIO(png), width=width, height=width * down / across)
