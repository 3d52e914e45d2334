"""What must hold for the page to be trusted, tried at start and shown at /healthz: known numbers, a search, a few words."""

from __future__ import annotations

import datetime as dt
import platform
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from assistant.session import Session, begin
from encoders.model_folder import fingerprint
from encoders.record import Patient, Sex
from encoders.spirogram import analyse
from encoders.spirogram.read import read_curves
from encoders.spirogram.reference import evaluate

ASSETS = Path(__file__).resolve().parent.parent / "assets"
GOLDEN_BLOW, GOLDEN_FEV1_L, GOLDEN_FVC_L = ASSETS / "patients" / "healthy_runner" / "spirogram.csv", 3.42, 4.10
# GLI Global 2022, man of 40 years and 175 cm: the lower limit of FEV1 is 2.939 L, so its z is that of the 5th percentile
GOLDEN_LLN_L, GOLDEN_Z = 2.939, -1.645
PACKAGES = ("torch", "transformers", "gradio", "chromadb", "langchain-core", "pyspiro", "numpy")
NEEDED = ("blow", "reference")  # without these nothing the page shows can be trusted


class SelfTestError(RuntimeError):
    """A check that did not hold. One plain sentence."""


def measure_blow() -> str:
    best = analyse(read_curves(GOLDEN_BLOW), sex="female", age_years=34.0, height_cm=168.0).best
    if best is None or best.fev1_l is None or best.fvc_l is None or abs(best.fev1_l - GOLDEN_FEV1_L) > 0.01 or abs(best.fvc_l - GOLDEN_FVC_L) > 0.01:
        raise SelfTestError(f"the known blow should give FEV1 {GOLDEN_FEV1_L:.2f} and FVC {GOLDEN_FVC_L:.2f} L; install Breathwise again")
    return f"FEV1 {best.fev1_l:.2f} L, FVC {best.fvc_l:.2f} L"


def compare_with_reference() -> str:
    z = evaluate("fev1", GOLDEN_LLN_L, sex="male", age_years=40.0, height_cm=175.0).z
    if z is None or abs(z - GOLDEN_Z) > 0.005:
        raise SelfTestError(f"the known lower limit should give z {GOLDEN_Z}, not {z}; install pyspiro again")
    return f"z {z:.3f}"


def search_library(assistant: Any) -> str:
    library = getattr(assistant, "library", None)
    if library is None:
        raise SelfTestError("the library is not open: the language model was not loaded")
    found = library.search("How do I stop smoking?", 1)
    if not found.enough:
        raise SelfTestError("the library finds nothing about smoking; delete the folder of BREATHWISE_CACHE_DIR and start again")
    return str(found.results[0].passage.id)


def say_something(assistant: Any) -> str:
    """A few words about a made-up person; the session is dropped."""
    if getattr(assistant, "cure", ""):
        raise SelfTestError(assistant.cure)
    session: Session = begin(Patient(sex=Sex.MALE, age_years=40.0, height_cm=175.0))
    enough = threading.Event()
    text = ""
    for turn in assistant.ask(session, "What is FEV1?", stop=enough):
        text = turn.answer
        if len(text) > 12:
            enough.set()
    if not text.strip():
        raise SelfTestError("the language model says nothing; restore its folder from the repository")
    return f"{len(text.split())} words"


def run(assistant: Any) -> dict[str, Any]:
    """Every check, what it gave or what is wrong, and how long it took."""
    checks: dict[str, dict[str, Any]] = {}
    tried: dict[str, Callable[[], str]] = {
        "blow": measure_blow, "reference": compare_with_reference, "search": lambda: search_library(assistant), "generation": lambda: say_something(assistant),
    }  # fmt: skip
    for name, check in tried.items():
        started = time.perf_counter()
        try:
            checks[name] = {"ok": True, "said": check()}
        except SelfTestError as error:
            checks[name] = {"ok": False, "said": str(error)}
        except Exception as error:  # whatever fails is what this test is for
            checks[name] = {"ok": False, "said": f"failed with {type(error).__name__}"}
        checks[name]["seconds"] = round(time.perf_counter() - started, 3)
    failed = [name for name, check in checks.items() if not check["ok"]]
    status = "failing" if set(failed) & set(NEEDED) else "degraded" if failed else "ok"
    return {
        "status": status,
        "checked": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "checks": checks,
        "versions": versions(),
        **assistant.describe(),
    }


def versions() -> dict[str, str]:
    """Of Breathwise, of what it stands on, and of the embedded model's weights."""
    found = {"python": platform.python_version()}
    for name in ("breathwise", *PACKAGES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "source checkout" if name == "breathwise" else "not installed"
    with suppress(OSError, ValueError, KeyError):
        found["weights"] = fingerprint(ASSETS / "models" / "breathwise-mini")
    return found


class Health:
    """The last self-test, made beside the page so that nobody waits for it."""

    def __init__(self, assistant: Any) -> None:
        self.found: dict[str, Any] = {"status": "starting"}
        self._thread = threading.Thread(target=self._run, args=(assistant,), daemon=True, name="self-test")

    def start(self) -> Health:
        self._thread.start()
        return self

    def wait(self, seconds: float) -> dict[str, Any]:
        self._thread.join(seconds)
        return self.found

    @property
    def code(self) -> int:
        """The HTTP status: 503 while starting and where nothing shown can be trusted."""
        return 200 if self.found["status"] in ("ok", "degraded") else 503

    def _run(self, assistant: Any) -> None:
        self.found = run(assistant)
