"""Every error AutoGrid raises, split by what the caller must do.

    AutogridError
    +-- InvalidInput      fix the input; nothing has happened
    |   +-- NotFound      ... it names a thing that does not exist, or is somebody else's
    |   +-- Conflict      ... it does not fit the state the thing is in now
    +-- NotAllowed        somebody with more rights may
    |   +-- NotSignedIn   ... sign in first
    +-- Unavailable       try again later; nothing has happened
    |   +-- RetryLater    ... not before `after_s` seconds; the exchange said so
    |   +-- TooMany       ... not before `after_s` seconds; the caller asked too often
    +-- Rejected          the exchange refused this order, for good; `reason` says what to decide
    +-- OutcomeUnknown    look up what happened before doing anything else
    +-- AccountBlocked    no request of this account will be answered until a person acts
    +-- Halted            stop the bot; a person has to look

A message says what was expected, what was found and how to mend it.
"""

from decimal import Decimal


class AutogridError(Exception):
    """Base of everything AutoGrid raises on purpose."""


class InvalidInput(AutogridError, ValueError):
    """The input cannot be worked with. Nothing has been stored, sent or changed; fix it and call again."""


class NotFound(InvalidInput):
    """There is no such thing, or none that the caller may see."""


class Conflict(InvalidInput):
    """The thing exists already, is in use, or is in a state in which this cannot be done. Look at it, then decide."""


class NotAllowed(AutogridError):
    """The caller may not do this. Nothing has happened; somebody with the right role may."""


class NotSignedIn(NotAllowed):
    """Who is calling is not known: no credentials, or ones that are wrong, expired or revoked."""


class Unavailable(AutogridError):
    """A server or file cannot be reached now. Nothing has been changed; calling again later is safe."""


class RetryLater(Unavailable):
    """The exchange refused to listen (rate limit, ban, clock, overload). The same request may be sent again later."""

    def __init__(self, message: str, after_s: float = 1.0, banned: bool = False) -> None:
        super().__init__(message)
        #: Seconds to wait before any request of the same scope.
        self.after_s = after_s
        #: True if every bot behind this address must wait (429, 418), not only this request.
        self.banned = banned


class TooMany(Unavailable):
    """The caller asks too often. Nothing has happened."""

    def __init__(self, message: str, after_s: float) -> None:
        super().__init__(message)
        #: Seconds to wait.
        self.after_s = after_s


class Rejected(AutogridError):
    """The exchange has definitely refused an order or a cancel."""

    def __init__(self, message: str, reason: str = "other") -> None:
        super().__init__(message)
        #: One of REJECTIONS.
        self.reason = reason


#: insufficient_funds: wait for funds. would_cross: a post-only order would take. duplicate: the id is open already,
#: look it up and adopt. unknown_order: nothing to cancel, look it up. filter: tick, lot or notional rules, reload
#: them. halted: the market does not trade. other: read the message.
REJECTIONS = ("insufficient_funds", "would_cross", "duplicate", "unknown_order", "filter", "halted", "other")


class OutcomeUnknown(AutogridError):
    """A request may or may not have taken effect. Look it up before repeating it."""


class AccountBlocked(AutogridError):
    """The key is revoked or lacks permission, or the exchange refuses this address (403, 451). Do not hammer it."""


class Halted(AutogridError):
    """Going on would be unsafe. The reason is in the message; a person has to decide."""


def shortened(value: object) -> str:
    """What somebody wrote, for a message: its beginning if it is long."""
    try:
        text = str(value) if isinstance(value, Decimal) else repr(value)
    except ValueError:  # a whole number of thousands of digits
        return "a number too long to be written down"
    return text if len(text) <= 40 else f"{text[:30]}... ({len(text)} characters)"
