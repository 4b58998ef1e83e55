"""Where compiled kernels are kept, and what a kept one depends on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autogrid.research import compiling
from autogrid.settings import settings


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """Settings and directory are asked for once; forget both around each test."""
    settings.cache_clear()
    compiling.cache_dir.cache_clear()
    yield
    settings.cache_clear()
    compiling.cache_dir.cache_clear()


def test_the_directory_is_named_by_what_code_is_made_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGRID_CACHE", str(tmp_path))
    first = compiling.cache_dir()
    assert first is not None
    assert first.is_dir()
    assert first.parent == tmp_path / "kernels"
    for name, value in (("sys.version", "3.99"), ("numba.__version__", "9"), ("llvmlite.__version__", "9")):
        with monkeypatch.context() as patch:
            patch.setattr(f"autogrid.research.compiling.{name}", value)
            assert compiling._fingerprint() != first.name
    changed = tmp_path / "kernel_new.py"
    changed.write_text("x = 1\n")
    sources = [*compiling._sources(), changed]
    monkeypatch.setattr(compiling, "_sources", lambda: sources)
    assert compiling._fingerprint() != first.name


def test_every_kernel_source_counts() -> None:
    names = {path.name for path in compiling._sources()}
    assert {"compiling.py", "path.py", "kernel.py", "kernel_tree.py", "kernel_bounds.py"} <= names


def test_where_nothing_can_be_kept_every_process_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AUTOGRID_CACHE", str(tmp_path / "file"))
    assert compiling.cache_dir() is None
    double = compiling.compiled(lambda x: 2 * x)
    assert double(21) == 42
