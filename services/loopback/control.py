"""The control endpoint's commands: the hands that move the exchange. JSON in, JSON out, no keys asked."""

from collections.abc import Callable
from typing import Any

from services.loopback import audit, catalogue
from services.loopback.account import Account
from services.loopback.config import make_account
from services.loopback.engine import NewOrder
from services.loopback.exchange import Exchange
from services.loopback.faults import Rule
from services.loopback.order import Order, Trade
from services.loopback.tape import Print
from services.loopback.units import e8, units, units_text

Json = dict[str, Any]


def _account(exchange: Exchange, body: Json) -> Account:
    name = body.get("account")
    if name is None and len(exchange.engine.accounts) == 1:
        return next(iter(exchange.engine.accounts.values()))
    if name not in exchange.engine.accounts:
        raise ValueError(f"account: expected one of {', '.join(exchange.engine.accounts)}, found {name!r}")
    return exchange.engine.accounts[str(name)]


def _symbol(exchange: Exchange, body: Json) -> str:
    symbol = str(body.get("symbol") or next(iter(exchange.engine.markets))).replace("/", "")
    if symbol not in exchange.engine.markets:
        raise ValueError(f"symbol: expected one of {', '.join(exchange.engine.markets)}, found {symbol!r}")
    return symbol


def _order(exchange: Exchange, body: Json) -> Order:
    if "order_id" in body:
        order = exchange.engine.orders.get(int(body["order_id"]))
    else:
        account = _account(exchange, body)
        order = exchange.engine.find(account.name, _symbol(exchange, body), None, str(body.get("client_id")))
    if order is None:
        raise ValueError("order: expected a known order_id, or account, symbol and client_id")
    return order


def _fills(exchange: Exchange, trades: list[Trade]) -> Json:
    shown = [
        {**trade.show(), "clientOrderId": exchange.engine.orders[trade.order_id].client_id,
         "account": exchange.engine.orders[trade.order_id].account}
        for trade in trades
    ]  # fmt: skip
    return {"fills": shown, "tape": audit.status(exchange)}


def state(exchange: Exchange, body: Json) -> Json:
    """All books; `account`, `symbol` narrow them."""
    return audit.state(exchange, body.get("account"), body.get("symbol"))


def tape(exchange: Exchange, body: Json) -> Json:
    """Where the tape is."""
    return audit.status(exchange)


def step(exchange: Exchange, body: Json) -> Json:
    """Play `prints`, `candles` (rows) or `until` a tape time in ms; answers with the fills."""
    given = {name: int(body[name]) for name in ("prints", "candles", "until") if name in body} or {"prints": 1}
    return _fills(exchange, exchange.player.step(**given))


def pause(exchange: Exchange, body: Json) -> Json:
    """Stop the tape."""
    exchange.player.paused = True
    return audit.status(exchange)


def resume(exchange: Exchange, body: Json) -> Json:
    """Let it run, at `speed` x real time where given."""
    exchange.player.paused = False
    exchange.player.speed = float(body.get("speed", exchange.player.speed))
    return audit.status(exchange)


def print_(exchange: Exchange, body: Json) -> Json:
    """A trade at `price` now, of `qty` (default 1), by a taker `side`."""
    item = Print(
        max(exchange.clock.tape(), int(body.get("ts", 0))), _symbol(exchange, body), e8(str(body["price"])),
        e8(str(body.get("qty", "1"))), body.get("side"), True,
    )  # fmt: skip
    return _fills(exchange, exchange.player.apply(item))


def account(exchange: Exchange, body: Json) -> Json:
    """Add an account: name, key, secret, balances, fee_asset."""
    made = make_account(body, len(exchange.engine.accounts) + 1)
    if made.name in exchange.engine.accounts or any(a.key == made.key for a in exchange.engine.accounts.values()):
        raise ValueError(f"account: expected a new name and key, {made.name!r} or its key exists")
    exchange.engine.accounts[made.name] = made
    return {"account": made.name}


def _moved(exchange: Exchange, owner: Account, asset: str, amount: int) -> Json:
    owner.deposit(asset, amount)
    exchange.engine.listener.on_deposit(owner, asset, amount)
    return {"asset": asset, "free": units_text(owner.free(asset)), "total": units_text(owner.total[asset])}


def deposit(exchange: Exchange, body: Json) -> Json:
    """Money in: account, asset, amount (negative: out)."""
    return _moved(exchange, _account(exchange, body), str(body["asset"]), units(str(body["amount"])))


def drain(exchange: Exchange, body: Json) -> Json:
    """Take an asset's free balance away, as another bot would; `keep` leaves so much."""
    owner, asset = _account(exchange, body), str(body["asset"])
    taken = max(0, owner.free(asset) - units(str(body.get("keep", "0"))))
    return _moved(exchange, owner, asset, -taken)


def order(exchange: Exchange, body: Json) -> Json:
    """Place an order on an account behind its bot's back."""
    kind = str(body.get("type", "LIMIT"))
    new = NewOrder(
        _symbol(exchange, body), str(body["side"]).upper() == "BUY", kind, str(body.get("tif", "GTC")),
        e8(str(body["qty"])), e8(str(body.get("price", "0"))),
        str(body.get("client_id", f"foreign{exchange.engine.next_order_id}")),
    )  # fmt: skip
    placed = exchange.engine.place(_account(exchange, body), new, bool(body.get("allow_duplicate", False)))
    return placed.show()


def fill(exchange: Exchange, body: Json) -> Json:
    """Fill a resting order at its price: order_id or account+symbol+client_id; `qty` for a part."""
    found = _order(exchange, body)
    if not found.is_open:
        raise ValueError(f"order {found.id}: expected an open order, it is {found.status}")
    exchange.engine.fill(found, e8(str(body["qty"])) if "qty" in body else None)
    return found.show()


def cancel(exchange: Exchange, body: Json) -> Json:
    """Cancel a resting order as if its owner had."""
    return exchange.engine.cancel(_order(exchange, body)).show()


def expire(exchange: Exchange, body: Json) -> Json:
    """The exchange ends an order: `status` EXPIRED (default), CANCELED or REJECTED."""
    return exchange.engine.expire(_order(exchange, body), str(body.get("status", "EXPIRED"))).show()


def market(exchange: Exchange, body: Json) -> Json:
    """Change a market: tick, lot, min_notional, maker_fee, taker_fee, status (TRADING, HALT, BREAK), liquidity ..."""
    found = exchange.engine.markets[_symbol(exchange, body)]
    found.change({name: value for name, value in body.items() if name != "symbol"})
    for owner in exchange.engine.accounts.values():
        exchange.engine.relock_all(owner)
    return found.info()


def delist(exchange: Exchange, body: Json) -> Json:
    """Take a market off: its orders expire, its name is unknown; `"listed": true` brings it back."""
    symbol = _symbol(exchange, body)
    found = exchange.engine.markets[symbol]
    found.listed = bool(body.get("listed", False))
    found.status = "TRADING" if found.listed else "BREAK"
    book = exchange.engine.books[symbol]
    for resting in [] if found.listed else [*book.bids, *book.asks]:
        exchange.engine.expire(resting)
    return {"symbol": symbol, "listed": found.listed}


def key(exchange: Exchange, body: Json) -> Json:
    """Change a key: `revoked`, `can_trade`, `can_withdraw`, `restrictions`."""
    owner = _account(exchange, body)
    for name in ("revoked", "can_trade", "can_withdraw"):
        if name in body:
            setattr(owner, name, bool(body[name]))
    owner.restrictions.update(body.get("restrictions", {}))
    return {"account": owner.name, "revoked": owner.revoked, "can_trade": owner.can_trade}


def fee(exchange: Exchange, body: Json) -> Json:
    """How an account pays fees: fee_asset (received, quote or an asset), fee_price in quote, fee_share_percent."""
    owner = _account(exchange, body)
    owner.fee_asset = str(body.get("fee_asset", owner.fee_asset))
    owner.fee_price = e8(str(body["fee_price"])) if "fee_price" in body else owner.fee_price
    owner.fee_share_percent = int(body.get("fee_share_percent", owner.fee_share_percent))
    exchange.engine.relock_all(owner)
    return {"account": owner.name, "fee_asset": owner.fee_asset}


def clock(exchange: Exchange, body: Json) -> Json:
    """Let the exchange's clock drift by `offset_ms`."""
    exchange.clock.offset_ms = int(body.get("offset_ms", 0))
    return {"serverTime": exchange.clock.server(), "offset_ms": exchange.clock.offset_ms}


def limits(exchange: Exchange, body: Json) -> Json:
    """Change limits (enabled, weight_per_minute, orders_per_10s, ban_after, ...); `lift` forgets counts and bans."""
    for name in ("enabled", "weight_per_minute", "orders_per_10s", "orders_per_day", "ban_after", "ban_s"):
        if name in body:
            setattr(exchange.limits, name, type(getattr(exchange.limits, name))(body[name]))
    if body.get("lift"):
        exchange.limits.lift()
    return {"rateLimits": exchange.limits.describe()}


def ban(exchange: Exchange, body: Json) -> Json:
    """Ban an address for `seconds`."""
    exchange.limits.ban(str(body.get("ip", "127.0.0.1")), float(body.get("seconds", 120)), exchange.clock.wall())
    return {"banned": True}


def stream(exchange: Exchange, body: Json) -> Json:
    """Cut, reset, mute (for `seconds`, 0 for good) or unmute websockets: `target` user, market or all; `account`."""
    action, target = str(body["action"]), str(body.get("target", "all"))
    if action not in ("cut", "reset", "mute", "unmute") or target not in ("user", "market", "all"):
        raise ValueError("stream: expected action cut, reset, mute or unmute and target user, market or all")
    return {"sessions": exchange.disturb(action, target, body.get("account"), float(body.get("seconds", 0)))}


def fault(exchange: Exchange, body: Json) -> Json:
    """Add a rule, or `rules`; see faults.Rule."""
    rules = [Rule.from_json(values) for values in body.get("rules", [body])]
    exchange.faults.rules += rules
    return {"rules": len(exchange.faults.rules)}


def row(exchange: Exchange, body: Json) -> Json:
    """Switch on `row` N of the fault catalogue (or off, with `undo`); other fields override its rules and places."""
    number, undo = int(body["row"]), bool(body.get("undo", False))
    if number not in catalogue.ROWS:
        raise ValueError(f"row: expected 1 to {len(catalogue.ROWS)}, found {number}")
    overrides = {name: value for name, value in body.items() if name not in ("row", "undo")}
    if undo:
        exchange.faults.clear(f"row {number}")
    else:
        exchange.faults.rules += [Rule.from_json(values) for values in catalogue.rules_of(number, overrides)]
    for name, values in catalogue.commands_of(number, overrides, undo):
        COMMANDS[name](exchange, values)
    return {"row": number, "name": catalogue.ROWS[number].name, "rules": len(exchange.faults.rules)}


def help_(exchange: Exchange, body: Json) -> Json:
    """What every command does, and the catalogue's rows."""
    commands = {name: (command.__doc__ or "").strip() for name, command in COMMANDS.items()}
    return {"commands": commands, "rows": {str(number): row.name for number, row in catalogue.ROWS.items()}}


def faults(exchange: Exchange, body: Json) -> Json:
    """The rules with their counts."""
    return {"rules": exchange.faults.show()}


def clear(exchange: Exchange, body: Json) -> Json:
    """Drop all rules, or those of a `name`; `seed` starts the draws anew."""
    exchange.faults.clear(body.get("name"))
    if "seed" in body:
        exchange.faults.reseed(int(body["seed"]))
    return {"rules": len(exchange.faults.rules)}


COMMANDS: dict[str, Callable[[Exchange, Json], Json]] = {
    "state": state, "tape": tape, "step": step, "pause": pause, "resume": resume, "print": print_,
    "account": account, "deposit": deposit, "drain": drain, "order": order, "fill": fill, "cancel": cancel,
    "expire": expire, "market": market, "delist": delist, "key": key, "fee": fee, "clock": clock,
    "limits": limits, "ban": ban, "stream": stream, "row": row, "help": help_,
    "fault": fault, "faults": faults, "clear": clear,
}  # fmt: skip
