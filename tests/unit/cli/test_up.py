"""`autogrid up` keeps what belongs to one run in its home, where the next one finds it."""

from pathlib import Path

import pytest

from autogrid.cli import supervise, up
from autogrid.settings import settings


def test_metrics_of_a_killed_run_are_gone_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGRID_HOME", str(tmp_path))
    settings.cache_clear()
    seen: list[list[str]] = []

    def run(self: supervise.Supervisor) -> None:
        folders = [Path(member.environment["PROMETHEUS_MULTIPROC_DIR"]) for member in self.members]
        assert len(set(folders)) == len(folders) == 4
        assert all(tmp_path in folder.parents for folder in folders)
        seen.append(sorted(str(file) for file in folders[0].parent.rglob("*")))
        folders[0].mkdir(parents=True)
        (folders[0] / "counter_7.db").touch()
        if len(seen) == 1:
            raise KeyboardInterrupt  # stands for SIGKILL: below, nothing is tidied up

    monkeypatch.setattr(supervise.Supervisor, "run", run)
    monkeypatch.setattr(up, "servers", dict)
    try:
        with monkeypatch.context() as killed:
            killed.setattr(up.shutil, "rmtree", lambda *_, **__: None)
            with pytest.raises(KeyboardInterrupt):
                up.up(1, None, 9400, False)
        assert list(tmp_path.rglob("counter_7.db"))
        up.up(1, None, 9400, False)
    finally:
        settings.cache_clear()
    assert seen == [[], []]
    assert list(tmp_path.rglob("counter_7.db")) == []
