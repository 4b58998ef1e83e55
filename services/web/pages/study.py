"""The workbench: write a grid, see what it would do, backtest it, promote it."""

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import Any

from nicegui import ui

from services.web.client import ApiError
from services.web.parts import asking, frame, results, show, toml
from services.web.parts.editor import PARAMS, Editor
from services.web.parts.frame import Visit
from services.web.parts.preview import Preview
from services.web.parts.promote import Promote
from services.web.parts.tables import note
from services.web.parts.trading import candles
from services.web.parts.work import Work


@frame.page("/studies/new", "New study")
async def new_study(visit: Visit) -> None:
    """An empty workbench."""
    markets = await visit.api.every("/v1/markets")
    await _workbench(visit, None, await _first(visit, markets), markets)


@frame.page("/studies/{study_id}", "Study")
async def study(visit: Visit, study_id: int) -> None:
    """The workbench with a kept study."""
    found = await visit.api.get(f"/v1/studies/{study_id}")
    await _workbench(visit, found, found["text"], await visit.api.every("/v1/markets"))


async def _first(visit: Visit, markets: list[dict[str, Any]]) -> str:
    """A text to begin with, around the price of a market that has candles if there is one."""
    with_candles = [market for market in markets if market["series"]]
    chosen = with_candles[0] if with_candles else markets[0] if markets else None
    rules = ""
    if chosen is None or chosen["tick"] is None:
        given = {"tick": "0.01", "lot": "0.00001", "min_notional": "5", "maker_fee": "0.001", "taker_fee": "0.001"}
        rules = "".join(f'{name} = "{value}"\n' for name, value in given.items())
    series = chosen["series"] if chosen else []
    middle = await _close(visit, chosen) if chosen and series else Decimal(60000)
    lower, upper = (f"{show.rounded(middle * part, 3):f}" for part in (Decimal("0.9"), Decimal("1.1")))
    return toml.START.format(
        exchange=chosen["exchange"] if chosen else "binance",
        symbol=chosen["symbol"] if chosen else "BTC/USDT",
        rules=rules,
        timeframe=series[0]["timeframe"] if series else "1m",
        lower=lower,
        upper=upper,
    )


async def _close(visit: Visit, market: dict[str, Any]) -> Decimal:
    """Of the newest stored candle."""
    series = market["series"][0]
    end = datetime.fromisoformat(series["end"].replace("Z", "+00:00"))
    length = series["timeframe"]
    rows = await candles(visit.api, market["exchange"], market["symbol"], length, end, end)
    return Decimal(repr(rows[-1][4])) if rows else Decimal(60000)


async def _workbench(visit: Visit, kept: dict[str, Any] | None, text: str, markets: list[dict[str, Any]]) -> None:
    with ui.row().classes("top"), ui.row().classes("title"):
        frame.heading(kept["name"] if kept else "New study")
        ui.link("All studies", "/studies").classes("crumb")
    if not visit.trades:
        note("Your role is viewer: you can look, and ask an admin for the role trader to backtest and promote.")
    bench = _Bench(visit, kept)
    with ui.element("div").classes("grid-side"):
        with ui.element("div").classes("stack"), frame.card("The grid"):
            bench.name = ui.input("Name of the study", value=kept["name"] if kept else "").props("outlined dense")
            bench.editor = Editor(text, markets, bench.check)
        with ui.element("div").classes("stack"):
            with frame.card("What it would do"):
                bench.preview = Preview(visit.api, markets, visit.zone)
            if visit.trades:
                with frame.card("Backtest"):
                    bench.controls()
                with frame.card("Promote"):
                    bench.promote = Promote(visit, bench.save)
                    await bench.promote.accounts()
    await bench.check()


class _Bench:
    """One study in the making."""

    name: ui.input
    editor: Editor
    preview: Preview
    promote: Promote

    def __init__(self, visit: Visit, kept: dict[str, Any] | None) -> None:
        self._visit, self._kept = visit, kept
        self._asked = 0
        self._saving = asyncio.Lock()

    def controls(self) -> None:
        """Save, backtest, sweep."""
        text = "Runs on the stored candles, fees and both ends of the unknown path included."
        ui.label(text).classes("hint")
        problem = asking.Problem()
        with ui.row().classes("actions"):
            asking.button("Backtest", self._backtest, kind="primary", problem=problem)
            asking.opener("Sweep", lambda: self._offer_sweep(fields))
            asking.button("Save", self._save, problem=problem)
        with ui.element("div").classes("stack") as fields:
            ui.label("Values separated by commas; every combination is run.").classes("hint")
            self._sweep = {
                "cells": ui.input("Cells", value="20, 40, 60, 80").props("outlined dense"),
                "lower": ui.input("Lower ends").props("outlined dense"),
                "upper": ui.input("Upper ends").props("outlined dense"),
            }
            asking.button("Run the sweep", self._run_sweep, kind="primary", problem=problem)
        fields.set_visibility(False)
        self._work = Work(self._visit)

    def _offer_sweep(self, fields: ui.element) -> None:
        """Show or hide the fields, filled with what makes a heat map."""
        fields.set_visibility(not fields.visible)
        lower = show.decimal(toml.values(self.editor.text).get((PARAMS, "lower")))
        if lower and not self._sweep["lower"].value:
            around = (lower * (100 + part) / 100 for part in (-6, -3, 0, 3))
            self._sweep["lower"].set_value(", ".join(f"{show.rounded(each, 4):f}" for each in around))

    async def check(self) -> None:
        """Ask the API what the text means; only the answer to the newest question counts."""
        self._asked += 1
        question = self._asked
        try:
            found = await self._visit.api.post("/v1/studies/check", {"text": self.editor.text})
        except ApiError as error:
            if question == self._asked:
                self.preview.refuse(str(error))
            return
        if question == self._asked:
            await self.preview.show(found)

    async def save(self) -> int:
        """Keep the study as it is now; its id. Two buttons at once make one study."""
        async with self._saving:
            return await self._save_now()

    async def _save_now(self) -> int:
        name, text = (self.name.value or "").strip(), self.editor.text
        if not name:
            raise ApiError(422, "Give the study a name first.")
        body = {"name": name, "text": text}
        if self._kept is None:
            self._kept = await self._visit.api.post("/v1/studies", body)
            ui.navigate.history.replace(f"/studies/{self._kept['id']}")
        elif (self._kept["name"], self._kept["text"]) != (name, text):
            self._kept = await self._visit.api.put(f"/v1/studies/{self._kept['id']}", body)
        assert self._kept is not None
        return int(self._kept["id"])

    async def _save(self, key: str) -> None:
        await self.save()
        asking.told("Saved.")

    async def _backtest(self, key: str) -> None:
        await self._run("backtest", {}, key)

    async def _run_sweep(self, key: str) -> None:
        fields = {name: _values(each.value, name == "cells") for name, each in self._sweep.items() if each.value}
        if not fields:
            raise ApiError(422, "Give one field some values to try.")
        await self._run("sweep", {"sweep": fields}, key)

    async def _run(self, kind: str, body: dict[str, Any], key: str) -> None:
        body = {"study_id": await self.save(), **body}
        text = self.editor.text
        job = await self._visit.api.post("/v1/backtests", body, key)
        await self._work.follow(job, lambda result: results.shown(kind, result, text))


def _values(text: str, whole: bool) -> list[str | int]:
    found = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return [int(part) for part in found] if whole else list(found)
    except ValueError:
        raise ApiError(422, f"cells: expected whole numbers such as 20, 40, found {text!r}") from None
