"""One turn, from message to checked answer. The only orchestration; it holds nothing of a patient."""

from __future__ import annotations

import importlib.metadata
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from assistant import guardrails, intake, saved_session, spoken_reasons
from assistant.answer import NO_ANSWER, Draft, Judge, checked, speak
from assistant.engine import Engine, Memory
from assistant.intents import UNKNOWN
from assistant.language_model import BreathwiseChatModel, banned_tokens
from assistant.left_out import left_out
from assistant.numerals import words_with_digits
from assistant.of_this_person import of_this_person
from assistant.prompt import Window, prompt
from assistant.question import understand
from assistant.reading_level import PLAIN_GRADE, reading_grade
from assistant.recall import said_before
from assistant.retrieval import GuidelineLibrary
from assistant.risk import Risk
from assistant.ruled import by_rule
from assistant.second_reading import besides
from assistant.session import Citation, RiskEstimate, Seen, Session, Timings, Turn, Written, begin
from assistant.settings import Settings, read_settings
from assistant.several import parts, together
from assistant.typed_values import stated_otherwise
from assistant.understood import Question, asking_of
from assistant.whom import Whom, said_of, whom
from encoders.batch import CURVE_MARK, RECORD_MARK, Person
from encoders.cases import chosen_curve, read_for_risk, risk_fact
from encoders.conversation import risk_messages
from encoders.model_folder import fingerprint, load_language_model
from encoders.multimodal import MultimodalLM, choose_device
from encoders.passages import Passage
from encoders.record import Patient, write_out
from encoders.spirogram.results import Spirometry
from encoders.tabular import table_of
from encoders.teacher import Case
from encoders.teacher.numbers import WHICH
from encoders.teacher.sayable import sentences
from encoders.teacher.themes import THEMES
from encoders.teacher.view import View

if TYPE_CHECKING:
    import torch

LONGEST_QUESTION = 2000  # characters
PLOTS = {"show_flow_volume": "flow_volume", "overlaid": "flow_volume", "show_volume_time": "volume_time"}
EMBEDDED_MODEL = Path(__file__).resolve().parent.parent / "assets" / "models" / "breathwise-mini"
STOPPED = "Stopped before a sentence was whole."
LENT_GPU = "SPACES_ZERO_GPU"  # set on a Space whose GPU is lent by the call
OF_GUIDANCE = ("my_vaccines", "flare_signs", "pet")  # answers of code that are asked of the library
OF_A_VALUE = ("my_numbers", "judged_value", "own_value_good", "lowered_value", "why_value")  # answers on a value of the record
_CITED = re.compile(r"\[(\d+)\]")


class Assistant:
    """The three doors' one core: the page, the command line and scripts call ``open`` and ``ask``."""

    def __init__(
        self, engine: Engine, library: GuidelineLibrary, settings: Settings, *, reader: MultimodalLM, risk: Risk | None, name: str, weights: Path | None
    ) -> None:  # fmt: skip
        """``reader`` is the embedded model: it reads curves for risk also when another one holds the conversation. ``weights``: the folder of the
        one that does; None where it came from the Hub."""
        self.engine, self.library, self.settings = engine, library, settings
        self.reader, self.risk, self.name, self.weights = reader, risk, name, weights
        self.chat = BreathwiseChatModel(engine=engine)
        self.window = Window(3, 2300) if engine.model.names_facts else Window(4, 6000)

    @classmethod
    def load(cls, settings: Settings | None = None) -> Assistant:
        """Read the models and the library; nothing is downloaded unless another base model is named."""
        settings = settings or read_settings()
        device, dtype = choose_device(settings.device, settings.precision)
        lent = bool(os.environ.get(LENT_GPU)) and device != "cpu"  # risks are read outside of the calls for which the GPU is lent
        reader = MultimodalLM.load(EMBEDDED_MODEL) if lent else MultimodalLM.load(EMBEDDED_MODEL, device=device, dtype=dtype)
        model, name = reader, EMBEDDED_MODEL.name
        weights: Path | None = EMBEDDED_MODEL
        if lent and not settings.base_model:
            model = MultimodalLM.load(EMBEDDED_MODEL, device=device, dtype=dtype)
        if settings.base_model:
            chosen = Path(settings.base_model)
            weights = chosen if chosen.is_dir() else None
            name = chosen.name if weights else settings.base_model  # the way to a folder is nobody's business
            if (chosen / "breathwise.json").is_file():
                model = MultimodalLM.load(chosen, device=device, dtype=dtype)
            else:
                lm, tokenizer = load_language_model(settings.base_model, dtype=dtype)
                model = MultimodalLM(lm, tokenizer, reads=False).to(device).eval()
        risk = Risk.load(EMBEDDED_MODEL) if (EMBEDDED_MODEL / "risk.json").is_file() else None
        return cls(Engine(model), GuidelineLibrary.load(settings), settings, reader=reader, risk=risk, name=name, weights=weights)

    def describe(self) -> dict[str, str]:
        """What runs where, for the page and the exports."""
        dtype: torch.dtype = self.engine.model.dtype
        reads = "the curve is read as soft tokens" if self.engine.model.reads else (
            "no adapter for this model: the conversation rests on the text facts; risks come from the embedded model"
        )  # fmt: skip
        return {
            "model": self.name, "device": str(self.engine.model.device), "precision": str(dtype).removeprefix("torch."), "note": reads,
        }  # fmt: skip

    # one upload -----------------------------------------------------------------------------------------------------
    def open(self, paths: Sequence[Path | str]) -> Session:
        """Files that describe one person, or a JSON report of Breathwise's own -> a session. Raises a ValueError with one plain sentence."""
        saved = saved_session.find([Path(path) for path in paths])
        if saved is not None:
            return replace(self.begin(saved.patient), turns=saved.turns)
        return self.begin(intake.read([Path(path) for path in paths]))

    def begin(self, patient: Patient) -> Session:
        """Measure, compare, interpret, estimate: once per patient."""
        session = begin(patient)
        risks = self.risks(patient, session.spirometry)
        labels = {estimate.trait: estimate for estimate in risks}
        risk_facts = tuple(risk_fact(name, one.label, one.probability, one.population) for name, one in labels.items())
        return replace(session, facts=(*session.facts, *risk_facts), risks=risks)

    def risks(self, patient: Patient, spirometry: Spirometry | None) -> tuple[RiskEstimate, ...]:
        """Calibrated estimates for every trait in one batched pass; empty for children and where nothing was trained."""
        if self.risk is None:
            return ()
        system, questions = risk_messages()
        log_odds = self.reader.score([read_for_risk(patient, spirometry)], questions, system)[0]
        return self.risk.estimate(log_odds, patient, spirometry)

    # one question ---------------------------------------------------------------------------------------------------
    def ask(self, session: Session, question: str, *, stop: threading.Event | None = None, temperature: float = 0.0, seed: int = 0) -> Iterator[Turn]:
        """Stream a turn: its answer grows by sentences that passed, the last one is ``done``. Then ``session = session.add(turn)``.

        A message that asks several things is answered in order, each from its own look-up; a red flag in it goes before all.
        """
        started = time.perf_counter()
        whole = guardrails.clean(question).strip()
        question = whole[:LONGEST_QUESTION]
        fixed = by_rule(session, whole) if len(whole) > len(question) else None  # a red flag may stand at the end of a long message
        if fixed is not None:
            yield replace(fixed, question=question, done=True, timings=Timings(total_s=time.perf_counter() - started))
            return
        library = self._library(session)
        several = parts(question, library) if question and guardrails.triage(question, session.patient) is None else (question,)
        done: tuple[Turn, ...] = ()
        for part in several:
            for turn in self._answer(session, library, part, started, stop, temperature, seed):
                if len(several) == 1:
                    yield replace(turn, question=question)
                elif not turn.done:
                    yield together(question, (*done, turn))
            session, done = session.add(turn), (*done, turn)
            library = self._library(session)
            if stop is not None and stop.is_set():
                break
        if len(several) > 1:
            yield replace(together(question, done), done=True)

    def _library(self, session: Session) -> GuidelineLibrary:
        """The library for the next question, which it reads as what follows the last two."""
        last = session.told[-1] if session.told else None
        of_library = last is not None and (
            last.seen.intent in (UNKNOWN, *OF_GUIDANCE) or last.seen.intent in THEMES
        )  # what code cites beside the record, nobody may have asked for
        spoken = [one.id for one in last.citations] if last is not None and of_library else []
        of_value = last.question if last is not None and last.seen.intent in OF_A_VALUE else ""
        return self.library.asked(" ".join(turn.question for turn in session.told[-2:]), spoken, of_value)

    def _answer(
        self, session: Session, library: GuidelineLibrary, question: str, started: float, stop: threading.Event | None, temperature: float, seed: int
    ) -> Iterator[Turn]:
        """A turn for one question: by rule, from what was said before, by code, or by the model."""
        alone = self.library.asked() if session.told else library  # the question by itself
        fixed = by_rule(session, question, library.spelt(question), alone.intent(question)) or said_before(session.told, question, alone.intent)
        if fixed is not None:
            yield replace(fixed, done=True, timings=Timings(total_s=time.perf_counter() - started))
            return
        understood = understand(session, library, question, self.window.passages)
        if library is not alone and understood.intent == "unknown" and not (understood.said or understood.passages):
            understood = understand(session, alone, question, self.window.passages)  # by itself it may have an answer
        person_asked = whom(question, session.told, session.patient)
        person = read_person(session.patient, session.spirometry) if self.engine.model.reads else None
        put = prompt(session, self.engine.model, self.window, person, understood.text, understood.passages, understood.intent)
        memory = session.memory if session.memory is not None else Memory()
        object.__setattr__(session, "memory", memory)  # the kept prefix travels with the session, not with us
        seen = Seen(
            prompt=str(put.messages[-1].content), system=str(put.messages[0].content).replace(CURVE_MARK, "(curve: soft tokens)").replace(RECORD_MARK, "(record: soft tokens)"), turns_in_full=put.in_full, turns_in_short=put.in_short,
            intent=understood.intent, about=understood.about, passages=tuple((p.id, s) for p, s in zip(understood.passages, understood.scores, strict=True)),
            facts=tuple(f"{fact.label}: {fact.text}" for fact in session.facts), model=self.name, cached_tokens=len(memory.ids), versions=self.versions,
        )  # fmt: skip
        turn = Turn(question, plot=PLOTS.get(understood.intent), soft_tokens=self._soft_count(person), seen=seen)
        first, shown, written, count = 0.0, 0.0, 0.0, 0

        def write(begun: str, temperature: float, seed: int) -> Iterator[str]:
            nonlocal first, written, count
            for chunk in self.chat.stream(
                list(put.messages), person=person, memory=memory, allowed=self._allowed(session, understood.passages), begun=begun,
                banned=banned_tokens(self.engine.model, [fact.name for fact in session.facts]), max_new_tokens=self.settings.max_new_tokens,
                temperature=temperature, seed=seed, stop_event=stop,
            ):  # fmt: skip
                if chunk.content:  # LangChain closes a stream with an empty chunk
                    first = first or time.perf_counter() - started
                    written = time.perf_counter() - started
                    count += 1
                    yield str(chunk.content)

        judge = Judge(Case(session.patient, session.spirometry, session.facts), understood.asked, understood.fitting)
        removed: tuple[str, ...] = ()
        reasoned = self.risk is not None and spoken_reasons.asked_trait_of(session, understood.text, understood.intent) != ""
        if understood.said:
            draft = Draft([Written(one, "code") for one in sentences(understood.said)])
        elif reasoned:  # the estimate's own reasons, which code reads from the model's scores, are the answer
            draft = Draft([Written(one, "code") for one in judge.rest(())])
        elif self.engine.model.names_facts:
            draft = Draft()
            for draft in speak(write, judge, stop, temperature, seed):
                shown = shown or time.perf_counter() - started
                turn = replace(turn, answer=said_of(write_out(draft.text, session.facts), person_asked))
                yield turn
        else:
            draft = Draft()
            for piece in write("", temperature, seed):
                shown = shown or time.perf_counter() - started
                draft.raw += piece
                turn = replace(turn, answer=draft.raw.strip())
                yield turn
            whole, removed = checked(write_out(draft.raw, session.facts).strip(), session.facts, understood.passages)
            draft.said = [Written(whole, "model")] if whole else []
        halted = stop is not None and stop.is_set()
        if not halted:
            view = View(Case(session.patient, session.spirometry, session.facts))
            more = left_out(view, library.spelt(question), understood.intent, draft.text)
            draft.said = [] if more and draft.text in (NO_ANSWER, WHICH) else draft.said
            draft.said += [Written(one, "record" if draft.said else "code") for one in sentences(more)]
            if understood.intent == UNKNOWN and not more:
                spoken = [understood.passages[int(n) - 1].id for n in _CITED.findall(draft.text)]
                own = of_this_person(view, library.spelt(question), spoken, draft.text, " ".join(one.seen.said for one in session.told[-3:]))
                draft.said += [Written(one, "record") for one in sentences(own)]
            otherwise = stated_otherwise(view, library.spelt(question), draft.text)
            draft.said += [Written(otherwise, "record")] if otherwise else []
            if not reasoned:
                understood = self._besides(library, session, question, understood, draft)
                turn = replace(turn, seen=replace(turn.seen, passages=tuple((p.id, s) for p, s in zip(understood.passages, understood.scores, strict=True))))
        done = self._finished(turn, session, understood, draft, removed, person_asked, halted=halted)
        total = time.perf_counter() - started
        yield replace(done, timings=Timings(first, shown or total, written or total, total, count))

    @staticmethod
    def _besides(library: GuidelineLibrary, session: Session, question: str, understood: Question, draft: Draft) -> Question:
        """A question that may have been meant otherwise: the draft gains the answer to its other reading, the question the passages that this cites."""
        found = besides(
            asking_of(session, library, library.spelt(question)), library, question, understood.intent, draft.text if draft.text != NO_ANSWER else ""
        )
        if found is None:
            return understood
        passages = tuple(dict.fromkeys([*understood.passages, *found.passages]))
        text = _CITED.sub(lambda one: f"[{passages.index(found.passages[int(one[1]) - 1]) + 1}]", found.text)
        if draft.text == NO_ANSWER or understood.intent == "unclear":  # then this is the answer
            draft.said = []
        draft.said += [Written(one, "record" if draft.said else "code") for one in sentences(text)]
        return replace(
            understood,
            passages=passages,
            figures=(*understood.figures, *found.figures),
            scores=(*understood.scores, *(0.0 for _ in passages[len(understood.passages) :])),
        )

    def _finished(self, turn: Turn, session: Session, understood: Question, draft: Draft, removed: tuple[str, ...], of: Whom, *, halted: bool) -> Turn:
        """The turn with its last checks, citations and whose each sentence is."""
        answer = write_out(draft.text, session.facts).strip()
        passages, written = understood.passages, [Written(write_out(one.text, session.facts), one.by) for one in draft.said]
        if not halted:
            answer, turn = spoken_reasons.add(self, session, turn, understood.intent, answer, meant=understood.text)
            hands = {one.text: one.by for one in written}
            written = [Written(one, hands.get(one, "code")) for one in sentences(answer)] if turn.mark_l or turn.reasons else written
        checks = guardrails.check(answer, (*session.facts, *understood.figures, *(spoken_reasons.figures(session) if turn.reasons else ())), passages)
        answer, written = said_of(answer, of), [Written(said_of(one.text, of), one.by) for one in written]
        cited = tuple(Citation(n, p.id, p.title, p.section, p.source, p.url, p.text) for n, p in enumerate(passages, 1) if str(n) in _CITED.findall(answer))
        own = any(fact.token in draft.text for fact in session.facts) or turn.mark_l is not None or not self.engine.model.names_facts
        grade = reading_grade(answer) if understood.intent == "plain_words" else None
        notes = (
            *checks.notes,
            *removed,
            *dict.fromkeys(draft.notes),
            *((f"reads at grade {grade}, above {PLAIN_GRADE:g}",) if (grade or 0) > PLAIN_GRADE else ()),
        )
        return replace(
            turn, answer=answer or STOPPED, citations=cited, evidence="library" if cited else "record" if own and answer else "none",
            checks=replace(
                checks, notes=notes, written_by=draft.written_by, reading_grade=grade,
                sentences=tuple(written),
            ),
            seen=replace(turn.seen, raw=" ".join(draft.raw.split()), said=draft.text), done=True,
        )  # fmt: skip

    @staticmethod
    def _allowed(session: Session, passages: Sequence[Passage]) -> frozenset[str]:
        """The words with digits that an answer may hold: of the facts, the passages, and the passages' numbers."""
        numerals = guardrails.allowed_numerals(session.facts, passages)
        texts = [*(fact.text for fact in session.facts), *(p.title + " " + p.text for p in passages), *numerals]
        return words_with_digits(texts) | frozenset(f"[{n}]" for n in range(1, len(passages) + 1))

    @property
    def versions(self) -> tuple[tuple[str, str], ...]:
        """What answers: software, weights, library."""
        try:
            own = importlib.metadata.version("breathwise")
        except importlib.metadata.PackageNotFoundError:
            own = "source checkout"
        runs = self.describe()
        return (
            ("Breathwise", own), ("model", self.name), ("device", f"{runs['device']}, {runs['precision']}"),
            ("passages", f"{len(self.library.passages)} in the library"), ("reference values", f"pyspiro {importlib.metadata.version('pyspiro')}"),
            *((("weights", fingerprint(self.weights)),) if self.weights is not None else ()),
            *((name, importlib.metadata.version(name)) for name in ("torch", "transformers", "langchain-core")),
        )  # fmt: skip

    def _soft_count(self, person: Person | None) -> int:
        if person is None:
            return 0
        config = self.engine.model.config
        return config.table.tokens + (config.curve.tokens if person.curve is not None else 0)


def read_person(patient: Patient, spirometry: Spirometry | None) -> Person:
    """What the encoders read about a patient."""
    return Person(table_of(patient, spirometry), chosen_curve(spirometry))
