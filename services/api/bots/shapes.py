"""From the store's values to the API's models."""

from fractions import Fraction

from autogrid.core.bot import Bot as CoreBot
from autogrid.core.bot import FillRow
from autogrid.core.bot import Order as CoreOrder
from autogrid.core.ledger import MICRO
from autogrid.core.market import Market
from autogrid.core.orders import BUY, KINDS
from autogrid.live.cells import Cell as CoreCell
from autogrid.store.bot_history import EquityRow, OrderRow
from autogrid.store.bot_rows import money
from autogrid.store.coverage import when
from services.api.bots.models import Cell, Cells, Equity, Fill, Order, RestingOrder


def side(sign: int) -> str:
    """ "buy" or "sell"."""
    return "buy" if sign == BUY else "sell"


def cells_of(bot: CoreBot, found: list[CoreCell]) -> Cells:
    """A bot's cells."""
    market, plan = bot.market, None if bot.position is None else bot.position.plan
    shown = [Cell(**vars(each) | {"order": each.order and _resting(market, each.order)}) for each in found]
    return Cells.model_validate(
        {
            "status": bot.status,
            "reason": bot.reason,
            "last_price": None if bot.last_price is None else market.price(bot.last_price),
            "levels": [] if plan is None else [market.price(level) for level in plan.levels],
            "cells": shown,
            "differences": sum(each.reason is not None and (each.wanted or each.order is not None) for each in found),
        }
    )


def _resting(market: Market, order: CoreOrder) -> RestingOrder:
    return RestingOrder.model_validate(
        {
            "status": order.status,
            "client_id": order.client_id,
            "exchange_id": order.exchange_id,
            "price": market.price(order.price),
            "amount": market.amount(order.lots),
            "filled": market.amount(order.filled),
        }
    )


def order_of(market: Market, row: OrderRow) -> Order:
    """An order."""
    order = row.order
    return Order.model_validate(
        {
            "id": order.id,
            "kind": KINDS[order.key.kind],
            "cell": order.key.cell,
            "side": side(order.side),
            "price": market.price(order.price),
            "amount": market.amount(order.lots),
            "filled": market.amount(order.filled),
            "status": order.status,
            "client_id": order.client_id,
            "exchange_id": order.exchange_id,
            "reason": order.reason,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
    )


def fill_of(market: Market, fill_id: int, row: FillRow) -> Fill:
    """An execution."""
    return Fill.model_validate(
        {
            "id": fill_id,
            "ts": when(row.ts_ms),
            "kind": KINDS[row.key.kind],
            "cell": row.key.cell,
            "side": side(row.side),
            "price": market.price(row.price),
            "amount": market.amount(row.lots),
            "fee": row.fee,
            "fee_asset": row.fee_asset,
            "trade_id": row.trade_id,
            "client_id": row.client_id,
        }
    )


def equity_of(bot: CoreBot, row: EquityRow) -> Equity:
    """A point of the equity series beside what holding would have been worth."""
    hold = None
    if bot.position is not None:
        plan, market = bot.position.plan, bot.market
        fee = Fraction(market.taker_ppm, MICRO)
        kept = 1 - fee if market.fee_in_base else 1 / (1 + fee)
        ticks = Fraction(row.price) / Fraction(market.tick)
        hold = round(money(market, plan.cash * ticks / plan.start_fill * kept), 12)
    return Equity(**vars(row), hold=hold)
