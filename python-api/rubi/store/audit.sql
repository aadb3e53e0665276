-- name: lock_chain
-- One writer per chain until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('audit:' || $1::bigint, 0));

-- name: last_hash
SELECT hash FROM audit_log WHERE user_id = $1 ORDER BY id DESC LIMIT 1;

-- name: append
INSERT INTO audit_log (user_id, actor, action, object, object_id, payload, request_id, at, prev_hash, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING id;

-- name: chain
SELECT id, user_id, actor, action, object, object_id, payload, request_id, at, prev_hash, hash
FROM audit_log
WHERE user_id = $1 AND id > $2
ORDER BY id
LIMIT 1000;
