"""What report notebooks show: tiles, tables and plots that read well on light and on dark pages."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any

import plotly.graph_objects as go

#: Readable on white and on black.
GREY, LINES = "#7a8699", "rgba(128,140,160,0.25)"
GOOD, BAD, BLUE, SAND = "#1a9d6b", "#d1495b", "#2f6fde", "#b07d2b"


class Html(str):
    """HTML that a notebook shows as such."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return self


def text(value: Any) -> str:
    """A value as reports write it: four decimals of money, whole numbers with separators, times to the second."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, (Decimal, float)):
        return f"{value:,.4f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def note(words: str) -> Html:
    """A section that has nothing to show says so."""
    return Html(f'<p style="opacity:.75">{escape(words)}</p>')


def tiles(facts: Mapping[str, Any]) -> Html:
    """The figures to see first."""
    each = "".join(
        '<div style="border:1px solid #8886;border-radius:8px;padding:8px 14px;min-width:110px">'
        f'<div style="opacity:.75;font-size:.85em">{escape(name)}</div>'
        f'<div style="font-weight:600;font-size:1.2em">{escape(text(value))}</div></div>'
        for name, value in facts.items()
    )
    return Html(f'<div style="display:flex;flex-wrap:wrap;gap:10px;margin:8px 0">{each}</div>')


def table(rows: Sequence[Mapping[str, Any]], empty: str, most: int = 100) -> Html:
    """Rows under the names of the first one; numbers to the right. `empty` where there are none."""
    if not rows:
        return note(empty)
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f'<th style="text-align:{_side(rows, name)};padding:3px 10px">{escape(name)}</th>' for name in names)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:{_side(rows, name)};padding:3px 10px">{escape(text(row.get(name)))}</td>'
            for name in names
        )
        + "</tr>"
        for row in rows[:most]
    )
    more = f'<p style="opacity:.75">{len(rows) - most:,} more are left out.</p>' if len(rows) > most else ""
    return Html(
        f'<div style="overflow-x:auto"><table style="border-collapse:collapse;margin:0"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{more}"
    )


def figure(*traces: Any, y: str, height: int = 320, title: str | None = None) -> go.Figure:
    """A figure over time; `y` names the axis and its unit."""
    made = go.Figure(list(traces))
    made.update_layout(
        height=height, title=title, yaxis_title=y, margin={"l": 70, "r": 20, "t": 50 if title else 20, "b": 40},
        legend={"orientation": "h", "y": 1.12, "x": 0}, hovermode="x unified",
    )  # fmt: skip
    return made


def line(name: str, x: Iterable[datetime], y: Iterable[Any], color: str = BLUE, **more: Any) -> go.Scatter:
    """A line of a figure."""
    values = [None if value is None else float(value) for value in y]
    return go.Scatter(x=list(x), y=values, name=name, mode="lines", line={"color": color, "width": 1.7}, **more)


def marks(name: str, x: Iterable[datetime], y: Iterable[Any], color: str, symbol: str) -> go.Scatter:
    """Points of a figure."""
    look = {"color": color, "symbol": symbol, "size": 9}
    return go.Scatter(x=list(x), y=[float(value) for value in y], name=name, mode="markers", marker=look)


def readable(picture: dict[str, Any]) -> None:
    """Change a figure so that it reads on any ground, by any browser: no ground of its own, and no WebGL."""
    for trace in picture.get("data", ()):
        if trace.get("type") == "scattergl":
            trace["type"] = "scatter"
    layout = picture.setdefault("layout", {})
    layout.pop("template", None)
    layout |= {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
    layout["font"] = layout.get("font", {}) | {"color": GREY, "family": "system-ui, sans-serif"}
    for name in {"xaxis", "yaxis", *(key for key in layout if key.startswith(("xaxis", "yaxis")))}:
        axis = layout.setdefault(name, {})
        axis.update(gridcolor=LINES, zerolinecolor=LINES, linecolor=LINES, automargin=True)


def _side(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    numbers = all(isinstance(row.get(name), (int, float, Decimal, type(None))) for row in rows)
    return "right" if numbers else "left"
