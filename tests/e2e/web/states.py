"""States that a bot, an account and a list can be in, and what the page says of them."""

import re
import time
from decimal import Decimal

import sqlalchemy as sa
from playwright.sync_api import Page, expect

from autogrid.core.bot import Event
from autogrid.core.decision import UNDECIDED
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.plan import plan
from autogrid.core.position import RUNNING, Position
from autogrid.store import accounts, audit, bots
from autogrid.store.tick_store import PgTickStore
from tests.e2e.web.conftest import live, shot
from tests.e2e.web.site import STUDY, SYMBOL, Site

MARKET = Market("0.01", "0.001", "1", "0.001", "0.001")
DECIDING = f"""{STUDY.partition("[strategy]")[0]}[strategy]
name = "recentre"
[strategy.params]
width = "0.02"
cells = 8
every = "{{every}}"
[simulation]
cash = "1000"
"""


def lists_go_on(site: Site, page: Page) -> None:
    """120 entries come by fifty, and the button goes when there are no more."""
    with site.stack.engine.begin() as connection:
        who = connection.scalar(sa.text("SELECT id FROM app_user WHERE email = 'ada@example.org'"))
        for number in range(120):
            audit.add(connection, who, "stop_bot", f"/v1/bots/{number}", 200)
    page.goto(site.url + "/system")
    rows = page.get_by_role("region", name="Audit").locator("tbody tr")
    expect(rows).to_have_count(50)
    more = page.get_by_role("button", name="Show more audit")
    more.focus()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(100)
    expect(page.get_by_text("Newest 100 shown")).to_be_visible()
    expect(more).to_be_focused()
    count = site.stack.scalar("SELECT count(*) FROM audit")
    for shown in range(150, count + 50, 50):
        more.click()
        expect(rows).to_have_count(min(shown, count))
    expect(page.get_by_text(f"All {count} shown")).to_be_visible()
    expect(more).to_be_hidden()


def things_have_names(site: Site, page: Page) -> None:
    """A report is asked for by a bot's name and listed by it."""
    page.goto(site.url + "/reports")
    live(page)
    page.get_by_role("button", name="New report").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Report", exact=True).click()
    page.get_by_role("option", name="A bot's day").click()
    dialog.get_by_label("Bot", exact=True).click()
    page.get_by_role("option", name="eth four cells (ETH/USDT)").click()
    dialog.get_by_role("button", name="Make it").click()
    # Once it is made, the link to it says the same.
    expect(page.get_by_role("cell", name="A bot's day: eth four cells (ETH/USDT)", exact=True)).to_be_visible()


def a_busy_browser_is_waited_for(site: Site, page: Page, study: int) -> None:
    """A browser that answers nothing for a while keeps its page, and what was typed."""
    page.goto(f"{site.url}/studies/{study}")
    live(page)
    page.get_by_label("Name of the study").fill("typed before")
    page.evaluate("() => { window.same = true; const end = Date.now() + 14000; while (Date.now() < end); }")
    page.get_by_label("Cells", exact=True).first.fill("10")
    expect(page.locator(".facts div", has_text="Levels").locator("dd")).to_have_text("11")
    live(page)
    expect(page.get_by_label("Name of the study")).to_have_value("typed before")
    assert page.evaluate("window.same") is True


def a_study_trails(site: Site, page: Page, study: int) -> None:
    """The form writes the options; the preview says what they do and draws the levels the grid may move to."""
    page.goto(f"{site.url}/studies/{study}")
    live(page)
    page.get_by_text("Study file").click()
    text, trailing = page.get_by_label("TOML"), page.get_by_label("Trailing")
    page.get_by_label("Stop loss", exact=True).first.fill("85")
    expect(page.locator(".facts div", has_text="Stop loss").locator("dd")).to_have_text("85")
    expect(page.get_by_role("checkbox", name="Stops stay where they are")).to_be_hidden()
    trailing.click()
    page.get_by_role("option", name="Up", exact=True).click()
    expect(text).to_have_value(re.compile('trailing = "up"'))
    expect(page.locator(".facts div", has_text="Stop loss").locator("dd")).to_have_text("85, moves with the grid")
    page.get_by_role("checkbox", name="Stops stay where they are").click()
    expect(text).to_have_value(re.compile("stop_fixed = true"))
    expect(page.locator(".facts div", has_text="Stop loss").locator("dd")).to_have_text("85, stays")
    drawn = """chart => Object.fromEntries(chart.data.map(each => [each.name, each.y || []]))"""
    chart = page.locator(".js-plotly-plot").first
    page.wait_for_function(f"chart => 'Levels it may move to' in ({drawn})(chart)", arg=chart.element_handle())
    lines = chart.evaluate(drawn)
    assert lines["Levels it may move to"] == [112.5, 112.5, None, 115, 115, None]
    assert lines["Stop loss"] == [85, 85, None]
    shot(page, "study-trailing")
    trailing.click()
    page.get_by_role("option", name="None", exact=True).click()
    expect(text).not_to_have_value(re.compile("trailing|stop_fixed"))
    expect(page.locator(".facts div", has_text="Stop loss").locator("dd")).to_have_text("85")


def chart_follows(site: Site, page: Page, bot: int) -> None:
    """New prices change the chart, which stays the same element; a time range is kept."""
    page.goto(f"{site.url}/bots/{bot}")
    live(page)
    chart = page.locator(".js-plotly-plot").first
    chart.locator(".main-svg").first.wait_for()
    expect(page.get_by_role("img", name=re.compile(r"Price with .* \d+ resting orders, \d+ fills"))).to_be_visible()
    hours = """chart => {
        const [from, to] = chart._fullLayout.xaxis.range.map(x => new Date(x));
        return (to - from) / 3600000;
    }"""
    assert chart.evaluate(hours) > 6
    page.get_by_role("button", name="1 h", exact=True).click()
    page.wait_for_function(f"chart => ({hours})(chart) < 3", arg=chart.element_handle())
    chart.locator(".main-svg").first.evaluate("svg => { svg.dataset.kept = 'yes' }")
    site.stack.price(SYMBOL, "100.7")
    expect(page.locator(".facts div", has_text="Last price").locator("dd")).to_have_text("100.7")
    page.wait_for_function("chart => chart._fullLayout.annotations[0].text == '100.7'", arg=chart.element_handle())
    assert chart.locator(".main-svg").first.get_attribute("data-kept") == "yes"
    assert chart.evaluate(hours) < 3


def a_block_says_what_to_do(site: Site, page: Page, bot: int) -> None:
    """From the bot over its account back to trading."""
    with site.stack.engine.begin() as connection:
        accounts.block(connection, site.stack.row(bot).account_id, "the exchange refused the key (-2015)")
    page.goto(f"{site.url}/bots/{bot}")
    alert = page.get_by_role("alert").filter(has_text="Its account main is blocked: the exchange refused the key")
    expect(alert).to_be_visible()
    expect(page.locator(".chip", has_text="blocked")).to_be_visible()
    shot(page, "bot-blocked")
    alert.get_by_role("link", name="Accounts").click()
    expect(page.get_by_role("alert").filter(has_text="Its bots stand still.")).to_be_visible()
    shot(page, "account-blocked")
    page.get_by_role("button", name="Unblock main").click()
    expect(page.get_by_role("button", name="Unblock main")).to_have_count(0)
    page.goto(f"{site.url}/bots/{bot}")
    expect(page.locator(".chip", has_text="running").first).to_be_visible()


def ends_are_told(site: Site, page: Page, unstarted: int, paused: int) -> None:
    """A bot without a fill that is killed, which can go on; and one that is stopped, which cannot."""
    page.goto(f"{site.url}/bots/{unstarted}")
    live(page)
    expect(page.get_by_text("The grid has not started")).to_be_visible()
    expect(page.get_by_text("One point a minute, once the bot runs")).to_have_count(2)
    site.stack.wish(unstarted, "kill")
    site.stack.until(lambda: site.stack.row(unstarted).status == "halted", "a halted bot")
    expect(page.get_by_text("It keeps its coins and does nothing by itself.")).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    shot(page, "bot-halted")
    page.goto(f"{site.url}/bots/{paused}")
    live(page)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("It has ended and given its budget back.")).to_be_visible()
    expect(page.locator(".facts div", has_text="Ended").locator("time")).to_be_visible()
    expect(page.get_by_role("group", name="Steer the bot").get_by_role("button")).to_have_count(0)
    shot(page, "bot-stopped")


def a_strategy_decides(site: Site, page: Page, study: int) -> None:
    """A study and bots whose strategy decides: before there is a grid, and with one that it has decided."""
    page.goto(f"{site.url}/studies/{study}")
    live(page)
    page.get_by_text("Study file").click()
    deciding = DECIDING.format(every="1h")
    page.get_by_label("TOML").fill(deciding)
    facts = page.locator(".facts").first
    expect(facts).to_contain_text("Decided on the candle to")
    expect(facts).to_contain_text("recentre")
    expect(facts.locator("div", has_text="Levels").locator("dd")).to_have_text("9")
    shot(page, "study-strategy")
    page.get_by_label("TOML").fill(deciding.replace("BTC", "NEW"))
    expect(facts.locator("div", has_text="First grid").locator("dd")).to_have_text("later")
    expect(page.get_by_text("once all candles that it looks back on are stored")).to_be_visible()
    expect(facts).not_to_contain_text("Levels")
    shot(page, "study-strategy-undecided")

    new, worked = _deciders(site)
    page.goto(f"{site.url}/bots/{new}")
    live(page)
    expect(page.get_by_text("No grid is decided yet.")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("no grid yet"))).to_be_visible()
    expect(page.locator(".facts div", has_text="Strategy").locator("dd")).to_have_text("recentre")
    page.get_by_role("tab", name="Twin").click()
    expect(page.get_by_text("Once a day its fills are compared")).to_be_visible()
    shot(page, "bot-undecided")
    page.goto(f"{site.url}/bots/{worked}")
    live(page)
    expect(page.locator(".facts div", has_text="Next decision").locator("time")).to_be_visible()
    page.get_by_role("tab", name="Events").click()
    expect(page.get_by_text("decision refused")).to_be_visible()
    expect(page.get_by_text("grid changed")).to_be_visible()
    shot(page, "bot-strategy")


def _deciders(site: Site) -> tuple[int, int]:
    """Two bots that no worker looks at: one without a grid yet, and one with its second."""
    engine = site.stack.engine
    with engine.begin() as connection:
        owner, account = connection.execute(
            sa.text("SELECT owner_id, id FROM account WHERE owner_id IS NOT NULL ORDER BY id LIMIT 1")
        ).one()
        ids = []
        for name in ("btc recentres", "btc has recentred"):
            new = bots.NewBot(
                name=name, account_id=account, symbol=SYMBOL, market=MARKET, grid=UNDECIDED, code_hash="c" * 64,
                exchange="binance", owner_id=owner, cash=Decimal(1000), strategy="recentre",
                params={"width": "0.02", "cells": 8, "every": "1h"},
            )  # fmt: skip
            ids.append(bots.create(connection, new))
        connection.execute(sa.text("UPDATE bot SET next_tick_at = NULL WHERE strategy IS NOT NULL"))
    ticks = PgTickStore(engine)
    first = ticks.load(ids[0])
    first.reason = "for its strategy to decide the first grid"
    ticks.commit(first, [])
    second = ticks.load(ids[1])
    grid = Grid(lower="98", upper="102", cells=8, amount="1", spacing="geometric")
    second.position, second.grid = Position(plan(grid, MARKET, 10_000, cash="1000")), grid
    second.status, second.last_price = "running", 10_010
    second.decided_ms = int(time.time()) // 3600 * 3_600_000
    second.position.phase = RUNNING
    changed = {"lower": "98", "upper": "102", "cells": 8, "price": "100"}
    events = [Event("info", "grid_changed", changed), Event("warning", "decision_refused", {"reason": "too small"})]
    ticks.commit(second, [], events=events)
    return ids[0], ids[1]
