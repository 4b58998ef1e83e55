"""House rules that no other tool checks: sizes, the environment, SQL, the cost of importing."""

import ast
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import autogrid as ag

ROOT = Path(__file__).parents[2]
FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for folder in ("autogrid", "services")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
#: Who else touches os.environ, and why.
ENVIRONMENT = {
    "autogrid/settings.py": "reads it for everybody",
    "autogrid/cli/supervise.py": "hands it to the processes it starts",
    "autogrid/cli/api.py": "hands it to the server that it becomes",
    "autogrid/cli/demo_stage.py": "sets it for itself and for what it starts, once, at the start",
    "services/common/multiproc.py": "prometheus_client takes its directory from nowhere else",
    "services/common/scrape.py": "as multiproc",
}


def functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_files_are_short() -> None:
    sizes = {name: len(text.splitlines()) for name, text in FILES.items()}
    assert {name: size for name, size in sizes.items() if size > 300} == {}
    assert statistics.median(size for size in sizes.values() if size) <= 120


def test_functions_are_short() -> None:
    long, sizes = {}, []
    for name, text in FILES.items():
        for node in functions(text):
            size = (node.end_lineno or 0) - node.lineno + 1
            sizes.append(size)
            if size > 50:
                long[f"{name}:{node.name}"] = size
    assert long == {}
    assert statistics.median(sizes) <= 10


def test_every_module_and_public_function_says_what_it_is_for() -> None:
    files = {name: text for name, text in FILES.items() if text and "/migrations/" not in name}
    silent = [name for name, text in files.items() if ast.get_docstring(ast.parse(text)) is None]
    for name, text in files.items():
        for node in ast.iter_child_nodes(ast.parse(text)):
            public = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name[0] != "_"
            if public and ast.get_docstring(node) is None:  # type: ignore[arg-type]
                silent.append(f"{name}:{node.name}")  # type: ignore[attr-defined]
    assert silent == []


def test_only_settings_read_the_environment() -> None:
    readers = {
        name
        for name, text in FILES.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert readers - ENVIRONMENT.keys() == set()


def test_only_the_store_has_sql() -> None:
    verbs = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ")
    speakers = {
        f"{name}:{node.lineno}"
        for name, text in FILES.items()
        if not name.startswith("autogrid/store/")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(verbs)
        # Asking whether the server answers is no query of data.
        if node.value != "SELECT 1"
    }
    assert speakers == set()


def test_everything_promised_can_be_imported() -> None:
    for name in ag.__all__:
        assert callable(getattr(ag, name))
    assert set(ag.__all__) <= set(dir(ag))
    with pytest.raises(AttributeError, match="module 'autogrid' has no attribute 'sweeep'"):
        _ = ag.sweeep  # type: ignore[attr-defined]


PROBE = """
import json, resource, sys, time
began = time.process_time()
{code}
taken = time.process_time() - began
print(json.dumps([taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, sorted(sys.modules)]))
"""


def probe(code: str) -> tuple[float, float, set[str]]:
    """Processor seconds and MB of running `code` in a bare interpreter, and the modules it leaves loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(code=code)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    seconds, megabytes, modules = json.loads(done.stdout)
    return seconds, megabytes, {name.partition(".")[0] for name in modules}


HEAVY = {"numba", "vectorbt", "ccxt", "pandas", "numpy", "plotly", "papermill", "pyarrow", "sqlalchemy"}


def test_importing_the_package_costs_next_to_nothing() -> None:
    bare, package = probe("pass"), probe("import autogrid")
    assert package[0] - bare[0] < 0.3
    assert package[1] - bare[1] < 40
    assert package[2] & HEAVY == set()


@pytest.mark.parametrize(
    "module", ["services.api.app", "services.worker.app", "services.worker.tasks", "autogrid.cli.app"]
)
def test_what_stays_up_never_loads_the_research_half(module: str) -> None:
    if f"{module.replace('.', '/')}.py" not in FILES:
        pytest.skip(f"{module} is not there")
    assert probe(f"import {module}")[2] & {"numba", "vectorbt", "papermill", "nbconvert"} == set()
