"""The page's entry point, on a laptop and on a Space: picks the parts and launches."""

from __future__ import annotations

from assistant.interface.starting import open_page
from assistant.settings import Settings


def main() -> None:
    settings = Settings()
    open_page(settings, host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
