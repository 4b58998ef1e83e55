"""The matching engine: conservation of money, price-time priority, and the grid contract's worked numbers."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.loopback.account import Account
from services.loopback.audit import problems
from services.loopback.engine import Engine, NewOrder
from services.loopback.errors import ApiError
from services.loopback.market import Market
from services.loopback.order import Order
from services.loopback.units import e8, units, units_text

SYMBOL = "BTCUSDT"


@dataclass
class StillClock:
    now: int = 1_700_000_000_000

    def stamp(self) -> int:
        return self.now

    def tape(self) -> int:
        return self.now

    def wall(self) -> int:
        return self.now


def make_engine(liquidity: str = "full", accounts: int = 2, fee_asset: str = "quote") -> Engine:
    engine = Engine(StillClock())
    market = Market("BTC", "USDT", tick=e8("0.01"), lot=e8("0.001"), min_notional=units("0.001"), liquidity=liquidity)
    engine.add_market(market)
    for number in range(accounts):
        account = Account(f"a{number}", f"k{number}", "s", number, fee_asset=fee_asset)
        for asset, amount in (("USDT", "1000"), ("BTC", "10"), ("BNB", "0.01")):
            account.deposit(asset, units(amount))
        engine.accounts[account.name] = account
    return engine


def limit(side: str, price: str, qty: str, client: str = "x", kind: str = "LIMIT", tif: str = "GTC") -> NewOrder:
    return NewOrder(SYMBOL, side == "buy", kind, tif, e8(qty), e8(price), client)


prices = st.integers(9_800, 10_200).map(lambda ticks: ticks * e8("0.01"))
amounts = st.integers(1, 5_000).map(lambda lots: lots * e8("0.001"))
names = st.sampled_from(["a0", "a1"])
operations = st.one_of(
    st.tuples(
        st.just("place"),
        names,
        st.booleans(),
        st.sampled_from(["LIMIT", "LIMIT_MAKER", "MARKET"]),
        st.sampled_from(["GTC", "IOC", "FOK"]),
        prices,
        amounts,
    ),
    st.tuples(st.just("print"), prices, amounts, st.sampled_from([None, "buy", "sell"])),
    st.tuples(st.just("cancel"), st.integers(0, 40)),
    st.tuples(st.just("expire"), st.integers(0, 40)),
    st.tuples(st.just("part"), st.integers(0, 40), amounts),
    st.tuples(st.just("fee"), names, st.sampled_from(["quote", "received", "BNB"])),
    st.tuples(st.just("deposit"), names, st.sampled_from(["USDT", "BTC"]), st.integers(0, 10**18)),
)


def do(engine: Engine, operation: tuple, number: int) -> None:
    what, *values = operation
    order = engine.orders.get(values[0]) if what in ("cancel", "expire", "part") else None
    if what == "place":
        name, is_buy, kind, tif, price, qty = values
        price, tif = (0 if kind == "MARKET" else price), (tif if kind == "LIMIT" else "GTC")
        engine.place(engine.accounts[name], NewOrder(SYMBOL, is_buy, kind, tif, qty, price, f"c{number % 7}"))
    elif what == "print":
        engine.print(SYMBOL, *values)
    elif what == "cancel":
        engine.cancel(order)
    elif order is not None and order.is_open:
        engine.fill(order, values[1]) if what == "part" else engine.expire(order)
    elif what == "fee":
        engine.accounts[values[0]].fee_asset = values[1]
        engine.relock_all(engine.accounts[values[0]])
    elif what == "deposit":
        engine.accounts[values[0]].deposit(values[1], values[2])


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["full", "tape"]), st.lists(operations, max_size=40))
def test_money_is_conserved_and_never_below_zero(liquidity: str, steps: list[tuple]) -> None:
    engine = make_engine(liquidity)
    engine.print(SYMBOL, e8("100"), e8("1"))
    refusals = 0
    for number, operation in enumerate(steps):
        try:
            do(engine, operation, number)
        except ApiError:
            refusals += 1
        assert problems(engine) == []
        for account in engine.accounts.values():
            assert all(account.free(asset) >= 0 for asset in account.total)
    open_ids = {order.id for order in engine.orders.values() if order.is_open}
    assert {order.id for name in engine.accounts for order in engine.open_orders(name)} == open_ids
    same = [(o.account, o.client_id) for o in engine.orders.values() if o.is_open]
    assert len(same) == len(set(same)), "one client id rests twice"
    assert refusals <= len(steps)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(names, st.booleans(), st.integers(1, 15), amounts), min_size=1, max_size=15),
    st.integers(-20, 20),
    amounts,
)
def test_price_time_priority(resting: list[tuple[str, bool, int, int]], move: int, qty: int) -> None:
    """By tape volume: the best price first, at one price the first to come; none is passed over."""
    engine = make_engine("tape", fee_asset="received")
    engine.print(SYMBOL, e8("100"), e8("1"))
    for account in engine.accounts.values():
        account.deposit("USDT", units("10000000"))
        account.deposit("BTC", units("10000000"))
    tick = engine.markets[SYMBOL].tick
    for number, (name, is_buy, away, lots) in enumerate(resting):
        price = e8("100") + (-away if is_buy else away) * tick
        new = NewOrder(SYMBOL, is_buy, "LIMIT_MAKER", "GTC", lots, price, f"c{number}")
        engine.place(engine.accounts[name], new)
    price = e8("100") + move * tick
    fills = engine.print(SYMBOL, price, qty)

    def rank(order: Order) -> tuple[int, int]:
        return (-order.price if order.is_buy else order.price), order.id

    reached = [o for o in engine.orders.values() if (o.price >= price if o.is_buy else o.price <= price)]
    order_of_fills = [engine.orders[fill.order_id] for fill in fills]
    assert order_of_fills == sorted(reached, key=rank)[: len(fills)]
    assert all(not order.rest for order in order_of_fills[:-1])
    assert sum(fill.qty for fill in fills) == min(qty, sum(order.qty for order in reached))
    assert all(fill.price == engine.orders[fill.order_id].price for fill in fills)


def test_full_liquidity_needs_a_print_through_the_price() -> None:
    engine = make_engine()
    engine.print(SYMBOL, e8("100"), e8("1"))
    order = engine.place(engine.accounts["a0"], limit("buy", "99", "1"))
    assert engine.print(SYMBOL, e8("99"), e8("50")) == []
    (fill,) = engine.print(SYMBOL, e8("98.99"), e8("0.001"))
    assert (fill.price, fill.qty, order.status) == (e8("99"), e8("1"), "FILLED")


def test_parts_cost_what_the_whole_costs() -> None:
    """Fees of partial fills add up to the fee of the whole, so that an exact budget is never exceeded."""
    engine = make_engine(accounts=1)
    account, market = engine.accounts["a0"], engine.markets[SYMBOL]
    market.maker_ppm, market.commission_decimals = 333, 5
    engine.print(SYMBOL, e8("100"), e8("1"))
    order = engine.place(account, limit("buy", "99.97", "0.9"))
    for _ in range(900):
        engine.fill(order, e8("0.001"))
    assert order.status == "FILLED"
    fees = sum(trade.fee for trade in order.trades)
    assert units_text(fees) == "0.02996000"  # 99.97 x 0.9 x 333 ppm = 0.029961...
    assert account.total["USDT"] == units("1000") - order.quote - fees
    assert account.locked["USDT"] == 0


def test_the_contracts_worked_numbers() -> None:
    """CONTRACT section 7, traded by hand: grid 90..110, 4 cells, amount 1, start at 101."""
    engine = make_engine(accounts=1)
    account = engine.accounts["a0"]
    account.total = account.deposits = {"USDT": units("10000")}
    account.deposits = dict(account.deposits)
    engine.print(SYMBOL, e8("101"), e8("1"))
    levels = [90, 95, 100, 105, 110]
    engine.place(account, NewOrder(SYMBOL, True, "MARKET", "GTC", e8("2"), 0, "start"))
    j, cycle, resting = 2, 0, {}

    def arrange() -> None:
        nonlocal cycle
        wanted = {(True, levels[i]): i for i in range(j)} | {(False, levels[i + 1]): i for i in range(j, 4)}
        for key in [key for key in resting if key not in wanted or not resting[key].is_open]:
            assert not resting[key].is_open
            del resting[key]
        for (is_buy, level), _ in wanted.items():
            if (is_buy, level) not in resting:
                cycle += 1
                new = NewOrder(SYMBOL, is_buy, "LIMIT_MAKER", "GTC", e8("1"), e8(level), f"c{cycle}")
                resting[is_buy, level] = engine.place(account, new)

    arrange()
    fills = []
    path = "101 101 101 101 101 100 106 104 104 104 95 95 94.99 94.9 96 95.5 95.5 95.5 111 110"
    for price in path.split():
        for fill in engine.print(SYMBOL, e8(price), e8("1")):
            fills.append(("buy" if fill.is_buy else "sell", int(fill.price / e8("1"))))
            j += -1 if fill.is_buy else 1
        arrange()
    assert fills == [("sell", 105), ("buy", 100), ("buy", 95), ("sell", 100), ("sell", 105), ("sell", 110)]
    assert account.total["USDT"] == units("10022.183")
    assert account.total["BTC"] == 0
    assert problems(engine) == []


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (limit("buy", "99.001", "1"), "PRICE_FILTER"),
        (limit("buy", "99", "0.0001"), "LOT_SIZE"),
        (limit("buy", "99", "0.01"), "NOTIONAL"),
        (limit("buy", "99", "9001"), "LOT_SIZE"),
        (NewOrder(SYMBOL, True, "MARKET", "GTC", e8("1001"), 0, "x"), "MARKET_LOT_SIZE"),
        (limit("buy", "9000", "1001"), "NOTIONAL"),
        (limit("buy", "99", "11"), "insufficient balance"),
        (limit("sell", "101", "11"), "insufficient balance"),
        (limit("buy", "101", "1", kind="LIMIT_MAKER"), "immediately match and take"),
        (limit("buy", "99", "0"), "Price \\* QTY is zero or less"),
    ],
)
def test_refusals_change_nothing(order: NewOrder, words: str) -> None:
    engine = make_engine()
    engine.print(SYMBOL, e8("100"), e8("1"))
    before = dict(engine.accounts["a0"].total)
    order = NewOrder(**{**order.__dict__, "client_id": "x"})
    if "NOTIONAL" in words:
        engine.markets[SYMBOL].min_notional = units("5")
    with pytest.raises(ApiError, match=words):
        engine.place(engine.accounts["a0"], order)
    assert (engine.orders, engine.accounts["a0"].total) == ({}, before)


def test_a_client_id_is_unique_among_open_orders_only() -> None:
    engine = make_engine()
    engine.print(SYMBOL, e8("100"), e8("1"))
    account = engine.accounts["a0"]
    first = engine.place(account, limit("buy", "99", "1", "same"))
    with pytest.raises(ApiError, match="Duplicate order sent"):
        engine.place(account, limit("buy", "98", "1", "same"))
    engine.place(engine.accounts["a1"], limit("buy", "99", "1", "same"))
    engine.print(SYMBOL, e8("98.5"), e8("1"))
    second = engine.place(account, limit("buy", "98", "1", "same"))
    assert not first.is_open
    assert engine.find("a0", SYMBOL, None, "same") is second
    engine.cancel(second)
    assert engine.find("a0", SYMBOL, None, "same") is second
    assert engine.find("a0", SYMBOL, first.id, "same") is first


def test_immediate_orders_never_rest() -> None:
    engine = make_engine()
    engine.print(SYMBOL, e8("100"), e8("1"))
    account = engine.accounts["a0"]
    for tif, reason in (("IOC", "UNFILLED_IOC_QUANTITY_EXPIRED"), ("FOK", "UNFILLED_FOK_ORDER_EXPIRED")):
        order = engine.place(account, limit("buy", "99", "1", tif=tif))
        assert (order.status, order.expiry_reason) == ("EXPIRED", reason)
        taken = engine.place(account, limit("buy", "100.01", "1", tif=tif))
        assert (taken.status, taken.trades[0].price, taken.trades[0].is_maker) == ("FILLED", e8("100"), False)
    assert account.locked.get("USDT", 0) == 0


def test_slippage_moves_takers_away_from_the_last_price() -> None:
    engine = make_engine()
    engine.markets[SYMBOL].slippage_ticks = 5
    engine.print(SYMBOL, e8("100"), e8("1"))
    account = engine.accounts["a0"]
    buy = engine.place(account, NewOrder(SYMBOL, True, "MARKET", "GTC", e8("1"), 0, "b"))
    sell = engine.place(account, NewOrder(SYMBOL, False, "MARKET", "GTC", e8("1"), 0, "s"))
    assert [order.trades[0].price for order in (buy, sell)] == [e8("100.05"), e8("99.95")]


def test_a_fee_coin_that_runs_out_falls_back_to_what_came_in() -> None:
    engine = make_engine(accounts=1, fee_asset="BNB")
    account = engine.accounts["a0"]
    account.fee_price = e8("600")
    engine.print(SYMBOL, e8("100"), e8("1"))
    assets = []
    for number in range(3):
        sign = number % 2 == 0
        order = engine.place(account, NewOrder(SYMBOL, sign, "MARKET", "GTC", e8("3"), 0, f"c{number}"))
        assets.append(order.trades[0].fee_asset)
        account.total["BNB"], account.deposits["BNB"] = 0, account.deposits["BNB"] - account.total["BNB"]
    assert assets == ["BNB", "USDT", "BTC"]
    first = engine.orders[1].trades[0]
    assert units_text(first.fee) == "0.00037500"  # 300 x 0.1 % x 75 % / 600
    assert problems(engine) == []


def test_a_halted_market_neither_takes_nor_fills() -> None:
    engine = make_engine()
    engine.print(SYMBOL, e8("100"), e8("1"))
    resting = engine.place(engine.accounts["a0"], limit("buy", "99", "1"))
    engine.markets[SYMBOL].status = "HALT"
    assert engine.print(SYMBOL, e8("90"), e8("1")) == []
    with pytest.raises(ApiError, match="Market is closed"):
        engine.place(engine.accounts["a0"], limit("buy", "80", "1", "y"))
    assert engine.cancel(resting).status == "CANCELED"


def test_lot_changes_leave_no_order_behind() -> None:
    """With tape liquidity the last part of an order fills even where it is no multiple of the new lot."""
    engine = make_engine("tape")
    engine.print(SYMBOL, e8("100"), e8("1"))
    order = engine.place(engine.accounts["a0"], limit("buy", "99", "1.555"))
    engine.markets[SYMBOL].lot = e8("0.01")
    assert [fill.qty for fill in engine.print(SYMBOL, e8("98"), e8("1.009"))] == [e8("1")]
    assert [fill.qty for fill in engine.print(SYMBOL, e8("98"), e8("1"))] == [e8("0.555")]
    assert order.status == "FILLED"
