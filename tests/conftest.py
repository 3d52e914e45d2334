"""The world of the tests: shared data where it exists, nothing from the network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from assistant import Assistant

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the project; it is not part of it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared data (NHANES, GLI values, UK Biobank example) are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def patients() -> Path:
    return ROOT / "assets" / "patients"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One library index for all tests, also for the command line and the page."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["BREATHWISE_CACHE_DIR"] = str(folder)
    yield folder
    del os.environ["BREATHWISE_CACHE_DIR"]


@pytest.fixture(scope="session")
def assistant(cache: Path) -> Assistant:
    """The real one: embedded model, library, risks."""
    from assistant import Assistant

    return Assistant.load()
