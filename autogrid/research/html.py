"""A result as HTML: the card of a notebook cell and the page of `--html`."""

from collections import Counter
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from autogrid.core.trailing import ruler

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from autogrid.research.result import Result
    from autogrid.research.sweep import Sweep

STYLE = (
    "font-family:system-ui,sans-serif;border:1px solid #8886;border-radius:8px;padding:12px 16px;"
    "max-width:860px;line-height:1.45"
)
SPARK_WIDTH, SPARK_HEIGHT = 820, 90


def rows(result: "Result") -> list[tuple[str, str]]:
    """What a person wants to know first, as (name, text)."""
    m, books = result.metrics, result.ledger
    worst, best = result.bounds
    return [
        ("Total return", f"{m['total_return']:+.2%}"),
        ("Versus hold", f"{m['vs_hold']:+.2%}"),
        ("Max drawdown", f"{m['max_drawdown']:.2%}"),
        ("Sharpe / Sortino (daily, x sqrt 365)", f"{m['sharpe']:.2f} / {m['sortino']:.2f}"),
        ("Grid profit", f"{books.realised:,.2f}"),
        ("Inventory profit", f"{books.unrealised:,.2f}"),
        ("Fees", f"{m['fees']:,.2f}"),
        ("Equity", f"{books.equity_start:,.2f} → {books.equity:,.2f}"),
        (_BAND if result.run.strategy is None else _RANGE, f"{worst:,.2f} … {best:,.2f}"),
        ("Step / median candle range", f"{m['step_to_range']:.2f}"),
        ("Fills / round trips", f"{books.fills:,} / {books.round_trips:,}"),
        ("Time in range / capital use", f"{m['time_in_range']:.0%} / {m['capital_use']:.0%}"),
        ("Stopped by", result.run.stopped or "-"),
        *_moves(result),
        *_decided(result),
    ]


#: What the two equities are; of a strategy, whose decisions depend on the path, they are no bound.
_BAND, _RANGE = "Band (worst … best path)", "Range of three paths (no bound)"


def _decided(result: "Result") -> list[tuple[str, str]]:
    """How often a strategy decided, and the last grid."""
    if result.run.strategy is None:
        return []
    count = Counter(each.what for each in result.decisions)
    plan, market = result.run.plan, result.run.market
    ends = f"{market.price(plan.levels[0]):f}-{market.price(plan.levels[-1]):f}, {plan.n} cells" if plan.n else "-"
    return [("Grids / refused decisions", f"{count['grid']:,} / {count['refused']:,}"), ("Last grid", ends)]


def _moves(result: "Result") -> list[tuple[str, str]]:
    """How a trailing grid moved."""
    run = result.run
    if run.plan.grid.trailing is None:
        return []
    offsets = [0, *run.moves[:, 1].tolist()]
    ups = sum(b > a for a, b in pairwise(offsets))
    formula = ruler(run.plan.grid, run.market)
    low, high = (run.market.price(formula.level(offsets[-1] + i)) for i in (0, run.plan.n))
    return [("Moves up / down, levels at the end", f"{ups:,} / {len(offsets) - 1 - ups:,}, {low:f}-{high:f}")]


def card(result: "Result") -> str:
    """Key figures, warnings and an equity line, readable on light and dark pages."""
    label = result.candles.attrs.get("label", "")
    span = f"{len(result.candles):,} candles, {result.candles.index[0]:%Y-%m-%d} to {result.candles.index[-1]:%Y-%m-%d}"
    return facts_card(result.run.label, f"{span} {label}", rows(result), result.warnings, spark(result.equity))


def facts_card(title: str, below: str, facts: list[tuple[str, str]], warnings: list[str], picture: str = "") -> str:
    """A title, a sentence below it, facts in columns, a picture (HTML), warnings."""
    cells = "".join(
        f'<div style="display:flex;justify-content:space-between;gap:12px"><span style="opacity:.7">{escape(name)}'
        f"</span><b>{escape(text)}</b></div>"
        for name, text in facts
    )
    told = "".join(f'<div style="color:#b86e00;margin-top:8px">&#9888; {escape(text)}</div>' for text in warnings)
    return (
        f'<div style="{STYLE}"><div style="font-weight:600;font-size:1.1em">{escape(title)}</div>'
        f'<div style="opacity:.7;margin-bottom:8px">{escape(below)}</div>'
        f'<div style="display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:2px 32px">{cells}</div>'
        f"{picture}{told}</div>"
    )


def spark(equity: "pd.Series") -> str:
    """Equity as a small inline SVG line."""
    values = equity.iloc[:: max(1, len(equity) // 400)].to_numpy()
    low, high = values.min(), values.max()
    scale = (SPARK_HEIGHT - 8) / ((high - low) or 1.0)
    points = " ".join(
        f"{i * SPARK_WIDTH / max(1, len(values) - 1):.1f},{SPARK_HEIGHT - 4 - (value - low) * scale:.1f}"
        for i, value in enumerate(values)
    )
    return (
        f'<svg viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}" style="width:100%;height:{SPARK_HEIGHT}px;margin-top:8px" '
        f'role="img" aria-label="equity"><polyline points="{points}" fill="none" stroke="#2f6fde" '
        'stroke-width="1.5"/></svg>'
    )


#: Columns of a sweep's card after the swept fields, and how they are written.
SWEEP_COLUMNS = {
    "total_return": "{:+.2%}",
    "vs_hold": "{:+.2%}",
    "max_drawdown": "{:.2%}",
    "sharpe": "{:.2f}",
    "round_trips": "{:,.0f}",
    "fees": "{:,.2f}",
    "step_to_range": "{:.2f}",
}


def sweep_card(sweep: "Sweep", count: int = 10) -> str:
    """How many grids, and the best of them with the figures that matter."""
    frame = sweep.frame
    worked = frame[frame["error"].isna()]
    names = [name for name in SWEEP_COLUMNS if name in frame.columns]
    head = "".join(_cell("th", name.replace("_", " ")) for name in (*sweep.fields, *names))
    rows = []
    for _, row in worked.nlargest(count, "total_return").iterrows() if len(worked) else ():
        cells = [str(row[name]) for name in sweep.fields] + [SWEEP_COLUMNS[name].format(row[name]) for name in names]
        rows.append(f"<tr>{''.join(_cell('td', text) for text in cells)}</tr>")
    refused = frame["error"].dropna()
    why = f" The first refusal: {refused.iloc[0]}" if len(refused) else ""
    return (
        f'<div style="{STYLE}"><div style="font-weight:600;font-size:1.1em">{len(frame):,} grids, {len(refused):,} '
        f'refused; the best by total return</div><div style="opacity:.7;margin-bottom:8px">The best of many is picked '
        f"by luck too: test it on other candles before believing it.{escape(why)}</div>"
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;width:100%">'
        f"<tr>{head}</tr>{''.join(rows)}"
        "</table></div></div>"
    )


def _cell(tag: str, text: str) -> str:
    wrap = "normal" if tag == "th" else "nowrap"
    return f'<{tag} style="text-align:right;padding:2px 8px;white-space:{wrap}">{escape(text)}</{tag}>'


def page(result: "Result") -> str:
    """One self-contained page: card and plot, scripts embedded."""
    return page_of("AutoGrid backtest", card(result), result.plot())


def page_of(title: str, card: str, figure: "go.Figure") -> str:
    """One self-contained page: a card (HTML) and a figure, scripts embedded."""
    plot = figure.to_html(full_html=False, include_plotlyjs=True)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f'<body style="margin:24px auto;max-width:1200px;padding:0 16px">{card}{plot}</body></html>'
    )
