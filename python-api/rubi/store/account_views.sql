-- name: accounts
-- The owner's accounts with everything that lives: money, session, switches, clock, counts. $3: this one only.
SELECT a.id, a.login, a.server, a.broker, a.currency, a.leverage, a.margin_mode, a.trade_mode, a.fifo_close, a.hedge_allowed, a.epoch, a.trading_state,
       a.trading_reason, a.not_tradable_code, a.reconciled_at, a.created_at,
       coalesce(r.trading_state, 'ACTIVE') AS risk_state, r.trading_reason AS risk_reason,
       st.balance, st.equity, st.margin, st.margin_free, st.margin_level, st.profit, st.credit, st.taken_at AS money_at, st.positions_taken_at, st.orders_taken_at,
       s.id AS session_id, s.state AS session_state, s.terminal_instance_id, s.protocol, s.ea_version, s.connected_at, s.last_seen_at,
       (SELECT jsonb_agg(jsonb_build_array(b.from_at, b.minutes, b.suspect) ORDER BY b.from_at) FROM broker_offsets b WHERE b.account_id = a.id) AS offsets,
       (SELECT jsonb_agg(jsonb_build_array(w.account_id IS NULL, w.symbol, w.state, w.reason, w.set_at) ORDER BY w.id) FROM trading_switches w
        WHERE w.user_id = a.user_id AND w.cleared_at IS NULL AND (w.account_id IS NULL OR w.account_id = a.id)) AS switches,
       (SELECT count(*) FROM trading_positions p WHERE p.account_id = a.id AND p.status = 'OPEN') AS positions_open,
       (SELECT count(*) FROM working_orders w WHERE w.account_id = a.id) AS orders_working,
       (SELECT count(*) FROM trading_orders o WHERE o.account_id = a.id AND o.state = 'QUEUED') AS orders_queued,
       (SELECT count(*) FROM trading_orders o WHERE o.account_id = a.id AND o.state = 'UNKNOWN') AS orders_unknown
FROM accounts a
LEFT JOIN account_states st ON st.account_id = a.id
LEFT JOIN mt5_sessions s ON s.id = a.session_id
LEFT JOIN risk_accounts r ON r.account_id = a.id
WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2) AND ($3::uuid IS NULL OR a.id = $3)
ORDER BY a.created_at, a.id
LIMIT 1000;

-- name: offsets
-- The broker's clock of each of the owner's accounts.
SELECT b.account_id, b.from_at, b.minutes FROM broker_offsets b JOIN accounts a ON a.id = b.account_id
WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2)
ORDER BY b.account_id, b.from_at;

-- name: reconciliations
-- What the comparisons of an account with its broker found, newest first.
SELECT id, reason, at, differences FROM reconciliations
WHERE account_id = $1 AND ($2::bigint IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3;
