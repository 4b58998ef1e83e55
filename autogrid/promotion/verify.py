"""A passport, derived again: what of it still holds."""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from autogrid.core.study import Study, parse_study
from autogrid.data.load import load_candles
from autogrid.errors import InvalidInput
from autogrid.live.code import code_hash
from autogrid.promotion.gates import FILE
from autogrid.promotion.parity import replay_study
from autogrid.promotion.passport import candles_sha256, canonical, figures, identity, span
from autogrid.store.passports import Passport


@dataclass(frozen=True)
class Check:
    """One part of a passport. Equal texts mean that it holds."""

    name: str
    expected: str
    actual: str
    #: What a difference means.
    remedy: str = ""

    @property
    def holds(self) -> bool:
        return self.expected == self.actual


def verify(passport: Passport, candles: pd.DataFrame | None = None, study_text: str | None = None) -> list[Check]:
    """Derive every part of a passport again.

    candles: those it was promoted on; None: the store's. study_text: a study file to compare with.
    """
    study = parse_study(passport.study, f"passport {passport.id[:12]}")
    frame = stored(study, passport) if candles is None else candles
    replayed = replay_study(study, frame)
    again = {**replayed.to_json(), "candles": {**span(replayed), "source": passport.result["candles"]["source"]}}
    checks = [
        Check("id", passport.id, identity(vars(passport)), "the row was changed: promote the study again"),
        Check(
            "code",
            passport.code_hash,
            code_hash(study.strategy),
            "workers refuse its bots: promote the study again, or run the version it was promoted with",
        ),
        Check(
            "candles",
            passport.candles_sha256,
            candles_sha256(frame),
            "other candles than it was promoted on: restore them, or promote on the new ones",
        ),
        Check("fills", passport.fills_sha256, replayed.sha256(), "the live engine trades differently: promote again"),
        Check("result", *_results(passport.result, again), "the figures changed: promote again"),
    ]
    if study_text is not None:
        mine = canonical(_ranged(parse_study(study_text), study), replayed.run.market)
        checks.insert(1, Check("study", *_apart(passport.study, mine), "the file changed since: promote it again"))
    return checks


def stored(study: Study, passport: Passport) -> pd.DataFrame:
    """The store's candles of a passport's study. InvalidInput where they are not there."""
    if passport.result["candles"]["source"] == FILE or not (study.exchange and study.symbol and study.timeframe):
        raise InvalidInput(
            f"passport {passport.id[:12]} was promoted on a candle file of {passport.result['candles']['count']} "
            "candles: give it with --candles FILE"
        )
    return load_candles(study.exchange, study.symbol, study.timeframe, study.start, study.end)


def _ranged(study: Study, proven: Study) -> Study:
    """An open range was filled in when the study was promoted."""
    return replace(study, start=study.start or proven.start, end=study.end or proven.end)


def _apart(a: str, b: str) -> tuple[str, str]:
    """The first lines that differ; two equal texts where none do."""
    pairs = zip([*a.splitlines(), ""], [*b.splitlines(), ""], strict=False)
    return next(((x, y) for x, y in pairs if x != y), ("same", "same"))


def _results(kept: dict[str, Any], again: dict[str, Any]) -> tuple[str, str]:
    """The values that differ; two equal texts where none do."""
    pairs = [(name, kept.get(name), again[name]) for name in again if name != "metrics"]
    before, now = figures(kept["metrics"]), figures(again["metrics"])
    pairs += [(name, before.get(name), now[name]) for name in now]
    apart = [(f"{name} {x}", f"{name} {y}") for name, x, y in pairs if x != y]
    if not apart:
        return "same", "same"
    expected, actual = zip(*apart, strict=True)
    return "; ".join(expected)[:300], "; ".join(actual)[:300]
