"""The only place that reads the environment."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of one process. Names of environment variables are the field names in capitals."""

    model_config = SettingsConfigDict(env_prefix="", extra="ignore", frozen=True)

    #: PostgreSQL to use; None starts (or reuses) the embedded server below `autogrid_home`.
    database_url: SecretStr | None = None
    #: Where the embedded server and the candle cache live.
    autogrid_home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("autogrid")))
    #: Where compiled kernels live; safe to delete at any time.
    autogrid_cache: Path = Field(default_factory=lambda: Path(platformdirs.user_cache_dir("autogrid")))

    #: In development, keys that are not given are made and kept below `autogrid_home`; elsewhere nothing starts
    #: without them.
    autogrid_env: Literal["development", "staging", "production"] = "development"
    #: Redis or Valkey to use; None starts (or reuses) the embedded server below `autogrid_home`.
    redis_url: SecretStr | None = None
    #: Keys for exchange credentials, made with `autogrid secrets new`, separated by commas: the first encrypts, all
    #: decrypt.
    encryption_key: SecretStr | None = None
    #: Key, secret and, for okx, kucoin and bitget, password that `autogrid accounts add --from-env` stores encrypted.
    #: Nothing else reads them: unset them afterwards.
    exchange_api_key: SecretStr | None = None
    exchange_api_secret: SecretStr | None = None
    exchange_api_password: SecretStr | None = None
    #: How long after it was signed an exchange may still accept a request, ms.
    recv_window_ms: int = 5_000
    #: Added to the receive window before an order whose sending was never answered, and which the exchange does not
    #: know, is sent again, ms. Exchanges publish orders late: keep it above 10 s outside tests.
    settle_margin_ms: int = 12_000
    #: Oldest last close that the price of a start or stop order is compared with (a bot's limit max_price_deviation),
    #: seconds; where there is no younger one the order goes unchecked, and an event of the bot says so.
    close_max_age_s: float = 600.0
    #: How long an exchange may take to answer, seconds.
    http_timeout_s: float = 10.0
    #: Name of the address that requests to exchanges come from; processes with the same name share one budget.
    egress_name: str = "default"
    #: Part of an exchange's rate limits that processes with this `egress_name` may use. More than 1 serves only
    #: against an exchange of one's own.
    rate_limit_share: float = 1.0
    #: Hosts, addresses and networks (`loopback, 10.1.0.0/16`) that webhooks and base URLs of users may name although
    #: they are no part of the public internet; in development they may name any.
    outbound_allow: str = ""
    #: Seconds between two looks at a quiet bot.
    tick_interval_s: float = 5.0
    #: Seconds between two looks for bots that are due.
    dispatch_interval_s: float = 1.0
    #: Seconds between two full comparisons of a bot's orders with the exchange's.
    reconcile_interval_s: float = 300.0

    #: Signs access tokens; at least 32 characters. In development a file below `autogrid_home` keeps one.
    jwt_secret: SecretStr | None = None
    #: Whether strangers may create themselves a user; None: in development only.
    signup_enabled: bool | None = None
    #: Origins (https://page.example.org) whose pages may call the API from a browser, separated by commas.
    cors_origins: str = ""
    #: Address of the REST API.
    api_host: str = "127.0.0.1"
    #: Port of the REST API.
    api_port: int = 8000
    #: Largest request body the API reads, bytes.
    api_max_body: int = 1_000_000
    #: Logins, and sign-ups, that one address may try in a minute.
    auth_attempts_per_minute: int = 10

    #: Address of the web page.
    web_host: str = "127.0.0.1"
    #: Port of the web page.
    web_port: int = 3000
    #: Where the page finds the REST API.
    api_url: str = "http://127.0.0.1:8000"
    #: Signs the page's session cookies; at least 32 characters. In development a file below `autogrid_home` keeps one.
    web_secret: SecretStr | None = None
    #: REST API that the command line works with, as with --api; None: the local database.
    autogrid_api_url: str | None = None
    #: API key (ag_...) for it.
    autogrid_api_key: SecretStr | None = None

    #: What the edge adds as header X-Origin-Token; requests that came through a proxy without it are refused.
    origin_token: SecretStr | None = None
    #: Least severe log line that is written: DEBUG, INFO, WARNING, ERROR.
    log_level: str = "INFO"
    #: Port of /metrics in worker, beat and stream processes; None serves none. (api and web answer on their own port.)
    metrics_port: int | None = None
    #: Directory in which the processes of one service add up their metrics; None where it is one process.
    prometheus_multiproc_dir: Path | None = None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings, read once. Tests call `settings.cache_clear()` after changing the environment."""
    return Settings()
