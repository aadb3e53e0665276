-- Kill switches and the accounts they hold.

-- name: account
-- An account of this owner; $2: the account that a token is good for.
SELECT a.id, a.user_id, a.login, a.server, a.session_id, a.epoch, a.trading_state, a.trading_reason,
       coalesce(r.trading_state, 'ACTIVE') AS risk_state
FROM accounts a LEFT JOIN risk_accounts r ON r.account_id = a.id
WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2) AND a.id = $3;

-- name: accounts
SELECT id FROM accounts WHERE user_id = $1 ORDER BY id;

-- name: set_account
UPDATE accounts SET trading_state = $2, trading_reason = $3 WHERE id = $1;

-- name: clear
UPDATE trading_switches SET cleared_at = $4
WHERE user_id = $1 AND account_id IS NOT DISTINCT FROM $2::uuid AND symbol IS NOT DISTINCT FROM $3::text AND cleared_at IS NULL
RETURNING id;

-- name: insert
INSERT INTO trading_switches (user_id, account_id, symbol, state, reason, set_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id;

-- name: ask_flatten
INSERT INTO flattenings (account_id, symbol, user_id, reason, asked_at, tried_at) VALUES ($1, $2, $3, $4, $5, $5)
ON CONFLICT (account_id, symbol) DO UPDATE SET reason = excluded.reason, asked_at = excluded.asked_at, tried_at = excluded.tried_at;

-- name: forget_flatten
DELETE FROM flattenings WHERE account_id = ANY ($1::uuid[]) AND symbol IS NOT DISTINCT FROM $2::text;

-- name: to_flatten
-- What a person's FLATTEN has left to do: at once, but after a refused close, and with the older connector, not before $2.
SELECT f.account_id, f.symbol FROM flattenings f
WHERE f.tried_at <= $2
   OR NOT EXISTS (SELECT FROM (SELECT account_id, kind, state, created_at FROM trading_orders WHERE user_id = f.user_id ORDER BY id DESC LIMIT 500) o
                  WHERE o.account_id = f.account_id AND o.kind LIKE 'CLOSE%' AND o.state IN ('REJECTED', 'CANCELED', 'EXPIRED') AND o.created_at > $2)
      AND coalesce((SELECT m.protocol FROM mt5_sessions m WHERE m.account_id = f.account_id ORDER BY m.connected_at DESC LIMIT 1), 2) > 1
ORDER BY f.asked_at LIMIT $1;

-- name: take_flatten
-- One that is to be worked off; nothing when it is over or another sweep has it.
SELECT f.user_id, f.reason FROM flattenings f WHERE f.account_id = $1 AND f.symbol IS NOT DISTINCT FROM $2::text FOR UPDATE SKIP LOCKED;

-- name: flattened
-- Done: nothing is open, and nothing that opens is under way.
DELETE FROM flattenings f
WHERE f.account_id = $1 AND f.symbol IS NOT DISTINCT FROM $2::text
  AND NOT EXISTS (SELECT FROM trading_positions p WHERE p.account_id = $1 AND p.status = 'OPEN' AND ($2 IS NULL OR p.symbol = $2))
  AND NOT EXISTS (SELECT FROM working_orders w WHERE w.account_id = $1 AND ($2 IS NULL OR w.symbol = $2))
  AND NOT EXISTS (SELECT FROM trading_orders o WHERE o.account_id = $1 AND o.kind IN ('OPEN', 'PLACE_PENDING') AND ($2 IS NULL OR o.symbol = $2)
                  AND o.state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'ACCEPTED', 'PARTIALLY_FILLED', 'PENDING_MODIFY', 'PENDING_CANCEL', 'UNKNOWN'))
RETURNING true;

-- name: note_flatten
UPDATE flattenings SET tried_at = $3 WHERE account_id = $1 AND symbol IS NOT DISTINCT FROM $2::text;

-- name: in_force
-- Everything that holds trading back, widest first: of the user ($2 null), or of one account.
SELECT w.account_id, w.symbol, w.state, w.reason, w.set_at FROM trading_switches w
WHERE w.user_id = $1 AND w.cleared_at IS NULL AND ($2::uuid IS NULL OR w.account_id IS NULL OR w.account_id = $2)
ORDER BY w.account_id NULLS FIRST, w.symbol NULLS FIRST LIMIT 1000;

-- name: end_session
-- The terminal that holds the account loses it; `taken_over_at` keeps it from taking the account back at once.
UPDATE mt5_sessions s SET state = 'FENCED', disconnected_at = $2, flags = flags || jsonb_build_object('taken_over_at', $2::timestamptz)
FROM accounts a
WHERE a.id = $1 AND s.id = a.session_id AND s.state IN ('ACTIVE', 'SILENT')
RETURNING s.id, s.terminal_instance_id, s.last_seen_at;
