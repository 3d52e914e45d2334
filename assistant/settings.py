"""Every setting, from the environment (BREATHWISE_*). Frozen; documented in the README."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from encoders.faults import InputError


class Settings(BaseSettings):
    """What may be chosen at start. Wrong values and, in the environment, unknown names are refused by ``read_settings``."""

    model_config = SettingsConfigDict(env_prefix="BREATHWISE_", frozen=True, extra="forbid")

    base_model: str | None = Field(None, description="another language model: a Hub id or a folder")
    device: str = Field("auto", description="auto, cpu or cuda")
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="auto: bfloat16 on a GPU, float32 on a CPU")
    cache_dir: Path | None = Field(None, description="where the library's index is kept; by default a folder of the user's cache")
    library_dir: Path | None = Field(None, description="where your own documents are kept; by default a folder of the user's data directory")
    library_upload: bool = Field(False, description="whether visitors of the page may add documents to the library; never on a Space")
    feedback_file: Path | None = Field(None, description="where thumbs up and down are counted; by default a file of the user's data directory")
    host: str = Field("127.0.0.1", description="address of the page; another than loopback needs a user and a password")
    port: int = Field(7860, ge=0, le=65535, description="port of the page")
    user: str | None = Field(None, description="user name of the page")
    password: str | None = Field(None, repr=False, description="password of the page")
    max_upload_mb: int = Field(20, ge=1, le=20, description="largest file that is taken; 20 is the most that is read")
    max_new_tokens: int = Field(160, ge=8, le=2048, description="longest answer, in tokens")
    session_minutes: int = Field(60, ge=1, description="how long an idle page keeps its patient")
    answers_at_once: int = Field(24, ge=1, le=256, description="how many questions are answered at the same time; further ones wait in line")
    queue_size: int = Field(64, ge=1, le=1000, description="how many questions may wait; further ones are asked to come again")
    requests_per_minute: int = Field(240, ge=10, description="how often one visitor may ask within a minute; a question makes one or two requests")
    space_uploads: bool = Field(False, description="whether a Space takes files; by default it shows the examples only")
    visitors: int = Field(500, ge=1, le=10_000, description="how many pages are remembered at once; the one unused longest is forgotten")


class SettingError(InputError):
    """A setting that cannot be taken. One plain sentence."""


def read_settings() -> Settings:
    """The settings of the environment. Raises SettingError, also for a BREATHWISE_ name that nobody reads."""
    known = {f"BREATHWISE_{name.upper()}" for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.upper().startswith("BREATHWISE_") and name.upper() not in known:
            meant = get_close_matches(name.upper(), sorted(known), 1, 0.8)
            raise SettingError(f"{name} is no setting" + (f"; {meant[0]} was probably meant" if meant else "; the README lists them"))
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingError(f"BREATHWISE_{str(first['loc'][0]).upper()} is {str(first['input'])[:40]!r}: {first['msg'].lower()}") from error
