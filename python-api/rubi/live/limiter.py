"""Rate limits that hold over all processes: the generic cell rate algorithm in Redis, exact and one round trip."""

import hashlib
from dataclasses import dataclass

import redis.asyncio as redis

from rubi.domain.errors import TooManyError, UnavailableError

# KEYS[1]: when the bucket will be empty again, in seconds. ARGV: seconds per event, events in a burst.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local empty_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local wait = empty_at + interval - now - interval * burst
if wait > 0.000001 then return tostring(wait) end
redis.call('SET', KEYS[1], string.format('%.6f', empty_at + interval), 'EX', math.ceil(interval * burst) + 1)
return '0'
"""

_GIVE_BACK = """
local empty_at = redis.call('GET', KEYS[1])
if empty_at then redis.call('SET', KEYS[1], string.format('%.6f', empty_at - tonumber(ARGV[1])), 'KEEPTTL') end
return 0
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `burst` at once, and `burst` in `period` seconds."""

    name: str
    burst: int
    period: float

    @property
    def interval(self) -> float:
        """Seconds after which one more is allowed."""
        return self.period / self.burst


class Limiter:
    """Counts what must not happen too often. What cannot be counted is not allowed."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client
        self._take = client.register_script(_TAKE)
        self._give_back = client.register_script(_GIVE_BACK)

    async def take(self, limit: Limit, subject: str) -> None:
        """Count one more of `subject`.

        Raises:
            TooManyError: over the limit; `retry_after` seconds are in the context.
            UnavailableError: Redis is away, nothing was counted.

        """
        try:
            wait = float(await self._take(keys=[_key(limit, subject)], args=[limit.interval, limit.burst]))
        except (redis.RedisError, OSError) as error:
            raise UnavailableError(
                "RATE_LIMIT_UNAVAILABLE", "logins are closed while Redis is away; try again soon", retry_after=5
            ) from error
        if wait > 0:
            raise TooManyError(
                "TOO_MANY_ATTEMPTS", f"too many attempts; try again in {int(wait) + 1} s", retry_after=int(wait) + 1
            )

    async def give_back(self, limit: Limit, subject: str) -> None:
        """Uncount one: it was no failure. Redis away: it runs out by itself."""
        try:
            await self._give_back(keys=[_key(limit, subject)], args=[limit.interval])
        except (redis.RedisError, OSError):
            return

    async def forget(self, limit: Limit, subject: str) -> None:
        """Start afresh for a subject. Redis away: it runs out by itself."""
        try:
            await self._redis.delete(_key(limit, subject))
        except (redis.RedisError, OSError):
            return


def _key(limit: Limit, subject: str) -> str:
    # Names and addresses do not stand in Redis as they are.
    return f"rubi:limit:{limit.name}:{hashlib.sha256(subject.encode()).hexdigest()[:32]}"
