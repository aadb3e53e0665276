"""The service's settings, from the environment and `python-api/.env`. A missing or weak secret stops the start."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

SOURCE_ROOT = Path(__file__).resolve().parent.parent
PROJECT_ROOT = SOURCE_ROOT.parent

_SHORTEST_SECRET = 32
_KNOWN_SECRETS = (
    "change-in-production",
    "changeme",
    "change-me",
    "your-secret",
    "your-jwt-secret",
    "secret-key",
    "password",
)


class SettingsError(Exception):
    """The environment cannot be used; the message says which setting, why, and what to do."""


class Settings(BaseSettings):
    """What the environment says, under the specification's names; each may also come from a file, by `<NAME>_FILE`."""

    model_config = SettingsConfigDict(
        env_file=SOURCE_ROOT / ".env",
        env_file_encoding="utf-8",
        extra="ignore",
        case_sensitive=False,
        env_ignore_empty=True,
    )

    database_url: SecretStr
    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    api_host: str = "127.0.0.1"
    api_port: int = Field(8000, ge=1, le=65535)
    api_secret_key: SecretStr | None = None
    jwt_secret: SecretStr
    jwt_secret_previous: SecretStr | None = None
    jwt_algorithm: Literal["HS256", "HS384", "HS512"] = "HS256"
    jwt_expiration: int = Field(3600, ge=60, le=86400)
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_file: Path | None = PROJECT_ROOT / "logs" / "rubi-studio.log"
    sentry_dsn: SecretStr | None = None
    prometheus_port: int | None = Field(None, ge=1, le=65535)
    metrics_token: SecretStr | None = None
    worker_metrics_port: int | None = Field(None, ge=1, le=65535)
    heartbeat_file: Path | None = None
    database_pool_size: int = Field(10, ge=2, le=200)
    retention_snapshots_days: int = Field(90, ge=2, le=36500)
    retention_ticks_days: int = Field(30, ge=2, le=36500)
    registration: Literal["open", "closed"] = "open"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read `<NAME>_FILE` after the plain variables."""
        return init_settings, env_settings, _FromNamedFiles(settings_cls), dotenv_settings, file_secret_settings

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        text = value.strip()
        origins = (
            json.loads(text) if text.startswith("[") else [part.strip() for part in text.split(",") if part.strip()]
        )
        if "*" in origins:
            raise ValueError('names every origin; list the exact ones, as in ["https://app.example.com"]')
        return tuple(origins)

    @field_validator("jwt_secret", "jwt_secret_previous", "api_secret_key")
    @classmethod
    def _strong(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        secret = value.get_secret_value()
        if len(secret) < _SHORTEST_SECRET:
            raise ValueError(
                f"has {len(secret)} characters; use at least {_SHORTEST_SECRET}, as `openssl rand -base64 48` makes"
            )
        if any(known in secret.lower() for known in _KNOWN_SECRETS) or len(set(secret)) < 8:
            raise ValueError("is a known default or too regular; make one with `openssl rand -base64 48`")
        return value


class _FromNamedFiles(PydanticBaseSettingsSource):
    """Secrets from files named by `<NAME>_FILE`, as Docker and Kubernetes mount them."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the base class fixes the signature
        import os

        path = os.environ.get(f"{field_name.upper()}_FILE")
        return (Path(path).read_text(encoding="utf-8").strip() if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            value, key, _ = self.get_field_value(field, name)
            if value is not None:
                found[key] = value
        return found


def load_settings() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: naming every variable that is missing or wrong, never its value.

    """
    try:
        return Settings()
    except OSError as error:
        raise SettingsError(f"a secret's file cannot be read: {error}") from None
    except ValidationError as error:
        lines = []
        for problem in error.errors(include_input=False, include_url=False, include_context=False):
            name = str(problem["loc"][0]).upper() if problem["loc"] else "settings"
            what = "is not set" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")
            lines.append(f"{name} {what}")
        raise SettingsError("; ".join(lines)) from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings, read once a process."""
    return load_settings()
