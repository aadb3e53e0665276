-- name: account
-- The account of the demo's user, once its terminal has connected.
SELECT a.broker, a.server, a.login, a.currency, a.trading_state, s.balance, s.equity, s.profit, s.margin_free, s.taken_at
FROM accounts a LEFT JOIN account_states s ON s.account_id = a.id
WHERE a.user_id = $1
ORDER BY a.created_at DESC
LIMIT 1;

-- name: positions
SELECT p.position_id, p.symbol, p.side, p.volume, p.open_price, p.current_price, p.sl, p.tp, p.profit
FROM trading_positions p JOIN accounts a ON a.id = p.account_id
WHERE a.user_id = $1 AND p.status = 'OPEN'
ORDER BY p.opened_at DESC
LIMIT 8;

-- name: orders
SELECT id, kind, symbol, side, volume, state, fill_price, code, updated_at
FROM trading_orders
WHERE user_id = $1
ORDER BY id DESC
LIMIT 8;

-- name: signals
-- The last signals with what became of them; a denial shows its code.
SELECT id, symbol, signal_type, detail_status, code, message, received_at
FROM trading_signals
WHERE user_id = $1
ORDER BY id DESC
LIMIT 8;

-- name: counts
-- The figures of one user since a moment; the first fill in seconds from that moment.
SELECT
    (SELECT count(*) FROM trading_signals WHERE user_id = $1 AND received_at >= $2) AS signals,
    (SELECT count(*) FROM trading_signals WHERE user_id = $1 AND received_at >= $2 AND detail_status = 'DENIED') AS signals_denied,
    (SELECT count(*) FROM trading_orders WHERE user_id = $1 AND state = 'FILLED' AND updated_at >= $2) AS orders_filled,
    (SELECT count(*) FROM trading_positions p JOIN accounts a ON a.id = p.account_id
     WHERE a.user_id = $1 AND p.taken_at >= $2) AS positions_seen,
    (SELECT count(*) FROM account_snapshots s JOIN accounts a ON a.id = s.account_id
     WHERE a.user_id = $1 AND s.received_at >= $2) AS account_snapshots,
    (SELECT count(*) FROM deals d JOIN accounts a ON a.id = d.account_id
     WHERE a.user_id = $1 AND d.received_at >= $2) AS deals,
    (SELECT round(extract(epoch FROM min(filled_at) - $2)::numeric, 2)::float8 FROM trading_orders
     WHERE user_id = $1 AND state = 'FILLED' AND filled_at >= $2) AS first_fill_seconds;
