"""The only place that reads the environment."""

from functools import lru_cache
from pathlib import Path

import platformdirs
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of one process. Names of environment variables are the field names in capitals."""

    model_config = SettingsConfigDict(env_prefix="", extra="ignore", frozen=True)

    #: PostgreSQL to use; None starts (or reuses) the embedded server below `autogrid_home`.
    database_url: SecretStr | None = None
    #: Where the embedded server, the candle cache and compiled kernels live.
    autogrid_home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("autogrid")))
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
