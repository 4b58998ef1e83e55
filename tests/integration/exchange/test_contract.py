"""The contract of the exchange port: every implementation passes the same tests."""

import itertools
from collections.abc import Iterator
from decimal import Decimal as D

import pytest

from autogrid.errors import InvalidInput, Rejected
from autogrid.exchange.port import CANCELED, EXPIRED, FILLED, OPEN, Exchange, ExchangeOrder, NewOrder
from tests.integration.exchange.venues import (
    LEAST,
    LOT,
    MAKER,
    SYMBOL,
    TAKER,
    TICK,
    LoopbackVenue,
    Maker,
    SimulatedVenue,
    Venue,
)
from tests.loopback_client import Loopback

_ids = itertools.count(1)


@pytest.fixture(scope="module")
def loopback() -> Iterator[Loopback]:
    market = {"symbol": SYMBOL, "tick": TICK, "lot": LOT, "min_notional": LEAST, "maker_fee": MAKER, "taker_fee": TAKER}
    with Loopback({"markets": [market], "accounts": [{"name": "other", "balances": {}}]}) as running:
        yield running


@pytest.fixture(params=["ccxt", "simulated"])
def maker(request: pytest.FixtureRequest) -> Maker:
    if request.param == "simulated":
        return SimulatedVenue
    running = request.getfixturevalue("loopback")
    running.control("clear")
    return lambda fee_asset: LoopbackVenue(running, f"a{next(_ids)}", fee_asset)


@pytest.fixture
def venue(maker: Maker) -> Venue:
    return maker("quote")


@pytest.fixture
def exchange(venue: Venue) -> Exchange:
    return venue.exchange


def limit(client_id: str, side: str, price: str, amount: str = "1", post_only: bool = True) -> NewOrder:
    return NewOrder(SYMBOL, client_id, side, D(amount), D(price), post_only)


def found(exchange: Exchange, client_id: str) -> ExchangeOrder:
    order = exchange.find(SYMBOL, client_id, None)
    assert order is not None
    return order


def test_rules_price_and_balances(exchange: Exchange) -> None:
    rules = exchange.rules(SYMBOL)
    assert (rules.tick, rules.lot, rules.min_notional) == (D(TICK), D(LOT), D(LEAST))
    assert (rules.maker_fee, rules.taker_fee) == (D(MAKER), D(TAKER))
    assert exchange.rules(SYMBOL, fresh=True) == rules
    assert exchange.price(SYMBOL) == 100
    assert exchange.last_close(SYMBOL) is None  # no minute has ended yet
    balances = exchange.balances()
    assert (balances["USDT"].free, balances["USDT"].total) == (10000, 10000)
    assert (balances["BTC"].free, balances["BTC"].total) == (1, 1)
    assert exchange.permissions().trade is True
    assert exchange.permissions().withdraw is False


def test_unknown_symbol(exchange: Exchange) -> None:
    with pytest.raises(InvalidInput):
        exchange.rules("NOPE/USDT")


def test_an_order_rests_and_is_found_by_either_id(exchange: Exchange) -> None:
    placed = exchange.place(limit("one", "buy", "99.5", "0.12345"))
    assert placed.client_id == "one"
    assert placed.exchange_id
    assert (placed.side, placed.price, placed.amount) == ("buy", D("99.5"), D("0.12345"))
    assert (placed.filled, placed.status) == (0, OPEN)
    assert exchange.open_orders(SYMBOL) == [placed]
    assert exchange.find(SYMBOL, "one", None) == placed
    assert exchange.find(SYMBOL, "one", placed.exchange_id) == placed
    assert exchange.executions_of(SYMBOL, placed.exchange_id) == []


def test_resting_orders_lock_money(exchange: Exchange) -> None:
    exchange.place(limit("b", "buy", "90", "2"))
    exchange.place(limit("s", "sell", "110", "0.25"))
    balances = exchange.balances()
    assert balances["USDT"].total == 10000
    assert 9819 < balances["USDT"].free <= 9820
    assert (balances["BTC"].free, balances["BTC"].total) == (D("0.75"), 1)
    for name in ("b", "s"):
        exchange.cancel(SYMBOL, name, None)
    balances = exchange.balances()
    assert (balances["USDT"].free, balances["BTC"].free) == (10000, 1)


def test_fills_at_the_limit_price(venue: Venue) -> None:
    exchange = venue.exchange
    cursor = exchange.executions_since(SYMBOL, "").cursor
    placed = exchange.place(limit("b", "buy", "99", "2"))
    venue.trade("98.99")
    page = exchange.executions_since(SYMBOL, cursor)
    (fill,) = page.executions
    assert (fill.exchange_id, fill.side, fill.price, fill.amount) == (placed.exchange_id, "buy", 99, 2)
    assert (fill.fee, fill.fee_asset) == (D("0.198"), "USDT")
    assert fill.ts_ms >= 0
    assert exchange.executions_since(SYMBOL, page.cursor).executions == []
    assert exchange.executions_since(SYMBOL, page.cursor).cursor == page.cursor
    assert exchange.executions_of(SYMBOL, placed.exchange_id) == [fill]
    done = found(exchange, "b")
    assert (done.status, done.filled) == (FILLED, 2)
    assert exchange.open_orders(SYMBOL) == []
    assert exchange.balances()["BTC"].total == 3
    assert exchange.balances()["USDT"].total == D(10000) - 198 - D("0.198")


def test_partial_fills_add_up(venue: Venue) -> None:
    exchange = venue.exchange
    cursor = exchange.executions_since(SYMBOL, "").cursor
    placed = exchange.place(limit("s", "sell", "101", "1"))
    for amount in ("0.3", "0.00001", "0.2"):
        venue.fill("s", amount)
    (open_order,) = exchange.open_orders(SYMBOL)
    assert (open_order.filled, open_order.status, open_order.amount) == (D("0.50001"), OPEN, 1)
    page = exchange.executions_since(SYMBOL, cursor)
    assert [e.amount for e in page.executions] == [D("0.3"), D("0.00001"), D("0.2")]
    assert len({e.trade_id for e in page.executions}) == 3
    exchange.cancel(SYMBOL, "s", placed.exchange_id)
    done = found(exchange, "s")
    assert (done.status, done.filled) == (CANCELED, D("0.50001"))
    assert exchange.executions_of(SYMBOL, placed.exchange_id) == page.executions
    assert exchange.balances()["BTC"].free == D("0.49999")


@pytest.mark.parametrize(
    ("fee_asset", "side", "fee", "coin"),
    [
        ("received", "buy", "0.001", "BTC"),
        ("received", "sell", "0.1", "USDT"),
        ("quote", "buy", "0.1", "USDT"),
        ("quote", "sell", "0.1", "USDT"),
        ("BNB", "buy", "0.0075", "BNB"),
        ("BNB", "sell", "0.0075", "BNB"),
    ],
)
def test_fee_coin(maker: Maker, fee_asset: str, side: str, fee: str, coin: str) -> None:
    venue = maker(fee_asset)
    exchange = venue.exchange
    before = exchange.balances()[coin].total
    placed = exchange.place(limit("f", side, "100"))
    venue.fill("f", "1")
    (fill,) = exchange.executions_of(SYMBOL, placed.exchange_id)
    assert (fill.fee, fill.fee_asset) == (D(fee), coin)
    moved = {"BTC": 1 if side == "buy" else -1, "USDT": -100 if side == "buy" else 100}.get(coin, 0)
    assert exchange.balances()[coin].total == before + moved - D(fee)


def test_market_order_takes(venue: Venue) -> None:
    exchange = venue.exchange
    cursor = exchange.executions_since(SYMBOL, "").cursor
    placed = exchange.place(NewOrder(SYMBOL, "m", "buy", D("1.5")))
    assert (placed.status, placed.filled, placed.price) == (FILLED, D("1.5"), None)
    fills = exchange.executions_since(SYMBOL, cursor).executions
    assert sum(f.amount for f in fills) == D("1.5")
    assert sum(f.fee for f in fills) == sum(f.price * f.amount for f in fills) * D(TAKER)
    assert found(exchange, "m").price is None


def test_a_limit_order_may_take(venue: Venue) -> None:
    exchange = venue.exchange
    placed = exchange.place(limit("t", "buy", "100.5", "0.5", post_only=False))
    assert (placed.status, placed.filled, placed.price) == (FILLED, D("0.5"), D("100.5"))
    fills = exchange.executions_of(SYMBOL, placed.exchange_id)
    assert sum(f.amount for f in fills) == D("0.5")
    assert all(f.price <= D("100.5") for f in fills)
    assert sum(f.fee for f in fills) == sum(f.price * f.amount for f in fills) * D(TAKER)
    assert exchange.place(limit("r", "buy", "99", "0.5", post_only=False)).status == OPEN


def test_post_only_never_takes(exchange: Exchange) -> None:
    with pytest.raises(Rejected) as caught:
        exchange.place(limit("cross", "buy", "101"))
    assert caught.value.reason == "would_cross"
    with pytest.raises(Rejected) as caught:
        exchange.place(limit("cross", "sell", "99", "0.5"))
    assert caught.value.reason == "would_cross"
    assert exchange.open_orders(SYMBOL) == []
    assert exchange.find(SYMBOL, "cross", None) is None
    assert exchange.place(limit("cross", "buy", "99")).status == OPEN


def test_insufficient_funds(exchange: Exchange) -> None:
    for order in (limit("poor", "buy", "99", "102"), limit("poor", "sell", "101", "1.00001")):
        with pytest.raises(Rejected) as caught:
            exchange.place(order)
        assert caught.value.reason == "insufficient_funds"
    assert exchange.find(SYMBOL, "poor", None) is None


def test_money_of_resting_orders_is_not_free(exchange: Exchange) -> None:
    exchange.place(limit("b1", "buy", "99", "100"))
    with pytest.raises(Rejected) as caught:
        exchange.place(limit("b2", "buy", "99", "2"))
    assert caught.value.reason == "insufficient_funds"


def test_an_open_id_is_not_taken_twice(exchange: Exchange) -> None:
    placed = exchange.place(limit("twin", "buy", "99"))
    with pytest.raises(Rejected) as caught:
        exchange.place(limit("twin", "buy", "98"))
    assert caught.value.reason == "duplicate"
    assert exchange.open_orders(SYMBOL) == [placed]


def test_least_amounts(exchange: Exchange) -> None:
    for order in (limit("small", "buy", "99", "0.05"), limit("small", "buy", "99", "0.000001")):
        with pytest.raises(Rejected) as caught:
            exchange.place(order)
        assert caught.value.reason == "filter"


def test_cancel_of_what_is_not_open_settles_nothing(venue: Venue) -> None:
    exchange = venue.exchange
    placed = exchange.place(limit("gone", "buy", "99"))
    exchange.cancel(SYMBOL, "gone", None)
    for exchange_id in (None, placed.exchange_id):
        with pytest.raises(Rejected) as caught:
            exchange.cancel(SYMBOL, "gone", exchange_id)
        assert caught.value.reason == "unknown_order"
    with pytest.raises(Rejected) as caught:
        exchange.cancel(SYMBOL, "never", None)
    assert caught.value.reason == "unknown_order"
    filled = exchange.place(limit("filled", "buy", "99"))
    venue.trade("98")
    with pytest.raises(Rejected) as caught:
        exchange.cancel(SYMBOL, "filled", filled.exchange_id)
    assert caught.value.reason == "unknown_order"
    assert found(exchange, "filled").status == FILLED


def test_unknown_orders_are_none(exchange: Exchange) -> None:
    assert exchange.find(SYMBOL, "never", None) is None
    assert exchange.find(SYMBOL, "never", "999999999") is None
    assert exchange.executions_of(SYMBOL, "999999999") == []


def test_an_id_may_be_used_again_once_it_is_closed(venue: Venue) -> None:
    exchange = venue.exchange
    first = exchange.place(limit("again", "buy", "99"))
    exchange.cancel(SYMBOL, "again", None)
    second = exchange.place(limit("again", "buy", "98"))
    assert second.exchange_id != first.exchange_id
    assert found(exchange, "again").exchange_id == second.exchange_id
    again = exchange.find(SYMBOL, "again", first.exchange_id)
    assert again is not None
    assert again.status == CANCELED


def test_foreign_orders_are_visible(venue: Venue) -> None:
    exchange = venue.exchange
    mine = exchange.place(limit("mine", "buy", "99"))
    name = venue.foreign("sell", "120", "0.5")
    orders = {order.client_id: order for order in exchange.open_orders(SYMBOL)}
    assert orders["mine"] == mine
    other = orders[name]
    assert (other.side, other.price, other.amount, other.status) == ("sell", 120, D("0.5"), OPEN)


def test_the_exchange_may_end_an_order(venue: Venue) -> None:
    exchange = venue.exchange
    exchange.place(limit("ended", "buy", "99"))
    venue.end("ended")
    assert found(exchange, "ended").status == EXPIRED
    assert exchange.open_orders(SYMBOL) == []
    assert exchange.balances()["USDT"].free == 10000


def test_money_taken_by_others(venue: Venue) -> None:
    venue.drain("USDT")
    with pytest.raises(Rejected) as caught:
        venue.exchange.place(limit("b", "buy", "99"))
    assert caught.value.reason == "insufficient_funds"


def test_cursors_lose_nothing_and_repeat_nothing(venue: Venue) -> None:
    exchange = venue.exchange
    venue.exchange.place(limit("old", "buy", "99", "0.1"))
    venue.trade("98")
    venue.trade("100")
    cursor = exchange.executions_since(SYMBOL, "").cursor
    seen: list[str] = []
    sent: list[str] = []
    for number in range(6):
        name = f"c{number}"
        sent.append(exchange.place(limit(name, "buy", "99", "0.1")).exchange_id)
        venue.fill(name, "0.06")
        venue.fill(name, "0.04")
        if number % 2:
            page = exchange.executions_since(SYMBOL, cursor)
            cursor = page.cursor
            seen += [e.exchange_id for e in page.executions]
    assert seen == [name for name in sent for _ in range(2)]
    assert exchange.executions_since(SYMBOL, cursor).executions == []


def test_more_fills_than_a_page_holds(venue: Venue) -> None:
    exchange = venue.exchange
    cursor = exchange.executions_since(SYMBOL, "").cursor
    placed = exchange.place(limit("many", "buy", "99", "2.1"))
    venue.fill("many", "0.001", 2100)
    page = exchange.executions_since(SYMBOL, cursor)
    assert len(page.executions) == 2100
    assert len({e.trade_id for e in page.executions}) == 2100
    assert sum(e.amount for e in page.executions) == D("2.1")
    assert exchange.executions_of(SYMBOL, placed.exchange_id) == page.executions
    assert exchange.executions_since(SYMBOL, page.cursor).executions == []


def test_prices_and_amounts_are_put_on_the_grid(exchange: Exchange) -> None:
    buy = exchange.place(limit("b", "buy", "98.999", "0.123456789"))
    sell = exchange.place(limit("s", "sell", "101.001", "0.5"))
    assert (found(exchange, "b").price, found(exchange, "b").amount) == (D("98.99"), D("0.12345"))
    assert found(exchange, "s").price == D("101.01")
    assert (buy.price, buy.amount, sell.price) == (D("98.99"), D("0.12345"), D("101.01"))
