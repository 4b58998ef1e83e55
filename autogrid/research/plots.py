"""Pictures of a result."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autogrid.research.trail import level_spans

if TYPE_CHECKING:
    from autogrid.research.folds import WalkForward
    from autogrid.research.result import Result

#: More bars, levels or fills than this only make a picture slow and grey.
MAX_BARS, MAX_LEVELS, MAX_FILLS = 1500, 120, 4000
#: How a strategy's decisions are drawn: name, colour, symbol.
DECISIONS = {
    "grid": ("new grid", "#2f6fde", "diamond"),
    "stop": ("stop", "#d1495b", "square"),
    "refused": ("refused", "#b07d2b", "x"),
}
UP, DOWN, LINE, MUTED = "#1a9d6b", "#d1495b", "#2f6fde", "#8a94a6"


def figure(result: "Result") -> go.Figure:
    """Candles with levels and fills; equity against holding; inventory. Long series are thinned."""
    figure = make_subplots(
        rows=3, cols=1, shared_xaxes=True, row_heights=[0.55, 0.27, 0.18], vertical_spacing=0.035,
        subplot_titles=("Price, levels, fills", "Equity (quote)", "Inventory (base)"),
    )  # fmt: skip
    _candles(figure, result)
    _fills(figure, result)
    _decisions(figure, result)
    _equity(figure, result)
    figure.update_layout(
        template="plotly_white", height=820, hovermode="x unified", margin={"l": 60, "r": 20, "t": 50, "b": 30},
        legend={"orientation": "h", "y": 1.06, "x": 0, "xanchor": "left"}, xaxis_rangeslider_visible=False,
    )  # fmt: skip
    return figure


def _candles(figure: go.Figure, result: "Result") -> None:
    candles = result.candles
    size = -(-len(candles) // MAX_BARS)
    groups = pd.RangeIndex(len(candles)) // size
    rules = {"open": "first", "high": "max", "low": "min", "close": "last"}
    bars = candles.groupby(groups).agg(rules)
    figure.add_trace(
        go.Candlestick(
            x=candles.index[::size], open=bars["open"], high=bars["high"], low=bars["low"], close=bars["close"],
            name="price", increasing_line_color=UP, decreasing_line_color=DOWN, line_width=1,
        ),
        row=1, col=1,
    )  # fmt: skip
    # All at once: one add_hline per level takes seconds.
    figure.update_layout(shapes=_levels(result))


def _levels(result: "Result") -> list[dict[str, Any]]:
    """Lines at the levels: across the whole picture, or for as long as there were such levels."""
    run, index = result.run, result.candles.index
    line = {"type": "line", "line": {"width": 0.5, "color": MUTED}, "opacity": 0.6}
    if not len(run.moves) and run.strategy is None:
        levels = run.plan.levels
        across = {**line, "xref": "x domain", "x0": 0, "x1": 1}
        drawn = levels[:: -(-len(levels) // MAX_LEVELS)]
        return [{**across, "y0": y, "y1": y} for y in (float(run.market.price(level)) for level in drawn)]
    found = []
    for price, first, last in level_spans(run, 5 * MAX_LEVELS):
        found.append({**line, "x0": index[first], "x1": index[last], "y0": float(price), "y1": float(price)})
    return found


def _fills(figure: go.Figure, result: "Result") -> None:
    fills = result.fills
    fills = fills.iloc[:: max(1, -(-len(fills) // MAX_FILLS))]
    for side, color, symbol in (("buy", UP, "triangle-up"), ("sell", DOWN, "triangle-down")):
        chosen = fills[fills["side"] == side]
        figure.add_trace(
            go.Scattergl(
                x=chosen.index, y=chosen["price"], mode="markers", name=side,
                marker={"color": color, "symbol": symbol, "size": 6},
            ),
            row=1, col=1,
        )  # fmt: skip


def _decisions(figure: go.Figure, result: "Result") -> None:
    """A strategy's decisions, at the price of each."""
    ticks, price, index = result.run.ticks, result.run.market.price, result.candles.index
    for what, (name, color, symbol) in DECISIONS.items():
        some = [each for each in result.decisions if each.what == what]
        some = some[:: -(-len(some) // MAX_FILLS) or 1]
        if some:
            figure.add_trace(
                go.Scattergl(
                    x=[index[each.candle] for each in some],
                    y=[float(price(int(ticks.open[each.candle]))) for each in some],
                    text=[each.plan.grid.label if each.plan else each.reason or "" for each in some],
                    mode="markers", name=name, marker={"color": color, "symbol": symbol, "size": 9},
                ),
                row=1, col=1,
            )  # fmt: skip


def _equity(figure: go.Figure, result: "Result") -> None:
    every = -(-len(result.equity) // (2 * MAX_BARS))
    equity, start = result.equity.iloc[::every], float(result.ledger.equity_start)
    price = result.candles["close"].iloc[::every]
    hold = start * price / float(result.run.market.price(result.run.first_plan.start))
    if result.decisions:
        hold[hold.index < result.candles.index[result.decisions[0].candle]] = start
    for series, name, color in ((equity, "grid", LINE), (hold, "hold", MUTED)):
        figure.add_trace(go.Scattergl(x=series.index, y=series, name=name, line={"color": color, "width": 1.5}), 2, 1)
    inventory = result.inventory.iloc[::every]
    figure.add_trace(
        go.Scattergl(x=inventory.index, y=inventory, name="inventory", line={"color": "#b07d2b", "shape": "hv"}),
        3,
        1,
    )


def heatmap(frame: pd.DataFrame, x: str, y: str, metric: str) -> go.Figure:
    """The median of `metric` over each pair of `x` and `y`, colours centred on zero where it changes sign."""
    table = frame.pivot_table(index=y, columns=x, values=metric, aggfunc="median", dropna=False)
    values = table.to_numpy(dtype=float)
    crosses = np.nanmin(values, initial=0) < 0 < np.nanmax(values, initial=0)
    figure = go.Figure(
        go.Heatmap(
            x=[str(each) for each in table.columns], y=[str(each) for each in table.index], z=values,
            colorscale="RdYlGn" if crosses else "Viridis", zmid=0 if crosses else None, colorbar={"title": metric},
            hovertemplate=f"{x} %{{x}}<br>{y} %{{y}}<br>{metric} %{{z:.4g}}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        template="plotly_white", height=480, title=f"{metric} by {x} and {y}",
        xaxis={"title": x, "type": "category"}, yaxis={"title": y, "type": "category"},
        margin={"l": 70, "r": 20, "t": 50, "b": 50},
    )  # fmt: skip
    return figure


def walk_forward(found: "WalkForward") -> go.Figure:
    """Stitched out-of-sample equity against holding from the first test on; return per day in and out of sample."""
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.6, 0.4], vertical_spacing=0.08,
        subplot_titles=("Out of sample, 1 at the start", "Return per day of each window"),
    )  # fmt: skip
    equity = (1.0 + found.returns).cumprod()
    for series, name, color in ((equity, "walk-forward", LINE), (found.hold, "hold", MUTED)):
        figure.add_trace(go.Scatter(x=series.index, y=series, name=name, line={"color": color, "width": 1.7}), 1, 1)
    frame = found.frame
    middle = frame["test_start"] + (frame["test_end"] - frame["test_start"]) / 2
    for name, title, color in (("in_sample", "promised in sample", "#c4ccd8"), ("out_of_sample", "kept", LINE)):
        figure.add_trace(go.Bar(x=middle, y=frame[name], name=title, marker_color=color), 2, 1)
    edge = {"type": "line", "line": {"width": 0.5, "color": MUTED}, "opacity": 0.6, "yref": "paper", "y0": 0, "y1": 1}
    figure.update_layout(
        template="plotly_white", height=560, margin={"l": 60, "r": 20, "t": 50, "b": 30}, hovermode="x unified",
        legend={"orientation": "h", "y": 1.1, "x": 0, "xanchor": "left"}, yaxis2_tickformat="+.2%", barmode="group",
        shapes=[{**edge, "x0": at, "x1": at} for at in frame["test_start"]],
    )  # fmt: skip
    return figure
