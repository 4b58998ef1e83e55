"""`autogrid db`: the schema, backups and restoring them."""

import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Database: migrate, backup, restore.", no_args_is_help=True)

#: After a backup that failed, `--every` tries again this soon.
_AGAIN_S = 300.0


@app.command()
def migrate() -> None:
    """Bring the database of DATABASE_URL to the schema of this version."""
    from autogrid.store import migrate as migration
    from autogrid.store.engine import connect, libpq_url

    opened = connect(libpq_url())
    try:
        done = migration.upgrade(opened)
    finally:
        opened.dispose()
    typer.echo(f"schema {migration.HEAD}: {'migrated' if done else 'nothing to do'}")


@app.command()
def backup(
    directory: Annotated[Path, typer.Argument(help="Where backups are kept.")],
    keep: Annotated[int, typer.Option(help="How many of them stay; older ones are deleted.", min=1)] = 14,
    every: Annotated[str | None, typer.Option(help="Go on for ever: 30m, 24h, 7d. Default: once.")] = None,
    metrics: Annotated[
        Path | None, typer.Option(help="File (.prom) that tells node-exporter when the last one was made.")
    ] = None,
) -> None:
    """Dump the database of DATABASE_URL into a new file. Nothing stops meanwhile."""
    from autogrid.errors import Unavailable

    pause = None if every is None else _seconds(every)
    while True:
        try:
            _once(directory, keep, metrics)
        except Unavailable as error:
            if pause is None:
                raise
            sys.stderr.write(f"error: {error}\n")
            time.sleep(min(_AGAIN_S, pause))
            continue
        if pause is None:
            return
        time.sleep(pause)


def _once(directory: Path, keep: int, metrics: Path | None) -> None:
    from autogrid.store import backup as backups
    from autogrid.store.engine import libpq_url

    done = backups.backup(libpq_url(), directory, datetime.now(UTC))
    pruned = backups.prune(directory, keep)
    typer.echo(f"{done.path}: {done.size:,} bytes in {done.seconds:.1f} s; {len(pruned)} older ones deleted")
    if metrics is not None:
        name, part = "autogrid_last_backup_timestamp_seconds", metrics.with_suffix(".part")
        part.write_text(f"# TYPE {name} gauge\n{name} {done.at.timestamp():.0f}\n", encoding="utf-8")
        part.replace(metrics)


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A file that `backup` made.")]) -> None:
    """Fill the empty database of DATABASE_URL from a backup: all of it or nothing."""
    from autogrid.store import backup as backups
    from autogrid.store.engine import libpq_url

    backups.restore(libpq_url(), file)
    typer.echo(f"{file}: restored. Next: autogrid db migrate, if this version is newer than the backup.")


def _seconds(text: str) -> float:
    from autogrid.errors import InvalidInput

    match = re.fullmatch(r"(\d+)([smhd])", text)
    if match is None or int(match[1]) == 0:
        raise InvalidInput(f"--every: expected a time such as 30m, 24h or 7d, found {text!r}.")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]
