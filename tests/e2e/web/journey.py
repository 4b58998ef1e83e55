"""From a stranger to a bot that trades and is killed, in a real browser, through real processes."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.web.conftest import live, shot
from tests.e2e.web.site import PASSWORD, STUDY, SYMBOL, Site

#: Where nothing is compiled yet, the first backtest takes its time.
SLOW_MS = 150_000


def walk(site: Site, page: Page) -> None:
    """Sign-up, account on the loopback exchange, study, promote, trade, pause, kill."""
    site.stack.price(SYMBOL, "100.3")
    site.stack.loopback.control("account", name="grace", balances={"USDT": "10000"})
    _sign_up(page)
    _account(site, page)
    _study(page)
    _promote(page)
    _trade(site, page)
    _pause(site, page)
    _kill(site, page)


def _sign_up(page: Page) -> None:
    page.get_by_label("E-mail").fill("grace@example.org")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Create an account").click()
    expect(page.get_by_role("alert").filter(has_text="password")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create an account").click()
    page.get_by_role("heading", name="Overview").wait_for()
    expect(page.get_by_text("No bots yet.")).to_be_visible()


def _account(site: Site, page: Page) -> None:
    page.get_by_role("link", name="Accounts").click()
    page.get_by_role("button", name="Add an account").click()
    page.get_by_label("Name").fill("loopback")
    page.get_by_label("Exchange", exact=True).click()
    page.get_by_role("option", name="Binance").click()
    page.get_by_label("API key").fill("gracekey")
    page.get_by_label("API secret").fill("gracesecret")
    page.get_by_label("Server, if not").fill(site.stack.loopback.url)
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Test loopback").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("USDT")).to_be_visible()
    expect(dialog.get_by_text("10,000")).to_have_count(2)
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("gracesecret")).to_have_count(0)


def _study(page: Page) -> None:
    page.get_by_role("link", name="Studies").click()
    page.get_by_role("button", name="New study").click()
    page.get_by_label("Name of the study").fill("eight cells")
    page.get_by_text("Study file").click()
    page.get_by_label("TOML").fill(STUDY.replace('upper = "110"', 'upper = "80"'))
    expect(page.get_by_role("alert").filter(has_text="lower")).to_be_visible()
    page.get_by_label("TOML").fill(STUDY)
    expect(page.get_by_text("Cash it needs")).to_be_visible()
    cells = page.get_by_label("Cells", exact=True).first
    cells.fill("10")
    expect(page.get_by_label("TOML")).to_have_value(re.compile("cells = 10"))
    cells.fill("8")
    page.get_by_role("button", name="Backtest", exact=True).click()
    expect(page.get_by_text("Worst to best")).to_be_visible(timeout=SLOW_MS)
    shot(page, "journey-study")


def _promote(page: Page) -> None:
    page.get_by_role("button", name="Promote").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("real orders")).to_be_visible()
    does = dialog.get_by_role("button", name="Promote")
    expect(does).to_be_disabled()
    dialog.get_by_label("Type LIVE to confirm").fill("LIVE")
    does.click()
    link = page.get_by_role("link", name="Go to the bot")
    link.wait_for(timeout=SLOW_MS)
    expect(page.get_by_text("parity")).to_be_visible()
    link.click()
    page.get_by_role("heading", name="eight cells").wait_for()


def _trade(site: Site, page: Page) -> None:
    live(page)
    expect(page.locator(".chip", has_text="running")).to_be_visible()
    site.stack.until(lambda: len(site.stack.open_orders("grace")) == 8, "eight orders")
    # Nobody loads the page again: the update comes by itself.
    site.stack.price(SYMBOL, "103.1")
    row = page.locator(".facts div", has_text="Round trips").locator("dd")
    expect(row).to_have_text("1")
    page.get_by_role("tab", name="Fills").click()
    expect(page.get_by_role("region", name="Fills").locator("tbody tr")).to_have_count(2)
    shot(page, "journey-bot")


def _pause(site: Site, page: Page) -> None:
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(page.locator(".chip", has_text="paused")).to_be_visible()
    site.stack.until(lambda: not site.stack.open_orders("grace"), "no order rests")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".chip", has_text="running")).to_be_visible()


def _kill(site: Site, page: Page) -> None:
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("button", name="Kill switch").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Kill")).to_be_disabled()
    dialog.get_by_label("Why, for").fill("news from the exchange")
    dialog.get_by_label("Type KILL to confirm").fill("KILL")
    dialog.get_by_role("button", name="Kill").click()
    expect(page.locator(".chip", has_text="halted")).to_be_visible()
    site.stack.until(lambda: not site.stack.open_orders("grace"), "no order rests")
    banner = page.locator(".engaged")
    expect(banner).to_contain_text("Kill switch engaged: all of your bots. By you at")
    expect(banner).to_contain_text("news from the exchange")
    shot(page, "journey-killed")
    _release(page)


def _release(page: Page) -> None:
    """While the switch is engaged, nothing resumes; the banner is on every page."""
    page.get_by_role("region", name="Bots").get_by_role("link", name="eight cells").click()
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".toast.bad")).to_contain_text("kill switch")
    page.locator(".toast.bad").get_by_role("button", name="Close").click()
    shot(page, "journey-engaged")
    page.get_by_role("button", name="Release the kill switch").click()
    page.get_by_role("dialog").get_by_role("button", name="Release").click()
    expect(page.locator(".engaged .note")).to_have_count(0)
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".chip", has_text="running")).to_be_visible()
