"""The page's entry point, on a laptop and on a Space: picks the parts and launches."""

from __future__ import annotations

from assistant.dialogue import Assistant
from assistant.interface.layout import launch
from assistant.settings import Settings


def main() -> None:
    settings = Settings()
    print(f"Breathwise (research and education only) opens at http://{settings.host}:{settings.port}", flush=True)
    launch(Assistant.load(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
