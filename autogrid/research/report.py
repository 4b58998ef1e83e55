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
from autogrid.research import pages

#: Nothing is fetched when a page is opened: scripts of these names would be.
NO_SCRIPTS = ("mathjax_url", "require_js_url", "jquery_url", "jquery_ui_url", "mermaid_js_url", "widget_renderer_url")

#: The page at the width of a text, and in the colours that the reader's screen has at night.
LOOK = """<style>
:root{color-scheme:light dark}
body{max-width:1080px;margin:0 auto!important;padding:24px 16px!important;font-family:system-ui,sans-serif}
.jp-Notebook,.jp-RenderedHTMLCommon{padding:0!important}.jp-Cell{padding:2px 0!important}
.jp-RenderedHTMLCommon table{font-size:.92em}.jp-OutputArea-output{overflow-x:auto}
@media (prefers-color-scheme:dark){
:root{--jp-layout-color0:#14171c;--jp-layout-color1:#14171c;--jp-layout-color2:#1d2128;--jp-content-font-color0:#f2f4f8;
--jp-content-font-color1:#dfe3ea;--jp-content-font-color2:#b8c0cc;--jp-content-font-color3:#9aa4b2;
--jp-ui-font-color0:#f2f4f8;--jp-ui-font-color1:#dfe3ea;--jp-rendermime-table-row-background:#1d2128;
--jp-rendermime-table-row-hover-background:#273042;--jp-border-color0:#39424f;--jp-border-color1:#39424f;
--jp-cell-editor-background:#14171c;--jp-rendermime-error-background:#3a1d22}
body,.jp-Notebook{background:#14171c!important;color:#dfe3ea}}
</style>"""

#: Errors of a cell that trying again does not mend.
INPUT = ("InvalidInput", "NotFound", "Conflict")

#: A kernel has so long to start; a busy machine needs more than papermill's minute.
START_S = 300
PLOTLY = "application/vnd.plotly.v1+json"


def template(name: str) -> Path:
    """A report's notebook: in the installed package, or in `backtests/reports` of a checkout."""
    here = Path(__file__)
    for folder in (here.parent / "reports", here.parents[2] / "backtests" / "reports"):
        if (folder / f"{name}.ipynb").is_file():
            return folder / f"{name}.ipynb"
    raise InvalidInput(f"there is no report {name!r}: expected study, bot_daily, portfolio_weekly or data_quality")


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


def execute(notebook: Path, parameters: dict[str, Any], into: Path | None = None) -> Any:
    """The executed notebook, with `parameters` in place of those of its cell tagged so.

    `into` also has it when it fails, up to the cell that did; by default files go nowhere.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = into or Path(folder) / "done.ipynb"
        try:
            papermill.execute_notebook(
                notebook, done, parameters, kernel_name="python3", progress_bar=False, log_output=False,
                start_timeout=START_S,
            )  # fmt: skip
        except PapermillExecutionError as error:
            if error.ename in INPUT:
                raise InvalidInput(error.evalue) from None
            raise Unavailable(f"{notebook.name} failed with {error.ename}: {error.evalue}") from error
        return nbformat.read(done, as_version=4)


def html(notebook: Any, title: str) -> str:
    """The notebook's texts and outputs, without its code, as one page that needs no network."""
    _draw(notebook)
    exporter = nbconvert.HTMLExporter(config=Config({"HTMLExporter": dict.fromkeys(NO_SCRIPTS, "")}))
    exporter.exclude_input = exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    page, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title}})
    return str(page).replace("</head>", f"{LOOK}</head>", 1)


def _draw(notebook: Any) -> None:
    """Plotly figures, which notebooks hold as data, become pictures with their script; the library comes once."""
    is_first = True
    for output in (output for cell in notebook.cells for output in cell.get("outputs", ())):
        figure = output.get("data", {}).get(PLOTLY)
        if figure is not None:
            pages.readable(figure)
            drawn = plotly.io.to_html(figure, full_html=False, include_plotlyjs=is_first, validate=False)
            output["data"], is_first = {"text/html": drawn}, False
