"""Desired orders against live ones: what to cancel, what to place, what to leave alone. Idempotent by construction."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from autogrid.core.bot import OPEN, PLANNED, SENT, Order
from autogrid.core.orders import Intent


@dataclass
class Changes:
    """What to do. An order in none of the lists waits for its outcome."""

    #: Rests and is wanted as it is.
    keep: list[Order] = field(default_factory=list)
    #: Written down, still wanted, never sent (or known not to have arrived): send it.
    send: list[Order] = field(default_factory=list)
    #: Rests and is not wanted.
    cancel: list[Order] = field(default_factory=list)
    #: Written down, not wanted any more, never sent: forget it.
    drop: list[Order] = field(default_factory=list)
    #: Wanted and not there.
    place: list[Intent] = field(default_factory=list)


def diff(wanted: Iterable[Intent], live: Iterable[Order]) -> Changes:
    """Compare by (kind, cell). A place that is taken by an unsettled or unwanted order is filled only after it."""
    changes = Changes()
    there = {order.key[:2]: order for order in live}
    for intent in wanted:
        order = there.pop(intent.key[:2], None)
        if order is None:
            changes.place.append(intent)
        elif _same(order, intent):
            if order.status == PLANNED:
                changes.send.append(order)
            else:
                changes.keep.append(order)
        else:
            if order.status == PLANNED:
                changes.drop.append(order)
                changes.place.append(intent)
            elif order.status == OPEN:
                changes.cancel.append(order)
    for order in there.values():
        if order.status == PLANNED:
            changes.drop.append(order)
        elif order.status == OPEN:
            changes.cancel.append(order)
    return changes


def _same(order: Order, intent: Intent) -> bool:
    if order.key != intent.key or order.side != intent.side:
        return False
    # A market order has no price to compare; what it lacks is not booked yet, or one slice of what is wanted.
    if order.is_market:
        return order.status == SENT or order.lots - order.filled <= intent.lots
    return order.price == intent.price and order.lots - order.filled == intent.lots
