"""Run by the rehearsal in a process of its own: a bot on the loopback exchange, with candles of its market.

python tests/integration/ops/rehearsal_world.py LOOPBACK_URL   (AUTOGRID_HOME says whose database)
"""

import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from autogrid.core.bot import Limits
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.data.ingest import import_file
from autogrid.live.code import code_hash
from autogrid.store import accounts, bots, budget
from autogrid.store import engine as engines

MARKET = Market(tick="0.01", lot="0.001", min_notional="1", maker_fee="0.001", taker_fee="0.001", buy_fee_asset="base")
GRID = Grid(lower="90", upper="110", cells=4, amount="1")


def main(url: str) -> None:
    """Fill the database."""
    now = int(time.time()) // 60 * 60_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "candles.csv"
        rows = [f"{now - n * 60_000},101,101,101,101,1" for n in range(10, 0, -1)]
        path.write_text("ts,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
        import_file(path, "binance", "BTC/USDT", "1m", "missing")
    with engines.engine().begin() as connection:
        keys = accounts.Credentials("mainkey", "mainsecret")
        account = accounts.add(connection, name="main", exchange="binance", credentials=keys, base_url=url)
        bot = bots.create(
            connection,
            bots.NewBot(
                name="rehearsal", account_id=account, symbol="BTC/USDT", market=MARKET, grid=GRID,
                code_hash=code_hash(), exchange="binance", cash=Decimal("1000"), limits=Limits(),
            ),
        )  # fmt: skip
        budget.reserve(connection, bot, {"USDT": Decimal("1000")}, {"USDT": Decimal("1000000")})
    engines.close()


if __name__ == "__main__":
    main(sys.argv[1])
