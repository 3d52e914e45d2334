"""The house rules: imports go down, the README is true, what is installed is what is asked for."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant import cli
from assistant.settings import Settings
from tests.conftest import ROOT

FLOORS = {"app": 0, "assistant": 1, "encoders": 2, "prompts": 3}
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def sources() -> list[Path]:
    return [ROOT / "app.py", *(path for floor in ("assistant", "encoders", "prompts") for path in sorted((ROOT / floor).rglob("*.py")))]


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            names.add(node.module or "")
    return names


def breaches(path: Path, text: str) -> list[str]:
    floor = path.relative_to(ROOT).parts[0].removesuffix(".py")
    tops = {name.split(".")[0] for name in imported(ast.parse(text))}
    return [f"{path.name} imports {top}" for top in sorted(tops & set(FLOORS)) if FLOORS[top] < FLOORS[floor]]


def test_imports_only_go_down() -> None:
    assert [breach for path in sources() for breach in breaches(path, path.read_text(encoding="utf-8"))] == []
    assert breaches(ROOT / "encoders" / "batch.py", "from assistant.session import Turn") == ["batch.py imports assistant"]


def test_every_fixed_library_is_used_for_real() -> None:
    used = {name.split(".")[0] for path in sources() for name in imported(ast.parse(path.read_text(encoding="utf-8")))}
    assert {"gradio", "torch", "transformers", "peft", "langchain_core", "langchain_chroma", "chromadb", "pandas", "matplotlib"} <= used


def test_modules_have_a_docstring_and_stay_readable() -> None:
    for path in sources():
        text = path.read_text(encoding="utf-8")
        if text.strip():
            assert ast.get_docstring(ast.parse(text)), f"{path.relative_to(ROOT)} does not say what it is for"


def test_requirements_for_spaces_are_the_projects_dependencies() -> None:
    lines = [line for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert sorted(lines) == sorted(PROJECT["project"]["dependencies"])


def test_every_dependency_has_a_tested_version() -> None:
    pinned = {
        re.split(r"==", line)[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line
    }
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["test"]]
    names = {re.split(r"[<>=!~\[; ]", one)[0].lower().replace("_", "-") for one in wanted}
    assert names - pinned == set()
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text(encoding="utf-8")


def test_the_space_runs_the_tested_gradio() -> None:
    version = re.search(r"^sdk_version: (\S+)$", README, re.MULTILINE)
    assert version is not None
    assert f"gradio=={version[1]}\n" in (ROOT / "constraints.txt").read_text(encoding="utf-8")


def test_the_readme_has_the_two_commands() -> None:
    assert "pip install -c constraints.txt . && python app.py" in README
    assert "pip install -c constraints.txt '.[test]' && pytest" in README


def test_the_readme_documents_every_setting() -> None:
    told = dict(re.findall(r"^\| `BREATHWISE_(\w+)` \| ?(\S*) \|", README, re.MULTILINE))
    known = {name.upper(): "" if field.default is None else str(field.default) for name, field in Settings.model_fields.items()}
    assert told == known


def test_the_file_map_is_the_tree() -> None:
    found = re.search(r"## File map\n\n```\n(.*?)```", README, re.DOTALL)
    assert found is not None
    mapped = {line.split()[0].rstrip("/") for line in found[1].splitlines()}
    top = {"app.py", "assistant", "encoders", "prompts", "assets", "tests"}
    packages = {str(path.parent.relative_to(ROOT)) for floor in ("assistant", "encoders") for path in (ROOT / floor).rglob("__init__.py")}
    assert mapped == top | packages
    assert all((ROOT / name).exists() for name in mapped)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_the_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})
    assert "FEV1" in capsys.readouterr().out


@pytest.mark.parametrize("line", [line for block in blocks("") for line in block.splitlines() if line.startswith("breathwise ")])
def test_the_commands_of_the_readme_run(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(line)[1:]
    if words[0] == "train":
        words += ["--out", str(tmp_path / "model"), "--minutes", "0.1"]
    if words[0] == "risk":
        words[words.index("risks.csv")] = str(tmp_path / "risks.csv")
    if words[0] == "report":
        words[words.index("report.pdf")] = str(tmp_path / "report.pdf")
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(cli.app, words, catch_exceptions=False)
    assert result.exit_code == 0
    assert result.output or words[0] in {"risk", "report"}


def test_help_answers_without_the_heavy_libraries() -> None:
    code = "import sys; sys.argv = ['breathwise', '--help']\ntry:\n    import assistant.cli as c; c.main()\nexcept SystemExit: pass\nprint([m for m in ('torch', 'gradio', 'transformers', 'chromadb') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip().endswith("[]")


def test_nothing_of_this_machine_is_in_the_project() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    home = re.compile(r"/(?:home|root|Users)/\w+/|127\.0\.0\.1:3128|/work/")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".json", ".cfg"} and path.is_file() and path != Path(__file__):
            assert not home.search(path.read_text(encoding="utf-8")), name


def test_the_model_fits_where_it_is_served() -> None:
    files = [path for path in (ROOT / "assets" / "models" / "breathwise-mini").rglob("*") if path.is_file()]
    assert max(path.stat().st_size for path in files) <= 15e6
    assert sum(path.stat().st_size for path in files) <= 60e6
    assert not [path.name for path in files if path.suffix in {".bin", ".pt", ".pkl"}]
    manifest = json.loads((ROOT / "assets" / "models" / "breathwise-mini" / "breathwise.json").read_text(encoding="utf-8"))
    assert "sha256" in manifest


def test_the_wheel_carries_assets_and_prompts() -> None:
    packages = PROJECT["tool"]["setuptools"]["packages"]
    inits = {
        str(path.parent.relative_to(ROOT)).replace(os.sep, ".")
        for floor in ("assistant", "encoders", "prompts")
        for path in (ROOT / floor).rglob("__init__.py")
    }
    assert set(packages) == inits | {"assets"}
    assert PROJECT["tool"]["setuptools"]["package-data"] == {"prompts": ["**/*.md", "**/*.txt"], "assets": ["**/*"]}
