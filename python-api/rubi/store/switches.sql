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
