"""A window that notes everything the browser asks for and complains of, and takes pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

PICTURES = Path(__file__).parent.parent.parent / "build/screenshots"
NARROW, WIDE = 360, 1280
HEIGHT = 800
AXE = Axe()
#: A page that refuses something says so with its status, which Chromium notes as an error.
_REFUSED = re.compile(r"Failed to load resource: .* status of 4(03|04|09|22|29) ")


class Watched:
    """One browser window on one site.

    :param address: the site, for example ``http://127.0.0.1:5040``.
    :param options: those of a Playwright context.
    """

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.address = address
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._context = browser.new_context(
            viewport={"width": WIDE, "height": HEIGHT}, base_url=address, **options
        )
        self._scripted = options.get("java_script_enabled", True)
        self.page: Page = self._context.new_page()
        self._context.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note)

    @property
    def requests_elsewhere(self) -> list[str]:
        """What was asked of anyone but the site."""
        return [url for url in self.requests if not url.startswith(f"{self.address}/")]

    def open(self, path: str) -> Page:
        """Go to a path of the site."""
        self.page.goto(path)
        return self.page

    def look(self, name: str) -> None:
        """Take pictures of the present page and let axe judge it: both widths, both themes.

        :param name: of the files below ``build/screenshots``.
        """
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            for width in (NARROW, WIDE):
                self.page.set_viewport_size({"width": width, "height": HEIGHT})
                PICTURES.mkdir(parents=True, exist_ok=True)
                self.page.screenshot(
                    path=PICTURES / f"{name}-{width}-{scheme}.png",
                    full_page=True,
                    animations="disabled",  # At its end, not halfway from one theme to the other.
                )
                if self._scripted:
                    wider_by = self.page.evaluate(
                        "document.documentElement.scrollWidth"
                        " - document.documentElement.clientWidth"
                    )
                    assert wider_by <= 0, f"{name} is {wider_by} px wider than {width} px"
            if self._scripted:
                found = AXE.run(self.page)
                assert found.violations_count == 0, f"{name} {scheme}: {found.generate_report()}"
        self.page.emulate_media(color_scheme="light")

    def close(self) -> None:
        """Close the window."""
        self._context.close()

    def _note(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        url = message.location["url"]
        # A browser asks every site for this by itself; our plain base names no icon.
        if url.endswith("/favicon.ico"):
            return
        if _REFUSED.match(message.text) and url == self.page.url:
            return
        self.complaints.append(f"{url}: {message.text}")
