"""`autogrid passports`: what was promoted, and what it was proven on."""

from typing import Annotated

import typer

app = typer.Typer(help="Passports of promoted studies: list, show.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """Passports, newest first."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from autogrid.live.code import code_hash
    from autogrid.store import passports
    from autogrid.store.engine import engine

    with engine().connect() as connection:
        rows = passports.listing(connection)
    if not rows:
        typer.echo("No passports yet. See: autogrid promote --help")
        return
    table = Table("id", "study", "to", "created (UTC)", "fills", "return", "code", box=None)
    for row in rows:
        code = "this" if row.code_hash == code_hash() else row.code_hash[:12]
        created = "" if row.created_at is None else f"{row.created_at:%Y-%m-%d %H:%M}"
        total = f"{row.result['metrics']['total_return']:+.2%}"
        name, target = escape(row.study_name), row.result["target"]
        table.add_row(row.id[:12], name, target, created, str(row.result["fills"]), total, code)
    Console().print(table)


@app.command("show")
def show(passport: Annotated[str, typer.Argument(help="Passport id, or its first characters (8 or more).")]) -> None:
    """One passport: its study as it was proven, and its gates."""
    from rich.console import Console

    from autogrid.cli.promote import show_gates
    from autogrid.store import passports
    from autogrid.store.engine import engine

    with engine().connect() as connection:
        row = passports.get(connection, passport)
    typer.echo(f"# passport {row.id}\n# code {row.code_hash}\n# candles {row.candles_sha256}")
    typer.echo(f"# fills {row.fills_sha256}\n{row.study}")
    show_gates(Console(), row.gates)
