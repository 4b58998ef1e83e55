"""One of everything that can belong to somebody, straight into the store."""

from datetime import UTC, datetime
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.study import parse_study
from autogrid.live.code import code_hash
from autogrid.store import (
    accounts,
    api_keys,
    bots,
    jobs,
    kill_switch,
    passports,
    reports,
    schedules,
    secrets,
    studies,
    targets,
)
from autogrid.store.accounts import Credentials
from autogrid.store.bots import NewBot
from autogrid.store.passports import Passport
from services.api.studies.models import EXAMPLE

MARKET = Market("0.01", "0.001", "1", "0.001", "0.001")
GRID = Grid(lower="90", upper="110", cells=4, amount="1")


def everything(connection: Connection, owner: int, number: int = 1) -> dict[str, int | str]:
    """Path parameter -> id of a thing of `owner`."""
    name = f"thing {number}"
    account = accounts.add(
        connection,
        name=name,
        exchange="binance",
        credentials=Credentials("key", "secret"),
        owner_id=owner,
        base_url="http://127.0.0.1:9",
    )
    spare = accounts.add(connection, name=f"spare {number}", exchange="paper", owner_id=owner)
    passport = passports.save(
        connection,
        Passport(
            id=sha256(f"{owner} {number}".encode()).hexdigest(),
            owner_id=owner,
            study=EXAMPLE,
            study_name=name,
            code_hash=code_hash("static"),
            candles_sha256="d" * 64,
            fills_sha256="f" * 64,
            result={},
            gates=[],
        ),
    )
    bot = bots.create(
        connection,
        NewBot(
            name=name,
            account_id=account,
            symbol="BTC/USDT",
            market=MARKET,
            grid=GRID,
            code_hash="c" * 64,
            exchange="binance",
            owner_id=owner,
            passport_id=passport,
        ),
    )
    study = studies.add(connection, owner, name, EXAMPLE, parse_study(EXAMPLE).fingerprint())["id"]
    job = jobs.add(connection, owner, "backtest", {"text": EXAMPLE}, study)["id"]
    jobs.start(connection, job)
    connection.execute(sa.text("UPDATE job SET result = '{}' WHERE id = :id"), {"id": job})
    report = reports.add(connection, owner, "data_quality", {})["id"]
    reports.finish(connection, report, "<p>done</p>", "{}")
    when = {"template": "data_quality", "params": {}, "cron": "0 8 * * *", "time_zone": "UTC", "enabled": True}
    schedule = schedules.add(connection, owner, when, datetime.now(UTC))["id"]
    url = secrets.fernet().encrypt(b"json://127.0.0.1:9/hook")
    target = targets.add(connection, owner, {"name": name, "url": url, "kinds": ["digest"]})["id"]
    closed = accounts.add(connection, name=f"closed {number}", exchange="paper", owner_id=owner)
    switch = kill_switch.engage(connection, "account", closed, "seed", owner)[0].id
    key = api_keys.add(connection, owner, name, "viewer")[0]["id"]
    return {
        "user_id": owner,
        "account_id": account,
        "spare_account_id": spare,
        "passport_id": passport,
        "bot_id": bot,
        "study_id": study,
        "job_id": job,
        "report_id": report,
        "schedule_id": schedule,
        "target_id": target,
        "key_id": key,
        "switch_id": switch,
    }
