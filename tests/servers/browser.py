"""A browser as a person has it: headless Chromium, the machine's own, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from servers.absent import skip_without

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["TIMEOUT", "running_browser"]

#: Milliseconds for anything that a page is waited for; a busy machine takes its time.
TIMEOUT = 120_000

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def running_browser() -> Iterator["Browser"]:
    """Start the browser; without one the test is skipped, and fails where CI is set."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        skip_without("no Chromium on this machine; .ci/system-packages installs it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Root cannot have Chromium's own sandbox, and shared memory is small in containers.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=program, args=arguments, timeout=TIMEOUT)
        try:
            yield browser
        finally:
            browser.close()
