"""CONTRACT section 7: the worked table, and the examples that exchanges publish."""

from decimal import Decimal

from autogrid.core.grid import Grid
from autogrid.core.ladder import Ladder
from autogrid.core.levels import levels
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, SELL, START, Fill
from autogrid.core.path import path_code, points
from autogrid.core.plan import plan
from autogrid.core.sizing import lots_per_cell

TABLE = [
    (("101", "101", "101", "101"), [Fill(START, -1, BUY, 10100, 2000)], 2),
    (("101", "106", "100", "104"), [Fill(GRID, 2, SELL, 10500, 1000)], 3),
    (("104", "104", "95", "95"), [Fill(GRID, 2, BUY, 10000, 1000)], 2),
    (("94.99", "96", "94.9", "95.5"), [Fill(GRID, 1, BUY, 9500, 1000)], 1),
    (("95.5", "111", "95.5", "110"), [Fill(GRID, i, SELL, 10000 + 500 * (i - 1), 1000) for i in (1, 2, 3)], 4),
]


def test_the_worked_table_candle_by_candle() -> None:
    market = Market(tick="0.01", lot="0.001", min_notional="1", maker_fee="0.001", taker_fee="0.001")
    p = plan(Grid(lower="90", upper="110", cells=4, amount="1"), market, market.price_ticks("101.00"))
    assert [str(market.price(x)) for x in p.levels] == ["90.00", "95.00", "100.00", "105.00", "110.00"]
    assert p.empty == 2
    ladder, last = Ladder(p), None
    for candle, fills, empty in TABLE:
        open_, high, low, close = (market.price_ticks(x) for x in candle)
        walk = points(open_, high, low, close, path_code("nearest"))
        assert list(ladder.candle(walk, last)) == fills
        assert ladder.empty == empty
        last = close
    books = ladder.books.ledger(11_000)
    assert (books.round_trips, books.fills) == (4, 7)
    assert (books.realised, books.fees, books.base) == (23, Decimal("0.817"), 0)
    assert books.equity - books.equity_start == Decimal("22.183")
    assert books.unrealised == 0


def test_the_paths_of_the_worked_table() -> None:
    nearest = path_code("nearest")
    assert points(101, 106, 100, 104, nearest) == (101, 100, 106, 104)
    assert points(104, 104, 95, 95, nearest) == (104, 104, 95, 95)
    assert points(9499, 9600, 9490, 9550, nearest) == (9499, 9490, 9600, 9550)
    assert points(955, 1110, 955, 1100, nearest) == (955, 955, 1110, 1100)


def pair(market: Market, amount: str, buy: str, sell: str) -> tuple[Ladder, Decimal]:
    """One cell, bought and sold; the ladder and the change of cash."""
    grid = Grid(lower=buy, upper=sell, cells=1, amount=amount)
    ladder = Ladder(plan(grid, market, market.price_ticks(sell)), penetration=0)
    list(ladder.start())
    list(ladder.leg(market.price_ticks(buy)))
    list(ladder.leg(market.price_ticks(sell)))
    books = ladder.books.ledger(market.price_ticks(sell))
    return ladder, books.cash - books.equity_start


def test_okx_fee_in_base() -> None:
    market = Market("0.1", "0.00000001", maker_fee="0.001", buy_fee_asset="base")
    ladder, net = pair(market, "0.00005216", "100000", "101000")
    assert market.amount(ladder.plan.gross[0]) == Decimal("0.00005222")
    books = ladder.books.ledger(1_010_000)
    assert books.fees_base == Decimal("5.222E-8")
    assert books.fees == Decimal("0.00526816")
    assert net.quantize(Decimal("1E-7")) == Decimal("0.0408918")


def test_bybit_amount_per_cell_and_one_pair() -> None:
    # Bybit leaves the level above the price empty: 45, 49 and 53 thousand rest, two cells are bought at 54 thousand.
    market = Market("0.01", "0.00000001")
    found = levels(Decimal(45000), Decimal(65000), 5, "arithmetic", market.tick)
    held_back = Decimal("0.95") * 23610
    grid = Grid(lower="45000", upper="65000", cells=5, investment=held_back)
    lots = lots_per_cell(grid, market, found, empty=3, fill=market.price_ticks("54000"))
    assert market.amount(lots[0]) == Decimal("0.08795882")
    # The sell is 0.1 % smaller than the buy, which is our gross-up seen from the other side.
    market = Market("0.01", "0.00000001", maker_fee="0.001", buy_fee_asset="base")
    ladder, net = pair(market, "0.08787086", "53000", "57000")
    assert ladder.plan.gross == (lots[0],)
    assert net.quantize(Decimal("1E-6")) == Decimal("341.812921")


def test_binance_quote_in_buy_orders() -> None:
    market = Market("0.0001", "1")
    p = plan(Grid(lower="0.7484", upper="0.7749", cells=5, amount="14"), market, market.price_ticks("0.7749"))
    assert [market.price(x) for x in p.levels[:-1]] == [Decimal(x) / 10000 for x in (7484, 7537, 7590, 7643, 7696)]
    assert market.money(p.cash) == Decimal("53.13")
