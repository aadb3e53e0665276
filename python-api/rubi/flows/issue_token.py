"""Give a program or a terminal a long-lived token."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from rubi.domain.auth import Principal, Scope, TokenKind
from rubi.domain.errors import ConflictError, NotFoundError, RubiError
from rubi.flows.audit import audit
from rubi.flows.ports import Ports
from rubi.flows.sign_token import LONGEST_API_TOKEN, Claims, TokenKeys
from rubi.store import tokens
from rubi.store.tokens import ApiToken

ONE_YEAR = timedelta(days=365)
MOST = 100


async def issue_token(
    ports: Ports,
    keys: TokenKeys,
    principal: Principal,
    *,
    name: str,
    scope: Scope,
    account_id: UUID | None = None,
    lifetime: timedelta = ONE_YEAR,
    request_id: str | None = None,
    now: datetime,
) -> tuple[ApiToken, str]:
    """What is kept of the token, and the token itself, which is shown this once.

    Raises:
        RubiError: the scope is a person's, or the lifetime is not between a minute and five years.
        NotFoundError: the account is not this person's.
        ConflictError: 100 tokens live already.

    """
    if scope is Scope.PERSON:
        raise RubiError("SCOPE_INVALID", "a token's scope is ea, trade or read", field="scope")
    if not timedelta(minutes=1) <= lifetime <= LONGEST_API_TOKEN:
        raise RubiError("LIFETIME_INVALID", "a token lives a minute to five years", field="expires_in")
    now = now.replace(microsecond=0)  # a JWT's times are whole seconds
    jti = uuid4()
    expires_at = now + lifetime
    async with ports.pool.acquire() as conn, conn.transaction():
        if account_id is not None and not await tokens.account_owned(conn, principal.user_id, account_id):
            raise NotFoundError("ACCOUNT_NOT_FOUND", f"there is no account {account_id} of yours", field="account")
        if await tokens.count_api(conn, principal.user_id, now) >= MOST:
            raise ConflictError("TOO_MANY_TOKENS", f"you have {MOST} live tokens; revoke one you do not use")
        number = await tokens.insert(
            conn,
            jti=jti,
            user_id=principal.user_id,
            kind="api",
            family=jti,
            name=name,
            scope=scope.value,
            account_id=account_id,
            now=now,
            expires_at=expires_at,
        )
        await audit(
            conn,
            principal,
            "token.issue",
            "token",
            number,
            {"name": name, "scope": scope.value, "account_id": account_id, "expires_at": expires_at},
            request_id=request_id,
            now=now,
        )
    kept = ApiToken(number, jti, name, scope.value, account_id, now, expires_at, None, None)
    return kept, keys.sign(Claims(principal.user_id, TokenKind.API, scope, jti, jti, now, expires_at))
