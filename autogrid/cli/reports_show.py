"""Reports and schedules on a terminal; rows of the store or of an API."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from autogrid.errors import InvalidInput

_STYLES = {"done": "green", "failed": "red", "running": "cyan", "queued": "yellow"}


def reports(rows: Iterable[Any]) -> Table:
    """One line per report."""
    table = Table("id", "report", "of", "state", "tries", "asked (UTC)", "made (UTC)", "error", box=None)
    for row in rows:
        state = f"[{_STYLES.get(row['status'], 'white')}]{row['status']}[/]"
        times = (_time(row["created_at"]), _time(row["ended_at"]))
        error = escape(row["error"] or "")
        table.add_row(str(row["id"]), row["template"], _params(row), state, str(row["attempts"]), *times, error)
    return table


def schedules(rows: Iterable[Any]) -> Table:
    """One line per schedule."""
    table = Table("id", "report", "of", "when", "time zone", "next (UTC)", "last report", box=None)
    for row in rows:
        last = "-" if row["last_report_id"] is None else str(row["last_report_id"])
        due = _time(row["next_at"]) if row["enabled"] else "switched off"
        table.add_row(str(row["id"]), row["template"], _params(row), row["cron"], row["time_zone"], due, last)
    return table


def params(bot: int | None, study: int | None) -> dict[str, int]:
    """Parameters of a report as its template names them."""
    return {name: value for name, value in (("bot_id", bot), ("study_id", study)) if value is not None}


def write(report_id: int, document: str, notebook: bool, out: Path | None) -> Path:
    """Write a report's page or notebook; where it is."""
    target = out or Path("out") / f"report-{report_id}.{'ipynb' if notebook else 'html'}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(document, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error.strerror}; choose another place with --out") from None
    return target


def _params(row: Any) -> str:
    return ", ".join(f"{name.removesuffix('_id')} {value}" for name, value in row["params"].items()) or "-"


def _time(value: Any) -> str:
    from datetime import UTC, datetime

    if value is None:
        return "-"
    when = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
