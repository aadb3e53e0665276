-- What people read. $1 is always the owner; $2 is the account a token is good for, or null for all of the owner's.

-- name: sessions
-- Newest first; $3: only those in use.
SELECT s.id AS session_id, s.account_id, a.login AS account_number, a.broker, a.server, a.currency, a.trade_mode, a.margin_mode, a.leverage,
       st.balance, st.equity, s.connected_at, s.last_seen_at AS last_ping, s.disconnected_at, s.state, s.state = 'ACTIVE' AS is_active, s.epoch,
       a.session_id IS NOT DISTINCT FROM s.id AS holds_account, s.terminal_instance_id, s.protocol, s.ea_version, s.build, a.trading_state, a.not_tradable_code,
       count(*) OVER () AS total
FROM mt5_sessions s
JOIN accounts a ON a.id = s.account_id
LEFT JOIN account_states st ON st.account_id = a.id
WHERE s.user_id = $1 AND ($2::uuid IS NULL OR s.account_id = $2) AND (NOT $3 OR s.state = 'ACTIVE')
ORDER BY s.connected_at DESC, s.id
LIMIT $4

-- name: session_account
-- The account that a session speaks for; nothing when the session is another's.
SELECT account_id FROM mt5_sessions WHERE id = $3 AND user_id = $1 AND ($2::uuid IS NULL OR account_id = $2)

-- name: account
-- The account of a session, as its terminal said it last.
SELECT s.id AS session_id, a.id AS account_id, a.login AS account_number, a.broker, a.server, a.currency, a.leverage, a.trade_mode, a.margin_mode,
       a.trading_state, a.trading_reason, a.not_tradable_code, a.reconciled_at,
       st.balance, st.equity, st.margin, st.margin_free, st.margin_level, st.profit, st.credit, st.taken_at AS updated_at
FROM mt5_sessions s
JOIN accounts a ON a.id = s.account_id
LEFT JOIN account_states st ON st.account_id = a.id
WHERE s.id = $3 AND s.user_id = $1 AND ($2::uuid IS NULL OR s.account_id = $2)

-- name: open_positions
SELECT p.ticket, p.position_id, p.account_id, p.symbol, p.side AS type, p.volume, p.open_price, p.current_price, p.sl, p.tp, p.profit, p.swap, p.commission,
       p.magic, p.comment, p.order_id, p.origin, p.opened_at AS open_time, p.taken_at AS updated_at
FROM open_positions p
JOIN accounts a ON a.id = p.account_id
WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2)
ORDER BY p.opened_at, p.position_id
LIMIT 5000

-- name: accounts
SELECT a.id AS account_id, st.balance, st.equity, st.margin, st.margin_free, st.margin_level, st.profit, st.credit, st.taken_at
FROM accounts a
JOIN account_states st ON st.account_id = a.id
WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2)
ORDER BY a.created_at, a.id
LIMIT 1000

-- name: prices
-- The newest price of each symbol; $3: these symbols, null for all.
SELECT t.account_id, t.symbol, t.bid, t.ask, t.received_at
FROM latest_ticks t
JOIN accounts a ON a.id = t.account_id
WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2) AND ($3::text[] IS NULL OR t.symbol = ANY ($3))
ORDER BY t.symbol, t.received_at
LIMIT 2000

-- name: bars
-- The newest bars of a symbol, oldest first.
SELECT newest.time, newest.account_id, newest.open, newest.high, newest.low, newest.close, newest.tick_volume, newest.spread
FROM (SELECT m.time, m.account_id, m.open, m.high, m.low, m.close, m.tick_volume, m.spread
      FROM market_data m
      JOIN accounts a ON a.id = m.account_id
      WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2) AND m.symbol = $3 AND m.timeframe = $4
      ORDER BY m.time DESC LIMIT $5) newest
ORDER BY newest.time

-- name: statistics
SELECT (SELECT count(*) FROM trading_signals WHERE user_id = $1 AND ($2::uuid IS NULL OR account_id = $2)) AS signals_total,
       (SELECT count(*) FROM trading_signals WHERE user_id = $1 AND ($2::uuid IS NULL OR account_id = $2) AND status = 'EXECUTED') AS signals_executed,
       (SELECT count(*) FROM trading_signals WHERE user_id = $1 AND ($2::uuid IS NULL OR account_id = $2) AND status = 'PENDING') AS signals_pending,
       (SELECT count(*) FROM trading_signals WHERE user_id = $1 AND ($2::uuid IS NULL OR account_id = $2) AND status = 'REJECTED') AS signals_rejected,
       (SELECT count(*) FROM mt5_sessions WHERE user_id = $1 AND ($2::uuid IS NULL OR account_id = $2) AND state = 'ACTIVE') AS sessions_active,
       (SELECT count(*) FROM mt5_sessions WHERE user_id = $1 AND ($2::uuid IS NULL OR account_id = $2)) AS sessions_total,
       (SELECT count(*) FROM trading_positions p JOIN accounts a ON a.id = p.account_id
        WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2) AND p.status = 'OPEN') AS positions_open
