-- Versions of an account's risk policy; the newest holds.

-- name: current
SELECT p.version, p.policy, p.reason, p.created_at, u.username AS created_by
FROM risk_policies p LEFT JOIN users u ON u.id = p.created_by
WHERE p.account_id = $1 ORDER BY p.version DESC LIMIT 1;

-- name: insert
WITH changed AS (
    UPDATE account_states SET facts_version = facts_version + 1 WHERE account_id = $1
)
INSERT INTO risk_policies (account_id, version, policy, reason, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: history
-- $2: only versions before this one.
SELECT p.version, p.policy, p.reason, p.created_at, u.username AS created_by
FROM risk_policies p LEFT JOIN users u ON u.id = p.created_by
WHERE p.account_id = $1 AND ($2::integer IS NULL OR p.version < $2) ORDER BY p.version DESC LIMIT $3;
