"""One site and one browser for all tests of the page."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.web.site import EMAIL, PASSWORD, Site

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
#: Screenshots, kept to be looked at; git ignores them.
SHOTS = Path(__file__).parents[3] / "out" / "web"
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 375, "height": 740}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is absent: apt install chromium")
    expect.set_options(timeout=60_000)  # on a machine that is busy with other tests
    SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def site(browser: Browser) -> Iterator[Site]:
    with Site() as running:
        yield running


Opens = Callable[..., Page]


@pytest.fixture
def opens(browser: Browser, site: Site) -> Iterator[Opens]:
    """Open a page in a browser of its own; what its console complains about fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def make(path: str = "/", *, phone: bool = False, dark: bool = False, state: object = None) -> Page:
        context = browser.new_context(
            viewport=PHONE if phone else DESKTOP, color_scheme="dark" if dark else "light", storage_state=state
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(site.url + path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def sign_in(page: Page, email: str = EMAIL) -> Page:
    """Through the form."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview").wait_for()
    return page


def live(page: Page) -> Page:
    """Wait until the page's live updates come."""
    page.locator(".live.on").wait_for()
    return page


def shot(page: Page, name: str) -> None:
    """Keep a picture."""
    page.screenshot(path=str(SHOTS / f"{name}.png"), full_page=True)
