-- name: insert
INSERT INTO tokens (jti, user_id, kind, family, name, scope, account_id, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING id;

-- name: lock_refresh
-- A refresh token, held until the transaction ends: of two parallel refreshes one sees it unused.
SELECT id, user_id, family, expires_at, used_at, revoked_at
FROM tokens
WHERE jti = $1 AND kind = 'refresh'
FOR UPDATE;

-- name: mark_used
UPDATE tokens SET used_at = $2 WHERE id = $1;

-- name: family_alive
-- Whether a login still counts, and whose it is: its refresh tokens are unrevoked and the person is not disabled.
SELECT u.username, u.role
FROM users u
WHERE u.id = $1 AND u.disabled_at IS NULL
  AND EXISTS (SELECT 1 FROM tokens t WHERE t.family = $2 AND t.user_id = u.id AND t.kind = 'refresh' AND t.revoked_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM tokens t WHERE t.family = $2 AND t.revoked_at IS NOT NULL);

-- name: use_api
-- A program's token that counts; last_used_at is kept to the minute.
WITH found AS (
    SELECT t.id, t.scope, t.account_id, t.last_used_at, u.username, u.role
    FROM tokens t
    JOIN users u ON u.id = t.user_id
    WHERE t.jti = $1 AND t.user_id = $2 AND t.kind = 'api' AND t.revoked_at IS NULL AND t.expires_at > $3 AND u.disabled_at IS NULL
), used AS (
    UPDATE tokens SET last_used_at = $3
    WHERE id = (SELECT id FROM found WHERE last_used_at IS NULL OR last_used_at < $3 - interval '1 minute')
)
SELECT scope, account_id, username, role FROM found;

-- name: note_use
UPDATE tokens SET last_used_at = $2 WHERE jti = ANY ($1::uuid[]) AND kind = 'api' AND (last_used_at IS NULL OR last_used_at < $2::timestamptz - interval '1 minute');

-- name: revoke_family
UPDATE tokens SET revoked_at = $3 WHERE family = $2 AND user_id = $1 AND revoked_at IS NULL RETURNING jti;

-- name: revoke_logins
-- Every login of a person but one.
UPDATE tokens SET revoked_at = $3
WHERE user_id = $1 AND kind = 'refresh' AND family IS DISTINCT FROM $2 AND revoked_at IS NULL;

-- name: revoke_api
UPDATE tokens SET revoked_at = $3
WHERE id = $2 AND user_id = $1 AND kind = 'api' AND revoked_at IS NULL
RETURNING jti, family, name;

-- name: list_api
SELECT id, jti, name, scope, account_id, created_at, expires_at, last_used_at, revoked_at
FROM tokens
WHERE user_id = $1 AND kind = 'api' AND ($2 OR (revoked_at IS NULL AND expires_at > $3))
ORDER BY id DESC
LIMIT 1000;

-- name: count_api
SELECT count(*) FROM tokens WHERE user_id = $1 AND kind = 'api' AND revoked_at IS NULL AND expires_at > $2;

-- name: account_owned
SELECT EXISTS (SELECT 1 FROM accounts WHERE id = $2 AND user_id = $1);

-- name: refused
-- Of these tokens of open sockets, those that count no more.
SELECT asked.jti
FROM unnest($1::uuid[], $2::uuid[]) AS asked (jti, family)
WHERE EXISTS (SELECT 1 FROM tokens t WHERE (t.jti = asked.jti OR t.family = asked.family) AND t.revoked_at IS NOT NULL)
   OR NOT EXISTS (SELECT 1 FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.family = asked.family AND u.disabled_at IS NULL);
