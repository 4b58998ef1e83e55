"""The exchange's times."""

import time
from dataclasses import dataclass


@dataclass
class Clock:
    """Three times in ms UTC: the machine's, the tape's, and the one stamped on orders and trades.

    Signatures are checked against the machine's, plus `offset_ms` (a drifted clock). Stamps are the machine's
    too, unless `tape_stamps`: then orders and trades carry the time of the tape that filled them.
    """

    offset_ms: int = 0
    tape_stamps: bool = False
    tape_ms: int = 0

    def wall(self) -> int:
        """The machine's time."""
        return time.time_ns() // 1_000_000

    def server(self) -> int:
        """What the exchange believes to be the time."""
        return self.wall() + self.offset_ms

    def tape(self) -> int:
        """Time of the tape's last print."""
        return self.tape_ms

    def stamp(self) -> int:
        """Time of an order or trade."""
        return self.tape_ms if self.tape_stamps else self.server()
