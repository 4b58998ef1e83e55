"""Reports, each made in a process of its own: `python -m autogrid.promotion.reporting REPORT_ID`."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from sqlalchemy.engine import Engine, RowMapping

from autogrid.errors import AutogridError, InvalidInput, Unavailable
from autogrid.promotion.child import end_with_parent
from autogrid.research import report as research
from autogrid.store import engine as engines
from autogrid.store import reports, studies

#: As many attempts as its task makes.
ATTEMPTS = 3


def make(engine: Engine, report_id: int) -> None:
    """Make a report that was taken with `reports.start`; store page and notebook, or why it failed."""
    with engine.begin() as connection:
        row = reports.get(connection, report_id, None)
    with tempfile.TemporaryDirectory() as folder:
        done = Path(folder) / "done.ipynb"
        try:
            parameters = _parameters(engine, row, Path(folder))
            notebook = research.execute(research.template(row["template"]), parameters, done)
            page = research.html(notebook, f"AutoGrid: {row['template'].replace('_', ' ')}")
        except AutogridError as error:
            # Input stays wrong however often it is tried.
            again = isinstance(error, Unavailable) and row["attempts"] < ATTEMPTS
            so_far = done.read_text(encoding="utf-8") if done.is_file() else None
            with engine.begin() as connection:
                reports.fail(connection, report_id, str(error), again=again, notebook=so_far)
            return
    with engine.begin() as connection:
        reports.finish(connection, report_id, page, nbformat.writes(notebook))


def _parameters(engine: Engine, row: RowMapping, folder: Path) -> dict[str, Any]:
    params: dict[str, Any] = dict(row["params"])
    if row["template"] == "study":
        with engine.begin() as connection:
            study = studies.get(connection, params["study_id"], row["owner_id"])
        file = folder / "study.toml"
        file.write_text(study["text"], encoding="utf-8")
        return {"study": str(file), "candles": None}
    if row["template"] == "portfolio_weekly":
        return {"owner_id": row["owner_id"]}
    if row["template"] in ("bot_daily", "data_quality"):
        return params
    raise InvalidInput(f"there is no report {row['template']!r}")


if __name__ == "__main__":
    end_with_parent()
    make(engines.engine(), int(sys.argv[1]))
