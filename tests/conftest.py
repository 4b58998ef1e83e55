"""A real embedded server for the module's tests, emptied before each test that asks for it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa

from autogrid.settings import settings
from autogrid.store import embedded_valkey
from autogrid.store import engine as engines

# A machine that is busy with other tests is slow, which says nothing of the code.
hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A short path: PostgreSQL's socket lives in it."""
    path = Path(tempfile.mkdtemp(prefix="ag"))
    path.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRID_HOME", str(path))
        patch.delenv("DATABASE_URL", raising=False)
        settings.cache_clear()
        yield path
        engines.close()
        embedded_valkey.close()
    settings.cache_clear()
    shutil.rmtree(path)


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    """The engine on an empty store."""
    monkeypatch.setenv("AUTOGRID_HOME", str(home))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    settings.cache_clear()
    engine = engines.engine()
    with engine.begin() as connection:
        connection.execute(
            sa.text("TRUNCATE market, candle, coverage, gap, import_log, account, passport, app_user CASCADE")
        )
    return engine
