"""Study files, as users write them."""

_AROUND = """\
[market]
exchange = "binance"
symbol = "BTC/USDT"
tick = "0.01"
lot = "0.00001"
min_notional = "5"
maker_fee = "0.001"
taker_fee = "0.001"
buy_fee_asset = "{buy_fee_asset}"
[candles]
timeframe = "1m"
[strategy.params]
lower = "{lower}"
upper = "{upper}"
cells = {cells}
{amount}
"""


def around(
    price: float, share: float = 0.03, cells: int = 8, amount: str = 'investment = "1000"', buy_fee_asset: str = "quote"
) -> str:
    """A grid that reaches so far to both sides of a price; `amount` is a line, or more of them."""
    lower, upper = (round(price * (1 + side), 2) for side in (-share, share))
    return _AROUND.format(lower=lower, upper=upper, cells=cells, amount=amount, buy_fee_asset=buy_fee_asset)


_DECIDES = """\
[market]
exchange = "binance"
symbol = "BTC/USDT"
tick = "0.01"
lot = "0.001"
min_notional = "1"
maker_fee = "0.001"
taker_fee = "0.001"
[candles]
timeframe = "1m"
[strategy]
name = "{name}"
[strategy.params]
{params}
[simulation]
cash = "1000"
"""
#: Parameters with which these strategies work.
WORKABLE = {
    "recentre": {"width": '"0.1"', "cells": "4", "every": '"15m"'},
    "atr": {"cells": "4", "every": '"15m"', "length": "2"},
}
#: (strategy, parameter, what a study says, what is told of it): never works, whatever the market and the candles.
UNWORKABLE = [
    ("recentre", "width", '"1.5"', "width must be below 1, was "),
    ("recentre", "width", '"1"', "width must be below 1, was "),
    ("recentre", "width", "0.0", "width must be above 0, was "),
    ("recentre", "width", '"-0.1"', "width must be above 0, was "),
    ("recentre", "width", '"nan"', "width must be a finite number, was 'nan'"),
    ("recentre", "width", "inf", "width must be a finite number, was Infinity"),
    (
        "recentre",
        "width",
        '"1e400"',
        "width must lie between 1e-30 and 1e30 and have at most 100 digits, was 1.000e+400",
    ),
    ("recentre", "width", '"1e-3000"', "width must lie between 1e-30 and 1e30"),
    ("recentre", "width", '"1e-29"', "width makes no grid: lower must be below upper"),
    ("recentre", "width", f'"0.{"9" * 40}"', "width makes no grid: lower must lie between"),
    ("recentre", "width", '"wide"', "width must be a number, was 'wide'"),
    ("recentre", "width", "true", "width must be a number, was True"),
    ("recentre", "width", "[1, 2]", "width must be a number, was [1, 2]"),
    ("recentre", "width", None, "needs width"),
    ("recentre", "cells", None, "needs cells"),
    *(
        (name, *each)
        for name in WORKABLE
        for each in (
            ("cells", "0", "cells must be at least 1, was 0"),
            ("cells", "-4", "cells must be at least 1, was -4"),
            ("cells", "100001", "cells must be at most 100000, was 100001"),
            ("cells", "1" + "0" * 400, "cells must be at most 100000, was 1"),
            ("cells", "0x" + "f" * 5000, "cells must be at most 100000, was a number too long to be written down"),
            ("cells", '"1' + "0" * 5000 + '"', "cells must be a whole number, was '1"),
            ("cells", "4.5", "cells must be a whole number, was "),
            ("cells", '"many"', "cells must be a whole number, was 'many'"),
            ("cells", "true", "cells must be a number, was True"),
            (
                "spacing",
                '"geometrical"',
                "spacing must be one of arithmetic, geometric, was 'geometrical' (did",
            ),
            ("spacing", "3", "spacing must be a text, was 3"),
            ("share", '"0"', "share must be above 0, was "),
            ("share", '"1.001"', "share must be at most 1, was "),
            ("share", '"-inf"', "share must be a finite number, was '-inf'"),
            ("every", '"7m"', "every must divide a day, such as 15m, 4h or 1d, was '7m'"),
            ("every", '"2d"', "every must divide a day, such as 15m, 4h or 1d, was '2d'"),
            ("every", '"1M"', "every must divide a day, such as 15m, 4h or 1d, was '1M'"),
            ("every", '""', "every must divide a day, such as 15m, 4h or 1d, was ''"),
            ("every", "15", "every must be a text, was 15"),
            ("more", "1", "has no key 'more'"),
        )
    ),
    ("atr", "ranges", '"0"', "ranges must be above 0, was "),
    ("atr", "ranges", '"1e31"', "ranges must lie between 1e-30 and 1e30"),
    ("atr", "length", "0", "length must be at least 1, was 0"),
    ("atr", "length", "1" + "0" * 400, "length must be at most 1000000, was 1"),
    ("atr", "drift", '"-0.001"', "drift must be at least 0, was "),
    ("atr", "drift", '"snan"', "drift must be a finite number, was 'snan'"),
]


def decides(name: str, key: str = "cells", value: str | None = "4") -> str:
    """A study whose strategy decides, with a parameter as a study says it; None: without it."""
    said = {name: text for name, text in {**WORKABLE[name], key: value}.items() if text is not None}
    return _DECIDES.format(name=name, params="\n".join(f"{name} = {text}" for name, text in said.items()))
