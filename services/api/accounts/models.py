"""Exchange accounts as the API shows them. Credentials go in and never come out."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from autogrid.store.accounts import PAPER, Credentials
from services.api.deps import Name


def _printable(value: SecretStr) -> SecretStr:
    if not re.fullmatch(_PRINTABLE, value.get_secret_value()):
        raise ValueError("expected printable ASCII characters, found others")
    return value


#: Keys, and private keys in PEM with their line breaks.
_PRINTABLE = r"^[\x20-\x7e\r\n]+$"
Secret = Annotated[
    SecretStr,
    Field(min_length=1, max_length=4000, json_schema_extra={"pattern": _PRINTABLE}),
    AfterValidator(_printable),
]
#: Of a server that speaks the exchange's API.
Url = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.:_\[\]-]+(/[A-Za-z0-9._/-]*)?$", max_length=200)]
Exchange = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,39}$"), Field(examples=["binance", "paper"])]


class Keys(BaseModel):
    """What opens an account at an exchange."""

    model_config = ConfigDict(extra="forbid")

    api_key: Secret
    api_secret: Secret
    #: The third part that some exchanges ask for (okx, kucoin, bitget).
    passphrase: Secret | None = None

    def plain(self) -> Credentials:
        """For the store, which encrypts them."""
        third = None if self.passphrase is None else self.passphrase.get_secret_value()
        return Credentials(self.api_key.get_secret_value(), self.api_secret.get_secret_value(), third)


class NewAccount(BaseModel):
    """An account to be kept. Its key should be able to trade and unable to withdraw."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "play money", "exchange": "paper"},
                {"name": "main", "exchange": "binance", "keys": {"api_key": "key", "api_secret": "secret"}},
            ]
        }
    )

    name: Name
    #: An exchange as ccxt names it, or paper.
    exchange: Exchange
    keys: Keys | None = None
    #: Another server than the exchange's own, such as the loopback exchange.
    base_url: Url | None = None

    @model_validator(mode="after")
    def _fits(self) -> "NewAccount":
        if self.exchange == PAPER and (self.keys or self.base_url):
            raise ValueError("a paper account has neither keys nor base_url")
        return self


class AccountChange(BaseModel):
    """What may change about an account; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    #: Replaces all of its credentials.
    keys: Keys | None = None


class Account(BaseModel):
    """An account, without its credentials."""

    id: int
    owner_id: int | None
    name: str
    exchange: str
    base_url: str | None
    #: The last characters of its key; null where it has none.
    key_hint: str | None
    #: No request is sent before this time.
    paused_until: datetime | None
    #: Why no request is sent until a person acts.
    blocked_reason: str | None
    created_at: datetime


class Coin(BaseModel):
    """One coin an account holds."""

    asset: str
    free: Decimal
    total: Decimal


class Probed(BaseModel):
    """What one look at an account showed."""

    reachable: bool
    #: Whether the key may; null where the exchange does not say.
    trade: bool | None
    withdraw: bool | None
    balances: list[Coin]
    #: What to know before money is at stake.
    warnings: list[str]
