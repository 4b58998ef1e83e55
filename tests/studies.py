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
