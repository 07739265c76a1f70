"""A headless browser for tests that look at pages; they are skipped where there is none."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

CHROMIUM = shutil.which("chromium")
SECONDS = 120  # until something must have come up, on the slowest machine
needs_browser = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")


@contextmanager
def opened(address: str, **options: Any) -> Iterator[Page]:
    """Open a page in a browser of its own; `options` are playwright's for a new page."""
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(**options)
        page.set_default_timeout(1000 * SECONDS)
        page.goto(address)
        yield page
        browser.close()
