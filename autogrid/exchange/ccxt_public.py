"""A market's candles through ccxt without an account: what paper bots follow."""

from typing import Any

from autogrid.errors import Unavailable
from autogrid.exchange.ccxt_errors import translate
from autogrid.exchange.ccxt_link import Connection, open_client


class PublicMarket:
    """One market of an exchange, or of the compatible server that the connection names."""

    def __init__(self, connection: Connection, symbol: str) -> None:
        #: A ccxt client, for autogrid.data.fetch.
        self.client: Any = open_client(connection)
        self.symbol = symbol

    def newest(self, limit: int) -> list[list[float]]:
        """The newest 1m candles, oldest first; the last one is still open. Unavailable without an answer."""
        name = self.client.id
        try:
            found: list[list[float]] = self.client.fetch_ohlcv(self.symbol, "1m", None, limit)
        except Exception as error:
            raise translate(name, error, None, sent=False, writes=False, now_ms=0) from error
        if not found:
            raise Unavailable(f"{name} {self.symbol}: expected candles, found none. Try again.")
        return found
