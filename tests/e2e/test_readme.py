"""What the README shows is run as it stands there."""

import re
import shlex
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from autogrid.cli.app import app
from autogrid.data.export import write_candles
from autogrid.research.synthetic import synthetic_candles

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "DECISIONS.md")


def block(language: str, which: int = 0) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)[which])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_candles(synthetic_candles(days=3), tmp_path / "candles.parquet")
    (tmp_path / "study.toml").write_text((ROOT / "backtests" / "demo.toml").read_text())
    return tmp_path


def test_the_python_example_runs_and_is_short(folder: Path) -> None:
    lines = block("python").splitlines()
    assert len([line for line in lines if line.strip()]) <= 15
    space: dict[str, object] = {}
    exec("\n".join(lines), space)
    assert len(space["result"].fills) > 10  # type: ignore[attr-defined]
    assert len(space["sweep"].frame) == 9  # type: ignore[attr-defined]
    exec(block("python", 1), space)
    assert space["decided"].decisions[0].what == "grid"  # type: ignore[attr-defined]


def test_the_commands_run_and_write_what_they_say(store: sa.Engine, folder: Path) -> None:
    for line in block("bash").splitlines():
        command, *arguments = shlex.split(line)
        assert command == "autogrid"
        if arguments[0] == "report":
            continue  # takes its time, and has a test beside the notebooks'
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert done.exit_code == 0, f"{line}: {done.output}"
    for name in ("result.json", "fills.csv", "page.html", "replayed.json"):
        assert (folder / name).stat().st_size > 0, name
    assert (folder / "replayed.json").read_text() == (folder / "result.json").read_text()


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in DOCUMENTS:
        assert set(re.findall(r"(?:^    |`)make ([a-z-]+)", (ROOT / name).read_text(), re.MULTILINE)) <= targets, name


def test_every_link_leads_to_something() -> None:
    for name in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / name).read_text()):
            assert target.startswith("http") or (ROOT / target).exists(), f"{name}: {target}"
