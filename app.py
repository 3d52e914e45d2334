"""The page's entry point, on a laptop and on a Space: picks the parts and launches."""

from __future__ import annotations

from assistant.interface import zero_gpu  # noqa: F401 - first: on a Space with borrowed GPUs its package comes before torch
from assistant.interface.server import ServingError, launch
from assistant.measuring_only import load
from assistant.settings import SettingError, read_settings


def main() -> None:
    try:
        settings = read_settings()
        print(f"Breathwise (research and education only) opens at http://{settings.host}:{settings.port}", flush=True)
        launch(load(settings), host=settings.host, port=settings.port)
    except (SettingError, ServingError) as error:
        raise SystemExit(f"breathwise: {error}") from None


if __name__ == "__main__":
    main()
