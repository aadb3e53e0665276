"""Hash and verify passwords with argon2id, off the event loop, a bounded number at a time."""

import asyncio
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

from rubi.domain.errors import UnavailableError

with warnings.catch_warnings():
    # passlib looks for the crypt module and for argon2.__version__, both deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from passlib.context import CryptContext
    from passlib.handlers.argon2 import argon2 as _argon2

    # 46 MiB, one pass: the first of OWASP's equally strong settings; about 60 ms of one core.
    _HASHES = CryptContext(
        schemes=["argon2"], argon2__type="ID", argon2__memory_cost=47104, argon2__time_cost=1, argon2__parallelism=1
    )
    _argon2.set_backend("argon2_cffi")

P = ParamSpec("P")
R = TypeVar("R")

_AT_ONCE = 2
_LONGEST_QUEUE = 200
_THREADS = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")
_waiting = 0


async def hash_password(password: str) -> str:
    """The argon2id hash of a password, with its salt and costs inside.

    Raises:
        UnavailableError: too many are being hashed already.

    """
    return await _in_thread(_HASHES.hash, password)


async def verify_password(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one that was hashed. No hash: False, after the same time.

    Raises:
        UnavailableError: too many are being verified already.

    """
    correct = await _in_thread(_verify, password, password_hash)
    return correct and password_hash is not None


def _verify(password: str, password_hash: str | None) -> bool:
    nobody = _nobody()  # made by whoever comes first, known user or not
    return _HASHES.verify(password, password_hash or nobody)


@cache
def _nobody() -> str:
    return _HASHES.hash("a password that nobody has")


async def _in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    global _waiting  # noqa: PLW0603 - one process, one queue of hashes
    if _waiting >= _LONGEST_QUEUE:
        raise UnavailableError(
            "PASSWORD_QUEUE_FULL", "too many logins at once; try again in a few seconds", retry_after=5
        )
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_THREADS, partial(function, *args, **kwargs))
    finally:
        _waiting -= 1
