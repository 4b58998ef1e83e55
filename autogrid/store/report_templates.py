"""Reports there are: papermill notebooks with named parameters."""

from dataclasses import dataclass
from typing import Any

from autogrid.errors import InvalidInput


@dataclass(frozen=True)
class Template:
    """One notebook of backtests/reports."""

    name: str
    title: str
    #: Parameter -> type. All have to be given.
    params: dict[str, type]


TEMPLATES = {
    template.name: template
    for template in (
        Template("study", "A study: backtest, bounds and sweep", {"study_id": int}),
        Template("bot_daily", "A bot's day: fills, PnL split, twin", {"bot_id": int}),
        Template("portfolio_weekly", "All your bots: the week", {}),
        Template("data_quality", "Candles: coverage and gaps", {}),
    )
}


def check(name: str, params: dict[str, Any]) -> None:
    """InvalidInput unless `params` are those of the template."""
    template = TEMPLATES.get(name)
    if template is None:
        raise InvalidInput(f"template: expected one of {', '.join(TEMPLATES)}, found {name!r}")
    if set(params) != set(template.params):
        expected = ", ".join(template.params) or "none"
        raise InvalidInput(f"params of {name}: expected {expected}, found {', '.join(params) or 'none'}")
    for key, kind in template.params.items():
        if type(params[key]) is not kind:
            raise InvalidInput(f"params of {name}: expected {key} as {kind.__name__}, found {params[key]!r}")
