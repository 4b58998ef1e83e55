"""`python -m services.loopback`: one exchange until SIGTERM; the first line of output is JSON with the port."""

import argparse
import asyncio
import json
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autogrid.errors import AutogridError
from services.loopback.config import Config, build, parse_account
from services.loopback.server import HOST, Server


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="autogrid loopback", description=__doc__)
    parser.add_argument("--config", type=Path, help="JSON file with markets, accounts, speed, seed, limits, rules")
    parser.add_argument("--candles", help="candle file to play")
    parser.add_argument("--trades", help="trade file to play")
    parser.add_argument("--symbol", default="BTC/USDT", help="market of that file")
    parser.add_argument("--start", help="play from this UTC time on; earlier rows are history")
    parser.add_argument("--start-row", type=int, default=0, help="or from this row on")
    parser.add_argument("--from-now", action="store_true", help="move the file's times so that play begins now")
    for name in ("tick", "lot", "min-notional", "maker-fee", "taker-fee", "penetration-ticks", "slippage-ticks"):
        parser.add_argument(f"--{name}", help="market rule")
    parser.add_argument("--liquidity", choices=("full", "tape"), help="full: a print through an order fills it whole")
    parser.add_argument("--path", default="nearest", help="path inside a candle")
    parser.add_argument("--prints-per-leg", type=int, default=1)
    parser.add_argument("--account", action="append", default=[], help="name:key:secret:USDT=10000,BTC=1[:fee_asset]")
    parser.add_argument("--speed", type=float, help="x real time; 0: stand still until stepped (default)")
    parser.add_argument("--stamps", choices=("wall", "tape"), help="time on orders and trades")
    parser.add_argument("--no-limits", action="store_true", help="no rate limits")
    parser.add_argument(
        "--host", default=HOST, help="0.0.0.0 only inside a container: anyone who reaches it controls it"
    )
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--seed", type=int)
    return parser


def _start_ms(text: str | None) -> int | None:
    if text is None or text.isdigit():
        return int(text) if text else None
    when = datetime.fromisoformat(text)
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)


def _config(args: argparse.Namespace) -> Config:
    values: dict[str, Any] = json.loads(args.config.read_text(encoding="utf-8")) if args.config else {}
    config = Config(**values)
    rules = (
        "tick",
        "lot",
        "min_notional",
        "maker_fee",
        "taker_fee",
        "penetration_ticks",
        "slippage_ticks",
        "liquidity",
    )
    if args.candles or args.trades or not args.config:
        market = {"symbol": args.symbol, "candles": args.candles, "trades": args.trades, "path": args.path}
        market |= {"start": _start_ms(args.start), "start_row": args.start_row, "prints_per_leg": args.prints_per_leg}
        config.markets = [market]
    for market in config.markets:
        market.update({name: getattr(args, name) for name in rules if getattr(args, name) is not None})
    config.accounts = config.accounts + [parse_account(text) for text in args.account]
    config.speed = config.speed if args.speed is None else args.speed
    config.seed = config.seed if args.seed is None else args.seed
    config.tape_stamps = config.tape_stamps if args.stamps is None else args.stamps == "tape"
    config.from_now = config.from_now or args.from_now
    if args.no_limits:
        config.limits = {**config.limits, "enabled": False}
    return config


async def _serve(config: Config, host: str, port: int) -> None:
    exchange = build(config)
    server = Server(exchange, config.stream_max_age_s)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    bound = await server.start(port, host)
    line: dict[str, Any] = {"event": "loopback.listening", "port": bound, "url": f"http://{host}:{bound}"}
    line["markets"] = list(exchange.engine.markets)
    line["accounts"] = list(exchange.engine.accounts)
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    await stop.wait()
    await server.close()


def main() -> int:
    """Serve until told to stop; 2 for input that cannot be used."""
    args = _parser().parse_args()
    try:
        asyncio.run(_serve(_config(args), args.host, args.port))
    except (AutogridError, ValueError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
