"""From the store's values to the API's models."""

from datetime import datetime
from decimal import localcontext

from autogrid.core.bot import Bot as CoreBot
from autogrid.core.bot import FillRow
from autogrid.core.bot import Order as CoreOrder
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, KINDS
from autogrid.core.position import Position
from autogrid.live.brain import next_decision_ms
from autogrid.live.explain import Line
from autogrid.store.bot_history import EquityRow, OrderRow, Subject
from autogrid.store.coverage import when
from services.api.bots.models import Cell, Cells, Equity, Fill, Order, RestingOrder


def side(sign: int) -> str:
    """ "buy" or "sell"."""
    return "buy" if sign == BUY else "sell"


def cells_of(bot: CoreBot, lines: list[Line]) -> Cells:
    """A bot's cells, as `autogrid bots explain` has them."""
    market, position = bot.market, bot.position
    plan = None if position is None else position.plan
    shown = []
    if position is not None:
        mine = (line for line in lines if line.kind == GRID and position.plan.index(line.cell) is not None)
        shown = [_cell(market, position, line) for line in mine]
    return Cells.model_validate(
        {
            "status": bot.status,
            "reason": bot.reason,
            "last_price": None if bot.last_price is None else market.price(bot.last_price),
            "levels": [] if plan is None else [market.price(level) for level in plan.levels],
            "cells": shown,
            "missing": sum(line.missing for line in lines),
            "strategy": bot.strategy,
            "decided_at": when(bot.decided_ms) if bot.decided_ms else None,
            "next_decision_at": _next(bot),
        }
    )


def _next(bot: CoreBot) -> datetime | None:
    """When a bot at work decides next."""
    if bot.wish != "run" or bot.status not in ("waiting", "running"):
        return None
    found = next_decision_ms(bot.strategy, bot.params, bot.decided_ms)
    return None if found is None else when(found)


def _cell(market: Market, position: Position, line: Line) -> Cell:
    plan, i = position.plan, line.cell - position.plan.offset
    selling = position.holds[i]
    return Cell.model_validate(
        {
            "cell": line.cell,
            "lower": market.price(plan.levels[i]),
            "upper": market.price(plan.levels[i + 1]),
            "side": "sell" if selling else "buy",
            "price": market.price(plan.levels[i + 1] if selling else plan.levels[i]),
            "amount": market.amount(plan.lots[i] if selling else plan.gross[i]),
            "filled": market.amount(position.done[i]),
            "wanted": line.should is not None,
            "order": None if line.rests is None else _resting(market, line.rests),
            "reason": line.reason or None,
            "cost": market.money(position.books.cost.get(line.cell, 0)),
            "turns": position.cycle[i],
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


def equities_of(subject: Subject, rows: list[EquityRow]) -> list[Equity]:
    """Points of the equity series beside what holding would have been worth."""
    if subject.start is None:
        return [Equity(row.ts, row.equity, row.cash, row.base, row.price, None) for row in rows]
    cash, price = subject.start
    fee = subject.market.taker_fee
    with localcontext() as context:
        context.prec = 60
        coins = cash / price * (1 - fee) if subject.market.fee_in_base else cash / price / (1 + fee)
        return [Equity(row.ts, row.equity, row.cash, row.base, row.price, round(coins * row.price, 12)) for row in rows]
