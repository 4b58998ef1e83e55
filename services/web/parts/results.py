"""What a backtest, a sweep, a promotion found."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup
from nicegui import ui

from services.web.parts import show, toml
from services.web.parts.charts import Chart, heatmap
from services.web.parts.charts import backtest as draw_backtest
from services.web.parts.frame import heading
from services.web.parts.tables import Table, facts, note

METRICS = {
    "total_return": "Total return", "vs_hold": "Versus hold", "max_drawdown": "Largest fall", "sharpe": "Sharpe",
    "sortino": "Sortino", "round_trips": "Round trips", "grid_profit": "Grid profit", "fees": "Fees",
    "time_in_range": "Time in range",
}  # fmt: skip
KINDS = {"sharpe": "number", "sortino": "number", "grid_profit": "number", "fees": "number", "round_trips": "count"}
#: Below this the candles are too coarse for the grid (contract, section 6).
COARSE = 2


def backtest(result: dict[str, Any], quote: str = "") -> None:
    """Equity with its band, profit, fees, and what to doubt. Money is in `quote`."""
    unit = f", {quote}" if quote else ""
    metrics = result["metrics"]
    worst, best = (show.plain(result["bounds"][key]) for key in ("worst", "best"))
    digits = show.digits_for(result["equity"])
    facts(
        [
            ("Total return", show.percent(metrics.get("total_return"))),
            ("Holding", show.percent(metrics.get("hold_return"))),
            ("Versus hold", show.percent(metrics.get("vs_hold"))),
            (f"Equity at the end{unit}", show.plain(result["equity"])),
            (f"Worst to best{unit}", worst if worst == best else f"{worst} – {best}"),
            (f"Grid profit{unit}", show.signed(result["realised"], digits)),
            (f"Inventory{unit}", show.signed(result["unrealised"], digits)),
            (f"Fees{unit}", show.plain(metrics.get("fees", result["fees"]), digits)),
            ("Round trips", result["round_trips"]),
            ("Largest fall", show.share(metrics.get("max_drawdown"))),
            ("Sharpe, daily", show.plain(metrics.get("sharpe"), 2)),
            ("Time in range", show.share(metrics.get("time_in_range"))),
        ]
    )
    days, candles = show.plain(metrics.get("days"), 1), show.plain(metrics.get("candles"), 0)
    ui.label(f"Over {days} days, {candles} candles. {_path(result)}").classes("hint")
    if (result.get("series") or {}).get("ts"):
        price, equity = draw_backtest(result)
        Chart("Price with the grid's levels and fills", "small").show(price)
        Chart("Equity of the backtest", "small").show(equity)
    ratio = metrics.get("step_to_range")
    if ratio is not None and ratio < COARSE:
        note(f"A step is only {ratio:.1f} candle ranges: use shorter candles or fewer cells to trust this.", "warn")
    if result.get("stopped"):
        note(f"It ended early: {show.words(result['stopped'])}.", "warn")


def _path(result: dict[str, Any]) -> str:
    """What worst and best are."""
    if "decisions" not in result:
        return "The path inside a candle is unknown: the true result lies between worst and best."
    count = result["decisions"]
    return (
        f"The strategy decided {count['grids']} grids, {count['refused']} of its decisions were refused. It decides by "
        "the path: worst and best are those of three paths inside the candles, not a bound."
    )


def sweep(result: dict[str, Any]) -> None:
    """The heat map of two fields and the best rows."""
    fields, rows = list(result["fields"]), result["rows"]
    good = [row for row in rows if not row.get("error")]
    if not good:
        note("Every combination was refused: " + str(rows[0].get("error") if rows else "there was none"), "bad")
        return
    if len(fields) >= 2:
        with ui.row().classes("title"):
            choice = ui.select(METRICS, value="total_return", label="Measure").props("outlined dense")
            choice.style("width: 180px")
        chart = Chart("Heat map of the sweep", "tall")

        def draw() -> None:
            name = str(choice.value)
            chart.show(heatmap(rows, fields[0], fields[1], name, METRICS[name], KINDS.get(name, "percent")))
            table.rows(_best(good, fields, name))

        choice.on_value_change(draw)
    names = (
        *(show.words(each).capitalize() for each in fields),
        "#Return",
        "#Versus hold",
        "#Largest fall",
        "#Round trips",
        "#Fees",
    )
    table = Table("Best combinations", names, "Nothing worked.")
    if len(fields) >= 2:
        draw()
    else:
        table.rows(_best(good, fields, "total_return"))
    refused = len(rows) - len(good)
    told = f"{len(good)} combinations, {refused} refused. " if refused else f"{len(good)} combinations. "
    ui.label(told + "The best of many is picked by luck, too: test it on other candles.").classes("hint")
    if result.get("selection"):
        _selection(result["selection"])


def _selection(found: dict[str, Any]) -> None:
    """Whether the best Sharpe ratio is more than luck."""
    heading("Skill or luck", level=2)
    if "refused" in found:
        note(f"Whether the best is more than luck cannot be said: {found['refused']}")
        return
    note(found["verdict"], "good" if found["passes"] else "warn")
    facts(found["facts"])


def _best(rows: list[dict[str, Any]], fields: list[str], metric: str) -> list[tuple[Any, ...]]:
    sign = 1 if metric in ("max_drawdown", "fees") else -1
    known = [row for row in rows if row.get(metric) is not None]
    ranked = sorted(known, key=lambda row: sign * float(row[metric]))[:12]
    return [
        (
            *(row[name] for name in fields), show.percent(row.get("total_return")), show.percent(row.get("vs_hold")),
            show.share(row.get("max_drawdown")), row.get("round_trips", ""), show.plain(row.get("fees")),
        )
        for row in ranked
    ]  # fmt: skip


def gates(found: list[dict[str, Any]]) -> None:
    """The gates of a promotion."""
    columns = ("Gate", "Verdict", "Expected", "Found", "What to do")
    table = Table("Gates", columns, "No gates were recorded.", stacked=True, whole=True)
    table.rows(
        (
            show.words(str(gate.get("gate") or gate.get("name") or "")),
            show.state(gate.get("status", "")),
            gate.get("expected", ""),
            gate.get("actual", ""),
            gate.get("remedy", ""),
        )
        for gate in found
    )


def promotion(result: dict[str, Any]) -> None:
    """A new bot and the gates it passed."""
    text = 'Promoted. <a href="/bots/{}">Go to the bot</a>'
    ui.html(str(Markup(f'<p class="note good">{text}</p>').format(result["bot_id"])), sanitize=False).classes("wide")
    gates(list(result.get("gates") or ()))


def verification(result: dict[str, Any]) -> None:
    """Whether a passport could be derived again."""
    if result.get("verified"):
        note("Verified: the same study, code and candles give the same fills.", "good")
    else:
        note("Differs: " + ", ".join(map(str, result.get("differences") or ["unknown"])), "bad")


SHOWS: dict[str, Callable[[dict[str, Any]], None]] = {
    "backtest": backtest, "sweep": sweep, "promotion": promotion, "verification": verification,
}  # fmt: skip


def shown(kind: str, result: dict[str, Any], study: str | None) -> None:
    """A result of this kind; money is in the quote coin of the study's market."""
    if kind == "backtest":
        symbol = toml.values(study or "").get(("market", "symbol"), "")
        backtest(result, show.coins(str(symbol))[1])
    else:
        SHOWS[kind](result)
