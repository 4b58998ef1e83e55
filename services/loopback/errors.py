"""Refusals in Binance's words: code, message and HTTP status of every error the exchange answers with."""

from autogrid.errors import InvalidInput


class ApiError(InvalidInput):
    """A request the exchange refuses; it has changed nothing. `args[0]` is the message of the reply."""

    def __init__(self, code: int, message: str, status: int = 400, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        #: Value of the Retry-After header, seconds.
        self.retry_after_s = retry_after_s

    @property
    def payload(self) -> dict[str, object]:
        """The JSON body."""
        return {"code": self.code, "msg": self.args[0]}


def missing(name: str) -> ApiError:
    """A mandatory parameter is absent, empty or not of its type."""
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def filter_failure(name: str) -> ApiError:
    """An order breaks one of the symbol's filters."""
    return ApiError(-1013, f"Filter failure: {name}")


def rejected(message: str) -> ApiError:
    """The matching engine refuses an order."""
    return ApiError(-2010, message)


BAD_SYMBOL = (-1121, "Invalid symbol.")
UNKNOWN_CANCEL = (-2011, "Unknown order sent.")
UNKNOWN_QUERY = (-2013, "Order does not exist.")
MATCHES = "Order would immediately match and take."
NO_FUNDS = "Account has insufficient balance for requested action."
DUPLICATE = "Duplicate order sent."
EITHER_ID = (-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
