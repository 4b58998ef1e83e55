"""The code's fingerprint."""

import re
from pathlib import Path

import pytest

from autogrid import core
from autogrid.errors import InvalidInput
from autogrid.live.code import code_hash


def test_the_hash_is_stable_and_changes_with_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = code_hash()
    assert re.fullmatch("[0-9a-f]{64}", first)
    code_hash.cache_clear()
    assert code_hash() == first
    source = Path(core.__path__[0])
    for file in source.glob("*.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr("autogrid.live.code.resources.files", lambda package: tmp_path)
    code_hash.cache_clear()
    assert code_hash() == first
    (tmp_path / "ladder.py").write_text((tmp_path / "ladder.py").read_text() + "\n")
    code_hash.cache_clear()
    changed = code_hash()
    code_hash.cache_clear()
    assert changed != first


def test_an_unknown_strategy_is_refused() -> None:
    with pytest.raises(InvalidInput, match="has no strategy 'nobody-wrote-it'"):
        code_hash("nobody-wrote-it")
