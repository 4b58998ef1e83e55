"""What workers do for the API: jobs and reports in child processes, due schedules, lost tasks."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
import sqlalchemy as sa

from autogrid.core.decision import UNDECIDED
from autogrid.core.study import parse_study
from autogrid.data.export import write_candles
from autogrid.data.ingest import import_file
from autogrid.promotion import work
from autogrid.research.sweep import sweep
from autogrid.research.synthetic import synthetic_candles
from autogrid.store import accounts, bots, jobs, reports, schedules, studies, users
from autogrid.store.tick_store import PgTickStore
from autogrid.strategies.registry import grid_of
from services.worker import child, chores, slots
from services.worker.reports import make
from services.worker.research import run
from tests.integration.store.live_rows import new_bot
from tests.studies import around


@pytest.fixture(scope="module")
def candles() -> pd.DataFrame:
    return synthetic_candles(days=1)


@pytest.fixture
def study(store: sa.Engine, candles: pd.DataFrame, tmp_path: Path) -> str:
    write_candles(candles, tmp_path / "c.parquet")
    import_file(tmp_path / "c.parquet", "binance", "BTC/USDT", "1m")
    return around(float(candles["open"].iloc[0]))


@pytest.fixture
def owner(store: sa.Engine) -> int:
    with store.begin() as connection:
        return int(users.add(connection, "ada@example.org", "no password", "trader")["id"])


def _job(store: sa.Engine, owner: int, kind: str, **request: Any) -> int:
    with store.begin() as connection:
        return int(jobs.add(connection, owner, kind, request)["id"])


def _get(store: sa.Engine, job_id: int) -> Any:
    with store.begin() as connection:
        return jobs.get(connection, job_id, None, result=True)


def test_a_backtest_in_a_child_process_gives_the_figures_of_the_command(
    store: sa.Engine, owner: int, study: str
) -> None:
    from autogrid.cli.backtest import run_study

    job_id = _job(store, owner, "backtest", text=study)
    run(job_id=job_id)
    row = _get(store, job_id)
    assert (row["status"], row["progress"], row["error"]) == ("done", 1.0, None)
    expected = run_study(parse_study(study), None).to_json()
    assert {name: row["result"][name] for name in expected} == expected
    assert len(row["result"]["trades"]) == expected["fills"]
    assert len(row["result"]["series"]["ts"]) == len(row["result"]["series"]["equity"]) <= work.POINTS


def test_a_trailing_study_brings_the_levels_it_had(
    store: sa.Engine, owner: int, study: str, candles: pd.DataFrame
) -> None:
    amount = 'quote = "100"\ntrailing = "both"\n[simulation]\ncash = "1000"'
    text = around(float(candles["open"].iloc[0]), 0.004, 3, amount)
    job_id = _job(store, owner, "backtest", text=text)
    run(job_id=job_id)
    row = _get(store, job_id)
    assert (row["status"], row["error"]) == ("done", None)
    spans = row["result"]["level_spans"]
    assert len(spans) > len(row["result"]["levels"]) == 4
    assert all(first <= last for _, first, last in spans)

    with store.begin() as connection:
        account = accounts.add(connection, name="play", exchange="paper", owner_id=owner)
    promoted = _job(store, owner, "promotion", text=text, to="paper", account_id=account, name="follows")
    run(job_id=promoted)
    made = _get(store, promoted)
    assert (made["status"], made["error"]) == ("done", None)
    assert PgTickStore(store).load(made["result"]["bot_id"]).grid.trailing == "both"
    checked = _job(store, owner, "verification", passport_id=made["result"]["passport_id"])
    run(job_id=checked)
    assert _get(store, checked)["result"]["verified"] is True


def test_a_strategy_that_decides_brings_its_grids_and_sweeps(store: sa.Engine, owner: int, study: str) -> None:
    head, _ = study.split("[strategy.params]")
    text = (
        head
        + """[strategy]
name = "recentre"
[strategy.params]
width = "0.02"
cells = 4
[simulation]
cash = "1000"
"""
    )
    assert "[strategy]" not in head
    job_id = _job(store, owner, "backtest", text=text)
    run(job_id=job_id)
    row = _get(store, job_id)
    assert (row["status"], row["error"]) == ("done", None)
    found = row["result"]
    grids = [each for each in found["decided"] if each[1] == "grid"]
    assert len(grids) == found["decisions"]["grids"] >= 1
    assert len(found["level_spans"]) == 5 * len(grids)
    swept = _job(store, owner, "sweep", text=text, sweep={"cells": [2, 4, 500]})
    run(job_id=swept)
    rows = _get(store, swept)["result"]["rows"]
    assert [bool(each["error"]) for each in rows] == [False, False, True]


def test_a_sweep_a_promotion_and_its_verification(store: sa.Engine, owner: int, study: str) -> None:
    swept = _job(store, owner, "sweep", text=study, sweep={"cells": [4, 8, 5000]})
    with store.begin() as connection:
        jobs.start(connection, swept)
        account = accounts.add(connection, name="play", exchange="paper", owner_id=owner)
    work.run(store, swept)
    found = _get(store, swept)["result"]
    assert found["fields"] == ["cells"]
    assert [bool(row["error"]) for row in found["rows"]] == [False, False, True]
    assert "days" in found["selection"]["refused"]

    promoted = _job(store, owner, "promotion", text=study, to="paper", account_id=account, name="my bot")
    with store.begin() as connection:
        jobs.start(connection, promoted)
    work.run(store, promoted)
    made = _get(store, promoted)["result"]
    with store.begin() as connection:
        bot = bots.get(connection, made["bot_id"], owner)
    assert (bot.name, bot.passport_id, bot.owner_id) == ("my bot", made["passport_id"], owner)

    # Its worker died after it had made the bot: the next one finds it and makes no second.
    with store.begin() as connection:
        connection.execute(sa.text("UPDATE job SET status = 'running' WHERE id = :id"), {"id": promoted})
    work.run(store, promoted)
    assert _get(store, promoted)["result"]["bot_id"] == bot.id
    with store.begin() as connection:
        assert len(bots.listing(connection, owner)) == 1

    checked = _job(store, owner, "verification", passport_id=made["passport_id"])
    with store.begin() as connection:
        jobs.start(connection, checked)
    work.run(store, checked)
    assert _get(store, checked)["result"]["verified"] is True


def test_a_sweep_says_whether_its_best_is_luck(
    store: sa.Engine, owner: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candles = synthetic_candles(days=12)
    write_candles(candles, tmp_path / "days.parquet")
    import_file(tmp_path / "days.parquet", "binance", "BTC/USDT", "1m")
    text = around(float(candles["open"].iloc[0]), share=0.2)

    def selection() -> dict[str, Any]:
        job_id = _job(store, owner, "sweep", text=text, sweep={"cells": [4, 8, 16, 32]})
        with store.begin() as connection:
            jobs.start(connection, job_id)
        work.run(store, job_id)
        found: dict[str, Any] = _get(store, job_id)["result"]["selection"]
        return found

    found, study = selection(), parse_study(text)
    swept = sweep(grid_of(study), {"cells": [4, 8, 16, 32]}, candles, study.market, daily=True, progress=False)
    wanted = swept.overfit()
    assert (found["trials"], found["days"]) == (4, 12)
    assert (found["dsr"], found["pbo"]) == (pytest.approx(wanted.dsr), wanted.pbo)
    assert (found["verdict"], found["passes"]) == (wanted.verdict, wanted.passes)
    monkeypatch.setattr(work, "RETURNS", 40)
    assert selection() == {"refused": "more than 40 daily returns: try fewer values, or fewer days"}


def test_the_sweeps_of_a_study_are_the_trials_of_its_promotion(store: sa.Engine, owner: int, study: str) -> None:
    with store.begin() as connection:
        mine, other = (int(studies.add(connection, owner, name, study, "f")["id"]) for name in ("mine", "other"))
        account = accounts.add(connection, name="play", exchange="paper", owner_id=owner)

    def done(kind: str, study_id: int | None, **request: Any) -> Any:
        with store.begin() as connection:
            job_id = int(jobs.add(connection, owner, kind, {"text": study, **request}, study_id)["id"])
            jobs.start(connection, job_id)
        work.run(store, job_id)
        return _get(store, job_id)["result"]

    done("sweep", mine, sweep={"cells": [4, 6, 8, 5000]})
    done("sweep", mine, sweep={"cells": [8, 10]})
    for apart in (other, None):
        done("sweep", apart, sweep={"cells": [5, 7]})
    for study_id, count in ((mine, 4), (None, None)):
        found = done("promotion", study_id, to="paper", account_id=account, name=f"bot {study_id}")
        gate = next(row for row in found["gates"] if row["gate"] == "trials")
        said = "a known number" if count is None else f"the luckiest of {count} grids (its stored sweeps)"
        assert said in gate["expected"]
        assert gate["status"] == "warn"


def test_a_job_that_cannot_be_done_says_why(store: sa.Engine, owner: int, study: str) -> None:
    job_id = _job(store, owner, "backtest", text=study.replace("BTC/USDT", "ETH/USDT"))
    run(job_id=job_id)
    row = _get(store, job_id)
    assert row["status"] == "failed"
    assert "found none stored there" in row["error"]


def test_a_job_is_taken_once_and_again_only_from_a_worker_that_fell_silent(store: sa.Engine, owner: int) -> None:
    job_id = _job(store, owner, "backtest", text="x")
    with store.begin() as connection:
        assert jobs.start(connection, job_id) is not None
        assert jobs.start(connection, job_id) is None
        assert jobs.waiting(connection) == []
        silent = "UPDATE job SET changed_at = now() - interval '2 minutes'"
        connection.execute(sa.text(silent))
        assert jobs.waiting(connection) == [job_id]
        assert jobs.start(connection, job_id) is not None
        jobs.cancel(connection, job_id, owner)
        assert jobs.start(connection, job_id) is None
        assert jobs.alive(connection, job_id) is False


def test_a_child_ends_with_whoever_started_it() -> None:
    """The worker's process is killed: its child must not go on and make a bot beside the next worker's."""
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'from autogrid.promotion.work import end_with_parent;"
        'import time; end_with_parent(); print("up", flush=True); time.sleep(900)\'], stdin=subprocess.PIPE)\n'
        "print(child.pid, flush=True)\nchild.wait()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    lines = [parent.stdout.readline().strip(), parent.stdout.readline().strip()]
    pid = next(int(line) for line in lines if line.isdigit())
    parent.kill()
    parent.wait()
    parent.stdout.read()  # ends when the child, which shares it, has ended
    parent.stdout.close()
    deadline = time.monotonic() + 60
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_child_nobody_wants_any_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "SIGN_S", 0.2)
    assert child.run("http.server", 0, lambda: False) is None
    assert "took longer than" in str(child.run("http.server", 0, lambda: True, limit_s=0.1))
    assert "ended with code 1" in str(child.run("autogrid.no_such_module", 0, lambda: True))


def test_a_report_is_made_and_kept(store: sa.Engine, owner: int, study: str) -> None:
    with store.begin() as connection:
        report = reports.add(connection, owner, "data_quality", {})["id"]
    make(report_id=report)
    with store.begin() as connection:
        row = reports.get(connection, report, owner)
        assert (row["status"], row["attempts"], row["error"]) == ("done", 1, None)
        page = reports.document(connection, report, owner, "html")
        assert '"cell_type": "code"' in reports.document(connection, report, owner, "notebook")
    assert "BTC/USDT" in page
    assert "Coverage and gaps".lower() in page.lower()


def test_a_report_that_failed_is_tried_again_a_minute_later_not_at_once(
    store: sa.Engine, owner: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(slots.app, "send_task", lambda name, kwargs, **_: sent.append(kwargs["report_id"]))
    monkeypatch.setattr(child, "run", lambda *_: "the process died")
    with store.begin() as connection:
        failing, waiting = (reports.add(connection, owner, "data_quality", {})["id"] for _ in range(2))
    make(report_id=failing)
    assert sent == [waiting]
    with store.begin() as connection:
        row = reports.get(connection, failing, owner)
        assert (row["status"], row["attempts"], row["error"]) == ("queued", 1, "the process died")
        connection.execute(sa.text("UPDATE report SET changed_at = now() - interval '2 minutes'"))
        assert reports.first_queued(connection) == failing


def test_due_schedules_make_reports_once(store: sa.Engine, owner: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(chores.app, "send_task", lambda name, kwargs, **_: sent.append(kwargs["report_id"]))
    now = datetime.now(UTC)
    when = {
        "template": "data_quality",
        "params": {},
        "cron": "0 8 * * *",
        "time_zone": "Europe/Berlin",
        "enabled": True,
    }
    with store.begin() as connection:
        made = schedules.add(connection, owner, when, now - timedelta(days=3))
        off = schedules.add(connection, owner, when | {"enabled": False}, now)
    assert off["next_at"] is None
    assert made["next_at"].astimezone(UTC).hour in (6, 7)
    chores.make_due_reports(store, now)
    chores.make_due_reports(store, now)
    with store.begin() as connection:
        found = reports.listing(connection, owner)
        after = schedules.get(connection, made["id"], owner)
    assert [row["id"] for row in found] == sent == [after["last_report_id"]]
    assert after["next_at"] > now


def test_a_skipped_hour_and_a_repeated_one() -> None:
    """Berlin, 2026: clocks go from 2 to 3 on 29 March and from 3 to 2 on 25 October."""
    spring = datetime(2026, 3, 28, 12, tzinfo=UTC)
    one = schedules.next_time("30 2 * * *", "Europe/Berlin", spring)
    two = schedules.next_time("30 2 * * *", "Europe/Berlin", one)
    assert one.astimezone(UTC).date().day == 29
    assert two.astimezone(UTC) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)
    autumn = schedules.next_time("30 2 * * *", "Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC))
    following = schedules.next_time("30 2 * * *", "Europe/Berlin", autumn)
    assert following.astimezone(UTC) - autumn.astimezone(UTC) > timedelta(hours=12)


def test_workers_and_the_api_never_load_research() -> None:
    code = (
        "import services.worker.app, services.worker.tasks, services.worker.research, services.worker.reports\n"
        "import services.worker.chores, services.worker.people, services.worker.streams\n"
        "from services.api.app import create_app; create_app().openapi()\n"
        "import sys; print([m for m in ('numba', 'vectorbt', 'papermill', 'llvmlite') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_workers_load_pandas_only_for_bots_whose_strategy_decides(store: sa.Engine) -> None:
    code = (
        "import services.worker.app, services.worker.tasks, services.worker.research, services.worker.reports\n"
        "import services.worker.chores, services.worker.people, services.worker.streams, sys\n"
        "from autogrid.core.decision import first_view\n"
        "from autogrid.live.brain import StoreBrain\n"
        "from autogrid.store.engine import engine\n"
        "from autogrid.store.tick_store import PgTickStore\n"
        "brain, ticks = StoreBrain(engine()), PgTickStore(engine())\n"
        "for bot_id in sys.argv[1:]:\n"
        "    bot = ticks.load(int(bot_id))\n"
        "    print(brain.due(bot, 1_700_006_400_000))\n"
        "    if bot.strategy: brain.decide(bot, 1_700_006_400_000, first_view(bot.market, 10**6, 10_000))\n"
        "    print([m for m in ('numpy', 'pandas') if m in sys.modules])"
    )
    params = {"width": "0.1", "cells": 4}
    ids = new_bot(store), new_bot(store, strategy="recentre", params=params, grid=UNDECIDED)
    done = subprocess.run([sys.executable, "-c", code, *map(str, ids)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["None", "[]", "None", "['numpy', 'pandas']"]
