"""Markets with their rules, and what a study describes on them."""

from decimal import Decimal

import sqlalchemy as sa

from autogrid.core.market import Market
from autogrid.core.plan import plan
from autogrid.core.study import parse_study
from autogrid.core.trailing import DEFAULT, lowered, raised
from autogrid.store import markets
from autogrid.strategies.registry import grid_of
from services.api.studies.models import EXAMPLE

from .conftest import Make

RULES = {
    "tick": "0.01", "lot": "0.001", "min_notional": "1", "maker_fee": "0.001", "taker_fee": "0.001",
    "buy_fee_asset": "base", "max_amount": "9000", "max_market_amount": "70.5", "max_notional": "9000000",
}  # fmt: skip
STUDY = """
[market]
exchange = "binance"
symbol = "BTC/USDT"
[strategy.params]
lower = "90"
upper = "110"
cells = 8
amount = "1"
trailing = "both"
stop_loss = "85"
[simulation]
cash = "5000"
"""


def test_the_largest_orders_are_among_the_rules(person: Make, store: sa.Engine) -> None:
    user = person("viewer")
    with store.begin() as connection:
        markets.put_rules(connection, "binance", "BTC/USDT", RULES)
        markets.put_rules(connection, "binance", "NEW/USDT", {})
    new, old = user.get("/v1/markets").json()["items"]
    assert {name: Decimal(old[name]) if name != "buy_fee_asset" else old[name] for name in RULES} == {
        name: Decimal(value) if name != "buy_fee_asset" else value for name, value in RULES.items()
    }
    assert {new[name] for name in RULES} == {None}


def test_a_trailing_study_shows_where_it_may_move(person: Make, store: sa.Engine) -> None:
    user = person("viewer")
    with store.begin() as connection:
        markets.put_rules(connection, "binance", "BTC/USDT", RULES)
    found = user.post("/v1/studies/check", {"text": STUDY, "price": "100"}).json()
    assert (found["trailing"], found["stops_move"], Decimal(found["stop_loss"])) == ("both", True, 85)
    assert found["take_profit"] is None
    assert (found["max_amount"], found["max_market_amount"], found["max_notional"]) == ("9000", "70.5", "9000000")
    # The grid of the core goes there, level by level.
    rules = Market(**RULES)
    moved = planned = plan(grid_of(parse_study(STUDY)), rules, rules.price_ticks(100), "5000")
    reached = []
    for step in (lambda grid: raised(grid, 10**12, DEFAULT), lambda grid: lowered(grid, DEFAULT)):
        moved = planned
        for _ in range(2):
            _, moved = step(moved)
            reached.append(rules.price(moved.levels[0 if moved.offset < 0 else -1]))
    assert [Decimal(level) for level in found["beyond"]] == sorted(reached)

    for trailing, beyond in (("up", 2), ("down", 2), ("both", 4)):
        text = STUDY.replace('"both"', f'"{trailing}"\nstop_fixed = true')
        some = user.post("/v1/studies/check", {"text": text, "price": "100"}).json()
        assert (len(some["beyond"]), some["stops_move"]) == (beyond, False)
    still = user.post("/v1/studies/check", {"text": EXAMPLE, "price": "60000"}).json()
    assert (still["trailing"], still["beyond"], still["stops_move"]) == ("none", [], False)
