"""Things by their names: in lists instead of ids, and to choose from with a search."""

import asyncio
from collections import Counter
from typing import Any

from nicegui import ui

from services.web.client import Api, Items

#: Parameter of a report -> the list of the API it is an id of.
LISTS = {"bot_id": "/v1/bots", "study_id": "/v1/studies"}


class Names:
    """Names of the visitor's bots and studies. Read them again when something unknown turns up."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[str, dict[int, str]] = {param: {} for param in LISTS}

    async def read(self) -> "Names":
        """Ask the API."""
        found = await asyncio.gather(*(self._api.every(path) for path in LISTS.values()))
        self._known = dict(zip(LISTS, map(_named, found), strict=True))
        return self

    def of(self, param: str, number: Any) -> str:
        """The name, or the id of what is gone."""
        kind = param.removesuffix("_id")
        return self._known.get(param, {}).get(number) or f"{kind} {number} (removed)"

    def options(self, param: str) -> dict[int, str]:
        """Id -> name."""
        return self._known[param]


def _named(items: Items) -> dict[int, str]:
    """Names that are told apart: by market, or by number where two are the same."""
    names = {each["id"]: f"{each['name']} ({each['symbol']})" if "symbol" in each else each["name"] for each in items}
    said = Counter(names.values())
    return {number: f"{name}, no. {number}" if said[name] > 1 else name for number, name in names.items()}


def picker(label: str, options: dict[int, str], value: int | None = None) -> ui.select:
    """A field to choose from a list; typing searches it."""
    made = ui.select(options, label=label, value=value, with_input=len(options) > 8)
    return made.props("outlined dense options-dense")


def account_names(accounts: Items) -> dict[int, str]:
    """Id -> name and exchange."""
    return {each["id"]: f"{each['name']} ({each['exchange']})" for each in accounts}
