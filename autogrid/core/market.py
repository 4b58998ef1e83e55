"""Market rules and units: the only place where a price or amount is rounded (contract, section 1)."""

from dataclasses import dataclass, replace
from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction

from autogrid.errors import InvalidInput, shortened

MICRO = 1_000_000
#: What users may write for a number that means money.
Number = str | int | Decimal
_WIDE = Context(prec=80)
#: Powers of ten and digits beyond which a number is a slip, and work with it would take for ever.
_SIZE, _DIGITS = 30, 100


def decimal_of(name: str, value: Number) -> Decimal:
    """`value` as a finite Decimal; floats are refused, since 0.1 is not a tenth in binary."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        said = shortened(value)
        raise InvalidInput(f'{name} must be exact: write "{said}" in quotes or use Decimal, was {said}')
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise InvalidInput(f"{name} must be a number, was {shortened(value)}") from None
    if not number.is_finite():
        raise InvalidInput(f"{name} must be a finite number, was {shortened(value)}")
    if number and (abs(number.adjusted()) > _SIZE or len(number.as_tuple().digits) > _DIGITS):
        raise InvalidInput(
            f"{name} must lie between 1e-{_SIZE} and 1e{_SIZE} and have at most {_DIGITS} digits, was {number:.3e}"
        )
    return number


def positive(name: str, value: Number) -> Decimal:
    """`value` as a Decimal above zero."""
    number = decimal_of(name, value)
    if number <= 0:
        raise InvalidInput(f"{name} must be above zero, was {number}")
    return number


def fee_atoms(notional: int, ppm: int) -> int:
    """Fee in quote atoms of a notional in atoms, rounded half up."""
    return (notional * ppm + 500_000) // MICRO


def gross_lots(lots: int, ppm: int) -> int:
    """The lots to order so that `lots` arrive after a fee of `ppm` taken from them."""
    return -(-lots * MICRO // (MICRO - ppm))


@dataclass(frozen=True)
class Market:
    """Rules of one market. Prices in quote per base, fees as fractions (0.001 = 0.1 %)."""

    tick: Decimal
    lot: Decimal
    min_notional: Decimal = Decimal(0)
    maker_fee: Decimal = Decimal(0)
    taker_fee: Decimal = Decimal(0)
    #: What a buy's fee is taken from: "quote" or "base". A sell's fee is always quote.
    buy_fee_asset: str = "quote"
    #: Most base in one order, most in one market order, most quote in one order; None: no limit is known.
    max_amount: Decimal | None = None
    max_market_amount: Decimal | None = None
    max_notional: Decimal | None = None

    def __init__(
        self,
        tick: Number,
        lot: Number,
        min_notional: Number = "0",
        maker_fee: Number = "0",
        taker_fee: Number = "0",
        buy_fee_asset: str = "quote",
        max_amount: Number | None = None,
        max_market_amount: Number | None = None,
        max_notional: Number | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "tick", positive("tick", tick))
        put(self, "lot", positive("lot", lot))
        least = decimal_of("min_notional", min_notional)
        if least < 0:
            raise InvalidInput(f"min_notional must not be negative, was {least}")
        put(self, "min_notional", least)
        put(self, "maker_fee", _fee("maker_fee", maker_fee))
        put(self, "taker_fee", _fee("taker_fee", taker_fee))
        if buy_fee_asset not in ("quote", "base"):
            raise InvalidInput(f'buy_fee_asset must be "quote" or "base", was {shortened(buy_fee_asset)}')
        put(self, "buy_fee_asset", buy_fee_asset)
        most = {"max_amount": max_amount, "max_market_amount": max_market_amount, "max_notional": max_notional}
        for name, value in most.items():
            put(self, name, None if value is None else positive(name, value))

    @property
    def maker_ppm(self) -> int:
        """Maker fee in millionths."""
        return int(self.maker_fee * MICRO)

    @property
    def taker_ppm(self) -> int:
        """Taker fee in millionths."""
        return int(self.taker_fee * MICRO)

    @property
    def fee_in_base(self) -> bool:
        """True if a buy's fee is taken from the bought base."""
        return self.buy_fee_asset == "base"

    @property
    def atom(self) -> Decimal:
        """Quote value of one tick times one lot."""
        return _WIDE.multiply(self.tick, self.lot)

    @property
    def min_notional_atoms(self) -> int:
        """The least notional an order may have, in atoms, rounded up."""
        return _ceil(Fraction(self.min_notional) / Fraction(self.atom))

    @property
    def max_lots(self) -> int | None:
        """The most lots one order may have."""
        return None if self.max_amount is None else self.lots(self.max_amount)

    @property
    def max_notional_atoms(self) -> int | None:
        """The most one order may be worth, in atoms."""
        return None if self.max_notional is None else self.atoms(self.max_notional)

    def max_market_lots(self, price: int) -> int | None:
        """The most lots of one market order at about `price` ticks; None: any number."""
        worth = self.max_notional_atoms
        most = [
            self.max_lots,
            None if self.max_market_amount is None else self.lots(self.max_market_amount),
            # An exchange goes by its own average price: keep away from the edge.
            None if worth is None else worth * 95 // (100 * price),
        ]
        return min((max(1, each) for each in most if each is not None), default=None)

    def limited_by(self, rules: "Market") -> "Market":
        """This market with the order sizes of other rules."""
        return replace(
            self,
            max_amount=rules.max_amount,
            max_market_amount=rules.max_market_amount,
            max_notional=rules.max_notional,
        )

    def unlimited(self) -> "Market":
        """The same market taking orders of any size, as simulated exchanges do."""
        if self.max_amount is None and self.max_market_amount is None and self.max_notional is None:
            return self
        return replace(self, max_amount=None, max_market_amount=None, max_notional=None)

    def price_ticks(self, price: Number) -> int:
        """A price in ticks, rounded half to even."""
        return round(Fraction(positive("price", price)) / Fraction(self.tick))

    def price(self, ticks: int) -> Decimal:
        """Ticks as a price, with the tick's decimals."""
        return _WIDE.multiply(self.tick, Decimal(ticks))

    def lots(self, amount: Number) -> int:
        """An amount of base in whole lots, rounded down."""
        return Fraction(decimal_of("amount", amount)) // Fraction(self.lot)

    def amount(self, lots: int) -> Decimal:
        """Lots as an amount of base, with the lot's decimals."""
        return _WIDE.multiply(self.lot, Decimal(lots))

    def atoms(self, money: Number) -> int:
        """Quote money in whole atoms, rounded down."""
        return Fraction(decimal_of("money", money)) // Fraction(self.atom)

    def money(self, atoms: int) -> Decimal:
        """Atoms as quote money, exact."""
        return _WIDE.multiply(self.atom, Decimal(atoms))


def _fee(name: str, value: Number) -> Decimal:
    fee = decimal_of(name, value)
    if not 0 <= fee < 1:
        raise InvalidInput(f'{name} must be a fraction from 0 to below 1 (0.1 % is "0.001"), was {fee}')
    if fee * MICRO != int(fee * MICRO):
        raise InvalidInput(f"{name} may have at most six decimals, was {fee}")
    return fee


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
