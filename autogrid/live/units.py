"""Between an exchange's decimals and a bot's ticks, lots and atoms."""

from fractions import Fraction

from autogrid.core.bot import Bot, FillRow, Order
from autogrid.core.ledger import MICRO, Fee
from autogrid.core.market import Market
from autogrid.core.orders import BUY
from autogrid.core.position import Trade
from autogrid.errors import Halted
from autogrid.exchange import port
from autogrid.exchange.port import Execution, NewOrder

SIDES = {port.BUY: 1, port.SELL: -1}


def new_order(bot: Bot, order: Order) -> NewOrder:
    """The row as it is sent: start and stop orders as market orders, grid orders post-only."""
    return NewOrder(
        symbol=bot.symbol,
        client_id=order.client_id,
        side=port.BUY if order.side == BUY else port.SELL,
        amount=bot.market.amount(order.lots - order.filled),
        price=None if order.is_market else bot.market.price(order.price),
    )


def fill_row(bot: Bot, order: Order, execution: Execution) -> FillRow:
    """An execution of `order` in units. Halted where the exchange's lot is finer than the bot's."""
    lots = Fraction(execution.amount) / Fraction(bot.market.lot)
    if lots.denominator != 1:
        raise Halted(
            f"execution {execution.trade_id}: expected a multiple of the lot {bot.market.lot}, found "
            f"{execution.amount}: the market's rules have changed; stop this bot and promote the study again"
        )
    return FillRow(
        execution.trade_id,
        execution.exchange_id,
        order.client_id,
        execution.ts_ms,
        order.key,
        SIDES[execution.side],
        bot.market.price_ticks(execution.price),
        lots.numerator,
        execution.fee,
        execution.fee_asset,
    )


def trade(bot: Bot, row: FillRow) -> Trade:
    """A fill row as the position books it."""
    return Trade(row.key, row.side, row.price, row.lots, fee(bot, row))


def fee(bot: Bot, row: FillRow) -> Fee:
    """The fee in the books' units: atoms of quote, millionths of a lot of base, or another coin's own."""
    market: Market = bot.market
    if row.fee_asset == bot.quote_asset:
        return Fee("quote", Fraction(row.fee) / Fraction(market.atom))
    if row.fee_asset == bot.base_asset:
        return Fee("base", Fraction(row.fee) / Fraction(market.lot) * MICRO)
    return Fee(row.fee_asset, Fraction(row.fee))
