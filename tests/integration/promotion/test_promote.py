"""From a study file to a bot's row, and a passport that notices every change."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from click.testing import Result
from typer.testing import CliRunner

from autogrid.cli.app import app
from autogrid.core.market import Market
from autogrid.core.study import parse_study
from autogrid.data.export import write_candles
from autogrid.data.ingest import import_file
from autogrid.errors import Conflict, InvalidInput
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.live import code
from autogrid.live.enrol import Enrolment, enrol
from autogrid.promotion import gates
from autogrid.promotion.promote import Wanted, check, promote, prove
from autogrid.promotion.verify import verify
from autogrid.research.synthetic import synthetic_candles
from autogrid.store import accounts, bots, budget, passports
from tests.loopback_client import Loopback
from tests.studies import around

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def candles() -> pd.DataFrame:
    return synthetic_candles(days=2)


@pytest.fixture
def study(candles: pd.DataFrame) -> str:
    return around(float(candles["open"].iloc[0]), buy_fee_asset="base")


@pytest.fixture
def folder(store: sa.Engine, candles: pd.DataFrame, study: str, tmp_path: Path) -> Path:
    write_candles(candles, tmp_path / "c.parquet")
    import_file(tmp_path / "c.parquet", "binance", "BTC/USDT", "1m")
    (tmp_path / "mine.toml").write_text(study)
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(folder)

    def invoke(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin, env={"COLUMNS": "200"}, catch_exceptions=False)

    return invoke


def test_a_paper_bot_by_the_command_line_and_its_passport(run: Run, store: sa.Engine) -> None:
    out = run("promote", "mine.toml", "--to", "paper", "--max-open-orders", "4").output
    assert "parity" in out
    assert "runs" in out
    with store.connect() as connection:
        (bot,) = bots.listing(connection)
        passport = passports.get(connection, bot.passport_id)
        assert budget.reserved(connection, bot.account_id) == {"USDT": Decimal(1000)}
    assert (bot.name, bot.account_name, bot.wish, bot.window) == ("mine", "paper", "run", 4)
    assert bot.code_hash == passport.code_hash == code.code_hash()
    assert {row["status"] for row in passport.gates} <= {"pass", "warn"}
    again = run("verify", passport.id[:12], "--study", "mine.toml")
    assert again.exit_code == 0, again.output
    assert again.output.count("holds") == 6
    assert passport.id[:12] in run("passports", "list").output
    shown = run("passports", "show", passport.id[:8]).output
    assert passport.study in shown
    assert "market orders" in shown
    # A second bot from the same proof: the same passport.
    run("promote", "mine.toml", "--to", "paper", "--name", "other", "--no-start")
    with store.connect() as connection:
        second = bots.listing(connection)[1]
        assert len(passports.listing(connection)) == 2  # its name is part of it
    assert (second.name, second.wish) == ("other", "pause")


def test_the_passport_is_the_proof_s_alone(store: sa.Engine, folder: Path, study: str) -> None:
    one = promote(store, Wanted(study=study, to="paper", name="a")).passport
    reordered = "\n".join(reversed(study.split("[candles]")[0].strip().splitlines()[1:]))
    other = "[market]\n" + reordered + "\n# a comment\n[candles]" + study.split("[candles]")[1]
    assert promote(store, Wanted(study=other, to="paper", name="a")).passport.id == one.id


def test_verify_names_what_changed(
    store: sa.Engine, folder: Path, study: str, candles: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    passport = promote(store, Wanted(study=study, to="paper", name="a")).passport
    with store.connect() as connection:
        stored = passports.get(connection, passport.id)

    def differ(**changes: Any) -> list[str]:
        return [found.name for found in verify(replace(stored, **changes.pop("row", {})), **changes) if not found.holds]

    assert differ() == []
    moved = candles.copy()
    moved.loc[moved.index[100], "high"] += 0.01
    assert differ(candles=moved)[:1] == ["candles"]
    assert differ(candles=candles.iloc[:300]) == ["candles", "fills", "result"]
    assert differ(study_text=study.replace("cells = 8", "cells = 9")) == ["study"]
    assert differ(row={"fills_sha256": "0" * 64}) == ["id", "fills"]
    assert differ(row={"result": {**stored.result, "equity": "1"}}) == ["id", "result"]
    monkeypatch.setattr("autogrid.promotion.verify.code_hash", lambda strategy: "f" * 64)
    (found,) = [each for each in verify(stored) if not each.holds]
    assert found.name == "code"
    assert "promote the study again" in found.remedy


def test_candles_of_a_file_must_be_given_to_verify(run: Run, store: sa.Engine) -> None:
    run("promote", "mine.toml", "--to", "paper", "--candles", "c.parquet")
    with store.connect() as connection:
        (passport,) = passports.listing(connection)
    with pytest.raises(InvalidInput, match="give it with --candles FILE"):
        run("verify", passport.id)
    assert run("verify", passport.id, "--candles", "c.parquet").exit_code == 0


def test_a_failed_gate_stores_nothing(store: sa.Engine, folder: Path, study: str) -> None:
    wanted = Wanted(study=study, to="live", name="a")
    _, evidence = prove(parse_study(study), wanted, None)
    other = Market(tick="0.1", lot="0.00001", min_notional="5", maker_fee="0.001", taker_fee="0.002")
    rows = {row["gate"]: row for row in gates.run_gates(replace(evidence, rules=other, may_withdraw=True))}
    assert rows["market rules"]["status"] == "fail"
    assert 'tick = "0.1", taker_fee = "0.002", buy_fee_asset = "quote"' in rows["market rules"]["remedy"]
    assert rows["key"]["status"] == "warn"
    assert (rows["order sizes"]["status"], rows["order sizes"]["expected"]) == ("pass", "no limit is known")
    tight = replace(evidence.backtest.run.market, max_amount=Decimal("0.0001"), max_notional=Decimal(9000))
    sizes = {row["gate"]: row for row in gates.run_gates(replace(evidence, rules=tight))}
    assert {row["gate"] for row in sizes.values() if row["status"] == "fail"} == {"order sizes"}
    assert sizes["order sizes"]["expected"] == "at most 0.0001 and 9000 in value in one order"
    assert sizes["order sizes"]["remedy"] == "use more cells, or invest less"
    tampered = replace(evidence, replayed=prove(parse_study(study.replace("1000", "900")), wanted, None)[1].replayed)
    assert [r["gate"] for r in gates.run_gates(tampered) if r["status"] == "fail"] == ["parity", "ledger"]
    passport = passports.Passport(
        id="", owner_id=None, study="", study_name="s", code_hash="", candles_sha256="", fills_sha256="", result={},
        gates=[rows["market rules"]],
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="s: not promoted, gate 'market rules' expected tick 0.1"):
        check(passport)


def test_a_study_may_want_its_luck_judged(store: sa.Engine, folder: Path, study: str) -> None:
    with pytest.raises(InvalidInput, match=r"gate 'track record' expected 95% sure.*; gate 'trials' expected 95% sure"):
        promote(store, Wanted(study=study + "[overfit]\ntrials = 9\nenforce = true\n", to="paper", name="a"))
    done = promote(store, Wanted(study=study + "[overfit]\ntrials = 9\n", to="paper", name="a"))
    assert {row["status"] for row in done.passport.gates[-2:]} == {"warn"}
    with store.connect() as connection:
        kept = passports.get(connection, done.passport.id)
    assert [found.name for found in verify(kept) if not found.holds] == []


def test_a_live_bot_on_the_loopback_exchange(run: Run, store: sa.Engine, candles: pd.DataFrame) -> None:
    price = f"{candles['close'].iloc[-1]:.2f}"
    config = {
        "markets": [{"symbol": "BTC/USDT", "tick": "0.01", "lot": "0.00001", "min_notional": "5"}],
        "accounts": [{"name": "main", "key": "k3y1", "secret": "s3cret", "balances": {"USDT": "1500"}}],
    }
    with Loopback(config) as exchange:
        exchange.control("print", price=price)
        add = ("accounts", "add", "main", "--exchange", "binance", "--base-url", exchange.url)
        assert "account" in run(*add, "--stdin", stdin="k3y1\ns3cret\n").output
        assert "...k3y1" in run("accounts", "list").output
        assert "s3cret" not in run("accounts", "list").output
        assert "the key works; balance: 1500" in run("accounts", "test", "main").output
        exchange.control("key", can_withdraw=True, restrictions={"enableWithdrawals": True})
        assert "may withdraw" in run("accounts", "test", "main").output
        promoted = run("promote", "mine.toml", "--to", "live", "--account", "main", "--no-start")
        assert "it may withdraw" in promoted.output
        with store.connect() as connection:
            (bot,) = bots.listing(connection)
        assert (bot.account_name, bot.wish, bot.reserved_quote) == ("main", "pause", Decimal(1000))
        with pytest.raises(InvalidInput, match="must have 1000.* USDT that no other bot uses, was 500"):
            run("promote", "mine.toml", "--to", "live", "--account", "main")
        with store.connect() as connection:
            assert len(bots.listing(connection)) == 1  # the whole promotion was undone
            passport = passports.get(connection, bot.passport_id)
            account = accounts.get(connection, "main")
        # Its cells have become too large, at this price or at any.
        exchange.control("market", max_qty="0.001")
        with pytest.raises(InvalidInput, match="gate 'order sizes' expected at most 0.001"):
            run("promote", "mine.toml", "--to", "live", "--account", "main")
        with pytest.raises(InvalidInput, match="must be at most 0.001.* the largest investment that works is"):
            enrol(store, passport, Enrolment(account=account, name="again"), MemoryLimiter())
        with store.connect() as connection:
            assert len(bots.listing(connection)) == 1
        exchange.control("market", taker_fee="0.001", tick="0.1")
        with pytest.raises(InvalidInput, match="gate 'market rules' expected tick 0.1"):
            run("promote", "mine.toml", "--to", "live", "--account", "main")


def test_mistakes_are_said(run: Run, store: sa.Engine, study: str) -> None:
    for arguments, message in (
        (("--to", "live"), "a live bot needs an account"),
        (("--to", "paper", "--account", "nobody"), "account 'nobody' does not exist"),
        (("--to", "paper", "--max-open-orders", "1"), "must be from 2"),
        (("--to", "paper", "--max-open-orders", "99999999999"), "to 100000, was 99999999999"),
    ):
        with pytest.raises(InvalidInput, match=message):
            run("promote", "mine.toml", *arguments)
    with store.begin() as connection:
        accounts.add(connection, name="p", exchange="paper")
        accounts.add(connection, name="k", exchange="kraken", credentials=accounts.Credentials("a", "b"))
    for arguments, message in (
        (("--to", "live", "--account", "p"), "a live bot needs an account at an exchange"),
        (("--to", "paper", "--account", "k"), "a paper bot needs a paper account"),
        (("--to", "live", "--account", "k"), "the study was run for binance"),
    ):
        with pytest.raises(InvalidInput, match=message):
            run("promote", "mine.toml", *arguments)
    (Path("mine.toml")).write_text(study.replace('symbol = "BTC/USDT"', ""))
    with pytest.raises(InvalidInput, match="write exchange and symbol"):
        run("promote", "mine.toml", "--to", "paper", "--candles", "c.parquet")


def test_bots_commands(run: Run, store: sa.Engine) -> None:
    assert "No bots yet" in run("bots", "list").output
    assert "No passports yet" in run("passports", "list").output
    for name in ("one", "two"):
        run("promote", "mine.toml", "--to", "paper", "--name", name)
    with store.connect() as connection:
        one, two = (row.id for row in bots.listing(connection))

    def wishes() -> list[str]:
        with store.connect() as connection:
            return [row.wish for row in bots.listing(connection)]

    assert "nothing is planned yet" in run("bots", "explain", str(one)).output
    assert "passport" in run("bots", "show", str(one)).output
    run("bots", "pause", str(one), "--keep-orders")
    run("bots", "stop", str(two), "--sell")
    assert wishes() == ["hold", "stop_sell"]
    run("bots", "pause", str(one))
    run("bots", "resume", str(two))
    assert wishes() == ["pause", "run"]
    listed = run("bots", "list", "--account", "paper").output
    assert "one" in listed
    assert "two" in listed
    assert "two" in run("bots", "watch", "--seconds", "0.2", "--every", "0.1").output
    assert f"killed: {one}" in run("bots", "kill", str(one)).output
    run("bots", "kill", "--all")
    assert wishes() == ["kill", "kill"]
    switches = run("bots", "switches").output
    assert f"bot {one}" in switches
    assert "everything" in switches
    with pytest.raises(Conflict, match="kill switch"):
        run("bots", "resume", str(two))
    with pytest.raises(Conflict, match="kill switch"):
        run("promote", "mine.toml", "--to", "paper", "--name", "three")
    for line in switches.splitlines()[1:]:
        assert "is released" in run("bots", "release", line.split()[0]).output
    assert "No kill switch is engaged" in run("bots", "switches").output
    run("bots", "resume", str(two))
    assert wishes() == ["kill", "run"]
    with pytest.raises(InvalidInput, match="exactly one of ID, --account NAME and --all"):
        run("bots", "kill")
