"""Jobs of the research queue, each in a process of its own: `python -m autogrid.promotion.work JOB_ID`.

The worker starts it, so that no worker ever holds the compiler and the libraries of research. It ends with the worker:
standard input is a pipe that nobody writes to, and its end means that the worker is gone.
"""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy.engine import Engine, RowMapping

from autogrid.core.study import Study, parse_study
from autogrid.data.rules import study_market
from autogrid.errors import AutogridError, InvalidInput
from autogrid.promotion.child import end_with_parent
from autogrid.promotion.promote import Wanted, promote, stored_candles
from autogrid.promotion.verify import verify
from autogrid.research.result import Result
from autogrid.research.study import backtest_study
from autogrid.research.sweep import Sweep, sweep
from autogrid.research.trail import level_spans
from autogrid.store import bots, jobs, passports
from autogrid.store import engine as engines
from autogrid.strategies.registry import worked

#: Most points of a series and most fills that a result carries for pictures.
POINTS, FILLS = 600, 5_000
#: Most combinations of one sweep.
GRIDS = 20_000
#: Most daily returns of a sweep that are kept to judge its best: 160 MB.
RETURNS = 20_000_000


class Cancelled(Exception):
    """Somebody cancelled the job."""


@dataclass
class Work:
    """One job being done."""

    engine: Engine
    row: RowMapping

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked for."""
        found: dict[str, Any] = self.row["request"]
        return found

    def study(self) -> Study:
        """The study of the job."""
        return parse_study(self.asked["text"], self.asked.get("study_name", "study"))

    def at(self, part: float, message: str) -> None:
        """Note how far it is; Cancelled if nobody wants it any more."""
        with self.engine.begin() as connection:
            if not jobs.progress(connection, self.row["id"], part, message):
                raise Cancelled


def run(engine: Engine, job_id: int) -> None:
    """Do a job that was taken with `jobs.start`, and store its result or why it failed."""
    with engine.begin() as connection:
        row = jobs.get(connection, job_id, None)
    try:
        result = DO[row["kind"]](Work(engine, row))
    except Cancelled:
        return
    except AutogridError as error:
        with engine.begin() as connection:
            jobs.fail(connection, job_id, str(error))
        return
    with engine.begin() as connection:
        jobs.finish(connection, job_id, result)


def _backtest(work: Work) -> dict[str, Any]:
    work.at(0.05, "reading candles")
    frame, study = stored_candles(work.study())
    work.at(0.2, f"{len(frame):,} candles")
    result = backtest_study(study, frame)
    found = result.to_json() | {"series": _series(result), "trades": _trades(result)}
    if len(result.run.moves) or result.run.strategy is not None:
        found["level_spans"] = _spans(result)
    if result.run.strategy is not None:
        found["decided"] = _decided(result)
    return found


def _sweep(work: Work) -> dict[str, Any]:
    values = work.asked["sweep"]
    count = math.prod(len(each) for each in values.values())
    if not 1 <= count <= GRIDS:
        raise InvalidInput(f"sweep: expected 1 to {GRIDS} combinations, found {count}: try fewer values")
    work.at(0.05, "reading candles")
    frame, study = stored_candles(work.study())
    work.at(0.1, f"{count:,} grids on {len(frame):,} candles")
    daily = count * _days(frame) <= RETURNS
    found = sweep(
        worked(study), values, frame, study_market(study), daily=daily,
        cash=None if study.cash is None else str(study.cash), path=study.path,
        penetration_ticks=study.penetration_ticks, slippage_ticks=study.slippage_ticks, progress=False,
    )  # fmt: skip
    rows = [{name: _plain(value) for name, value in row.items()} for row in found.frame.to_dict("records")]
    return {"fields": list(found.fields), "rows": rows, "selection": _selection(found)}


def _selection(found: Sweep) -> dict[str, Any]:
    """Whether the best of a sweep is more than luck, or {"refused": why nobody can say}."""
    if found.daily is None:
        return {"refused": f"more than {RETURNS:,} daily returns: try fewer values, or fewer days"}
    try:
        return found.overfit().to_json()
    except InvalidInput as error:
        return {"refused": str(error)}


def _days(frame: pd.DataFrame) -> int:
    return int((frame.index[-1] - frame.index[0]).days) + 2 if len(frame) else 0


def _promotion(work: Work) -> dict[str, Any]:
    asked, owner = work.asked, work.row["owner_id"]
    name = asked.get("name") or asked.get("study_name") or "bot"
    with work.engine.connect() as connection:
        # The worker before this one may have died after it had made the bot.
        made = bots.made_since(connection, owner, name, work.row["created_at"])
        if made is not None and made.passport_id is not None:
            passport = passports.get(connection, made.passport_id)
            return {"passport_id": passport.id, "bot_id": made.id, "gates": passport.gates}
        swept = jobs.sweeps(connection, work.row["study_id"])
    work.at(0.1, "backtest, replay, gates")
    wanted = Wanted(
        study=asked["text"], to=asked["to"], account=asked["account_id"], name=name, owner_id=owner, sweeps=swept
    )
    done = promote(work.engine, wanted)
    return {"passport_id": done.passport.id, "bot_id": done.bot_id, "gates": done.passport.gates}


def _verification(work: Work) -> dict[str, Any]:
    with work.engine.connect() as connection:
        passport = passports.get(connection, work.asked["passport_id"])
    work.at(0.1, "deriving it again")
    checks = verify(passport)
    rows = [vars(check) | {"holds": check.holds} for check in checks]
    return {"verified": all(check.holds for check in checks), "checks": rows}


def _spans(result: Result) -> list[list[Any]]:
    """What levels there were, and from when to when: price, ts, ts."""
    ts = result.run.ticks.ts
    return [[f"{price:f}", int(ts[a]), int(ts[b])] for price, a, b in level_spans(result.run, POINTS)]


def _decided(result: Result) -> list[list[Any]]:
    """[ts, what, price, text] of the first decisions of a strategy."""
    opens, price = result.run.ticks.open, result.run.market.price
    rows: list[list[Any]] = []
    for each in result.decisions[:POINTS]:
        text = each.plan.grid.label if each.plan else each.reason
        rows.append([each.ts_ms, each.what, f"{price(int(opens[each.candle])):f}", text])
    return rows


def _series(result: Result) -> dict[str, list[Any]]:
    """Close, equity, holding and inventory, thinned."""
    step = max(1, -(-len(result.candles) // POINTS))
    index = result.candles.index
    assert isinstance(index, pd.DatetimeIndex)  # checked by the backtest
    columns = {"close": result.candles["close"], "equity": result.equity, "inventory": result.inventory}
    thin = {name: [float(x) for x in column.iloc[::step]] for name, column in columns.items()}
    return {"ts": index[::step].as_unit("ms").asi8.tolist(), **thin}


def _trades(result: Result) -> list[list[Any]]:
    """[ts, kind, cell, side, price, amount] of the first fills."""
    rows: list[list[Any]] = []
    for ts, kind, cell, side, price, amount, _, _ in result.fill_rows():
        if len(rows) == FILLS:
            break
        rows.append([ts, kind, cell, side, str(price), str(amount)])
    return rows


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.item() if hasattr(value, "item") else value


DO: dict[str, Callable[[Work], dict[str, Any]]] = {
    "backtest": _backtest,
    "sweep": _sweep,
    "promotion": _promotion,
    "verification": _verification,
}


if __name__ == "__main__":
    end_with_parent()
    run(engines.engine(), int(sys.argv[1]))
