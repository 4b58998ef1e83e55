"""Slows guessing: sign-in attempts are counted in Redis, shared by all API processes."""

import hashlib
import time
from typing import cast

from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from autogrid.errors import TooMany, Unavailable


class Limiter:
    """So many attempts a minute for each of several subjects of one request."""

    def __init__(self, redis_url: str, per_minute: int) -> None:
        self._storage = cast(Storage, storage_from_string(redis_url, wrap_exceptions=True))
        self._strategy = SlidingWindowCounterRateLimiter(self._storage)
        self._item = RateLimitItemPerMinute(per_minute)

    def hit(self, what: str, *subjects: str) -> None:
        """Count one attempt at `what` for each subject (an address, an e-mail); TooMany names the seconds to wait.

        Without Redis nobody gets in: guessing must not become free because a server is down.
        """
        try:
            for subject in subjects:
                # Hashed: addresses of people have no business in Redis.
                name = hashlib.sha256(subject.strip().lower().encode()).hexdigest()[:32]
                if not self._strategy.hit(self._item, "autogrid", what, name):
                    left = self._strategy.get_window_stats(self._item, "autogrid", what, name).reset_time - time.time()
                    raise TooMany(
                        f"too many attempts: at most {self._item.amount} a minute, wait {max(1, round(left))} s",
                        max(1.0, left),
                    )
        except StorageError as error:
            raise Unavailable("Redis cannot be reached, so nobody can sign in now; try again") from error
