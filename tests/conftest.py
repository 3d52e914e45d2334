"""The world of the tests: shared data where it exists, nothing from the network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
