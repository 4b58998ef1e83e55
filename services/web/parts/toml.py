"""Single values of a study file, read and replaced with comments and order left as they are."""

import re
import tomllib
from typing import Any

_HEAD = re.compile(r"^\s*\[(?P<name>[^\[\]]+)\]\s*(#.*)?$")

START = """\
[market]
exchange = "{exchange}"
symbol = "{symbol}"
{rules}[candles]
timeframe = "{timeframe}"
[strategy]
name = "static"
[strategy.params]
lower = "{lower}"
upper = "{upper}"
cells = 40
spacing = "geometric"
investment = "1000"
[simulation]
penetration_ticks = 1
"""


def values(text: str) -> dict[tuple[str, str], Any]:
    """(section, key) -> value; empty where the text is no TOML."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
    flat: dict[tuple[str, str], Any] = {}
    _walk(found, "", flat)
    return flat


def _walk(table: dict[str, Any], section: str, flat: dict[tuple[str, str], Any]) -> None:
    for key, value in table.items():
        if isinstance(value, dict):
            _walk(value, f"{section}.{key}" if section else key, flat)
        else:
            flat[section, key] = value


def put(text: str, section: str, key: str, value: str | int | None) -> str:
    """The text with one value set, or taken out (None)."""
    lines = text.splitlines()
    begin, end = _section(lines, section)
    if begin is None:
        if value is None:
            return text
        return "\n".join([*lines, f"[{section}]", f"{key} = {_written(value)}"]) + "\n"
    for at in range(begin, end):
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[at]):
            lines[at : at + 1] = [] if value is None else [f"{key} = {_written(value)}"]
            return "\n".join(lines) + "\n"
    if value is not None:
        lines.insert(end, f"{key} = {_written(value)}")
    return "\n".join(lines) + "\n"


def _section(lines: list[str], section: str) -> tuple[int | None, int]:
    begin = None
    for at, line in enumerate(lines):
        head = _HEAD.match(line)
        if head is None:
            continue
        if begin is not None:
            return begin, at
        if head["name"].strip() == section:
            begin = at + 1
    return begin, len(lines)


def _written(value: str | int) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
