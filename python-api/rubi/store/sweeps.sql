-- name: silence_sessions
-- Sessions that have not called for three polls (at least $2; the older connector calls rarely: at least $3).
UPDATE mt5_sessions s SET state = 'SILENT'
FROM accounts a
WHERE a.id = s.account_id AND s.id IN (
    SELECT id FROM mt5_sessions
    WHERE state = 'ACTIVE'
      AND last_seen_at < $1::timestamptz - greatest(3 * poll_ms * interval '1 millisecond',
                                                    CASE protocol WHEN 1 THEN $3::interval ELSE $2::interval END)
    ORDER BY last_seen_at LIMIT $4 FOR UPDATE SKIP LOCKED)
RETURNING s.id, s.user_id, s.account_id, s.last_seen_at, a.login, a.server;

-- name: forget_keys
DELETE FROM idempotency_keys
WHERE ctid IN (SELECT ctid FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED);
