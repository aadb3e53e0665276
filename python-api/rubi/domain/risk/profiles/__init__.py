"""Loss rules of prop firms as data: one JSON file each, with its public source.

A profile is laid over a policy and changes the loss limits only. Firms change their rules; the source says where to
check.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from rubi.domain.errors import NotFoundError
from rubi.domain.risk.policy import RiskPolicy
from rubi.domain.risk.record import build
from rubi.domain.units import Money


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules of one programme in words, and as parameters of a policy."""

    title: str
    source: str
    rules: str
    policy: dict[str, Any]


@cache
def profiles() -> dict[str, Profile]:
    """Return all profiles by name."""
    found = sorted(entry.name for entry in files(__package__).iterdir() if entry.name.endswith(".json"))
    return {name.removesuffix(".json"): _load(name) for name in found}


def apply(name: str, policy: RiskPolicy, initial_balance: Money) -> RiskPolicy:
    """Return the policy with a profile's loss limits and the next version; `NotFoundError` for an unknown name."""
    profile = profiles().get(name)
    if profile is None:
        raise NotFoundError("PROFILE_UNKNOWN", f"{name!r} is none of {', '.join(profiles())}", name=name)
    values = policy.to_dict() | profile.policy
    return RiskPolicy.from_dict(values | {"initial_balance": str(initial_balance), "version": policy.version + 1})


def _load(name: str) -> Profile:
    return build(Profile, json.loads(files(__package__).joinpath(name).read_text(encoding="utf-8")))
