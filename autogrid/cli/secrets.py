"""`autogrid secrets`: the keys under which credentials are stored."""

import typer

app = typer.Typer(help="Keys of stored credentials: new, rotate.", no_args_is_help=True)


@app.command("new")
def new() -> None:
    """Print a new key for ENCRYPTION_KEY."""
    from autogrid.store.secrets import new_key

    typer.echo(new_key())


@app.command("rotate")
def rotate() -> None:
    """Encrypt every credential anew under the first key of ENCRYPTION_KEY; all or none.

    Before: put the new key in front of the old one (new,old) and restart every process. Afterwards: remove the old one.
    """
    from autogrid.store import secrets
    from autogrid.store.engine import engine

    typer.echo(f"{secrets.rotate(engine())} credentials are encrypted under the first key; the others can go")
