"""SECURITY.md is true: its versions are the pinned ones, its tests exist, and what it says is never used is never used."""

from __future__ import annotations

import ast
import functools
import re

import pytest

from tests.conftest import ROOT
from tests.test_house import sources

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
PINNED = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line)


@functools.cache
def named() -> set[str]:
    """Every name, attribute and imported module of the code that is shipped, and the words of its calls."""
    found: set[str] = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute | ast.Name):
                found.add(ast.unparse(node))
            elif isinstance(node, ast.Import | ast.ImportFrom):
                found |= {alias.name for alias in node.names} | ({node.module or ""} if isinstance(node, ast.ImportFrom) else set())
            elif isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
                found.add(f"{node.arg}={node.value.value}")
    return found


def test_the_chroma_server_is_never_started_nor_spoken_to() -> None:
    used = named()
    assert {"chromadb.EphemeralClient", "chromadb.PersistentClient"} <= used
    assert not [name for name in used if re.search(r"chromadb\.(server|app|cli|HttpClient|AsyncHttpClient|CloudClient)|HttpClient|chroma_server", name)]


@pytest.mark.parametrize(
    "name", ["pickle", "joblib", "torch.load", "torch.jit", "torch.export.load", "eval", "exec", "os.system", "trust_remote_code=True", "share=True", "mcp_server=True"]
)  # fmt: skip
def test_what_runs_code_from_data_is_not_used(name: str) -> None:
    assert not [one for one in named() if one == name or one.startswith(f"{name}.")]


def test_the_versions_spoken_of_are_the_pinned_ones() -> None:
    rows = re.findall(r"^\| (\S+) (\d[\d.]*) \| (?:CVE|GHSA|PYSEC)", PAGE, re.MULTILINE)
    assert len(rows) >= 6
    assert {name: version for name, version in rows} == {name: PINNED[name] for name, _ in rows}
    read = PAGE.split("Read and not affected", 1)[1]
    for name in ("transformers", "gradio", "starlette", "python-multipart", "aiohttp", "pillow", "langgraph", "langgraph-checkpoint", "langgraph-sdk", "torch"):
        assert PINNED[name] in read, name


def test_every_promise_names_a_test_that_exists() -> None:
    promises = re.findall(r"^\| [^|]+ \| [^|]+ \| ((?:`test_\w+`(?:, )?)+) \|$", PAGE, re.MULTILINE)
    assert len(promises) == 10
    assert {name for row in promises for name in re.findall(r"`(\w+)`", row)} <= {path.stem for path in (ROOT / "tests").glob("test_*.py")}
