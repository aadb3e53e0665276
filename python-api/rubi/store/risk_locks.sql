-- Locks that protections leave, until their time or until a person takes them away.

-- name: live
SELECT id, scope, symbol, side, code, reason, from_at, until_at FROM risk_locks
WHERE account_id = $1 AND released_at IS NULL AND (until_at IS NULL OR until_at > $2) ORDER BY id;

-- name: insert
-- A lock that stands already, or that a person took away, is not made again.
INSERT INTO risk_locks (account_id, scope, symbol, side, code, reason, from_at, until_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8
WHERE NOT EXISTS (SELECT FROM risk_locks k WHERE k.account_id = $1 AND k.scope = $2 AND k.symbol IS NOT DISTINCT FROM $3 AND k.side IS NOT DISTINCT FROM $4
                  AND k.code = $5 AND k.until_at = $8)
RETURNING id;

-- name: release
UPDATE risk_locks SET released_at = $3, released_by = $4, release_reason = $5
WHERE id = $1 AND account_id = $2 AND released_at IS NULL AND (until_at IS NULL OR until_at > $3)
RETURNING id, scope, symbol, side, code, reason, from_at, until_at;
