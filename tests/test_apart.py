"""Patients apart, claim by claim, on a page that is really served: memory, disk, logs, addresses, and what a Space may do."""

from __future__ import annotations

import datetime as dt
import gc
import json
import logging
import os
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import gradio as gr
import httpx
import pytest
import torch
from gradio.state_holder import StateHolder

from assistant import dialogue, intake, measuring_only
from assistant.caller import MOST_TURNS, Caller
from assistant.interface import citations, gate, layout, panels, server, zero_gpu
from assistant.interface.desk import Desk
from assistant.interface.forgetting import Forgetful
from assistant.interface.talk import chat
from assistant.session import Session, Turn, begin
from assistant.settings import Settings
from encoders.multimodal import MultimodalLM
from tests.conftest import ROOT
from tests.test_doors import files, serving
from tests.test_interface import Scripted, at, request

if TYPE_CHECKING:
    from assistant import Assistant

PLANTED = "Zebra Quagga 1961"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Any, str]]:
    with serving(Planted()) as page:
        yield page


@pytest.fixture
def page(served: tuple[Any, str], capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[tuple[Any, str]]:
    """A served page that answers from a script and knows nobody; at the end nothing that was planted stands in what was printed or logged."""
    caplog.set_level(logging.INFO)
    app, _ = served
    for session in list(app.state_holder.session_data):
        app.state_holder.drop(session)
    app.state_holder.capacity = Settings().visitors
    yield served
    printed = capfd.readouterr()
    said = printed.out + printed.err + caplog.text
    assert "Zebra" not in said and "Quagga" not in said


class Planted(Scripted):
    """Repeats the patient's name in its answer and asks for a plot, so that both pass through everything."""

    def ask(self, one: Session, question: str, **_: Any) -> Iterator[Turn]:
        yield Turn(question, f"{PLANTED} has")
        yield Turn(question, f"{PLANTED} has a normal test.", plot="flow_volume", done=True)


def press(app: Any, url: str, name: str | int, data: list[Any], session: str = "one") -> dict[str, Any]:
    """What the browser does for a button, by its name or number: join the queue as ``session``, read until it is done.

    Returns the last message, and as ``seen`` the text of all of them."""
    number = next(place for place, event in app.get_blocks().fns.items() if name in (place, event.name, event.api_name))
    with httpx.Client(base_url=url, timeout=60.0) as browser:
        if not app.get_blocks().fns[number].queue:
            sent = browser.post("gradio_api/run/predict", json={"data": data, "fn_index": number, "session_hash": session})
            return {"success": sent.is_success, "output": sent.json(), "seen": sent.text}
        browser.post("gradio_api/queue/join", json={"data": data, "fn_index": number, "session_hash": session}).raise_for_status()
        with browser.stream("GET", f"gradio_api/queue/data?session_hash={session}") as lines:
            messages = [line[6:] for line in lines.iter_lines() if line.startswith("data: ")]
        last = next(found for found in map(json.loads, reversed(messages)) if found["msg"] == "process_completed")
        return {**last, "seen": "".join(messages)}


def upload(url: str, tmp_path: Path) -> list[dict[str, Any]]:
    """A record with a planted name and a curve, uploaded as a browser does."""
    record = tmp_path / f"{PLANTED}.csv"
    record.write_text(f"name,sex,age,height,symptoms\n{PLANTED},female,34,168,cough since {PLANTED}\n", encoding="utf-8")
    curve = next(path for path in files("healthy_runner") if "spirogram" in path.name)
    sent = httpx.post(f"{url}gradio_api/upload", files=[("files", (path.name, path.read_bytes())) for path in (record, curve)])
    names = (record.name, curve.name)
    return [{"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}} for path, name in zip(sent.json(), names, strict=True)]


def on_disk(*folders: Path) -> list[str]:
    """Files that hold what was planted, in their names or their bytes."""
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in found if "Zebra" in path.name or b"Zebra" in path.read_bytes()]


def test_a_page_that_is_used_while_it_is_looked_at_does_not_end_the_forgetting(monkeypatch: pytest.MonkeyPatch) -> None:
    holder = Forgetful(60.0)
    holder.session_data["used"] = SimpleNamespace(state_components=())
    holder.session_data["idle"] = SimpleNamespace(state_components=())
    holder.time_last_used["idle"] = dt.datetime.now() - dt.timedelta(hours=2)

    def changed(self: Any, session_id: str, expired_only: bool = False) -> None:
        if session_id == "used":
            raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr(StateHolder, "delete_state", changed)
    holder.delete_all_expired_state()
    assert list(holder.session_data) == ["used"]


def test_what_an_event_gave_last_is_not_sent_again_at_its_end(page: tuple[Any, str]) -> None:
    opened = press(*page, "open_example", ["healthy_runner", None, False], session="once")
    assert opened["success"] and "Read: Example: healthy runner" in opened["seen"]
    assert opened["output"]["data"] and all(one == gr.skip() for one in opened["output"]["data"]), "it would lie over what was typed meanwhile"


def test_whatever_fails_behind_any_button_its_words_are_not_printed(page: tuple[Any, str], monkeypatch: pytest.MonkeyPatch) -> None:
    app, url = page

    failed: list[int] = []

    def fail(*_: Any) -> None:
        failed.append(number)
        raise ValueError(f"{PLANTED} is no number")

    def fail_later(*_: Any) -> Iterator[None]:
        yield from ()
        fail()

    events = {number: event for number, event in app.get_blocks().fns.items() if event.fn is not None}
    assert len(events) > 20
    for number, event in events.items():
        monkeypatch.setattr(event, "fn", fail_later if event.types_generator else fail)
        told = json.dumps(press(app, url, number, [[] if isinstance(one, gr.CheckboxGroup) else None for one in event.inputs]))
        assert "Zebra" not in told and "Traceback" not in told
    assert failed == list(events), "every one was reached"


# state: a time to live and a delete callback -------------------------------------------------------------------------------------------------------
def test_every_patient_lives_in_a_state_with_a_time_to_live_and_a_callback_that_empties_it() -> None:
    states = [block for block in layout.build(Scripted()).blocks.values() if isinstance(block, gr.State)]
    assert len(states) == 2  # the visitor's desk, and a caller of the doors
    assert {state.time_to_live for state in states} == {Settings().session_minutes * 60}
    desk, caller = at("healthy_runner"), Caller(begin(intake.read(files("healthy_runner"))))
    for state in states:
        for held in (desk, caller):
            if (state.delete_callback.__module__.endswith("doors")) == isinstance(held, Caller):
                state.delete_callback(held)
                assert held.session is None and held.stop.is_set()
        state.delete_callback(None)


def test_an_idle_page_is_forgotten_as_a_whole_and_no_value_of_it_stays_in_memory(page: tuple[Any, str], tmp_path: Path) -> None:
    app, url = page
    opened = press(app, url, "open_files", [upload(url, tmp_path), None, False])
    assert PLANTED in opened["seen"]
    holder = app.state_holder
    assert PLANTED in str(holder.session_data["one"].config_values), "Gradio keeps the last value of each component: this is why"
    press(app, url, "open_example", ["mild_obstruction", None, False], session="two")
    holder.delete_all_expired_state()
    assert set(holder.session_data) == {"one", "two"}
    holder.time_last_used["one"] -= dt.timedelta(minutes=Settings().session_minutes + 1)
    holder.delete_all_expired_state()
    assert set(holder.session_data) == {"two"}
    gc.collect()
    assert not [one for one in gc.get_objects() if type(one) is Session and one.patient.label == PLANTED]


def test_a_page_let_go_for_want_of_room_is_stopped_and_forgotten(page: tuple[Any, str]) -> None:
    app, url = page
    press(app, url, "open_example", ["mild_obstruction", None, False], session="old")
    desk = next(value for _, value, _ in app.state_holder.session_data["old"].state_components if isinstance(value, Desk))
    app.state_holder.capacity = 1
    press(app, url, "open_example", ["healthy_runner", None, False], session="new")
    assert set(app.state_holder.session_data) == {"new"}
    assert desk.session is None and desk.stop.is_set()


# disk and logs (the fixture looks at what was printed and logged) -------------------------------------------------------------------------------------
def test_no_upload_plot_or_answer_is_left_on_disk(page: tuple[Any, str], tmp_path: Path, cache: Path) -> None:
    app, url = page
    uploaded = Path(os.environ["GRADIO_TEMP_DIR"])
    sent = upload(url, tmp_path)
    assert on_disk(uploaded)
    press(app, url, "open_files", [sent, None, False])
    said = press(app, url, "answer", [f"Is {PLANTED} well?", None])
    assert PLANTED in said["seen"] and "data:image" in said["seen"]
    assert list(uploaded.rglob("*")) == []
    assert on_disk(uploaded, cache) == []
    press(app, url, "delete", [None])
    assert PLANTED not in str(app.state_holder.session_data["one"].config_values)


def test_no_address_writes_a_page_to_disk_or_fetches_or_runs_anything(page: tuple[Any, str], tmp_path: Path) -> None:
    app, url = page
    press(app, url, "open_files", [upload(url, tmp_path), None, False])
    asked = ["deep_link?session_hash=one", "proxy=http://127.0.0.1/", "file=http://127.0.0.1/", "vibe-code", "profiling/traces", "openapi.json", "dev/reload"]
    assert {name: httpx.get(f"{url}gradio_api/{name}").status_code for name in asked} == dict.fromkeys(asked, 404)
    sent = ["process_recording", "vibe-edit", "component_server", "run-history/connect"]
    assert {name: httpx.post(f"{url}gradio_api/{name}").status_code for name in sent} == dict.fromkeys(sent, 404)
    assert httpx.get(f"{url}monitoring/summary").status_code == 404
    assert httpx.get(f"{url}gradio_api/file={ROOT / 'pyproject.toml'}").status_code == 403
    assert list(Path(os.environ["GRADIO_TEMP_DIR"]).rglob("*")) == []


@pytest.mark.parametrize("path", ["/etc/hostname", "https://example.org/Zebra.csv", f"{PLANTED}.csv", "../Zebra"])
@pytest.mark.parametrize("name", ["open_files", "measure"])
def test_a_file_that_was_not_uploaded_is_neither_read_nor_fetched(name: str, path: str, page: tuple[Any, str]) -> None:
    app, url = page
    forged = [{"path": path, "url": path, "meta": {"_type": "gradio.FileData"}}]
    count = len(next(event for event in app.get_blocks().fns.values() if event.name == name or event.api_name == name).inputs)
    refused = press(app, url, name, [forged, *[None] * (count - 1)])
    assert refused["success"] is False
    assert "files are uploaded" in refused["output"]["error"]
    refused = press(app, url, name, [[], *[forged[0]] * (count - 1)])
    assert "files are uploaded" in json.dumps(refused["output"]), "no other component fetches it either"


def test_what_is_no_number_is_refused_and_not_quoted_in_a_log(page: tuple[Any, str], tmp_path: Path) -> None:
    app, url = page
    refused = press(app, url, "measure", [upload(url, tmp_path), None, {"born": PLANTED}, None, None, None, None])
    assert refused["success"] is False
    assert refused["output"]["error"]


def test_access_is_not_logged(page: tuple[Any, str], capfd: pytest.CaptureFixture[str]) -> None:
    httpx.get(page[1], params={"name": PLANTED})
    printed = capfd.readouterr()
    assert "GET" not in printed.out + printed.err


# what the page sends, and what it shows ------------------------------------------------------------------------------------------------------------------
def test_every_answer_of_the_served_page_carries_the_policy(page: tuple[Any, str]) -> None:
    for path in ("", "config", "gradio_api/info", "healthz", "nothing-here"):
        got = httpx.get(page[1] + path).headers
        assert "default-src 'self'" in got["content-security-policy"], path
        assert got["x-frame-options"] == "DENY"
        assert got["x-content-type-options"] == "nosniff"
    for path in ("", "config", "healthz"):
        assert httpx.get(page[1] + path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "said",
    [
        "see ![x](https://evil.example/p.png)", "see ![x][1]\n\n[1]: https://evil.example/p.png", "see [y](https://evil.example)", "see [y][1]\n\n[1]: //evil.example",
        "see https://evil.example/?q=1", "see www.evil.example", "see HTTP://evil.example", "write to eve@evil.example", "see <https://evil.example>",
        "see <a href='https://evil.example'>y</a>", "see [y](javascript:alert(1))", "see <img src=x onerror=alert(1)>",
    ],
)  # fmt: skip
def test_pictures_links_and_addresses_of_the_model_or_the_visitor_are_only_words(said: str) -> None:
    one = Session(begin(intake.read(files("healthy_runner"))).patient, turns=(Turn(said, said, done=True),))
    for shown in (citations.message(Turn("q", said, done=True)), *(row["content"] for row in chat(one))):
        assert "](" not in shown and "][" not in shown and "]:" not in shown
        assert "https://evil" not in shown.lower() and "http://evil" not in shown.lower() and "www." not in shown and "@evil" not in shown
        assert "<a" not in shown and "<img" not in shown


def test_what_is_cited_keeps_its_mark_and_its_numbers() -> None:
    said = "FEV1 is 2.8 L (z -2.1) [1][2]. Walk at 4.5 km/h: see your doctor."
    assert panels.linkless(said) == "FEV1 is 2.8 L (z -2.1) [1] [2]. Walk at 4.5 km/h: see your doctor."


# limits -----------------------------------------------------------------------------------------------------------------------------------------------
def test_limits_of_the_page_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setenv("GRADIO_TEMP_DIR", "put back after this test")
    monkeypatch.setattr(gr.Blocks, "launch", lambda self, **settings: given.update(settings, page=self) or (_Nothing(self), "", ""))
    monkeypatch.delenv("SPACE_ID", raising=False)
    settings = Settings(max_upload_mb=7, queue_size=3, visitors=9, requests_per_minute=11)
    server.launch(measuring_only.MeasuringOnly(settings, "No model."), host="127.0.0.1", port=7999, block=False)
    assert (given["max_file_size"], given["state_session_capacity"], given["server_name"], given["auth"]) == ("7mb", 9, "127.0.0.1", None)
    assert given["page"]._queue.max_size == 3
    assert given["share"] is False and given["show_error"] is False and given["enable_monitoring"] is False and given["mcp_server"] is False
    assert given["page"].delete_cache == (600, 600), "an upload that nobody opened goes within twenty minutes"
    wall = given["app_kwargs"]["middleware"][0].kwargs
    assert (wall["max_upload_mb"], wall["a_minute"], wall["takes_files"]) == (7, 11, True)


class _Nothing:
    """A served application that serves nothing."""

    def __init__(self, blocks: Any) -> None:
        self.blocks, self.state_holder, self.health = blocks, None, None
        blocks.state_session_capacity = 1

    def get_blocks(self) -> Any:
        return self.blocks


def test_one_conversation_has_at_most_a_hundred_questions() -> None:
    desk = at("healthy_runner")
    assert desk.session is not None
    desk.session = replace(desk.session, turns=(Turn("Why?", "Because.", done=True),) * MOST_TURNS)
    events = {event.fn.__name__: event.fn for event in layout.build(Scripted()).fns.values() if event.fn is not None}
    assert "at most 100 questions" in next(iter(events["answer"]("And?", desk)))[3]


# as a Space --------------------------------------------------------------------------------------------------------------------------------------------
def words(on_space: bool, **settings: Any) -> str:
    scripted = Scripted()
    scripted.settings = Settings(**settings)
    return json.dumps(layout.build(scripted, on_space=on_space).get_config_file(), default=str)


def test_a_space_shows_the_examples_only_unless_it_is_told_to_take_files() -> None:
    assert "takes no files" in words(True)
    assert "drop only made-up or public files" in words(True, space_uploads=True)
    assert "takes no files" not in words(False)
    status, _, text = request("/gradio_api/upload", method="POST", on_space=True, takes_files=False)
    assert (status, text) == (403, gate.NO_FILES)
    assert request("/gradio_api/upload", method="POST", on_space=True, takes_files=True)[0] == 200


def test_a_space_is_served_on_every_address_without_a_login_and_takes_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setenv("GRADIO_TEMP_DIR", "put back after this test")
    monkeypatch.setattr(gr.Blocks, "launch", lambda self, **settings: given.update(settings) or (_Nothing(self), "", ""))
    monkeypatch.setenv("SPACE_ID", "someone/breathwise")
    server.launch(measuring_only.MeasuringOnly(Settings(), "No model."), host="127.0.0.1", port=7999, block=False)
    assert (given["server_name"], given["auth"]) == ("0.0.0.0", None)
    wall = given["app_kwargs"]["middleware"][0].kwargs
    assert wall["on_space"] is True and wall["takes_files"] is False


def lending(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A stand-in for the package ``spaces``: a call crosses to another process and back, so all that goes through is pickled."""
    calls: list[str] = []
    fake = ModuleType("spaces")

    def gpu(duration: int) -> Callable[[Callable[..., Iterator[Turn]]], Callable[..., Iterator[Turn]]]:
        def lend(function: Callable[..., Iterator[Turn]]) -> Callable[..., Iterator[Turn]]:
            def call(*given: Any) -> Iterator[Turn]:
                calls.append(given[1])
                for turn in function(*pickle.loads(pickle.dumps(given))):
                    yield pickle.loads(pickle.dumps(turn))

            return call

        return lend

    fake.GPU = gpu  # type: ignore[attr-defined]
    monkeypatch.setattr(zero_gpu, "spaces", fake)
    return calls


def test_on_a_borrowed_gpu_each_turn_reads_the_whole_prompt_again_and_says_the_same(monkeypatch: pytest.MonkeyPatch, assistant: Assistant) -> None:
    asked = ("What is my FEV1?", "Is that bad?")

    def talk(say: Callable[..., Iterator[Turn]]) -> Session:
        session = assistant.open(files("mild_obstruction"))
        for question in asked:
            for turn in say(session, question):
                pass
            session = session.add(turn)
        return session

    calls = lending(monkeypatch)
    lent, here = talk(zero_gpu.speak(assistant)), talk(assistant.ask)
    assert calls == list(asked)
    assert [turn.seen.cached_tokens for turn in lent.turns] == [0, 0]
    assert here.turns[1].seen.cached_tokens > 0
    assert [turn.answer for turn in lent.turns] == [turn.answer for turn in here.turns]
    assert lent.memory is None


def test_an_answer_stopped_on_a_borrowed_gpu_is_checked_against_its_passages(monkeypatch: pytest.MonkeyPatch, assistant: Assistant) -> None:
    lending(monkeypatch)
    session = assistant.open(files("mild_obstruction"))
    heard: list[str] = []
    ringing = SimpleNamespace(is_set=lambda: heard[-1].count("[1]") > 0 if heard else False)
    for turn in zero_gpu.speak(assistant)(session, "Should I exercise?", stop=ringing):  # type: ignore[arg-type]
        heard.append(turn.answer)
    assert "[1]" in turn.answer
    assert turn.done and turn.checks.notes == ()


def test_where_the_gpu_is_lent_by_the_call_risks_are_read_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    load = MultimodalLM.load

    def loaded(folder: Path, *, device: str = "cpu", dtype: torch.dtype = torch.float32, **more: Any) -> MultimodalLM:
        asked.append(device)
        return load(folder, dtype=torch.float32, **more)

    monkeypatch.setattr(MultimodalLM, "load", loaded)
    monkeypatch.setattr(dialogue, "choose_device", lambda *_: ("cuda", torch.bfloat16))
    for lent, devices in (("1", ["cpu", "cuda"]), ("", ["cuda"])):
        asked.clear()
        monkeypatch.setenv("SPACES_ZERO_GPU", lent)
        here = dialogue.Assistant.load()
        assert asked == devices
        assert (here.reader is here.engine.model) is not bool(lent)


def test_the_door_for_questions_borrows_too(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = lending(monkeypatch)
    with serving(Planted()) as (app, url):
        sent = [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in uploaded(url)]
        assert press(app, url, "ask", [sent, "Explain my result", None])["success"] is True
    assert calls == ["Explain my result"]


def uploaded(url: str) -> list[str]:
    sent = httpx.post(f"{url}gradio_api/upload", files=[("files", (path.name, path.read_bytes())) for path in files("healthy_runner")])
    return [str(path) for path in sent.json()]
