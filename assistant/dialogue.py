"""One turn, from message to checked answer. The only orchestration; it holds nothing of a patient."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from assistant import guardrails, intake, saved_session
from assistant.engine import Engine, Memory, words_with_digits
from assistant.language_model import BreathwiseChatModel, banned_tokens
from assistant.retrieval import GuidelineLibrary
from assistant.risk import Risk
from assistant.session import Checks, Citation, RiskEstimate, Seen, Session, Timings, Turn, begin, examine
from assistant.settings import Settings
from encoders.batch import Person
from encoders.cases import chosen_curve, risk_fact
from encoders.conversation import risk_messages, system_message, user_message
from encoders.multimodal import MultimodalLM, choose_device, load_language_model
from encoders.passages import Passage
from encoders.record import FACT_NAMES, Fact, Patient, write_out
from encoders.spirogram.results import Spirometry
from encoders.tabular import table_of
from encoders.teacher import Case
from encoders.teacher.guidance import fits
from encoders.teacher.sayable import Asked, begins_as, compose, quote, sentences, unsupported
from encoders.teacher.themes import THEMES

if TYPE_CHECKING:
    import torch

LONGEST_QUESTION = 2000  # characters
DECLINED = ("dose", "off_topic")  # said only where it is sure: rules decline the clear ones before
_WHY = re.compile(r"^(?:and |but |so )?why\b", re.IGNORECASE)
_ABSENT = re.compile(
    r"\b(?:my|the|your|patient'?s)\b.{0,20}?\b(fev6|fev3|fev0\.5|fev0\.75|fivc|pif|dlco|tlco|kco|tlc|frc|residual volume|feno|mvv|vo2 ?max|bnp|crp|egfr|psa|tsh|ldl)\b",
    re.IGNORECASE,
)
FOLLOW_UPS = ("is_it_bad", "why", "shorter", "plain_words")
PLOTS = {"show_flow_volume": "flow_volume", "show_volume_time": "volume_time"}
EMBEDDED_MODEL = Path(__file__).resolve().parent.parent / "assets" / "models" / "breathwise-mini"
_CITED = re.compile(r"\[(\d+)\]")
__all__ = ["Assistant", "Window", "checked", "examine", "read_person"]


@dataclass(frozen=True)
class Window:
    """How much a language model is given: passages a turn, and positions before the oldest turns are let go."""

    passages: int
    positions: int


class Assistant:
    """The three doors' one core: the page, the command line and scripts call ``open`` and ``ask``."""

    def __init__(self, engine: Engine, library: GuidelineLibrary, settings: Settings, *, reader: MultimodalLM, risk: Risk | None, name: str) -> None:
        """``reader`` is the embedded model: it reads curves for risk also when another one holds the conversation."""
        self.engine, self.library, self.settings = engine, library, settings
        self.reader, self.risk, self.name = reader, risk, name
        self.chat = BreathwiseChatModel(engine=engine)
        self.window = Window(3, 2300) if engine.model.names_facts else Window(4, 6000)

    @classmethod
    def load(cls, settings: Settings | None = None) -> Assistant:
        """Read the models and the library; nothing is downloaded unless another base model is named."""
        settings = settings or Settings()
        device, dtype = choose_device(settings.device, settings.precision)
        reader = MultimodalLM.load(EMBEDDED_MODEL, device=device, dtype=dtype)
        model, name = reader, EMBEDDED_MODEL.name
        if settings.base_model:
            name = settings.base_model
            if (Path(name) / "breathwise.json").is_file():
                model = MultimodalLM.load(Path(name), device=device, dtype=dtype)
            else:
                lm, tokenizer = load_language_model(name, dtype=dtype)
                model = MultimodalLM(lm, tokenizer, reads=False).to(device).eval()
        risk = Risk.load(EMBEDDED_MODEL) if (EMBEDDED_MODEL / "risk.json").is_file() else None
        return cls(Engine(model), GuidelineLibrary.load(settings), settings, reader=reader, risk=risk, name=name)

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
        log_odds = self.reader.score([read_person(patient, spirometry)], questions, system)[0]
        return self.risk.estimate(log_odds, patient, spirometry)

    # one question ---------------------------------------------------------------------------------------------------
    def ask(self, session: Session, question: str, *, stop: threading.Event | None = None, temperature: float = 0.0, seed: int = 0) -> Iterator[Turn]:
        """Stream a turn: its answer grows, the last one is ``done``. Then ``session = session.add(turn)``."""
        started = time.perf_counter()
        question = guardrails.clean(question).strip()
        fixed = self._without_model(session, question)  # a red flag may stand at the end of a long message
        question = question[:LONGEST_QUESTION]
        if fixed is not None:
            yield replace(fixed, question=question, done=True, timings=Timings(total_s=time.perf_counter() - started))
            return

        intent, passages, scores = self._look_up(session, question)
        person = read_person(session.patient, session.spirometry) if self.engine.model.reads else None
        messages = self._messages(session, person, question, passages, intent)
        memory = session.memory if session.memory is not None else Memory()
        object.__setattr__(session, "memory", memory)  # the kept prefix travels with the session, not with us
        allowed = words_with_digits(
            [*(fact.text for fact in session.facts), *(p.title + " " + p.text for p in passages), *guardrails.allowed_numerals(session.facts, passages)]
        ) | frozenset(f"[{n}]" for n in range(1, len(passages) + 1))  # fmt: skip
        turn = Turn(question, plot=PLOTS.get(intent), soft_tokens=self._soft_count(person))
        kept, first, raw, count = len(memory.ids), 0.0, "", 0

        def stream(temperature: float, seed: int) -> Iterator[str]:
            for chunk in self.chat.stream(
                messages, person=person, memory=memory, allowed=allowed, banned=banned_tokens(self.engine.model, [fact.name for fact in session.facts]),
                max_new_tokens=self.settings.max_new_tokens, temperature=temperature, seed=seed, stop_event=stop,
            ):  # fmt: skip
                if chunk.content:  # LangChain closes a stream with an empty chunk
                    yield str(chunk.content)

        for piece in stream(temperature, seed):
            first = first or time.perf_counter() - started
            count += 1
            raw += piece
            turn = replace(turn, answer=write_out(raw, session.facts).strip())
            yield turn
        written = time.perf_counter() - started
        said, written_by, notes = raw, "model", []
        asked = self._asked(session, question, intent, passages)
        case = Case(session.patient, session.spirometry, session.facts)
        if self.engine.model.names_facts and stop is not None and stop.is_set():  # what was written stays, but nothing that is not supported
            wrong = unsupported(raw, case, asked)
            said = " ".join(one for one in sentences(raw) if one not in wrong or one[-1] not in ".!?")
        elif self.engine.model.names_facts:
            for written_by in ("model", "model, second try", "code"):
                said = said if written_by == "model" else "".join(stream(0.7, seed + 1)) if written_by != "code" else composed(case, asked)
                wrong = unsupported(said, case, asked)
                lost = intent == "unknown" and written_by != "code" and not _CITED.search(said)  # true, but an answer to what?
                if not wrong and not lost and begins_as(said, case, asked):
                    break
                notes += [f"not given by the facts or a cited passage: {write_out(sentence, session.facts)!r}" for sentence in wrong]
        answer, removed = checked(write_out(said, session.facts).strip(), session.facts, passages)
        checks = guardrails.check(answer, session.facts, passages)
        cited = tuple(Citation(n, p.id, p.title, p.section, p.source, p.url, p.text) for n, p in enumerate(passages, 1) if str(n) in _CITED.findall(answer))
        own = any(fact.token in said for fact in session.facts) or not self.engine.model.names_facts
        yield replace(
            turn,
            answer=answer,
            citations=cited,
            checks=replace(checks, notes=(*checks.notes, *removed, *dict.fromkeys(notes)), written_by=written_by),
            evidence="library" if cited else "record" if own else "none",
            timings=Timings(first, written, time.perf_counter() - started, count),
            seen=Seen(
                str(messages[-1].content), raw, said, intent, tuple((p.id, s) for p, s in zip(passages, scores, strict=True)),
                tuple(f"{fact.label}: {fact.text}" for fact in session.facts), self.name, kept,
            ),
            done=True,
        )  # fmt: skip

    def _asked(self, session: Session, question: str, intent: str, passages: Sequence[Passage]) -> tuple[Asked, ...]:
        """The turns so far and this one, as they were understood."""
        before = tuple(
            Asked(turn.seen.intent, turn.question, tuple(self.library.passages[name] for name, _ in turn.seen.passages if name in self.library.passages))
            for turn in session.turns
            if turn.seen.raw
        )
        if intent == "why" and len(question.split()) > 3:  # it names what it is about: the result, not the turn before
            before = ()
        return (*before, Asked(intent, question, tuple(passages)))

    def _without_model(self, session: Session, question: str) -> Turn | None:
        """What is answered by rule: nothing asked, a red flag, something declined."""
        if not question:
            return Turn(question, "Please type a question, for example: explain my result.")
        triage = guardrails.triage(question, session.patient)
        if triage is not None:
            return Turn(question, triage.text, triage=triage)
        refusal = guardrails.scope(question)
        if refusal is not None:
            return Turn(question, refusal.text, seen=Seen(intent=refusal.kind))
        absent = _ABSENT.search(question)
        if absent is not None:
            name = absent[1].upper() if len(absent[1]) < 7 else absent[1].lower()
            return Turn(question, f"I hold no {name} for this patient. {SPOKEN_OF}")
        return None

    def _look_up(self, session: Session, question: str) -> tuple[str, tuple[Passage, ...], tuple[float, ...]]:
        """What the question is about, and the passages that may answer it; a follow-up is read with the turn before."""
        intent, sure = self.library.intent(question)
        if sure < (0.65 if intent in DECLINED else 0.45):
            intent = "unknown"
        if guardrails.asks_diagnosis(question):
            intent, sure = "do_i_have_asthma", 1.0
        if _WHY.match(question) and sure < 0.95 and intent not in ("why_risk", "unknown"):
            intent = "why"
        before = next((turn for turn in reversed(session.turns) if turn.seen.raw), None)
        if before is not None and sure < 0.9 and intent not in FOLLOW_UPS and len(question.split()) <= 3 and before.seen.intent in THEMES:
            intent, question = before.seen.intent, f"{before.question} {question}"  # "how often?"
        if intent in FOLLOW_UPS and before is not None:
            again = [(self.library.passages[name], score) for name, score in before.seen.passages if name in self.library.passages]
            return intent, tuple(passage for passage, _ in again), tuple(score for _, score in again)
        leans = before.question if before is not None and sure < 0.9 else None  # one that is worded as a question by itself needs none before it
        found = self.library.search(question, k=self.window.passages, before=leans)
        hits = found.results if found.enough else ()
        theme = THEMES.get(intent)
        if theme is not None and not any(fits(hit.passage, intent) for hit in hits):
            named = self.library.search(f"{theme.name}: {question}", k=self.window.passages)
            fitting = [hit for hit in named.results if fits(hit.passage, intent)] if named.enough else []
            if fitting:
                hits = tuple([*fitting, *hits][: self.window.passages])
            elif hits:
                intent = "unknown"  # the passages speak of something else than what it was taken to be about
        return intent, tuple(hit.passage for hit in hits), tuple(hit.score for hit in hits)

    def _messages(self, session: Session, person: Person | None, question: str, passages: Sequence[Passage], intent: str) -> list[BaseMessage]:
        """The prompt: what is known, the turns before as they were put (the oldest go when the window is full), the question."""
        model = self.engine.model
        known = {fact.name for fact in session.facts}
        missing = tuple(name for name in FACT_NAMES if name not in known and not name.startswith("risk_"))
        head = system_message(
            session.facts, missing, curve=person is not None and person.curve is not None, by_token=model.names_facts, record=model.reads
        )  # fmt: skip
        now = user_message(question, passages, intent, session.facts, by_token=model.names_facts)
        past = [turn for turn in session.turns if turn.seen.raw]
        while True:
            messages: list[BaseMessage] = [SystemMessage(head["content"])]
            for turn in past:
                messages += [HumanMessage(turn.seen.prompt), AIMessage(turn.seen.said)]
            messages.append(HumanMessage(now["content"]))
            if not past or self._length(messages) <= self.window.positions:
                return messages
            past = past[len(past) // 2 :] if len(past) > 1 else []

    @staticmethod
    def _length(messages: Sequence[BaseMessage]) -> int:
        """About how many positions these messages take: a token is seldom shorter than three characters."""
        return sum(len(str(m.content)) // 3 + 5 for m in messages)

    def _soft_count(self, person: Person | None) -> int:
        if person is None:
            return 0
        config = self.engine.model.config
        return config.table.tokens + (config.curve.tokens if person.curve is not None else 0)


def read_person(patient: Patient, spirometry: Spirometry | None) -> Person:
    """What the encoders read about a patient."""
    return Person(table_of(patient, spirometry), chosen_curve(spirometry))


SPOKEN_OF = "I can speak of FEV1, FVC, their ratio, PEF, FEF25-75, the quality of the test, and what the record holds; the report lists every measured value."
NO_ANSWER = "I have no answer to that which your record or the library supports. Ask, for example: explain my result, or how do I stop smoking?"


def composed(case: Case, asked: Sequence[Asked]) -> str:
    """What code says in the model's place: composed from the facts, else the passage's own sentence, else that there is no answer."""
    reply = compose(case, asked)
    if reply is not None:
        return reply.text
    return quote(asked[-1].question, asked[-1].passages) or NO_ANSWER


def checked(answer: str, known: Sequence[Fact], passages: Sequence[Passage]) -> tuple[str, tuple[str, ...]]:
    """Take out sentences that say twice the same or contradict a fact; each removal is noted."""
    kept: list[str] = []
    notes: list[str] = []
    for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z\[])", answer):
        if sentence in kept:
            notes.append("a repeated sentence was taken out")
            continue
        found: Checks = guardrails.check(sentence, known, passages)
        if found.notes and len(answer) > len(sentence):
            notes += [f"a sentence was taken out: {note}" for note in found.notes]
            continue
        kept.append(sentence)
    return " ".join(kept), tuple(notes)
