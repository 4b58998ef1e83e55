"""Ids as the commands take them: what is no id of the store is refused before anything happens."""

from typing import Annotated, Any

import typer

#: PostgreSQL's largest integer.
_RANGE: dict[str, Any] = {"min": 1, "max": 2**31 - 1, "metavar": "ID"}

BotId = Annotated[int, typer.Argument(help="The bot's id.", **_RANGE)]
AnyBotId = Annotated[int | None, typer.Argument(help="The bot's id.", **_RANGE | {"metavar": "[ID]"})]
SwitchId = Annotated[int, typer.Argument(help="The switch's id.", **_RANGE)]
ReportId = Annotated[int, typer.Argument(help="The report's id.", **_RANGE)]
ScheduleId = Annotated[int, typer.Argument(help="The schedule's id.", **_RANGE)]

OfBot = Annotated[int | None, typer.Option("--bot", help="The bot, for bot_daily.", **_RANGE)]
OfStudy = Annotated[int | None, typer.Option("--study", help="The study, for study.", **_RANGE)]
