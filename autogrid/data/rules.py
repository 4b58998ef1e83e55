"""A study's market: its own keys, and what the store knows for the rest."""

from typing import Any

from autogrid.core.market import Market
from autogrid.core.study import Study
from autogrid.data.sources.ccxt_source import Client, market_rules
from autogrid.store import markets
from autogrid.store.engine import engine

#: With these written down nothing has to be looked up; buy_fee_asset then has its default.
ENOUGH = ("tick", "lot", "min_notional", "maker_fee", "taker_fee")


def study_market(study: Study) -> Market:
    """The market of a study; InvalidInput naming the rules that neither the study nor the store has."""
    known: dict[str, Any] = {}
    if study.exchange and study.symbol and any(name not in study.market_rules for name in ENOUGH):
        with engine().connect() as connection:
            known = dict(markets.rules(connection, study.exchange, study.symbol))
    return study.market_with(known)


def store_rules(client: Client, exchange: str, symbol: str) -> Market | None:
    """Store what the exchange says of a market; None where it says nothing usable."""
    found = market_rules(client, symbol)
    if found is None:
        return None
    with engine().begin() as connection:
        markets.put_rules(connection, exchange, symbol, found)
    return Market(**found)
