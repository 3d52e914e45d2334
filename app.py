"""The page's entry point, on a laptop and on a Space: picks the parts and launches."""

from __future__ import annotations

from assistant.interface.starting import ServingError, open_page
from assistant.settings import SettingError, read_settings


def main() -> None:
    try:
        settings = read_settings()
        open_page(settings, host=settings.host, port=settings.port)
    except (SettingError, ServingError) as error:
        raise SystemExit(f"breathwise: {error}") from None


if __name__ == "__main__":
    main()
