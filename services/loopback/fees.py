"""Commission of a fill, charged so that an order's parts cost what the whole costs."""

from services.loopback.account import Account
from services.loopback.market import Market
from services.loopback.order import Order
from services.loopback.units import E8, PPM, UNIT


def _round(exact: int, decimals: int) -> int:
    """Units of money in 1e-22 (money x ppm), rounded half up to `decimals`."""
    step: int = UNIT // 10**decimals
    return (exact + PPM * step // 2) // (PPM * step) * step


def fee_of(order: Order, asset: str, exact: int, decimals: int) -> int:
    """What is due when `exact` is added to the order's commission in `asset`; units."""
    return _round(order.fee_exact.get(asset, 0) + exact, decimals) - order.fee_paid.get(asset, 0)


def choose(account: Account, market: Market, order: Order, price: int, qty: int, ppm: int) -> tuple[str, int]:
    """(asset, exact commission) of a fill: the account's wish where its free money can pay it, else what came in."""
    received = (market.base, qty * E8 * ppm) if order.is_buy else (market.quote, price * qty * ppm)
    wish = account.fee_asset
    if wish in ("received", "base", received[0]):
        return received
    if wish == "quote":
        wanted = (market.quote, price * qty * ppm)
        if not order.is_buy:
            return wanted
    else:
        share = price * qty * ppm * account.fee_share_percent * E8
        wanted = (wish, share // (100 * account.fee_price))
    due = fee_of(order, *wanted, market.commission_decimals)
    return wanted if due <= account.free(wanted[0]) else received


def reserve(account: Account, market: Market, order: Order) -> int:
    """What the rest of a resting order must keep locked: its cost, with the maker fee where that is quote."""
    if not order.is_buy:
        return order.rest * E8
    cost = order.price * order.rest
    if account.fee_asset != "quote":
        return cost
    return cost + max(0, fee_of(order, market.quote, cost * market.maker_ppm, market.commission_decimals))
