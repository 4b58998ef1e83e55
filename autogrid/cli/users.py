"""`autogrid users`: who may use the REST API and the page."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(help="Users of the API and the page: add, promote, list.", no_args_is_help=True)


class Role(StrEnum):
    """What a user may do."""

    viewer = "viewer"
    trader = "trader"
    admin = "admin"


Email = Annotated[str, typer.Argument(help="E-mail address; its case does not matter.")]


@app.command("add")
def add(
    email: Email,
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.trader,
    stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
) -> None:
    """Add a user; the password is asked for, or read from standard input, never given as an argument."""
    from autogrid.store import audit, passwords, users
    from autogrid.store.engine import engine

    users.check_email(email)
    if stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    hashed = passwords.hash_of(password)
    with engine().begin() as connection:
        user = users.add(connection, email, hashed, role.value)
        audit.add(connection, None, "users add", f"/v1/users/{user['id']}", 0)
    typer.echo(f"user {user['id']} ({email}) is {role.value}")


@app.command("promote")
def promote(
    email: Email, role: Annotated[Role, typer.Option(help="What the user may do from now on.")] = Role.admin
) -> None:
    """Give a user another role."""
    from autogrid.errors import NotFound
    from autogrid.store import audit, users
    from autogrid.store.engine import engine

    with engine().begin() as connection:
        user = users.by_email(connection, email)
        if user is None:
            raise NotFound(f"there is no user {email}: autogrid users list shows those there are")
        users.update(connection, user["id"], role=role.value)
        audit.add(connection, None, f"users promote {role.value}", f"/v1/users/{user['id']}", 0)
    typer.echo(f"user {user['id']} ({email}) is {role.value}")


@app.command("list")
def list_() -> None:
    """All users."""
    from rich.console import Console
    from rich.table import Table

    from autogrid.store import users
    from autogrid.store.engine import engine

    with engine().begin() as connection:
        rows = users.listing(connection, limit=1000)
    if not rows:
        typer.echo("No users yet. See: autogrid users add --help")
        return
    table = Table("id", "e-mail", "role", "", "since", box=None)
    for row in reversed(rows):
        state = "" if row["active"] else "switched off"
        table.add_row(str(row["id"]), row["email"], row["role"], state, f"{row['created_at']:%Y-%m-%d}")
    Console().print(table)
