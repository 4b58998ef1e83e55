"""A study as a form for the usual values and as text for all of them; each follows the other."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from services.web.parts import toml

PARAMS = "strategy.params"
#: (section, key) -> label; numbers are written as the study file wants them.
FIELDS = {
    (PARAMS, "lower"): "Lower end",
    (PARAMS, "upper"): "Upper end",
    (PARAMS, "cells"): "Cells",
    (PARAMS, "investment"): "Investment",
    (PARAMS, "stop_loss"): "Stop loss",
    (PARAMS, "take_profit"): "Take profit",
    ("candles", "start"): "Candles from",
    ("candles", "end"): "Candles until",
}
_WHOLE = {(PARAMS, "cells")}
#: What the store may know of a market.
RULES = (
    *("tick", "lot", "min_notional", "maker_fee", "taker_fee", "buy_fee_asset"),
    *("max_amount", "max_market_amount", "max_notional"),
)
#: Of the grid option `trailing`.
TRAILING = {"none": "None", "up": "Up", "down": "Down", "both": "Up and down"}


class Editor:
    """`changed` is called a moment after the text changed."""

    def __init__(self, text: str, markets: list[dict[str, Any]], changed: Callable[[], Awaitable[None]]) -> None:
        self._changed, self._following = changed, False
        self._markets = {f"{market['exchange']} {market['symbol']}": market for market in markets}
        with ui.element("div").classes("fields"):
            self._market = self._select("Market", list(self._markets), self._choose_market)
            self._timeframe = self._select("Candles", [], lambda v: self._write(("candles", "timeframe"), v))
            spacing = ["geometric", "arithmetic"]
            self._spacing = self._select("Spacing", spacing, lambda v: self._write((PARAMS, "spacing"), v))
            self._inputs = {place: self._input(place, label) for place, label in FIELDS.items()}
            self._trailing = self._select("Trailing", TRAILING, self._trail)
            self._fixed = ui.checkbox("Stops stay where they are", on_change=lambda e: self._fix(bool(e.value)))
        with ui.expansion("Study file", value=False).classes("wide").props("dense header-class=strong"):
            self._area = ui.textarea("TOML", value=text).props("outlined autogrow spellcheck=false").classes("toml")
            self._area.on_value_change(self._read)
        self._timer = ui.timer(0.4, self._tell, active=False, once=False)
        self._read(quiet=True)

    @property
    def text(self) -> str:
        """The study file."""
        return str(self._area.value or "")

    def _input(self, place: tuple[str, str], label: str) -> ui.input:
        made = ui.input(label, on_change=lambda e: self._write(place, str(e.value or "").strip()))
        return made.props("outlined dense autocomplete=off" + (" inputmode=decimal" if place[0] == PARAMS else ""))

    def _select(self, label: str, options: list[str] | dict[str, str], write: Callable[[str], None]) -> ui.select:
        made = ui.select(options, label=label, on_change=lambda e: None if self._following else write(e.value))
        return made.props("outlined dense options-dense")

    def _choose_market(self, name: str) -> None:
        market = self._markets[name]
        text = toml.put(self.text, "market", "exchange", market["exchange"])
        text = toml.put(text, "market", "symbol", market["symbol"])
        for rule in RULES:
            if market[rule] is not None:  # the store knows it
                text = toml.put(text, "market", rule, None)
        if market["series"]:
            text = toml.put(text, "candles", "timeframe", market["series"][0]["timeframe"])
        self._area.set_value(text)

    def _trail(self, way: str) -> None:
        text = toml.put(self.text, PARAMS, "trailing", None if way == "none" else way)
        self._area.set_value(toml.put(text, PARAMS, "stop_fixed", None) if way == "none" else text)

    def _fix(self, fixed: bool) -> None:
        if not self._following:
            self._area.set_value(toml.put(self.text, PARAMS, "stop_fixed", True if fixed else None))

    def _write(self, place: tuple[str, str], value: str) -> None:
        if self._following or str(toml.values(self.text).get(place, "")) == value:
            return
        written: str | int | None = value or None
        if place in _WHOLE and value.isdigit():
            written = int(value)
        text = toml.put(self.text, *place, written)
        if place == (PARAMS, "investment") and value:  # exactly one of the three
            text = toml.put(toml.put(text, PARAMS, "amount", None), PARAMS, "quote", None)
        self._area.set_value(text)

    def _read(self, _: Any = None, *, quiet: bool = False) -> None:
        found = toml.values(self.text)
        self._following = True
        try:
            if found:
                for place, each in self._inputs.items():
                    each.set_value(str(found.get(place, "")))
                self._show_market(found)
                self._spacing.set_value(found.get((PARAMS, "spacing"), "arithmetic"))
                trailing = found.get((PARAMS, "trailing"), "none")
                self._trailing.set_value(trailing)
                self._fixed.set_value(found.get((PARAMS, "stop_fixed")) is True)
                self._fixed.set_visibility(trailing != "none")
        finally:
            self._following = False
        if not quiet:
            self._timer.deactivate()
            self._timer.activate()

    def _show_market(self, found: dict[tuple[str, str], Any]) -> None:
        name = f"{found.get(('market', 'exchange'), '')} {found.get(('market', 'symbol'), '')}"
        options = [*self._markets] if name in self._markets else [*self._markets, name]
        self._market.set_options(options, value=name)
        market = self._markets.get(name)
        lengths = [series["timeframe"] for series in market["series"]] if market else []
        length = str(found.get(("candles", "timeframe"), ""))
        self._timeframe.set_options(lengths if length in lengths else [*lengths, length], value=length)

    async def _tell(self) -> None:
        self._timer.deactivate()
        await self._changed()
