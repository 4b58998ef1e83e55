"""`autogrid ops`: what running AutoGrid takes."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from autogrid.cli import cost as costs

app = typer.Typer(help="Operations: cost.", no_args_is_help=True)


@app.callback()
def _ops() -> None:
    """A group of commands, also while it holds one."""


@app.command()
def cost(
    tier: Annotated[str | None, typer.Option(help="Show the parts of one tier, such as 50-200.")] = None,
    spec: Annotated[Path | None, typer.Option(help="Add up a DigitalOcean app spec (YAML) instead.")] = None,
    database: Annotated[
        list[str] | None, typer.Option(help="Size of a database of the spec: NAME=db-s-1vcpu-1gb, or x2 for two nodes.")
    ] = None,
) -> None:
    """What a month costs at list prices, by number of users."""
    from autogrid.errors import InvalidInput

    prices, tiers = costs.table()
    if spec is not None:
        _print_parts(costs.parts_of(_yaml(spec), _databases(database or [])), prices)
        return
    if tier is None:
        for item in tiers:
            sum_ = costs.cost(item.parts, prices)
            typer.echo(f"{item.name:8} {_range(sum_):>16} a month   {item.where}\n{'':27}then: {item.next}")
        return
    named = {item.name: item for item in tiers}
    if tier not in named:
        raise InvalidInput(f"tier: expected one of {', '.join(named)}, found {tier!r}.")
    _print_parts(list(named[tier].parts), prices)


def _print_parts(parts: list[costs.Part], prices: dict[str, Decimal]) -> None:
    for part in parts:
        count = f"{part.count}" if part.most == part.count else f"{part.count}-{part.most}"
        typer.echo(f"{part.name:12} {count:>4} x {part.size:24} {_range(costs.cost([part], prices)):>18}")
    typer.echo(f"{'sum':12} {'':>4}   {'':24} {_range(costs.cost(parts, prices)):>18}")


def _range(sum_: costs.Cost) -> str:
    return f"${sum_.low:.2f}" if sum_.low == sum_.high else f"${sum_.low:.2f}-{sum_.high:.2f}"


def _databases(given: list[str]) -> dict[str, tuple[str, int]]:
    from autogrid.errors import InvalidInput

    found = {}
    for text in given:
        name, separator, size = text.partition("=")
        size, _, nodes = size.partition("x")
        if not separator or not size.startswith("db-") or not (nodes or "1").isdigit():
            raise InvalidInput(f"--database: expected NAME=db-s-1vcpu-1gb or NAME=db-s-1vcpu-1gbx2, found {text!r}.")
        found[name] = (size, int(nodes or 1))
    return found


def _yaml(path: Path) -> dict[str, object]:
    from autogrid.errors import InvalidInput

    try:
        import yaml
    except ImportError as error:
        raise InvalidInput("--spec: expected PyYAML, found none. Run: pip install 'autogrid[ops]'") from error
    try:
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InvalidInput(f"{path}: expected an app spec in YAML, found: {error}") from error
    if not isinstance(spec, dict):
        raise InvalidInput(f"{path}: expected an app spec in YAML, found {type(spec).__name__}.")
    return spec
