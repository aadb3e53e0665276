-- name: take_turn
-- Requests under one key come one after another; the lock goes with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('key:' || $1::bigint || ':' || $2::text, 0));

-- name: find
SELECT route, body_sha256, status, answer FROM idempotency_keys WHERE user_id = $1 AND key = $2;

-- name: insert
INSERT INTO idempotency_keys (user_id, key, route, body_sha256, status, answer, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7);
