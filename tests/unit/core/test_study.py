"""Study files: what is read, and how mistakes are named."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from autogrid.core.study import Tried, parse_study
from autogrid.errors import InvalidInput
from autogrid.strategies.registry import grid_of

TEXT = """
[market]
exchange = "binance"
symbol = "BTC/USDT"
tick = "0.01"
lot = "0.00001"
min_notional = "5"
maker_fee = "0.001"
taker_fee = "0.001"
buy_fee_asset = "quote"
[candles]
timeframe = "1m"
start = "2024-07-26"
end = "2024-08-25T12:00:00+02:00"
[strategy]
name = "static"
[strategy.params]
lower = "50000"
upper = "70000"
cells = 60
spacing = "geometric"
investment = "10000"
[simulation]
cash = "10000"
path = "low_first"
penetration_ticks = 2
slippage_ticks = 3
"""


def test_every_key_arrives() -> None:
    study = parse_study(TEXT)
    assert (study.exchange, study.symbol, study.timeframe) == ("binance", "BTC/USDT", "1m")
    assert study.start == datetime(2024, 7, 26, tzinfo=UTC)
    assert study.end == datetime(2024, 8, 25, 10, tzinfo=UTC)
    assert (study.path, study.penetration_ticks, study.slippage_ticks, study.cash) == ("low_first", 2, 3, "10000")
    assert study.market.tick == Decimal("0.01")
    assert study.market.buy_fee_asset == "quote"
    grid = grid_of(study)
    assert (grid.cells, grid.spacing, grid.investment) == (60, "geometric", 10000)


def test_defaults() -> None:
    study = parse_study('[market]\ntick = "1"\nlot = "1"\n[strategy.params]\nlower = 1\nupper = 2\ncells = 1\n')
    assert (study.strategy, study.path, study.penetration_ticks, study.slippage_ticks) == ("static", "nearest", 1, 0)
    assert (study.cash, study.start, study.end, study.exchange) == (None, None, None, None)
    assert study.market.maker_fee == 0


def test_numbers_without_quotes_stay_exact() -> None:
    study = parse_study(TEXT.replace('"0.00001"', "0.00001").replace('"50000"', "50000.1"))
    assert study.market.lot == Decimal("0.00001")
    assert grid_of(study).lower == Decimal("50000.1")


def test_the_fingerprint_is_of_content_not_of_text() -> None:
    same = TEXT.replace("[market]", "# a comment\n[market]").replace(
        'tick = "0.01"\nlot = "0.00001"', 'lot = "0.00001"\ntick="0.01"'
    )
    assert parse_study(TEXT).fingerprint() == parse_study(same).fingerprint()
    assert parse_study(TEXT).fingerprint() != parse_study(TEXT.replace("60\n", "61\n")).fingerprint()


def test_a_study_may_say_how_its_grid_was_found() -> None:
    assert parse_study(TEXT).tried is None
    assert parse_study(TEXT + "[overfit]\n").tried == Tried(None, None, enforce=False)
    said = parse_study(TEXT + '[overfit]\ntrials = 60\nsharpe_variance = "0.002"\nenforce = true\n')
    assert said.tried == Tried(60, Decimal("0.002"), enforce=True)


def test_studies_without_that_section_keep_their_fingerprint() -> None:
    before = "292dfb76da83041f8128b097a1893bc6fe0f5555c55cffc320d812e9574a9368"
    assert parse_study(TEXT).fingerprint() == before
    found = {parse_study(f"{TEXT}[overfit]\n{line}\n").fingerprint() for line in ("", "trials = 2", "trials = 3")}
    assert len(found | {before}) == 4


def use(text: str) -> None:
    study = parse_study(text, "s.toml")
    grid_of(study)
    assert study.market


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[market]", "[markt]", r"s.toml has no key 'markt'; did you mean 'market'\?"),
        ("tick =", "tik =", r"s.toml \[market\] has no key 'tik'; did you mean 'tick'\?"),
        ("timeframe", "timefram", r"\[candles\] has no key 'timefram'; did you mean 'timeframe'\?"),
        ("slippage_ticks", "zzz", r"\[simulation\] has no key 'zzz'; known are cash, path, penetration_ticks"),
        ("lower =", "lowr =", r"\[strategy.params\] has no key 'lowr'; did you mean 'lower'\?"),
        ("[strategy.params]", "[strategy.paramz]", r"\[strategy\] has no key 'paramz'; did you mean 'params'\?"),
        ('path = "low_first"', 'path = "up"', "path must be one of nearest, low_first, high_first, was 'up'"),
        ('start = "2024-07-26"', 'start = "soon"', "start must be an ISO date such as \"2024-07-26\", was 'soon'"),
        ('start = "2024-07-26"', 'start = "2024-07-26T10:00"', "start needs a time zone"),
        ('start = "2024-07-26"', 'start = "2024-09-26"', "start must be before end"),
        (
            'name = "static"',
            'name = "magic"',
            r"\[strategy\] has no strategy 'magic': installed are atr, recentre, static\.",
        ),
        ('name = "static"', "name = = 3", "s.toml is not valid TOML"),
        ('lower = "50000"\n', "", r"\[strategy.params\] needs lower"),
        ('tick = "0.01"\nlot = "0.00001"\n', "", r"\[market\] needs tick and lot"),
        ("[simulation]", "[overfit]\ntrials = 0\n[simulation]", "trials must be a whole number from 1 on, was 0"),
        ("[simulation]", "[overfit]\nsharpe_variance = 0\n[simulation]", "sharpe_variance must be above zero, was 0"),
        (
            "[simulation]",
            "[overfit]\nenforce = 1\n[simulation]",
            "enforce must be true or false, without quotes, was 1",
        ),
        ("cells = 60", "cells = 60.5", "cells must be a whole number from 1 on"),
        ('lower = "50000"', "lower = nan", "lower must be a finite number"),
    ],
)
def test_mistakes_are_named(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(InvalidInput, match=message):
        use(TEXT.replace(old, new))


def test_sections_must_be_sections() -> None:
    with pytest.raises(InvalidInput, match=r"\[market\] must be a section, was 3"):
        parse_study("market = 3")
    with pytest.raises(InvalidInput, match=r"needs a section \[strategy.params\]"):
        parse_study("[market]")


def test_toml_dates_are_times_too() -> None:
    for written, hour in (("2024-07-26", 0), ("2024-07-26T05:00:00Z", 5)):
        assert parse_study(TEXT.replace('"2024-07-26"', written)).start == datetime(2024, 7, 26, hour, tzinfo=UTC)
    with pytest.raises(InvalidInput, match="needs a time zone"):
        parse_study(TEXT.replace('"2024-07-26"', "2024-07-26T05:00:00"))
