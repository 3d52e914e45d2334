"""The page's panels, and that it is closed to others by default. The page itself: tests/test_browser.py."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import logging
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from assistant import dialogue, intake, measuring_only, self_test
from assistant.interface import arrivals, citations, departures, faults, gate, layout, panels, risk_panel, scripts, server, starting, talk, uploads, zero_gpu
from assistant.interface.desk import Desk
from assistant.interface.suggestions import suggestions
from assistant.measuring_only import MeasuringOnly
from assistant.session import Citation, RiskEstimate, Seen, Session, Turn, begin, examine
from assistant.settings import Settings
from encoders.record import Patient, facts
from tests.conftest import ROOT

if TYPE_CHECKING:
    from assistant import Assistant

NAMES = [folder for _, folder in arrivals.examples()]


def session(name: str) -> Session:
    patient = intake.read(sorted((ROOT / "assets" / "patients" / name).iterdir()))
    return Session(patient, examine(patient), facts(patient))


def test_there_are_at_least_six_examples_of_the_named_kinds() -> None:
    assert {"healthy_runner", "mild_obstruction", "severe_obstruction", "possible_restriction", "poor_effort", "missing_data"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_of_every_example_is_filled(name: str) -> None:
    one = session(name)
    assert "Not measured" in panels.patient_card(one)
    assert "uality" in panels.quality(one.spirometry) or "No usable blow" in panels.quality(one.spirometry)
    assert "FEV1 (L)" in panels.numbers(one.spirometry)


def test_quality_is_named_before_an_interpretation_and_bad_blows_get_none() -> None:
    one = session("poor_effort")
    assert "not allow an interpretation" in panels.numbers(one.spirometry).replace("does not", "not")
    assert "bstruction" not in panels.numbers(one.spirometry)


def test_missing_values_say_so() -> None:
    assert "not measured" in panels.numbers(session("poor_effort").spirometry)
    assert "Smoking status" not in panels.patient_card(session("missing_data")).split("Not measured")[0]


def test_text_of_people_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "record.csv").write_text("name,sex,age,symptoms\n<b>Eve</b>,female,50,<img src=x onerror=alert(1)> cough\n", encoding="utf-8")
    patient = intake.read([tmp_path / "record.csv"])
    card = panels.patient_card(Session(patient, None, facts(patient)))
    assert "<img" not in card
    assert "<b>" not in card
    shown = citations.message(Turn("q", "see <script>alert(1)</script> ![x](http://evil) [y](javascript:1)", done=True))
    assert "<script" not in shown
    assert "](" not in shown


def test_a_citation_is_a_chip_that_opens_its_passage() -> None:
    cited = Turn(
        "q", "Walk [1]. Not [2].", citations=(Citation(1, "activity/walk", "Walking", "Activity", "WHO", "https://www.who.int/", "Walking helps."),), done=True
    )
    shown = citations.message(cited)
    assert shown.count('href="#passage=activity-walk"') == 2, "the number in the answer and the chip below it"
    assert "[2]" in shown and shown.count("<a ") == 2
    shelf = citations.shelf(Session(session("healthy_runner").patient, turns=(cited,)), None)
    assert all(part in shelf for part in ("data-passage='passage=activity-walk'", "Walking helps.", "WHO", "https://www.who.int/"))
    assert "<a " not in shelf, "an address is text: nothing on the page leads elsewhere"


def test_an_export_says_what_it_is_and_holds_every_turn() -> None:
    one = session("healthy_runner").add(Turn("Is it good?", "Yes.", done=True)).add(Turn("Why?", "Because.", done=True))
    text = panels.transcript(one)
    assert "Research and education" in text
    assert text.index("Is it good?") < text.index("Because.")


def test_risks_stand_beside_the_population_and_the_classical_model() -> None:
    one = Session(session("healthy_runner").patient, risks=(RiskEstimate("diabetes", "diabetes", 0.08, 0.05, 0.12, 0.10, 0.07, ("waist",)),))
    shown = risk_panel.table_of_risks(one.risks)
    assert all(part in shown for part in ("8.0 %", "5.0 to 12.0", "10 %", "7.0 %", "waist"))


def test_suggestions_fit_the_conversation_and_do_not_repeat() -> None:
    one = session("healthy_runner").add(Turn("Explain my result", "It is normal.", done=True))
    offered = suggestions(one)
    assert len(offered) == 4
    assert "Explain my result" not in offered


def test_the_page_is_not_opened_to_others_without_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    with pytest.raises(ValueError, match="BREATHWISE_PASSWORD"):
        server.launch(SimpleNamespace(settings=Settings()), host="0.0.0.0", port=7999)


# what the buttons do, without a browser ------------------------------------------------------------------------------
class Scripted:
    """An assistant that says what the test wrote; ``during`` runs in the middle of its answer."""

    settings, library = Settings(), None

    def __init__(self, during: Callable[[], None] = lambda: None) -> None:
        self.during, self.asked = during, []  # type: ignore[var-annotated]

    def describe(self) -> dict[str, str]:
        return {"model": "scripted", "device": "cpu", "precision": "none", "note": "a test"}

    def open(self, paths: list[Path]) -> Session:
        return MeasuringOnly(self.settings, "").open(paths)

    def begin(self, patient: Patient) -> Session:
        return begin(patient)

    def ask(self, one: Session, question: str, **_: Any) -> Iterator[Turn]:
        self.asked.append(question)
        yield Turn(question, "It is")
        self.during()
        yield Turn(question, "It is normal.", seen=Seen(intent="explain_result", model="scripted"), done=True)


def doing(assistant: Any) -> dict[str, Callable[..., Any]]:
    """What the page's events run, by name."""
    return {event.fn.__name__: event.fn for event in layout.build(assistant).fns.values() if event.fn is not None}


def at(name: str) -> Desk:
    patient = intake.read(sorted((ROOT / "assets" / "patients" / name).iterdir()))
    return Desk(begin(patient), patient)


def test_a_question_is_answered_and_kept() -> None:
    desk, page = at("healthy_runner"), doing(Scripted())
    said = list(page["answer"]("Explain my result", desk))
    assert said[0][3] == talk.ANSWERING
    assert said[-1][1][-1]["content"] == "It is normal."
    assert desk.session is not None and len(desk.session.turns) == 1


def test_a_second_question_during_an_answer_is_told_to_wait_and_loses_nothing() -> None:
    desk, page = at("healthy_runner"), doing(Scripted())
    first = page["answer"]("Explain my result", desk)
    next(first)
    second = list(page["answer"]("And is that bad?", desk))
    assert [one[3] for one in second] == [talk.BUSY]
    assert second[0][2] == "And is that bad?"
    assert len(list(first)) > 0
    assert desk.session is not None and [turn.question for turn in desk.session.turns] == ["Explain my result"]
    assert len(list(page["answer"]("And is that bad?", desk))) > 1


def test_deleting_in_the_middle_of_an_answer_shows_nothing_more_of_it() -> None:
    desk = at("healthy_runner")
    page: dict[str, Callable[..., Any]] = {}
    page |= doing(Scripted(during=lambda: page["delete"](desk)))
    said = list(page["answer"]("Explain my result", desk))
    assert said[-2][1][-1]["content"] == "It is" and said[-1][1] == []
    assert desk.session is None
    assert desk.stop.is_set()


def test_deleting_clears_every_part_of_the_page() -> None:
    desk = at("severe_obstruction")
    gone = doing(Scripted())["delete"](desk)
    assert gone[0] is None and desk.session is None and desk.read is None
    assert "deleted" in gone[1]
    assert "severe" not in str(gone)
    assert all(part in (None, "", [], "cm", panels.seen(None)) or isinstance(part, dict) for part in gone[2:])
    filled = {str(part.get("value") or part.get("choices") or "") for part in gone[2:] if isinstance(part, dict)}
    assert filled <= {"", *suggestions(None)}


def test_a_failing_model_is_one_sentence_and_the_patient_stays(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("Zebra Quagga, born 1961, has")

    desk, page = at("healthy_runner"), doing(Scripted(during=fail))
    said = list(page["answer"]("Explain my result", desk))
    assert said[-1][3] == faults.SORRY
    assert said[-2][1] == [] and said[-2][2] == "Explain my result", "the conversation is as it was and the question is in the box"
    assert desk.session is not None and not desk.answering.locked()
    assert "Zebra" not in caplog.text
    assert "RuntimeError" in caplog.text


def test_a_full_disk_says_so() -> None:
    assert faults.said(OSError(28, "No space left on device")) == faults.FULL


def test_too_long_a_question_is_refused_and_kept_in_the_box() -> None:
    page = doing(Scripted())
    said = list(page["answer"]("why " * 600, at("healthy_runner")))
    assert "at most 2000" in said[0][3]
    assert said[0][2] == "why " * 600


def test_the_log_holds_rules_and_timings_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    list(doing(Scripted())["answer"]("Is Zebra Quagga well?", at("healthy_runner")))
    assert "Zebra" not in caplog.text and "healthy" not in caplog.text
    assert "answered by scripted in" in caplog.text


@pytest.mark.parametrize("kind", list(departures.REPORTS))
def test_every_report_is_handed_over_in_memory(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    desk = at("mild_obstruction")
    waiting, done = list(doing(Scripted())["reported"](kind, desk))
    assert waiting == ("", f"Writing the report as {kind}...")
    found = json.loads(done[0])
    assert found["name"] == f"breathwise-report{departures.REPORTS[kind][0]}"
    assert len(base64.b64decode(found["data"])) > 1000
    assert list(tmp_path.iterdir()) == []


def test_a_json_report_dropped_on_the_page_is_the_session_again(tmp_path: Path) -> None:
    page, desk = doing(Scripted()), at("pre_and_post")
    list(page["answer"]("Explain my result", desk))
    file = tmp_path / "breathwise-report.json"
    file.write_bytes(base64.b64decode(json.loads(list(page["reported"]("JSON", desk))[-1][0])["data"]))
    reading, read = list(page["open_files"]([str(file)], None, False))
    assert reading[1] == arrivals.READING
    assert "with 1 earlier question" in read[1]
    assert desk.session is not None and read[0].session.facts == desk.session.facts
    assert not file.exists()


def write_bomb(folder: Path) -> list[Path]:
    with zipfile.ZipFile(folder / "record.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"):
            archive.writestr(name, b" " * 40_000_000)
    return [folder / "record.xlsx"]


def write_many(folder: Path) -> list[Path]:
    for number in range(31):
        (folder / f"{number}.csv").write_text("sex,age\nmale,50\n", encoding="utf-8")
    return sorted(folder.glob("*.csv"))


def write_large(folder: Path) -> list[Path]:
    with (folder / "large.csv").open("wb") as file:
        file.truncate(200_000_000)
    return [folder / "large.csv"]


def write_script(folder: Path) -> list[Path]:
    (folder / "<img src=x onerror=alert(1)>[x](y).csv").write_text("sex,age\n<script>alert(1)</script>,50\n", encoding="utf-8")
    return sorted(folder.glob("*.csv"))


@pytest.mark.parametrize(
    ("make", "said"), [(write_bomb, "100 MB"), (write_many, "at most 30"), (write_large, "at most 20 MB"), (write_script, "female or male")]
)
def test_what_cannot_be_read_is_one_sentence_and_the_open_patient_stays(make: Callable[[Path], list[Path]], said: str, tmp_path: Path) -> None:
    desk = at("healthy_runner")
    files = make(tmp_path)
    _, refused = list(doing(Scripted())["open_files"]([str(file) for file in files], desk, False))
    assert said in refused[1]
    assert refused[0] is desk and desk.session is not None
    assert "still is" in refused[1]
    assert "<" not in refused[1] and "](" not in refused[1]
    assert not any(file.exists() for file in files)


# who may ask, and what every answer carries --------------------------------------------------------------------------
def request(
    path: str = "/", *, method: str = "GET", given: dict[str, str] | None = None, body: tuple[bytes, ...] = (b"",), **settings: Any
) -> tuple[int, dict[str, str], str]:
    """One request through a gate to an application that reads the body and says hello: status, headers, text."""
    return requests(1, path, method=method, given=given, body=body, **settings)[0]


def requests(
    times: int, path: str, *, method: str, given: dict[str, str] | None, body: tuple[bytes, ...], **settings: Any
) -> list[tuple[int, dict[str, str], str]]:
    async def hello(scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"hello"})

    through = gate.Gate(hello, **{"max_upload_mb": 1, "a_minute": 3, "on_space": False} | settings)
    found = []
    for _ in range(times):
        sent: list[dict[str, Any]] = []
        parts = list(body)

        async def receive(parts: list[bytes] = parts) -> dict[str, Any]:
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        async def send(message: dict[str, Any], sent: list[dict[str, Any]] = sent) -> None:
            sent.append(message)

        names = [(name.lower().encode(), value.encode()) for name, value in (given or {}).items()]
        scope = {"type": "http", "method": method, "path": path, "headers": names, "client": ("10.0.0.9", 1), "query_string": b""}
        asyncio.run(through(scope, receive, send))  # type: ignore[arg-type]
        if not sent:
            found.append((0, {}, ""))
            continue
        got = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        found.append((sent[0]["status"], got, b"".join(one.get("body", b"") for one in sent[1:]).decode()))
    return found


def test_every_answer_forbids_other_places_and_frames() -> None:
    for status, got, _ in (request(), request("/gradio_api/upload", method="POST", given={"content-length": "999999999"})):
        assert status in (200, 413)
        policy = dict(part.strip().split(" ", 1) for part in got["content-security-policy"].split(";"))
        assert policy["default-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert "http" not in policy["connect-src"] + policy["img-src"] + policy["script-src"]
        assert got["x-content-type-options"] == "nosniff"
        assert got["referrer-policy"] == "no-referrer"


def test_only_a_space_may_be_framed_and_only_by_its_host() -> None:
    _, got, _ = request(on_space=True)
    assert got["content-security-policy"].endswith("frame-ancestors https://huggingface.co https://*.hf.space")
    assert "x-frame-options" not in got


def test_too_large_a_request_is_one_sentence_with_and_without_its_length() -> None:
    status, _, text = request("/gradio_api/upload", method="POST", given={"content-length": "6000000"})
    assert status == 413
    assert text == "This is larger than the 5 MB that are taken at once; drop fewer or smaller files.", "the page shows it as it comes"
    assert request("/gradio_api/upload", method="POST", given={"content-length": "4000000"})[0] == 200
    without = request("/gradio_api/upload", method="POST", body=(b"x" * 3_000_000,) * 3)
    assert (without[0], without[2]) == (413, text)
    assert request("/gradio_api/queue/join", method="POST", given={"content-length": "3000000"})[0] == 413


def test_a_visitor_who_asks_too_often_waits_and_others_do_not() -> None:
    found = requests(4, "/gradio_api/queue/join", method="POST", given=None, body=(b"",))
    assert [status for status, _, _ in found] == [200, 200, 200, 429]
    assert "wait a minute" in json.loads(found[-1][2])["detail"]
    now = [0.0]
    rate = gate.Rate(1, lambda: now[0])
    assert rate.allows("one") and not rate.allows("one") and rate.allows("two")
    now[0] = 61.0
    assert rate.allows("one")


def test_behind_the_proxy_of_a_space_visitors_are_told_apart_and_cannot_pretend() -> None:
    through = gate.Gate(lambda *_: None, max_upload_mb=1, a_minute=1, on_space=True)  # type: ignore[arg-type,return-value]
    forged = {"headers": [(b"x-forwarded-for", b"1.2.3.4, 9.9.9.9")], "client": ("10.0.0.1", 1)}
    assert through._visitor(forged, gate.Headers(scope={"headers": forged["headers"]})) == "9.9.9.9"  # type: ignore[arg-type]


@pytest.mark.parametrize(("user", "password"), [("ann", None), (None, "secret")])
def test_half_a_login_is_refused(user: str | None, password: str | None) -> None:
    with pytest.raises(ValueError, match="needs both"):
        starting.login_of(Settings(user=user, password=password), "127.0.0.1", on_space=False)


def test_a_login_opens_the_page_to_a_network_and_a_space_needs_none() -> None:
    assert starting.login_of(Settings(user="ann", password="secret"), "0.0.0.0", on_space=False) == ("ann", "secret")
    assert starting.login_of(Settings(), "0.0.0.0", on_space=True) is None
    assert starting.login_of(Settings(), "127.0.0.1", on_space=False) is None


def test_a_space_warns_against_real_data() -> None:
    def words(on_space: bool) -> str:
        return json.dumps(layout.build(Scripted(), on_space=on_space).get_config_file(), default=str)

    assert "never a real patient" in words(True)
    assert "never a real patient" not in words(False)


def test_nothing_runs_in_the_page_that_stores_or_fetches() -> None:
    for script in (scripts.SCRIPT, departures.DOWNLOAD):
        assert not [word for word in ("localStorage", "sessionStorage", "indexedDB", "cookie", "fetch(", "http") if word in script]


def test_uploads_lie_in_a_folder_of_ones_own_and_those_of_killed_processes_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True)
    dead, alive = tmp_path / f"breathwise-uploads-{child.stdout.strip()}-x", tmp_path / f"breathwise-uploads-{os.getppid()}-x"
    for folder in (dead, alive):
        (folder / "hash").mkdir(parents=True)
    own = uploads.private_folder()
    assert own.stat().st_mode & 0o777 == 0o700
    assert not dead.exists()
    assert alive.exists()
    (own / "hash").mkdir()
    (own / "hash" / "record.csv").write_text("x", encoding="utf-8")
    uploads.forget([str(own / "hash" / "record.csv")])
    assert list(own.iterdir()) == []


# standing up ---------------------------------------------------------------------------------------------------------
def test_the_self_test_finds_the_known_numbers_a_passage_and_words(assistant: Assistant) -> None:
    found = self_test.run(assistant)
    assert found["status"] == "ok"
    assert found["checks"]["reference"]["said"] == "z -1.645"
    assert found["checks"]["search"]["said"].startswith("smoking")
    assert set(found["versions"]) >= {"breathwise", "gradio", "torch", "pyspiro", "python"}


def test_a_wrong_measurement_makes_the_page_unhealthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test, "GOLDEN_FEV1_L", 3.5)
    health = self_test.Health(MeasuringOnly(Settings(), "No model."))
    assert (health.found, health.code) == ({"status": "starting"}, 503)
    found = health.start().wait(60)
    assert found["status"] == "failing"
    assert health.code == 503
    assert "FEV1 3.50" in found["checks"]["blow"]["said"]


def test_without_its_language_model_the_page_measures_reports_and_says_the_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dialogue, "EMBEDDED_MODEL", tmp_path / "breathwise-mini")
    silent = measuring_only.load(Settings())
    assert isinstance(silent, MeasuringOnly)
    assert "restore it from the repository" in silent.cure
    page, desk = doing(silent), None
    opened = list(page["open_example"]("mild_obstruction", desk, False))[-1]
    assert opened[0].session.spirometry.best.fev1_l == pytest.approx(2.82, abs=0.01)
    assert list(page["reported"]("PDF", opened[0]))[-1][0]
    assert "restore it from the repository" in list(page["answer"]("Explain my result", opened[0]))[-1][1][-1]["content"]
    list(page["answer"]("I have crushing chest pain", opened[0]))
    assert opened[0].session.turns[-1].triage is not None
    assert self_test.run(silent)["status"] == "degraded"
    assert "restore it" in json.dumps(layout.build(silent).get_config_file(), default=str)


def test_a_damaged_index_is_built_again(cache: Path, assistant: Assistant) -> None:
    from assistant.retrieval import GuidelineLibrary

    folder = cache / "damaged"
    settings = Settings(cache_dir=folder)
    GuidelineLibrary.load(settings)
    for file in folder.rglob("chroma.sqlite3"):
        file.write_bytes(b"not a database")
    assert self_test.search_library(SimpleNamespace(library=GuidelineLibrary.load(settings))).startswith("smoking")


def test_a_space_that_lends_its_gpu_is_asked_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lent: list[int] = []
    fake = ModuleType("spaces")
    fake.__spec__ = SimpleNamespace(name="spaces")  # type: ignore[assignment]

    def gpu(duration: int) -> Callable[[Any], Any]:
        lent.append(duration)
        return lambda function: function

    fake.GPU = gpu  # type: ignore[attr-defined]
    monkeypatch.setattr(zero_gpu, "spaces", fake)
    desk = at("healthy_runner")
    assert desk.session is not None
    session = replace(desk.session, memory=object())
    kept: list[Any] = []
    scripted = Scripted()
    scripted.ask = lambda one, question, **_: (kept.append(one.memory), iter([Turn(question, "It is"), Turn(question, "It is normal.", done=True)]))[1]  # type: ignore[method-assign]
    said = list(zero_gpu.speak(scripted)(session, "Explain my result"))
    assert lent == [zero_gpu.SECONDS]
    assert kept == [None]
    assert [turn.done for turn in said] == [False, True]
    bell = SimpleNamespace(is_set=lambda: True)
    stopped = list(zero_gpu.speak(scripted)(session, "Explain my result", stop=bell))
    assert [turn.done for turn in stopped] == [False, True]
    assert stopped[-1].answer == "It is"


def test_elsewhere_nothing_is_borrowed() -> None:
    scripted = Scripted()
    assert importlib.util.find_spec("spaces") is not None or zero_gpu.speak(scripted) == scripted.ask
