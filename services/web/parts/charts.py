"""Charts as plotly figures (plain dicts), in colours that read on light and dark; never by colour alone."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from nicegui import ui

from services.web.parts.show import exact, local

BUY, SELL, LINE, QUIET, INK = "#1f9d63", "#d2553a", "#3b82c4", "rgba(128,140,155,.5)", "#808b98"
CANDLE, TAG = "#7f8ea1", "#1f66b0"
_GRID = "rgba(128,140,155,.18)"
Figure = dict[str, Any]


class Chart:
    """A chart that is sent again only when it changed; zoom and pan survive."""

    def __init__(self, label: str, size: str = "") -> None:
        self._figure: Figure | None = None
        self._label = label
        with ui.element("div").classes("wide").props("role=img") as self._frame:
            self._frame.props(f'aria-label="{label}"')
            self._plot = ui.plotly(figure([])).classes(f"chart {size}")

    def show(self, shown: Figure, revision: str = "", said: str = "") -> None:
        """Draw it. Zoom and pan survive as long as `revision` is the same; `said` is the chart in words."""
        shown["layout"]["uirevision"] = revision
        if shown != self._figure:
            self._figure = shown
            self._plot.update_figure(shown)
            if said:
                self._frame.props(f'aria-label="{self._label}. {said}"')


def figure(data: Sequence[Figure], *, empty: str = "", **layout: Any) -> Figure:
    """A figure in our style; `empty` is written where there are no data."""
    axis = {"gridcolor": _GRID, "zeroline": False, "automargin": True, "linecolor": _GRID}
    numbers = {"side": "right", "exponentformat": "none", "separatethousands": True}
    base: Figure = {
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8}, "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": INK, "size": 11}, "xaxis": dict(axis), "yaxis": axis | numbers,
        "hovermode": "closest", "showlegend": True, "dragmode": "pan",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "bgcolor": "rgba(0,0,0,0)"},
    }  # fmt: skip
    for name, value in layout.items():
        base[name] = {**base[name], **value} if isinstance(base.get(name), dict) else value
    if not data and empty:
        base["annotations"] = [
            {"text": empty, "showarrow": False, "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5,
             "font": {"size": 13, "color": INK}}
        ]  # fmt: skip
        base["xaxis"] |= {"visible": False}
        base["yaxis"] |= {"visible": False}
    return {"data": list(data), "layout": base, "config": {"displayModeBar": False, "responsive": True}}


def line(name: str, x: Sequence[Any], y: Sequence[Any], color: str = LINE, **more: Any) -> Figure:
    """A line."""
    style = {"color": color, "width": 1.6, **more.pop("line", {})}
    return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "line": style, **more}


def time_axis(zone: str, span: tuple[str, str] | None = None) -> Figure:
    """Times of a zone, which is named."""
    title = {"text": zone, "font": {"size": 10}, "standoff": 4}
    axis: Figure = {"type": "date", "title": title, "rangeslider": {"visible": False}}
    return axis if span is None else axis | {"range": list(span)}


def price_tag(price: Any) -> Figure:
    """A line and a tag at the last price, as parts of a layout; empty where there is none."""
    if price is None:
        return {}
    value = float(price)
    dotted = {"color": LINE, "width": 1, "dash": "dot"}
    line_ = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value, "line": dotted}
    text = exact(price)
    tag = {"text": text, "xref": "paper", "x": 1, "xanchor": "left", "y": value, "showarrow": False,
           "bgcolor": TAG, "font": {"color": "#fff", "size": 11}, "borderpad": 3}  # fmt: skip
    return {"shapes": [line_], "annotations": [tag], "margin": {"r": 7 * len(text) + 10}}


def candles(rows: Iterable[Sequence[float]], zone: str = "UTC") -> Figure:
    """Candles of the API: ts (ms), open, high, low, close, volume. Hollow ones rise, filled ones fall."""
    found = list(rows)
    names = ("open", "high", "low", "close")
    line_ = {"line": {"color": CANDLE, "width": 1}}
    colors = {"increasing": {**line_, "fillcolor": "rgba(0,0,0,0)"}, "decreasing": {**line_, "fillcolor": CANDLE}}
    columns = {name: [row[at] for row in found] for at, name in enumerate(names, 1)}
    times = [local(datetime.fromtimestamp(row[0] / 1000, UTC), zone) for row in found]
    return {"type": "candlestick", "name": "Price", "x": times, **columns, **colors}


def ladder(
    levels: Sequence[str], orders: Sequence[dict[str, Any]], span: tuple[Any, Any], newest: tuple[Any, Any]
) -> list[Figure]:
    """The levels as thin lines, and the orders that rest now as thick ones at the end: buys solid, sells dashed."""
    found = [_steps("Levels", [float(level) for level in levels], span, {"color": QUIET, "width": 0.8})]
    for side, color, dash in (("buy", BUY, "solid"), ("sell", SELL, "2px,2px")):
        prices = [float(order["price"]) for order in orders if order["side"] == side]
        style = {"color": color, "width": 2.5 if len(levels) <= 30 else 1.2, "dash": dash}
        found.append(_steps(f"{side.capitalize()} orders", prices, newest, style))
    return [each for each in found if each["x"]]


def across(name: str, prices: Sequence[Any], span: tuple[Any, Any], color: str, dash: str = "dot") -> list[Figure]:
    """Thin broken lines from side to side, at prices where no order rests; none of them: nothing."""
    numbers = [float(price) for price in prices]
    return [_steps(name, numbers, span, {"color": color, "width": 1, "dash": dash})] if numbers else []


def _steps(name: str, prices: list[float], span: tuple[Any, Any], style: Figure) -> Figure:
    return _spans(name, [(price, span) for price in prices], style)


def _spans(name: str, spans: list[tuple[float, tuple[Any, Any]]], style: Figure | None = None) -> Figure:
    style = style or {"color": QUIET, "width": 0.8}
    x: list[Any] = []
    y: list[Any] = []
    for price, span in spans:
        x += [*span, None]
        y += [price, price, None]
    hover = "%{y}<extra>" + name + "</extra>"
    return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "line": style, "hovertemplate": hover}


def fills(rows: Sequence[dict[str, Any]]) -> list[Figure]:
    """Executions: buys point up, sells down."""
    found = []
    for side, color, symbol in (("buy", BUY, "triangle-up"), ("sell", SELL, "triangle-down")):
        some = [row for row in rows if row["side"] == side]
        if some:
            found.append(
                {"type": "scatter", "mode": "markers", "name": f"{side.capitalize()}s", "x": [r["ts"] for r in some],
                 "y": [float(r["price"]) for r in some], "text": [f"{r['amount']} ({r['kind']})" for r in some],
                 "marker": {"symbol": symbol, "size": 11, "color": color, "line": {"width": 1, "color": "#fff"}},
                 "hovertemplate": "%{text} at %{y}<extra>" + side + "</extra>"}
            )  # fmt: skip
    return found


def backtest(result: dict[str, Any]) -> tuple[Figure, Figure]:
    """Price with levels, fills and a strategy's decisions; equity beside what the same cash in coins would be worth."""
    series = result["series"]
    times = [_iso(ts) for ts in series["ts"]]
    names = ("ts", "kind", "cell", "side", "price", "amount")
    trades = [dict(zip(names, row, strict=True)) for row in result.get("trades", ())]
    for trade in trades:
        trade["ts"] = _iso(trade["ts"])
    price = [line("Price", times, series["close"], INK)]
    span = (times[0], times[-1])
    moved = [(float(level), (_iso(a), _iso(b))) for level, a, b in result.get("level_spans", ())]
    price += [_spans("Levels", moved)] if moved else ladder(result["levels"], [], span, span)
    scale = series["equity"][0] / series["close"][0]
    hold = line("Price, scaled to the start", times, [close * scale for close in series["close"]], INK)
    hold["line"]["dash"] = "dot"
    dates = time_axis("UTC")
    equity = figure([line("Equity", times, series["equity"]), hold], xaxis=dates)
    return figure([*price, *fills(trades), *_decided(result.get("decided", ()))], xaxis=dates), equity


def _decided(rows: Sequence[list[Any]]) -> list[Figure]:
    """A strategy's decisions: [ts, what, price, text]."""
    found = []
    for what, color, symbol in (("grid", INK, "diamond"), ("stop", SELL, "square"), ("refused", QUIET, "x")):
        some = [row for row in rows if row[1] == what]
        if some:
            found.append(
                {"type": "scatter", "mode": "markers", "name": "New grid" if what == "grid" else what.capitalize(),
                 "x": [_iso(row[0]) for row in some], "y": [float(row[2]) for row in some],
                 "text": [row[3] or "" for row in some], "hovertemplate": "%{text}<extra>" + what + "</extra>",
                 "marker": {"symbol": symbol, "size": 9, "color": color, "line": {"width": 1, "color": "#fff"}}}
            )  # fmt: skip
    return found


def _iso(ts_ms: float) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat()


def heatmap(rows: Sequence[dict[str, Any]], x: str, y: str, metric: str, name: str, kind: str) -> Figure:
    """A metric over two swept fields; the best where others were swept, too. Empty: the grid was refused.

    kind: percent, number or count. Gains diverge from zero; what cannot be negative goes from light to dark.
    """
    across, down = (sorted({str(row[field]) for row in rows}, key=_size) for field in (x, y))
    best: dict[tuple[str, str], float] = {}
    for row in rows:
        if row.get(metric) is not None:
            place, value = (str(row[x]), str(row[y])), float(row[metric])
            best[place] = max(value, best.get(place, value))
    z = [[best.get((a, b)) for a in across] for b in down]
    form = {"percent": ".2%", "number": ".2f", "count": ",.0f"}[kind]
    hover = f"{_cap(x)} %{{x}}<br>{_cap(y)} %{{y}}<br>{name} %{{z:{form}}}<extra></extra>"
    cells = {"type": "heatmap", "x": across, "y": down, "z": z, "xgap": 1, "ygap": 1, "hovertemplate": hover,
             "colorbar": {"thickness": 10, "outlinewidth": 0, "tickformat": form}}  # fmt: skip
    signed = min(best.values(), default=0.0) < 0
    if signed:
        cells |= {"colorscale": [[0, "#b5482f"], [0.5, "#e9e4d8"], [1, "#1b6e8c"]], "zmid": 0}
    else:
        cells |= {"colorscale": [[0, "#e9e4d8"], [1, "#1b6e8c"]]}
    if len(across) * len(down) <= 120:
        cells |= {"texttemplate": f"%{{z:{form}}}", "textfont": {"size": 10}}
    axis = {"type": "category", "showgrid": False}
    titles = ({**axis, "title": {"text": _cap(x)}}, {**axis, "title": {"text": _cap(y)}, "side": "left"})
    return figure([cells] if best else [], empty="Every combination was refused", xaxis=titles[0], yaxis=titles[1])


def _cap(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _size(text: str) -> tuple[int, float, str]:
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text
