"""What the page says when its session is over or its API is gone, and the way back."""

import httpx
from playwright.sync_api import Page, Route, expect

from tests.e2e.web.conftest import live, shot, sign_in
from tests.e2e.web.site import PASSWORD, Site


def a_session_ends(site: Site, page: Page) -> None:
    """An open page says it, and signing in again leads back to it."""
    site.user("mary@example.org")
    sign_in(page, "mary@example.org")
    page.goto(site.url + "/studies")
    live(page)
    _change_password(site, "mary@example.org", PASSWORD, f"{PASSWORD} 2")
    _sign_in_again(page, "mary@example.org", f"{PASSWORD} 2", "Studies")


def a_session_ends_underway(site: Site, page: Page) -> None:
    """Who has followed a link is not called back from it by the page that is being left."""
    site.user("emmy@example.org")
    sign_in(page, "emmy@example.org")
    page.goto(site.url + "/studies")
    live(page)
    slow: list[Route] = []
    page.route("**/alerts", lambda route: slow.append(route))  # playwright marks it, which no builtin bears
    page.get_by_role("link", name="Alerts").click(no_wait_after=True)
    # The page cannot be asked anything now, but what it says is heard.
    with page.expect_console_message(lambda said: said.text == "The session is over."):
        _change_password(site, "emmy@example.org", PASSWORD, f"{PASSWORD} 2")
    assert len(slow) == 1
    slow[0].continue_()
    page.unroute("**/alerts")
    _sign_in_again(page, "emmy@example.org", f"{PASSWORD} 2", "Alerts")


def _change_password(site: Site, email: str, old: str, new: str) -> None:
    """Elsewhere: every session of the user ends."""
    body = {"email": email, "password": old}
    token = httpx.post(f"{site.api}/v1/auth/login", json=body, timeout=60).json()["access_token"]
    change = {"password": new, "current_password": old}
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.patch(f"{site.api}/v1/users/me", json=change, headers=headers, timeout=60).is_success


def _sign_in_again(page: Page, email: str, password: str, back: str) -> None:
    expect(page.get_by_text("Your session is over.")).to_be_visible()
    shot(page, "session-over")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=back, exact=True)).to_be_visible()


def an_outage_ends(site: Site, page: Page) -> None:
    """An open page says since when it knows nothing; one that is loaded waits; both go on by themselves."""
    site.stop_api()
    expect(page.get_by_role("alert").filter(has_text="No answer from the API since")).to_be_visible()
    shot(page, "no-api-open")
    waiting = page.context.new_page()
    waiting.goto(site.url + "/studies")
    expect(waiting.get_by_text("The API cannot be reached")).to_be_visible()
    expect(waiting.get_by_text("autogrid api")).to_be_visible()
    shot(waiting, "no-api")
    _leaves_as_it_ends(site, page.context.new_page())
    expect(page.locator(".live.on")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="No answer from the API since")).to_be_hidden()
    expect(waiting.get_by_role("heading", name="Studies")).to_be_visible()


def _leaves_as_it_ends(site: Site, page: Page) -> None:
    """Who has followed a link from the page of an outage is not called back to it when the API starts."""
    page.goto(site.url + "/studies")
    expect(page.get_by_text("The API cannot be reached")).to_be_visible()
    slow: list[Route] = []
    page.route(site.url + "/", lambda route: slow.append(route))
    page.get_by_role("link", name="AutoGrid").click(no_wait_after=True)
    with page.expect_console_message(lambda said: said.text == "The API answers."):
        site.start_api()
    slow[0].continue_()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
