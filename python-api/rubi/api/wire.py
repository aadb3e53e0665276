"""What bodies have in common: unknown fields are refused, so that none is set by accident."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer


class Asked(BaseModel):
    """A body that a person's client sends."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, str_max_length=10_000, frozen=True)


class Told(BaseModel):
    """A body that the service sends."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


def utc(moment: datetime) -> str:
    """ISO 8601 with `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(utc, return_type=str, when_used="json")]
"""UTC, ISO 8601 with `Z`."""
