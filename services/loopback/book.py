"""Resting orders of one market in price-time priority."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from services.loopback.order import Order

Key = tuple[int, int]


class Side:
    """One side. The best price has the least key; at one price the earlier order does."""

    def __init__(self, is_buy: bool) -> None:
        self.sign = -1 if is_buy else 1
        self._keys: list[Key] = []
        self._orders: dict[Key, Order] = {}

    def _key(self, order: Order) -> Key:
        return self.sign * order.price, order.id

    def add(self, order: Order) -> None:
        """Put an order behind those of its price."""
        key = self._key(order)
        insort(self._keys, key)
        self._orders[key] = order

    def remove(self, order: Order) -> None:
        """Take a resting order off."""
        key = self._key(order)
        del self._orders[key]
        del self._keys[bisect_left(self._keys, key)]

    def best(self) -> Order | None:
        """The order that fills first."""
        return self._orders[self._keys[0]] if self._keys else None

    def __iter__(self) -> Iterator[Order]:
        return (self._orders[key] for key in self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class Book:
    """Both sides of a market."""

    def __init__(self) -> None:
        self.bids = Side(True)
        self.asks = Side(False)

    def side(self, is_buy: bool) -> Side:
        """The side an order rests on."""
        return self.bids if is_buy else self.asks

    def levels(self, is_buy: bool, limit: int) -> list[tuple[int, int]]:
        """(price, amount) from the best, at most `limit` prices; e8."""
        found: list[tuple[int, int]] = []
        for order in self.side(is_buy):
            if found and found[-1][0] == order.price:
                found[-1] = (order.price, found[-1][1] + order.rest)
            elif len(found) == limit:
                break
            else:
                found.append((order.price, order.rest))
        return found
