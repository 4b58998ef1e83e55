"""Passports: what was promoted and what it was proven on, in one canonical form whose sha256 is its id."""

import hashlib
import json
from datetime import date, time
from typing import Any

import numpy as np
import pandas as pd

from autogrid.core.market import Market
from autogrid.core.study import SECTIONS, Study
from autogrid.data.timeframe import format_timeframe, parse_timeframe
from autogrid.live.code import code_hash
from autogrid.promotion.gates import RULES, Evidence, run_gates
from autogrid.research.result import Result
from autogrid.store.passports import Passport

_PRICES = ("open", "high", "low", "close")


def make_passport(study: Study, evidence: Evidence, *, name: str, owner_id: int | None = None) -> Passport:
    """The passport of a study with its evidence."""
    result = evidence.replayed
    values: dict[str, Any] = {
        "owner_id": owner_id,
        "study": canonical(study, result.run.market),
        "study_name": name,
        "code_hash": code_hash(study.strategy),
        "candles_sha256": candles_sha256(result.candles),
        "fills_sha256": result.sha256(),
        "result": {
            **result.to_json(),
            "candles": {**span(result), "source": evidence.source},
            "target": evidence.target,
        },
        "gates": run_gates(evidence),
    }
    return Passport(id=identity(values), **values)


def identity(values: dict[str, Any]) -> str:
    """sha256 of a passport's content, whatever a database does to the notation of its figures."""
    content = {name: value for name, value in values.items() if name not in ("id", "created_at")}
    content["result"] = {**content["result"], "metrics": figures(content["result"]["metrics"])}
    return _sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())


def figures(metrics: dict[str, float | None]) -> dict[str, str | None]:
    """Metrics to twelve digits: what is left of a float on every machine."""
    return {name: None if value is None else f"{value + 0.0:.12g}" for name, value in metrics.items()}


def span(result: Result) -> dict[str, Any]:
    """Which candles: first and last open time in ms, count."""
    ts = result.run.ticks.ts
    return {"first": int(ts[0]), "last": int(ts[-1]), "count": len(ts)}


def candles_sha256(candles: pd.DataFrame) -> str:
    """sha256 of open times (ms) and prices."""
    index = candles.index
    assert isinstance(index, pd.DatetimeIndex)  # checked by the backtest
    columns = [index.as_unit("ms").asi8.astype("<i8"), *(candles[name].to_numpy().astype("<f8") for name in _PRICES)]
    return _sha256(b"".join(np.ascontiguousarray(column).tobytes() for column in columns))


def canonical(study: Study, market: Market) -> str:
    """The study as TOML with every rule written out, in one order: the same for every way to write the same study."""
    timeframe = study.timeframe
    if timeframe is not None:
        timeframe = format_timeframe(parse_timeframe(timeframe))
    rules = {name: getattr(market, name) for name in RULES}
    sections = {
        "market": {"exchange": study.exchange, "symbol": study.symbol, **rules},
        "candles": {"timeframe": timeframe, "start": study.start, "end": study.end},
        "strategy": {"name": study.strategy},
        "strategy.params": dict(sorted(study.params.items())),
        "simulation": {name: getattr(study, name) for name in SECTIONS["simulation"]},
    }
    if study.tried is not None:
        sections["overfit"] = vars(study.tried)
    lines = []
    for section, values in sections.items():
        lines += [f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in values.items() if value is not None)]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_toml(name)} = {_toml(each)}' for name, each in value.items())}}}"
    if isinstance(value, (date, time)):
        return json.dumps(value.isoformat())
    return json.dumps(value if isinstance(value, str) else f"{value:f}", ensure_ascii=False)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
