"""One case through every door - Python, the command line, the Gradio client, MCP - gives the same; and what each door refuses."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from assistant import caller, cli, mcp_server
from assistant.caller import Caller
from assistant.interface import doors
from assistant.interface.server import launch
from assistant.measuring_only import MeasuringOnly
from assistant.reasons import explain
from assistant.session import turn_json
from assistant.settings import Settings
from encoders.spirogram import to_json
from tests.conftest import ROOT
from tests.test_interface import Scripted

if TYPE_CHECKING:
    from gradio_client import Client

    from assistant import Assistant

PATIENTS = ROOT / "assets" / "patients"
QUESTIONS = ("Should I exercise?", "How often?")
NAMES = ("mild_obstruction", "pre_and_post")


def files(name: str) -> list[Path]:
    return sorted(path for path in (PATIENTS / name).iterdir() if path.is_file())


@contextmanager
def serving(assistant: Any) -> Iterator[tuple[Any, str]]:
    """A page on a free port of its own; uploads of a page that was served before go on where they went."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    before = os.environ.get("GRADIO_TEMP_DIR")
    app, url, _ = launch(assistant, host="127.0.0.1", port=port, block=False)
    try:
        yield app, url
    finally:
        app.get_blocks().close(verbose=False)
        if before is not None:
            os.environ["GRADIO_TEMP_DIR"] = before


@pytest.fixture(scope="module")
def page(assistant: Assistant) -> Iterator[tuple[Any, str]]:
    with serving(assistant) as served:
        yield served


def client(url: str, **settings: Any) -> Client:
    from gradio_client import Client

    return Client(url, verbose=False, download_files=False, **settings)


def given(paths: list[Path]) -> list[Any]:
    from gradio_client import handle_file

    return [handle_file(path) for path in paths]


def left() -> list[Path]:
    """What lies where uploads are put."""
    return list(Path(os.environ["GRADIO_TEMP_DIR"]).rglob("*"))


# the same case through four doors: the measurement, the risks, two turns of which the second hangs on the first ---------------------------------
def by_python(name: str, assistant: Assistant) -> dict[str, Any]:
    session = assistant.open(files(name))
    for question in QUESTIONS:
        for turn in assistant.ask(session, question):
            pass
        session = session.add(turn)
    assert session.spirometry is not None
    found = {"measure": to_json(session.spirometry), "risk": caller.risks(assistant, session), "ask": [turn_json(turn) for turn in session.turns]}
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def by_command(name: str) -> dict[str, Any]:
    asked = [word for question in QUESTIONS for word in ("-q", question)]
    document = json.loads(CliRunner().invoke(cli.app, ["ask", *map(str, files(name)), *asked, "--json"]).stdout)
    return {"measure": document["measurement"], "risk": {key: document[key] for key in ("risks", "note")}, "ask": document["turns"]}


def by_client(name: str, url: str) -> dict[str, Any]:
    one = client(url)
    return {
        "measure": one.predict(files=given(files(name)), api_name="/measure"),
        "risk": one.predict(files=given(files(name)), api_name="/risk"),
        "ask": [
            one.predict(files=given(files(name)), question=QUESTIONS[0], api_name="/ask"),
            one.predict(files=None, question=QUESTIONS[1], api_name="/ask"),
        ],
    }


def tools(load: Callable[[], Any], *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """What a real MCP client gets for each call: the document, or the sentence of a refusal."""
    mcp = pytest.importorskip("mcp", reason="the MCP server is optional (pip install 'breathwise[mcp]')")

    async def talk() -> list[Any]:
        said = []
        async with mcp.Client(mcp_server.build(load)) as one:
            for name, arguments in calls:
                answer = await one.call_tool(name, arguments)
                text = answer.content[0].text
                said.append(text if answer.is_error else json.loads(text))
        return said

    return asyncio.run(talk())


def by_mcp(name: str, assistant: Assistant) -> dict[str, Any]:
    paths = [str(path) for path in files(name)]
    measured, risk, *turns = tools(
        lambda: assistant, ("measure", {"files": paths}), ("risk", {"files": paths}),
        ("ask", {"files": paths, "question": QUESTIONS[0]}), ("ask", {"question": QUESTIONS[1]}),
    )  # fmt: skip
    return {"measure": measured, "risk": risk, "ask": turns}


def timeless(found: dict[str, Any]) -> dict[str, Any]:
    """A case without what no two runs share: how long it took."""
    ask = [{**turn, "timings": None, "seen": {**turn["seen"], "cached_tokens": None}} for turn in found["ask"]]
    return {**found, "ask": ask}


@pytest.mark.parametrize("name", NAMES)
def test_python_the_command_line_the_client_and_mcp_give_the_same(name: str, assistant: Assistant, page: tuple[Any, str]) -> None:
    ours = timeless(by_python(name, assistant))
    assert ours["measure"]["session"]["fev1_l"] > 1 and len(ours["risk"]["risks"]) == 8 and ours["ask"][0]["citations"]
    assert timeless(by_command(name)) == ours
    assert timeless(by_client(name, page[1])) == ours
    assert timeless(by_mcp(name, assistant)) == ours
    assert left() == []


def test_a_curve_alone_with_what_is_stated_measures_the_same_at_every_door(page: tuple[Any, str], assistant: Assistant) -> None:
    curve = next(path for path in files("mild_obstruction") if "spirogram" in path.name)
    sex, age, height = "male", 58.0, 176.0
    words = [
        "--sex",
        sex,
        "--age-years",
        str(age),
        "--height-cm",
        str(height),
        "--reference",
        "gli-2012",
        "--ancestry",
        "caucasian",
        "--bronchodilator",
        "post",
    ]
    stated = {"sex": sex, "age_years": age, "height_cm": height, "reference": "gli-2012", "ancestry": "caucasian", "bronchodilator": "post"}
    printed = json.loads(CliRunner().invoke(cli.app, ["measure", str(curve), *words, "--json"]).stdout)
    assert "2012" in printed["reference"]["name"]
    assert client(page[1]).predict(files=given([curve]), **stated, api_name="/measure") == printed
    assert tools(lambda: assistant, ("measure", {"files": [str(curve)], **stated})) == [printed]


@pytest.mark.parametrize("cells", ["", ",2.12,3.74", ",2.9,3.9,8.2,2.6"])
def test_the_risks_of_a_record_without_a_curve_are_those_of_its_row_in_a_cohort(assistant: Assistant, tmp_path: Path, cells: str) -> None:
    header = ",".join(["id,sex,age_years,height_cm,smoking_status", "fev1_l", "fvc_l", "pef_l_s", "fef25_75_l_s"][: 1 + cells.count(",")])
    record = tmp_path / "record.csv"
    record.write_text(f"{header}\n7,male,58,176,former{cells}\n", encoding="utf-8")
    CliRunner().invoke(cli.app, ["risk", str(record), "--out", str(tmp_path / "risks.csv")], catch_exceptions=False)
    names, row = ((tmp_path / "risks.csv").read_text(encoding="utf-8").splitlines()[place].split(",") for place in (0, 1))
    session = assistant.open([record])
    ours = {one.trait: one.probability for one in session.risks}
    assert {name: float(cell) for name, cell in zip(names[1:], row[1:], strict=True)} == {
        trait: pytest.approx(value, abs=2e-6) for trait, value in ours.items()
    }
    named = {one.name for one in explain(assistant, session, "copd")}
    assert ("spirometry" in named) == bool(cells) and "curve" not in named


def test_a_child_gets_no_risks_and_the_reason(tmp_path: Path, assistant: Assistant) -> None:
    (tmp_path / "record.csv").write_text("sex,age,height\nfemale,9,135\n", encoding="utf-8")
    assert caller.risks(assistant, assistant.open([tmp_path / "record.csv"])) == {"risks": [], "note": caller.ADULTS_ONLY}


# errors ------------------------------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "said"), [("", "record.csv is empty"), ("sex,age,height\nfemale,50,9000\n", "9000"), ("sex,age\nperhaps,50\n", "female or male")]
)
def test_every_door_refuses_in_the_same_plain_sentence(
    text: str, said: str, tmp_path: Path, assistant: Assistant, page: tuple[Any, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "record.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=said) as raised:
        assistant.open([file])
    sentence = " ".join(str(raised.value).split())
    for name, more in (("/measure", {}), ("/risk", {}), ("/ask", {"question": "Explain my result"})):
        with pytest.raises(Exception, match=re.escape(sentence)) as refused:
            client(page[1]).predict(files=given([file]), **more, api_name=name)
        assert str(refused.value) == sentence
    assert left() == []
    assert tools(lambda: assistant, ("risk", {"files": [str(file)]}), ("ask", {"files": [str(file)], "question": "Why?"})) == [sentence] * 2
    monkeypatch.setattr("assistant.dialogue.Assistant.load", lambda: assistant)
    monkeypatch.setattr(sys, "argv", ["breathwise", "ask", str(file), "-q", "Why?"])
    capsys.readouterr()
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().err.strip() == f"breathwise: {sentence}"


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"sex": "x"}, "sex is female or male, not 'x'"),
        ({"age_years": 400}, "age_years is a number from 0 to 120, not '400'"),
        ({"height_cm": "tall"}, "height_cm is a number from 40 to 250, not 'tall'"),
        ({"reference": "ECSC"}, "reference is gli-global-2022 or gli-2012, not 'ECSC'"),
        ({"bronchodilator": "during"}, "bronchodilator is pre or post, not 'during'"),
    ],
)
def test_what_is_stated_wrongly_is_refused_with_what_is_allowed(stated: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        caller.measure(caller.read_patient(files("mild_obstruction")), **stated)


def test_without_a_patient_with_a_long_question_and_after_too_many_it_says_so() -> None:
    one, scripted = Caller(), Scripted()
    with pytest.raises(ValueError, match="give the files"):
        one.ask(scripted, scripted.ask, [], "Explain my result")
    with pytest.raises(ValueError, match="at most 2000"):
        one.ask(scripted, scripted.ask, files("healthy_runner"), "why " * 600)
    one.ask(scripted, scripted.ask, files("healthy_runner"), "Explain my result")
    assert one.session is not None
    one.session = type(one.session)(one.session.patient, turns=one.session.turns * caller.MOST_TURNS)
    with pytest.raises(ValueError, match="at most 100 questions"):
        one.ask(scripted, scripted.ask, [], "And now?")
    assert not one.answering.locked()


def test_one_caller_gets_one_answer_at_a_time_and_a_forgotten_patient_does_not_come_back() -> None:
    one = Caller()
    again: list[str] = []

    def meanwhile() -> None:
        with pytest.raises(ValueError, match="one answer at a time") as refused:
            one.ask(scripted, scripted.ask, [], "And?")
        again.append(str(refused.value))
        one.forget()

    scripted = Scripted(during=meanwhile)
    one.ask(scripted, scripted.ask, files("healthy_runner"), "Explain my result")
    assert again == [caller.ONE_AT_A_TIME]
    assert one.session is None and one.stop.is_set()


def test_a_patient_forgotten_while_the_files_are_read_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    one, scripted = Caller(), Scripted()
    read = scripted.open
    monkeypatch.setattr(scripted, "open", lambda paths: (one.forget(), read(paths))[1])
    with pytest.raises(ValueError, match="no patient is open"):
        one.ask(scripted, scripted.ask, files("healthy_runner"), "Explain my result")
    assert one.session is None and scripted.asked == [] and not one.answering.locked()


def test_a_fault_of_ours_is_one_sentence_and_its_words_are_in_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise RuntimeError("Zebra Quagga, born 1961, has")

    broken = Scripted(during=fail)
    with serving(broken) as (_, url), pytest.raises(Exception, match="Something went wrong here") as refused:
        client(url).predict(files=given(files("healthy_runner")), question="Is Zebra Quagga well?", api_name="/ask")
    assert "Zebra" not in str(refused.value)
    assert "went wrong here" in tools(lambda: broken, ("ask", {"files": [str(path) for path in files("healthy_runner")], "question": "Zebra?"}))[0]
    printed = capfd.readouterr()
    assert "Zebra" not in caplog.text + printed.out + printed.err
    assert "fault RuntimeError" in caplog.text
    assert left() == []


# what is open, to whom, and how much --------------------------------------------------------------------------------------------------------------
def test_only_the_four_doors_are_an_api_and_no_handler_of_the_page(page: tuple[Any, str]) -> None:
    app, url = page
    found = client(url).view_api(return_format="dict", print_info=False)
    assert set(found["named_endpoints"]) == {f"/{name}" for name in doors.NAMES}
    assert not found.get("unnamed_endpoints")
    public = {one.api_name for one in app.get_blocks().fns.values() if one.api_visibility != "private"}
    assert public == set(doors.NAMES)


def test_two_clients_are_kept_apart_and_forget_forgets(page: tuple[Any, str], tmp_path: Path) -> None:
    one, two, three = client(page[1]), client(page[1]), client(page[1])
    for who, name, age in ((one, "Zebra", 41), (two, "Quagga", 67)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "record.csv").write_text(f"name,sex,age,height,fev1 (l),fvc (l)\n{name},male,{age},175,3.1,4.2\n", encoding="utf-8")
        who.predict(files=given([tmp_path / name / "record.csv"]), question="How old am I?", api_name="/ask")
    assert "67" not in json.dumps(one.predict(files=None, question="Explain my result", api_name="/ask")["answer"])
    with pytest.raises(Exception, match="no patient is open"):
        three.predict(files=None, question="Explain my result", api_name="/ask")
    assert one.predict(api_name="/forget") == {"forgotten": True}
    with pytest.raises(Exception, match="no patient is open"):
        one.predict(files=None, question="Explain my result", api_name="/ask")
    assert two.predict(files=None, question="Explain my result", api_name="/ask")["answer"]


def test_a_login_holds_for_the_doors_and_for_uploads() -> None:
    import httpx

    with serving(MeasuringOnly(Settings(user="ann", password="secret"), "No model.")) as (_, url):
        with pytest.raises(Exception, match=r"(?i)auth|login|credential"):
            client(url)
        assert httpx.post(f"{url}gradio_api/upload", files={"files": b"x"}).status_code == 401
        assert httpx.post(f"{url}gradio_api/call/measure", json={"data": []}).status_code == 401
        assert client(url, auth=("ann", "secret")).predict(files=given(files("healthy_runner")), api_name="/measure")["session"]["fev1_l"] > 1


def test_the_rate_and_the_size_of_the_page_hold_for_the_doors(tmp_path: Path) -> None:
    with serving(MeasuringOnly(Settings(requests_per_minute=10, max_upload_mb=1), "No model.")) as (_, url):
        with (tmp_path / "large.csv").open("wb") as file:
            file.truncate(2_000_000)
        with pytest.raises(Exception, match="maximum file size"):  # what the server says of itself, the client holds to
            client(url).predict(files=given([tmp_path / "large.csv"]), api_name="/measure")
        one, said = client(url), []
        for _ in range(3):  # a call makes three counted requests: two uploads and its question
            said.append(one.predict(files=given(files("healthy_runner")), api_name="/measure")["session"]["fev1_l"])
        with pytest.raises(Exception, match="429"):
            one.predict(files=given(files("healthy_runner")), api_name="/measure")
        assert len(said) == 3


def test_the_client_code_of_the_readme_runs(page: tuple[Any, str], assistant: Assistant) -> None:
    code = re.findall(r"^```py\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[0]
    for written, real in (("http://127.0.0.1:7860", page[1]), *((path.name, str(path)) for path in files("healthy_runner"))):
        assert written in code
        code = code.replace(written, real)
    found: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), found)
    assert found["turn"]["question"] == "Why?" and found["turn"]["answer"]
    assert left() == []


# MCP -----------------------------------------------------------------------------------------------------------------------------------------------
def test_the_mcp_server_speaks_over_standard_input_and_output() -> None:
    mcp = pytest.importorskip("mcp", reason="the MCP server is optional (pip install 'breathwise[mcp]')")
    paths = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    server = mcp.StdioServerParameters(command=sys.executable, args=["-m", "assistant.cli", "mcp"], env={"PYTHONPATH": paths, "PATH": os.environ["PATH"]})

    async def talk() -> tuple[list[str], Any]:
        async with mcp.Client(server) as one:
            named = [tool.name for tool in (await one.list_tools()).tools]
            return named, await one.call_tool("measure", {"files": [str(path) for path in files("mild_obstruction")]})

    named, answer = asyncio.run(talk())
    assert named == list(doors.NAMES)
    assert json.loads(answer.content[0].text)["interpretation"]["pattern"] == "obstruction"


def test_mcp_loads_the_model_once_and_not_for_a_measurement() -> None:
    loads: list[int] = []

    def load() -> Any:
        loads.append(threading.get_ident())
        return Scripted()

    paths = [str(path) for path in files("healthy_runner")]
    tools(load, ("measure", {"files": paths}))
    assert loads == []
    assert tools(load, ("ask", {"files": paths, "question": "Why?"}), ("forget", {}), ("forget", {}))[1:] == [{"forgotten": True}, {"forgotten": False}]
    assert len(loads) == 1


def test_without_the_package_the_command_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    monkeypatch.setattr(sys, "argv", ["breathwise", "mcp"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    assert capsys.readouterr().err.strip() == f"breathwise: {mcp_server.CURE}"
