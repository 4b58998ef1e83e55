"""Reports: a parameterised notebook, run by papermill, as one self-contained HTML page."""

import tempfile
from pathlib import Path
from typing import Any

import nbconvert
import nbformat
import papermill
import plotly.io
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from autogrid.errors import InvalidInput, Unavailable

#: Nothing is fetched when a page is opened: scripts of these names would be.
NO_SCRIPTS = ("mathjax_url", "require_js_url", "jquery_url", "jquery_ui_url", "mermaid_js_url", "widget_renderer_url")

PLOTLY = "application/vnd.plotly.v1+json"


def template(name: str) -> Path:
    """A report's notebook: in the installed package, or in `backtests/reports` of a checkout."""
    here = Path(__file__)
    for folder in (here.parent / "reports", here.parents[2] / "backtests" / "reports"):
        if (folder / f"{name}.ipynb").is_file():
            return folder / f"{name}.ipynb"
    raise InvalidInput(f"there is no report {name!r}; known is study")


def study_report(study: Path, candles: Path | None, out: Path) -> None:
    """Run the study's report and write the page; candles None: the store's.

    InvalidInput for a study that cannot be run, with the backtest's own message.
    """
    parameters = {"study": str(study.resolve()), "candles": None if candles is None else str(candles.resolve())}
    page = html(execute(template("study"), parameters), f"AutoGrid: {study.stem}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{out} cannot be written: {error.strerror}; choose another place") from None


def execute(notebook: Path, parameters: dict[str, Any]) -> Any:
    """The executed notebook, with `parameters` in place of those of its cell tagged so. Files go nowhere."""
    with tempfile.TemporaryDirectory() as folder:
        done = Path(folder) / "done.ipynb"
        try:
            papermill.execute_notebook(
                notebook, done, parameters, kernel_name="python3", progress_bar=False, log_output=False
            )
        except PapermillExecutionError as error:
            if error.ename == "InvalidInput":
                raise InvalidInput(error.evalue) from None
            raise Unavailable(f"{notebook.name} failed with {error.ename}: {error.evalue}") from error
        return nbformat.read(done, as_version=4)


def html(notebook: Any, title: str) -> str:
    """The notebook's texts and outputs, without its code, as one page that needs no network."""
    _draw(notebook)
    exporter = nbconvert.HTMLExporter(config=Config({"HTMLExporter": dict.fromkeys(NO_SCRIPTS, "")}))
    exporter.exclude_input = exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    page, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title}})
    return str(page)


def _draw(notebook: Any) -> None:
    """Plotly figures, which notebooks hold as data, become pictures with their script; the library comes once."""
    is_first = True
    for output in (output for cell in notebook.cells for output in cell.get("outputs", ())):
        figure = output.get("data", {}).get(PLOTLY)
        if figure is not None:
            drawn = plotly.io.to_html(figure, full_html=False, include_plotlyjs=is_first, validate=False)
            output["data"], is_first = {"text/html": drawn}, False
