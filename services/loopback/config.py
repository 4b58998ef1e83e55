"""What an exchange is made from: command line, JSON file, or keyword arguments of a test."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.loopback.account import Account
from services.loopback.clock import Clock
from services.loopback.engine import Engine
from services.loopback.exchange import Exchange
from services.loopback.faults import Faults, Rule
from services.loopback.limits import Limits
from services.loopback.market import Market
from services.loopback.player import Player
from services.loopback.tape import Tape
from services.loopback.units import e8, units

#: Fields of a market's JSON that describe its tape.
TAPE_FIELDS = ("candles", "trades", "start", "start_row", "path", "prints_per_leg")


@dataclass
class Config:
    """A whole exchange.

    `markets`: {"symbol": "BTC/USDT", "candles": FILE | "trades": FILE, "start": ms, "start_row": n, "path",
    "prints_per_leg", and any field of Market}; without a file the price comes from the control endpoint.
    `accounts`: {"name", "key", "secret", "balances": {"USDT": "10000"}, "fee_asset"}.
    """

    markets: list[dict[str, Any]] = field(default_factory=lambda: [{"symbol": "BTC/USDT"}])
    accounts: list[dict[str, Any]] = field(default_factory=list)
    #: x real time; 0 stands still until stepped.
    speed: float = 0.0
    seed: int = 0
    #: Stamp orders and trades with the tape's time instead of the machine's.
    tape_stamps: bool = False
    #: Move the tapes' times by so much, or so that they begin now (on the grid of their candles).
    shift_ms: int = 0
    from_now: bool = False
    #: Websockets are cut at this age, seconds.
    stream_max_age_s: float = 86_400.0
    limits: dict[str, Any] = field(default_factory=dict)
    #: Fault rules from the start.
    rules: list[dict[str, Any]] = field(default_factory=list)


def make_account(values: dict[str, Any], uid: int) -> Account:
    """An account from JSON."""
    unknown = set(values) - {"name", "key", "secret", "balances", "fee_asset", "fee_price", "can_withdraw"}
    if unknown or not values.get("name"):
        raise ValueError(f"account: expected a name and known fields, found {sorted(unknown) or 'no name'}")
    name = str(values["name"])
    account = Account(name, str(values.get("key", f"{name}key")), str(values.get("secret", f"{name}secret")), uid)
    account.fee_asset = str(values.get("fee_asset", account.fee_asset))
    account.can_withdraw = bool(values.get("can_withdraw", False))
    if "fee_price" in values:
        account.fee_price = e8(str(values["fee_price"]))
    for asset, amount in values.get("balances", {}).items():
        account.deposit(str(asset), units(str(amount)))
    return account


def parse_account(text: str) -> dict[str, Any]:
    """An account from `name:key:secret:USDT=10000,BTC=1[:fee_asset]`."""
    parts = text.split(":")
    if len(parts) not in (4, 5) or any("=" not in pair for pair in parts[3].split(",") if pair):
        raise ValueError(f"account: expected name:key:secret:USDT=10000,BTC=1[:fee_asset], found {text!r}")
    name, key, secret, balances, *fee = parts
    pairs = dict(pair.split("=", 1) for pair in balances.split(",") if pair)
    return {"name": name, "key": key, "secret": secret, "balances": pairs} | ({"fee_asset": fee[0]} if fee else {})


def _open_tape(market: Market, values: dict[str, Any], shift_ms: int) -> Tape:
    # Files need pandas and pyarrow, which take longer to import than all the rest.
    from services.loopback.reader import candle_tape, trade_tape

    start, row = values.get("start"), int(values.get("start_row", 0))
    if values.get("trades"):
        return trade_tape(market, Path(values["trades"]), start, row, shift_ms)
    path, per_leg = str(values.get("path", "nearest")), int(values.get("prints_per_leg", 1))
    return candle_tape(market, Path(values["candles"]), start, row, path, per_leg, shift_ms)


def _open_tapes(markets: list[tuple[Market, dict[str, Any]]], config: Config, now_ms: int) -> list[Tape]:
    given = [(market, values) for market, values in markets if values.get("candles") or values.get("trades")]
    tapes = [_open_tape(market, values, config.shift_ms) for market, values in given]
    if not config.from_now or not tapes:
        return tapes
    first = min(tapes, key=lambda tape: tape.next.ts if tape.next else now_ms)
    behind = now_ms - (first.next.ts if first.next else now_ms)
    base_ms = max(tape.bars.base_ms for tape in tapes)
    return [_open_tape(market, values, behind // base_ms * base_ms) for market, values in given]


def build(config: Config) -> Exchange:
    """The exchange, its tapes opened; nothing runs yet."""
    clock = Clock(tape_stamps=config.tape_stamps)
    engine = Engine(clock)
    markets = []
    for values in config.markets:
        market = Market.from_config({name: value for name, value in values.items() if name not in TAPE_FIELDS})
        engine.add_market(market)
        markets.append((market, values))
    tapes = _open_tapes(markets, config, clock.wall())
    for number, values in enumerate(config.accounts, start=1):
        account = make_account(values, number)
        engine.accounts[account.name] = account
    faults = Faults(config.seed, [Rule.from_json(values) for values in config.rules])
    return Exchange(engine, clock, Player(engine, clock, tapes, config.speed), Limits(**config.limits), faults)
