"""Reports, the whole way: asked for through the API, made by a worker, read on the page, the API and the command line.

The bot is a real one: its fills come from the loopback exchange. Pictures are kept in out/reports to be looked at.
"""

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import psutil
import pytest
import sqlalchemy as sa
import uvicorn
from playwright.sync_api import sync_playwright
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from autogrid.cli.app import app as commands
from autogrid.core.grid import Grid
from autogrid.data.export import write_candles
from autogrid.data.ingest import import_file
from autogrid.settings import settings
from autogrid.store import bot_history, coverage, passwords, users
from services.api.app import create_app
from tests.e2e.stack import Stack
from tests.e2e.web.conftest import ARGUMENTS, CHROMIUM
from tests.e2e.web.site import EMAIL, PASSWORD, STUDY, SYMBOL, walk

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "out" / "reports"
TEMPLATES = ("study", "bot_daily", "portfolio_weekly", "data_quality")


@dataclass
class World:
    """Everything runs, and the four reports are asked for."""

    stack: Stack
    url: str
    token: str
    bot: int
    #: Template, or "bad", -> the report's id, and what it was when it had ended.
    reports: dict[str, int] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: As it was made, and the row of portfolio_weekly after its first attempt.
    schedule: dict[str, Any] = field(default_factory=dict)
    killed: dict[str, Any] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.request(method, self.url + path, json=body, headers=headers, timeout=60)
        assert answer.is_success, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.text

    def ask(self, template: str, **params: int) -> int:
        return int(self.call("POST", "/v1/reports", {"template": template, "params": params})["id"])

    def ended(self, report: int, seconds: float = 600) -> dict[str, Any]:
        def look() -> Any:
            row = self.call("GET", f"/v1/reports/{report}")
            return row if row["status"] in ("done", "failed") else None

        return dict(self.stack.until(look, f"report {report}", seconds))

    def text(self, template: str) -> str:
        """What the page says, as one line."""
        page = self.call("GET", f"/v1/reports/{self.reports[template]}/html")
        bare = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.S)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Stack([SYMBOL], apart="reports", streams=True, metrics=True) as stack:
        running = uvicorn.Server(uvicorn.Config(create_app(), port=0, log_config=None, lifespan="on"))
        thread = threading.Thread(target=running.run)
        thread.start()
        while not running.started:
            assert thread.is_alive(), "the API did not start"
            time.sleep(0.02)
        try:
            yield _made(stack, f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}")
        finally:
            running.should_exit = True
            thread.join()


def _made(stack: Stack, url: str) -> World:
    with stack.engine.begin() as connection:
        owner = int(users.add(connection, EMAIL, passwords.hash_of(PASSWORD), "trader")["id"])
    _candles(stack.home)
    token = httpx.post(f"{url}/v1/auth/login", json={"email": EMAIL, "password": PASSWORD}, timeout=60).json()
    world = World(stack, url, token["access_token"], _traded(stack, owner))
    study, bad = (
        world.call("POST", "/v1/studies", {"name": name, "text": STUDY.replace(SYMBOL, symbol)})["id"]
        for name, symbol in (("btc eight cells", SYMBOL), ("no candles", "DOGE/USDT"))
    )
    world.reports["portfolio_weekly"] = world.ask("portfolio_weekly")
    _killed(world)
    world.reports |= {
        "study": world.ask("study", study_id=study),
        "bot_daily": world.ask("bot_daily", bot_id=world.bot),
        "bad": world.ask("study", study_id=bad),
    }
    _scheduled(world)
    world.rows = {name: world.ended(report) for name, report in world.reports.items()}
    return world


def _scheduled(world: World) -> None:
    """data_quality comes from a schedule that is due."""
    # Half a day from now in India: it does not fall due while this runs.
    india = datetime.now(UTC) + timedelta(hours=17, minutes=30)
    wanted = {"template": "data_quality", "cron": f"30 {india.hour} * * *", "time_zone": "Asia/Kolkata"}
    world.schedule = world.call("POST", "/v1/schedules", wanted)
    number = world.schedule["id"]
    past = "UPDATE schedule SET next_at = now() - interval '3 days' WHERE id = :s"
    with world.stack.engine.begin() as connection:
        connection.execute(sa.text(past), {"s": number})

    def made() -> Any:
        return world.call("GET", f"/v1/schedules/{number}")["last_report_id"]

    world.reports["data_quality"] = world.stack.until(made, "a beat sees the schedule")


def _killed(world: World) -> None:
    """The process that makes portfolio_weekly is killed at its first attempt."""
    report = world.reports["portfolio_weekly"]

    def maker() -> psutil.Process | None:
        for process in psutil.process_iter(["cmdline", "environ"]):
            ours = (process.info["environ"] or {}).get("AUTOGRID_HOME") == str(world.stack.home)
            if ours and (process.info["cmdline"] or [])[-2:] == ["autogrid.promotion.reporting", str(report)]:
                return process
        return None

    world.stack.until(maker, "the report's process").kill()

    def failed() -> Any:
        row = world.call("GET", f"/v1/reports/{report}")
        return row if row["status"] == "queued" and row["error"] else None

    world.killed = world.stack.until(failed, "the failure is seen")
    # What waits for a minute otherwise.
    with world.stack.engine.begin() as connection:
        late = "UPDATE report SET changed_at = now() - interval '2 minutes' WHERE id = :r"
        connection.execute(sa.text(late), {"r": report})


def _candles(folder: Path) -> None:
    """Two days of minutes with a hole, and hours without one."""
    frame = walk(2.0)
    write_candles(frame.drop(frame.index[700:760]), folder / "minutes.parquet")
    import_file(folder / "minutes.parquet", "binance", SYMBOL, "1m")
    hours = pd.DataFrame(
        {"open": frame["open"].resample("1h").first(), "high": frame["high"].resample("1h").max(),
         "low": frame["low"].resample("1h").min(), "close": frame["close"].resample("1h").last(),
         "volume": frame["volume"].resample("1h").sum()}
    ).iloc[1:-1]  # fmt: skip
    write_candles(hours, folder / "hours.parquet")
    import_file(folder / "hours.parquet", "binance", SYMBOL, "1h")


def _traded(stack: Stack, owner: int) -> int:
    """A bot with real fills, six hours of equity before them, and two days of twins."""
    stack.price(SYMBOL, "101")
    account = stack.account("main", USDT="20000")
    with stack.engine.begin() as connection:
        connection.execute(sa.text("UPDATE account SET owner_id = :o"), {"o": owner})
    grid = Grid(lower="90", upper="110", cells=20, amount="2")
    bot = stack.bot(account, SYMBOL, grid, name="btc twenty cells", owner_id=owner, cash=Decimal(5000))
    stack.until(lambda: len(stack.open_orders("main")) == 20, "orders of the bot")
    count = "SELECT count(*) FROM bot_fill WHERE bot_id = :b"
    for price in ("103.2", "100.5", "98.4", "102.2", "99.3", "101.1"):
        before = stack.scalar(count, b=bot)
        stack.price(SYMBOL, price)
        stack.until(lambda before=before: stack.scalar(count, b=bot) > before, f"fills at {price}")
        stack.until(lambda: len(stack.open_orders("main")) == 20, f"all orders after {price}")
    frame = walk(0.25, seed=5)
    held = (110 - frame["close"]).round().clip(0, 20) * 2
    rows = [
        {"b": bot, "t": ts.to_pydatetime(), "e": 5000 + (price - 101) * 18, "c": 5000 - base * 101, "q": base,
         "p": price}
        for ts, price, base in zip(frame.index[:-2], frame["close"], held, strict=False)
    ]  # fmt: skip
    add = "INSERT INTO bot_equity (bot_id, ts, equity, cash, base, price) VALUES (:b, :t, :e, :c, :q, :p)"
    with stack.engine.begin() as connection:
        connection.execute(sa.text(add + " ON CONFLICT DO NOTHING"), rows)
        today = datetime.now(UTC).date()
        for day, bps, parts in (
            (today - timedelta(days=1), "-3.25", {"path": "-1.625"}),
            (today, "1.5", {"fees": "0.75"}),
        ):
            bot_history.save_twin(connection, bot, bot_history.TwinRow(day, parts, Decimal(bps)))
        warning = "INSERT INTO bot_event (bot_id, level, name, data) VALUES (:b, 'warning', 'stream_silent', :d)"
        connection.execute(sa.text(warning), {"b": bot, "d": json.dumps({"seconds": 90})})
    return bot


def money(value: str) -> str:
    return f"{Decimal(value):,.4f}"


def test_the_numbers_are_those_of_the_api(world: World) -> None:
    bot = world.call("GET", f"/v1/bots/{world.bot}")
    fills = world.call("GET", f"/v1/bots/{world.bot}/fills?limit=500")["items"]
    twins = world.call("GET", f"/v1/bots/{world.bot}/twins?days=1000")
    events = world.call("GET", f"/v1/bots/{world.bot}/events?limit=200")["items"]
    at = world.rows["portfolio_weekly"]["ended_at"]
    warnings = sum(event["level"] != "info" and event["ts"] < at for event in events)
    day, week = world.text("bot_daily"), world.text("portfolio_weekly")
    assert len(fills) > 10
    for name in ("equity_start", "equity", "total", "grid_profit", "inventory", "fees", "hold", "versus_hold"):
        assert f"{name.replace('_', ' ')} {money(bot['pnl'][name])}" in day, name
    assert f"fills in 24 h {len(fills)}" in day
    for fill in fills:
        said = f"{fill['kind']} {'-' if fill['cell'] is None or fill['cell'] < 0 else fill['cell']} {fill['side']} "
        assert f"{said}{Decimal(fill['price']):f} {Decimal(fill['amount']):f}" in day, said
    for twin in twins:
        assert f"{twin['day']} {money(twin['divergence_bps'])}" in day
    assert "stream silent seconds 90" in day
    split = " ".join(
        money(bot["pnl"][n]) for n in ("equity", "total", "grid_profit", "inventory", "fees", "versus_hold")
    )
    did = f"live running {len(fills)} {warnings}"
    assert f"btc twenty cells {SYMBOL} {did} {split} {money(twins[-1]['divergence_bps'])}" in week
    assert f"equity (USDT) {money(bot['pnl']['equity'])}" in week


def test_gaps_and_results_are_those_of_the_store(world: World) -> None:
    with world.stack.engine.connect() as connection:
        listing = coverage.listing(connection)
        gaps = {series.timeframe_s: coverage.gaps(connection, series) for series, _ in listing}
        spans = {series.timeframe_s: sum(span.candles for span in spans) for series, spans in listing}
    said = world.text("data_quality")
    stored = sum(span.candles for _, spans in listing for span in spans)
    assert [gap.candles for gap in gaps[60]] == [60]
    assert f"series 2 candles {stored:,} gaps 1 candles in gaps 60" in said
    hole = gaps[60][0]
    start, end = (f"{coverage.when(ms):%Y-%m-%d %H:%M:%S}" for ms in (hole.start, hole.end))
    assert f"binance {SYMBOL} 1m {start} {end} 60" in said
    assert f"{100 * spans[60] / (spans[60] + 60):.3f}" in said
    study = world.text("study")
    for wanted in (
        "Versus hold",
        "Where the profit comes from",
        "price must trade through a level by (ticks)",
        "study fingerprint",
    ):
        assert wanted in study


@pytest.mark.parametrize("template", TEMPLATES)
def test_pages_and_notebooks_stand_alone(world: World, template: str) -> None:
    report, row = world.reports[template], world.rows[template]
    assert (row["status"], row["error"], row["has_html"]) == ("done", None, True)
    page = world.call("GET", f"/v1/reports/{report}/html")
    notebook = world.call("GET", f"/v1/reports/{report}/notebook")
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=[\"']https?:", page)
    assert notebook["metadata"]["papermill"]["exception"] is None
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output["output_type"] in ("error", "stream")]
    assert "Traceback" not in page


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is absent: apt install chromium")
def test_pages_show_their_plots_on_light_and_dark_screens(world: World) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    expected = {"study": 4, "bot_daily": 3, "portfolio_weekly": 2, "data_quality": 1}
    headers = {"Authorization": f"Bearer {world.token}"}
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        for template in TEMPLATES:
            for scheme in ("light", "dark") if template in ("study", "bot_daily") else ("light",):
                context = browser.new_context(
                    viewport={"width": 1180, "height": 900}, color_scheme=scheme, extra_http_headers=headers
                )
                context.set_default_timeout(60_000)
                page = context.new_page()
                page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
                page.on("pageerror", lambda error: complaints.append(str(error)))
                page.goto(f"{world.url}/v1/reports/{world.reports[template]}/html")
                page.locator(".js-plotly-plot .main-svg").first.wait_for()
                page.locator(".js-plotly-plot").nth(expected[template] - 1).wait_for()
                assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), template
                ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
                assert (ground == "rgb(20, 23, 28)") == (scheme == "dark"), ground
                page.screenshot(path=str(PICTURES / f"{template}-{scheme}.png"), full_page=True)
                context.close()
        browser.close()
    assert not complaints, set(complaints)


def test_a_report_that_cannot_be_made_says_why(world: World) -> None:
    row = world.rows["bad"]
    assert (row["status"], row["attempts"], row["has_html"]) == ("failed", 1, False)
    assert "DOGE/USDT" in row["error"]
    # The notebook shows how far it came.
    notebook = world.call("GET", f"/v1/reports/{row['id']}/notebook")
    assert notebook["metadata"]["papermill"]["exception"] is True
    headers = {"Authorization": f"Bearer {world.token}"}
    asked = httpx.get(f"{world.url}/v1/reports/{row['id']}/html", headers=headers, timeout=60)
    assert asked.status_code == 409
    assert "it is failed" in asked.json()["detail"]


def test_a_report_whose_process_was_killed_is_made_again(world: World) -> None:
    assert "killed, perhaps for want of memory" in world.killed["error"]
    assert world.killed["attempts"] == 1
    row = world.rows["portfolio_weekly"]
    assert (row["status"], row["attempts"], row["error"]) == ("done", 2, None)


def test_a_due_schedule_made_a_report_and_is_due_again_by_its_own_clock(world: World) -> None:
    row, after = world.rows["data_quality"], world.call("GET", f"/v1/schedules/{world.schedule['id']}")
    assert (row["schedule_id"], row["attempts"]) == (after["id"], 1)
    for due in (datetime.fromisoformat(each["next_at"]).astimezone(UTC) for each in (world.schedule, after)):
        assert (due + timedelta(hours=5, minutes=30)).strftime("%-M %-H * * *") == world.schedule["cron"]
        assert due.minute == 0  # India's clocks are half an hour apart from ours
        assert due > datetime.now(UTC)
    made = world.stack.scalar("SELECT count(*) FROM report WHERE schedule_id = :s", s=after["id"])
    assert made == 1, "three days late it comes once"


def test_every_metric_of_the_alerts_is_stated_by_some_process(world: World) -> None:
    """Worker, beat, streams and API together: an alert on a series that nobody states would never ring."""
    sys.path.insert(0, str(ROOT / "deploy"))
    from checks import monitoring

    used = {
        found.name
        for rule in monitoring._rules(ROOT)
        for found in monitoring._selectors(monitoring.promql_parser.parse(rule["expr"]))
    } & monitoring._declared().keys()
    assert len(used) > 20

    def missing() -> list[str]:
        stated = set()
        for url in (*world.stack.scraped.values(), f"{world.url}/metrics"):
            text = httpx.get(url, timeout=60).text
            stated |= {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
        return sorted(used - stated)

    assert sorted(world.stack.scraped) == ["apart", "b0", "streams", "w0"]
    try:
        world.stack.until(lambda: not missing(), "every metric")
    except AssertionError as error:
        raise AssertionError(f"nobody states {missing()}") from error
    outcomes = httpx.get(world.stack.scraped["w0"], timeout=60).text
    for outcome in ("open", "cancelled", "rejected", "unknown"):
        assert f'autogrid_orders_total{{exchange="binance",outcome="{outcome}"}}' in outcomes


def test_the_command_line_reads_the_same(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = str(world.reports["bot_daily"])
    page = world.call("GET", f"/v1/reports/{report}/html")
    monkeypatch.setenv("AUTOGRID_API_KEY", world.call("POST", "/v1/api-keys", {"name": "cli"})["key"])
    settings.cache_clear()
    for name, where in (("here", ()), ("there", ("--api", world.url))):
        out = tmp_path / f"{name}.html"
        done = CliRunner().invoke(
            commands, [*where, "reports", "get", report, "--out", str(out)], catch_exceptions=False
        )
        assert done.exit_code == 0, done.output
        assert out.read_text(encoding="utf-8") == page
        listed = CliRunner().invoke(commands, [*where, "reports", "list"], env={"COLUMNS": "160"}).output
        assert re.search(rf"\b{report}\b.*bot_daily.*done", listed), listed
