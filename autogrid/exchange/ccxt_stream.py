"""The user stream of one account through ccxt.pro: it says that something happened, never what is true."""

import asyncio
from collections.abc import Callable

from autogrid.errors import AccountBlocked, AutogridError
from autogrid.exchange.ccxt_errors import translate
from autogrid.exchange.ccxt_link import Connection, client_config
from autogrid.exchange.ccxt_load import stream_class

#: Seconds between attempts to connect: doubled from the first up to the longest.
FIRST_S, LONGEST_S = 0.5, 30.0


async def watch(
    connection: Connection,
    on_open: Callable[[], None],
    on_event: Callable[[set[str]], None],
    on_lost: Callable[[str], None],
) -> None:
    """Listen until cancelled, connecting again for ever.

    `on_open` is called whenever a connection stands: what happened before it is only to be found by asking.
    `on_event` gets the symbols of orders that filled or ended (as the exchange writes them where ccxt does not know
    the market). `on_lost` gets the reason. AccountBlocked ends it.
    """
    pause = FIRST_S
    while True:
        client = stream_class(connection.exchange)(client_config(connection))
        try:
            if connection.exchange == "binance":
                # The symbols come from the events; loading all markets would take 100 MB.
                client.markets, client.markets_by_id, client.symbols = {}, {}, []
                await client.authenticate({"type": "spot"})
            on_open()
            while True:
                orders = await client.watch_orders()
                pause = FIRST_S
                # A new order that rests is our own doing.
                moved = [one for one in orders if one.get("status") != "open" or float(one.get("filled") or 0) > 0]
                if moved:
                    on_event({str(order.get("symbol") or "") for order in moved[-50:]})
        except asyncio.CancelledError:
            raise
        except Exception as error:
            found = _meaning(connection, error)
            on_lost(str(found))
            if isinstance(found, AccountBlocked):
                raise found from error
        finally:
            await client.close()
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_S)


def _meaning(connection: Connection, error: Exception) -> AutogridError:
    return translate(connection.exchange, error, None, sent=False, writes=False, now_ms=0)
