"""The command line as users script it: its JSON, its exit codes, its plain sentences."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import app
from assistant import cli
from assistant.settings import SettingError, read_settings
from tests.conftest import ROOT

PATIENTS = ROOT / "assets" / "patients"
COHORT = str(ROOT / "assets" / "cohort_example.csv")
MILD = sorted(str(path) for path in (PATIENTS / "mild_obstruction").iterdir())


def run(*words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, standard output, standard error of ``breathwise`` itself."""
    monkeypatch.setattr(sys, "argv", ["breathwise", *words])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def test_measure_prints_the_document_of_the_interface() -> None:
    result = CliRunner().invoke(
        cli.app, ["measure", str(PATIENTS / "healthy_runner" / "spirogram.csv"), "--sex", "female", "--age-years", "34", "--height-cm", "168", "--json"]
    )
    document = json.loads(result.stdout)
    assert set(document) >= {"maneuvers", "session", "reference", "interpretation", "bronchodilator_response"}
    assert set(document["maneuvers"][0]) >= {
        "file", "id", "fvc_l", "fev1_l", "fev1_fvc", "pef_l_s", "fef25_75_l_s", "bev_l", "time_zero_s", "fet_s", "fivc_l", "acceptable", "usable", "findings",
    }  # fmt: skip
    assert set(document["session"]) >= {"fev1_l", "fvc_l", "fev1_fvc", "fev1_grade", "fvc_grade"}
    assert set(document["reference"]) >= {"name", "fev1", "fvc", "fev1_fvc"}
    assert set(document["reference"]["fev1"]) >= {"predicted", "lln", "z", "percent_predicted"}
    assert document["interpretation"]["pattern"] == "normal"


def test_the_public_example_measures_to_its_published_values(shared_data: Path) -> None:
    result = CliRunner().invoke(cli.app, ["measure", str(shared_data / "ukb_3066_demo_string.txt"), "--json"])
    blow = json.loads(result.stdout)["maneuvers"][0]
    assert blow["fvc_l"] == pytest.approx(5.836, abs=0.005)
    assert blow["fev1_l"] == pytest.approx(4.68, abs=0.03)
    assert blow["bev_l"] == pytest.approx(0.06, abs=0.01)
    assert blow["fef25_75_l_s"] == pytest.approx(4.45, rel=0.05)


def test_without_sex_age_and_height_nothing_is_compared() -> None:
    result = CliRunner().invoke(cli.app, ["measure", str(PATIENTS / "healthy_runner" / "spirogram.csv"), "--json"])
    document = json.loads(result.stdout)
    assert document["reference"] is None
    assert document["interpretation"] is None


def test_ask_prints_the_document_of_the_interface(cache: Path) -> None:
    result = CliRunner().invoke(cli.app, ["ask", *MILD, "-q", "Should I exercise?", "-q", "I have crushing chest pain", "--json"])
    document = json.loads(result.stdout)
    assert document["patient"]["sex"] == "male"
    turn, alarm = document["turns"]
    assert set(turn) >= {"question", "answer", "citations", "checks", "triage", "evidence", "soft_tokens", "timings"}
    assert set(turn["checks"]) >= {"numbers_supported", "unsupported_numbers", "citations_valid"}
    assert set(turn["timings"]) >= {"first_token_s", "total_s", "new_tokens"}
    assert turn["evidence"] in {"library", "record", "none"}
    assert turn["soft_tokens"] > 0
    for citation in turn["citations"]:
        assert set(citation) == {"n", "id", "title", "section", "source", "url", "text"}
    assert turn["triage"] is None
    assert set(alarm["triage"]) == {"rule", "level", "text"}


def test_library_search_says_when_nothing_is_relevant(cache: Path) -> None:
    found = json.loads(CliRunner().invoke(cli.app, ["library", "search", "how do I stop smoking", "-k", "2", "--json"]).stdout)
    assert found["enough"] is True
    assert len(found["results"]) == 2
    assert set(found["results"][0]) >= {"id", "title", "section", "source", "url", "text", "score"}
    assert json.loads(CliRunner().invoke(cli.app, ["library", "search", "gearbox oil for a tractor", "--json"]).stdout) == {"results": [], "enough": False}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("measure", "missing.csv"), "does not exist"),
        (("measure", str(ROOT / "LICENSE")), "column"),
        (("ask", str(ROOT / "assets" / "logo.svg"), "-q", "hello"), "logo.svg"),
        (("risk", "nobody.csv", "--out", "out.csv"), "does not exist"),
        (("risk", COHORT, "--out", "/nowhere/out.csv"), "out.csv cannot be written; name a file in a folder that exists"),
        (("risk", COHORT, "--out", "out.csv", "--explain", str(ROOT / "assets")), "assets cannot be written; name a file"),
    ],
)
def test_input_at_fault_is_one_plain_sentence_and_exit_2(
    words: tuple[str, ...], said: str, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(*words, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 2
    assert out == ""
    assert said in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("words", [("ask", *MILD), ("app", "--port", "70000")])
def test_a_missing_question_and_a_port_that_is_none_are_usage_errors(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words, monkeypatch=monkeypatch, capsys=capsys)[0] == 2


def test_risk_writes_one_calibrated_probability_a_trait(tmp_path: Path) -> None:
    (tmp_path / "cohort.csv").write_text(
        "seqn,sex,age_years,height_cm,smoking_status,fev1_l,fvc_l\n7,female,50,165,never,2.6,3.3\n8,male,72,174,current,1.1,2.9\n", encoding="utf-8"
    )
    result = CliRunner().invoke(cli.app, ["risk", str(tmp_path / "cohort.csv"), "--out", str(tmp_path / "risks.csv")], catch_exceptions=False)
    assert result.exit_code == 0
    lines = (tmp_path / "risks.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split(",")[0] == "seqn"
    assert len(lines) == 3
    assert len(lines[0].split(",")) == 9
    assert all(0 <= float(cell) <= 1 for line in lines[1:] for cell in line.split(",")[1:])


def test_it_works_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "assistant.cli", "library", "list"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) >= 60


def test_ask_says_the_grade_before_the_answer(cache: Path, patients: Path) -> None:
    files = [str(path) for path in sorted((patients / "pre_and_post").iterdir())]
    said = CliRunner().invoke(cli.app, ["ask", *files, "-q", "Explain my result"]).stdout
    assert said.startswith("Quality: FEV1 grade B, FVC grade B")
    assert "(post): FEV1 2.36 L" in said
    assert said.index("Quality") < said.index("> Explain my result")
    document = json.loads(CliRunner().invoke(cli.app, ["ask", *files, "-q", "Explain my result", "--json"]).stdout)
    assert document["measurement"]["session"]["fev1_grade"] == "B"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BREATHWISE_PORTT", "1", "BREATHWISE_PORTT is no setting; BREATHWISE_PORT was probably meant"),
        ("BREATHWISE_XYZZY", "1", "BREATHWISE_XYZZY is no setting; the README lists them"),
        ("BREATHWISE_PORT", "abc", "BREATHWISE_PORT is 'abc': input should be a valid integer"),
        ("BREATHWISE_MAX_UPLOAD_MB", "100", "BREATHWISE_MAX_UPLOAD_MB is '100': input should be less than or equal to 20"),
    ],
)
def test_a_setting_that_cannot_be_taken_is_one_sentence_at_start(name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=said):
        read_settings()
    with pytest.raises(SystemExit) as stopped:
        app.main()
    assert str(stopped.value).startswith(f"breathwise: {said}")
    assert "\n" not in str(stopped.value)
