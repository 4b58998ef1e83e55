"""Events in logs have constant names: the data goes into fields, so that lines can be counted by name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


def wrong(source: str, where: str) -> Iterator[str]:
    """Log calls (`log.info(...)`, `get_logger().info(...)`) whose event is not a constant in snake_case."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
            continue
        owner = ast.unparse(node.func.value).lower()
        if not re.search(r"\blog(ger)?\b|get_logger\(", owner.replace("_log", " log")):
            continue
        event = node.args[0] if node.args else None
        named = isinstance(event, ast.Constant) and isinstance(event.value, str) and NAME.fullmatch(event.value)
        if not named:
            yield f"{where}:{node.lineno}: expected a constant snake_case event, found {ast.unparse(node)}"


def test_every_event_in_the_package_has_a_constant_name() -> None:
    found: list[str] = []
    for package in ("autogrid", "services"):
        for path in sorted((ROOT / package).rglob("*.py")):
            found += wrong(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
    assert not found, "\n".join(found)


def test_the_check_catches_what_it_should() -> None:
    bad = [
        'log.info(f"bot {x}")',
        'logger.error("Bot stopped: %s", x)',
        "_log.warning(x)",
        'self.log.info("A b")',
        "log.info()",
    ]
    assert [len(list(wrong(line, "x"))) for line in bad] == [1] * len(bad)
    good = [
        'log.info("order_placed", x=1)',
        'structlog.get_logger().info("tick_done")',
        "math.log.other(x)",
        'dialog.info("A b")',
    ]
    assert [len(list(wrong(line, "x"))) for line in good] == [0] * len(good)
