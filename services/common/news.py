"""What people are told about."""

from typing import Literal

Kind = Literal["bot_halted", "bot_killed", "stop_hit", "missing_orders", "digest", "signup"]
#: Told at once, quiet hours or not: money may be at stake.
URGENT: frozenset[Kind] = frozenset(("bot_halted", "bot_killed"))
