"""What a visitor does faster than the page: before it is connected, twice, or while what is shown is replaced."""

import re

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.e2e.web.conftest import live
from tests.e2e.web.site import EMAIL, PASSWORD, SYMBOL, Site


def typed_before_it_is_connected(page: Page) -> None:
    """A sign-in page whose socket is slow: what was typed arrives in order, and before the click that follows it."""
    slow: list[WebSocketRoute] = []

    def hold(socket: WebSocketRoute) -> None:
        if slow:
            socket.connect_to_server()
        else:
            slow.append(socket)

    page.route_web_socket(re.compile("/_nicegui_ws/"), hold)
    page.reload()
    email = page.get_by_label("E-mail")
    for count in range(8):
        email.fill(f"{count}@example.org")
    email.fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    slow[0].connect_to_server()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def a_double_click_is_one(site: Site, page: Page) -> None:
    """One dialog, which is gone when it is closed."""
    page.goto(site.url + "/accounts")
    live(page)
    page.get_by_role("button", name="Add an account").dblclick()
    dialog = page.get_by_role("dialog")
    dialog.first.wait_for()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def a_press_outlives_new_content(site: Site, page: Page, bot: int) -> None:
    """A link leads on though its table was replaced between the press and the release."""
    site.stack.price(SYMBOL, "101.3")
    site.stack.until(lambda: site.stack.row(bot).last_price == 10130, "a look at the price")
    page.goto(site.url)
    live(page)
    link = page.get_by_role("region", name="Bots").get_by_role("link", name="btc twenty cells")
    link.hover()
    totals = page.locator(".facts").first
    before = totals.inner_text()
    page.mouse.down()
    assert page.locator("a:active").inner_text() == "btc twenty cells"
    site.stack.price(SYMBOL, "100.2")
    expect(totals).not_to_have_text(before, use_inner_text=True)
    page.mouse.up()
    page.get_by_role("heading", name="btc twenty cells").wait_for()


def a_table_stays_where_it_was(site: Site, page: Page, bot: int) -> None:
    """New rows leave a table scrolled, and its focus in it."""
    page.goto(f"{site.url}/bots/{bot}")
    live(page)
    cells = page.get_by_role("region", name="Cells")
    cells.focus()
    cells.evaluate("table => { table.scrollTop = 50; table.dataset.old = 'yes'; }")
    site.stack.price(SYMBOL, "102.6")
    expect(cells).not_to_have_attribute("data-old", "yes")
    expect(cells).to_be_focused()
    assert cells.evaluate("table => table.scrollTop") == 50
