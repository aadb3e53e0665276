-- Terminals: accounts, their sessions, their clock.

-- name: upsert_account
-- The account that a terminal speaks for, locked. Only what the terminal told changes.
INSERT INTO accounts AS a (user_id, server, login, broker, currency, currency_digits, leverage, margin_mode, trade_mode, fifo_close, hedge_allowed, limit_orders)
VALUES ($1, $2, $3, $4, $5, coalesce($6, 2), $7, coalesce($8, 'HEDGING'), coalesce($9, 'DEMO'), coalesce($10, false), coalesce($11, true), coalesce($12, 0))
ON CONFLICT (user_id, server, login) DO UPDATE SET
    broker = excluded.broker, currency = excluded.currency, currency_digits = coalesce($6, a.currency_digits), leverage = coalesce($7, a.leverage),
    margin_mode = coalesce($8, a.margin_mode), trade_mode = coalesce($9, a.trade_mode), fifo_close = coalesce($10, a.fifo_close),
    hedge_allowed = coalesce($11, a.hedge_allowed), limit_orders = coalesce($12, a.limit_orders)
RETURNING a.*, (xmax = 0) AS is_new

-- name: newest_bars
-- The newest bar of each of an account's symbols in each timeframe.
SELECT s.name AS symbol, t.name AS timeframe, b.time
FROM symbols s CROSS JOIN unnest($2::text[]) AS t (name)
CROSS JOIN LATERAL (SELECT time FROM market_data m WHERE m.account_id = $1 AND m.symbol = s.name AND m.timeframe = t.name
                    ORDER BY time DESC LIMIT 1) b
WHERE s.account_id = $1

-- name: offsets
-- The history of the broker's offset, oldest first.
SELECT from_at, minutes FROM broker_offsets WHERE account_id = $1 ORDER BY from_at

-- name: holding_session
SELECT * FROM mt5_sessions WHERE id = $1

-- name: former_session
-- The session ($2) that a terminal says it had last, and whether no later one of this terminal was used: a connect whose answer was lost was not.
SELECT s.terminal_instance_id, (n.id = s.id OR n.came_from = $2 AND n.last_seq = 0) AS is_last
FROM mt5_sessions s
CROSS JOIN LATERAL (SELECT id, came_from, last_seq FROM mt5_sessions m
                    WHERE m.user_id = s.user_id AND m.account_id = s.account_id AND m.terminal_instance_id = s.terminal_instance_id
                    ORDER BY m.connected_at DESC, m.epoch DESC LIMIT 1) n
WHERE s.id::text = $2 AND s.account_id = $1 AND (s.terminal_instance_id = $3 OR starts_with(s.terminal_instance_id, $3 || '/'))

-- name: fence_sessions
UPDATE mt5_sessions SET state = 'FENCED', disconnected_at = coalesce(disconnected_at, $2)
WHERE account_id = $1 AND state IN ('ACTIVE', 'SILENT')

-- name: insert_session
INSERT INTO mt5_sessions (user_id, account_id, terminal_instance_id, epoch, protocol, ea_version, build, connected_at, last_seen_at, poll_ms, client_address,
    came_from)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11)
RETURNING id

-- name: hold_account
-- The new session trades from here on; what was known of the books counts as unread.
WITH state AS (
    UPDATE account_states SET positions_taken_at = NULL, orders_taken_at = NULL WHERE account_id = $1
)
UPDATE accounts SET epoch = $2, session_id = $3, reconciled_at = CASE WHEN $4 THEN $5::timestamptz END, not_tradable_code = NULL WHERE id = $1

-- name: terminal
-- Sessions, each with its account and clock. The planner does not see how many: it would plan each time anew.
SELECT s.id, s.user_id, s.account_id, s.terminal_instance_id, s.epoch, s.protocol, s.state, s.poll_ms, s.last_seq, a.server, a.login,
       (SELECT coalesce(array_agg(o.from_at ORDER BY o.from_at), '{}') FROM broker_offsets o WHERE o.account_id = s.account_id) AS offset_from,
       (SELECT coalesce(array_agg(o.minutes ORDER BY o.from_at), '{}') FROM broker_offsets o WHERE o.account_id = s.account_id) AS offset_minutes
FROM mt5_sessions s JOIN accounts a ON a.id = s.account_id
WHERE s.id = ANY((SELECT $1::uuid[])::uuid[])

-- name: lock_session
-- A session for one cycle, and its account held against a connect: no lease may cross a new epoch. The account first, as a connect does; by one
-- cycle at a time, or two copies of one would wait for each other as soon as the first changes the account.
SELECT s.*, a.epoch AS account_epoch, a.session_id AS holder, a.not_tradable_code,
       CASE WHEN 'HALTED' IN (a.trading_state, r.trading_state) THEN 'HALTED'
            WHEN 'REDUCING' IN (a.trading_state, r.trading_state) THEN 'REDUCING' ELSE 'ACTIVE' END AS trading_state, a.reconciled_at, a.symbols_hash,
       a.deal_cursor_msc, a.deal_cursor_ticket, a.currency_digits,
       (SELECT policy FROM risk_policies r WHERE r.account_id = a.id ORDER BY r.version DESC LIMIT 1) AS policy,
       EXISTS (SELECT FROM trading_orders u WHERE u.account_id = a.id AND u.state = 'UNKNOWN') AS has_unknown,
       EXISTS (SELECT FROM trading_orders q WHERE q.account_id = a.id AND q.state = 'QUEUED') AS has_queued,
       EXISTS (SELECT FROM trading_orders r WHERE r.account_id = a.id AND r.state = 'LEASED' AND r.revoke_asked_at IS NOT NULL) AS has_revoked,
       EXISTS (SELECT FROM position_plans n WHERE n.account_id = a.id AND n.state = 'ACTIVE') AS has_plans,
       EXISTS (SELECT FROM symbols y WHERE y.account_id = a.id AND y.received_at > $3) AS has_symbols
FROM mt5_sessions s JOIN accounts a ON a.id = s.account_id LEFT JOIN risk_accounts r ON r.account_id = a.id
WHERE s.id = $1 AND s.user_id = $2
FOR NO KEY UPDATE OF a FOR UPDATE OF s

-- name: see_session
UPDATE mt5_sessions SET last_seen_at = $2, state = 'ACTIVE', last_seq = $3, last_body_sha256 = $4, last_answer = $5,
    flags = coalesce($6::jsonb, flags), poll_ms = coalesce($7, poll_ms)
WHERE id = $1

-- name: keep_answer
UPDATE mt5_sessions SET last_answer = $2 WHERE id = $1

-- name: set_tradable
UPDATE accounts SET not_tradable_code = $2 WHERE id = $1

-- name: close_session
-- The end of a session that had not ended yet.
UPDATE mt5_sessions SET state = 'DISCONNECTED', disconnected_at = $2, last_seen_at = $2, totals = $3
WHERE id = $1 AND state IN ('ACTIVE', 'SILENT')
RETURNING true

-- name: silent_sessions
-- Sessions of which nothing was heard for three polls.
UPDATE mt5_sessions s SET state = 'SILENT'
FROM (SELECT id FROM mt5_sessions WHERE state = 'ACTIVE' AND last_seen_at < $1::timestamptz - greatest(3 * poll_ms * interval '1 ms', interval '15 s')
      ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED) silent
WHERE s.id = silent.id
RETURNING s.id, s.user_id, s.account_id, s.last_seen_at

-- name: touch_holder
-- A sign of life of a session that holds its account; nothing when it does not.
UPDATE mt5_sessions s SET last_seen_at = $2, state = 'ACTIVE'
FROM accounts a
WHERE s.id = $1 AND a.id = s.account_id AND a.session_id = s.id AND s.state IN ('ACTIVE', 'SILENT')
RETURNING true

-- name: current_policy
SELECT policy FROM risk_policies WHERE account_id = $1 ORDER BY version DESC LIMIT 1
