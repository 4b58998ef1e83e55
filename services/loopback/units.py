"""Integers for prices, amounts and money.

A price or amount is an int of 1e-8 ("e8", Binance's eight decimals), money of any asset an int of 1e-16
("units"), so that price x amount is money without rounding. Filters may change while orders rest, hence no
ticks and lots here.
"""

from decimal import Context, Decimal, InvalidOperation

E8 = 10**8
UNIT = 10**16
PPM = 10**6
_WIDE = Context(prec=60)


def parse(text: str | int | Decimal, scale: int) -> int | None:
    """The exact int of a decimal number in 1/scale; None when it is no plain number or has more decimals."""
    try:
        number = Decimal(text)
    except (InvalidOperation, TypeError, ValueError):
        return None
    if not number.is_finite() or abs(number) > 10**15:
        return None
    scaled = _WIDE.multiply(number, Decimal(scale))
    return int(scaled) if scaled == scaled.to_integral_value() else None


def e8(text: str | int | Decimal) -> int:
    """A trusted price or amount (configuration, tape) as e8; ValueError when it does not fit."""
    value = parse(text, E8)
    if value is None:
        raise ValueError(f"expected a number with at most 8 decimals, found {text!r}")
    return value


def units(text: str | int | Decimal) -> int:
    """Trusted money as units; ValueError when it does not fit."""
    value = parse(text, UNIT)
    if value is None:
        raise ValueError(f"expected a number with at most 16 decimals, found {text!r}")
    return value


def e8_text(value: int) -> str:
    """Price or amount with eight decimals."""
    sign, value = ("-", -value) if value < 0 else ("", value)
    return f"{sign}{value // E8}.{value % E8:08d}"


def units_text(value: int) -> str:
    """Money with eight decimals, or as many as it takes."""
    sign, value = ("-", -value) if value < 0 else ("", value)
    whole, part = divmod(value, UNIT)
    digits = f"{part:016d}".rstrip("0")
    return f"{sign}{whole}.{digits.ljust(8, '0')}"
