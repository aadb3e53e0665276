-- What monitoring reads: the state of the house, of all owners together.

-- name: timescaledb
-- The edition in use; null on plain Postgres.
SELECT extversion AS version, current_setting('timescaledb.license', true) AS license FROM pg_extension WHERE extname = 'timescaledb'

-- name: gauges
SELECT (SELECT count(*) FROM trading_signals WHERE status = 'PENDING' AND decided_at IS NULL) AS signals_undecided,
       (SELECT coalesce(extract(epoch FROM $1::timestamptz - min(received_at)), 0) FROM trading_signals
        WHERE status = 'PENDING' AND decided_at IS NULL) AS oldest_undecided_seconds,
       (SELECT coalesce(extract(epoch FROM $1::timestamptz - min(created_at)), 0) FROM trading_orders WHERE state = 'QUEUED') AS oldest_queued_seconds,
       (SELECT coalesce(extract(epoch FROM $1::timestamptz - min(updated_at)), 0) FROM trading_orders
        WHERE state IN ('LEASED', 'ACKED', 'SUBMITTED')) AS oldest_unsettled_seconds,
       (SELECT count(*) FROM trading_positions WHERE status = 'OPEN') AS open_positions,
       (SELECT count(*) FROM accounts WHERE trading_state <> 'ACTIVE') AS accounts_held_back,
       (SELECT coalesce(max(1 - nav / high), 0) FROM risk_accounts WHERE high > 0 AND updated_at > $1::timestamptz - interval '7 days') AS worst_drawdown,
       (SELECT count(*) FROM alerts WHERE seen_at IS NULL AND severity = 'critical') AS critical_alerts,
       (SELECT coalesce(extract(epoch FROM $1::timestamptz - max(last_seen_at)), -1) FROM mt5_sessions
        WHERE state IN ('ACTIVE', 'SILENT') AND last_seen_at > $1::timestamptz - interval '7 days') AS newest_word_seconds,
       (SELECT coalesce(extract(epoch FROM $1::timestamptz - min(last_seen_at)), -1) FROM mt5_sessions
        WHERE state IN ('ACTIVE', 'SILENT') AND last_seen_at > $1::timestamptz - interval '7 days') AS oldest_word_seconds

-- name: money
-- Of accounts heard in the last week; what a terminal calls its currency is cut to a bounded number of names.
SELECT CASE WHEN a.currency ~ '^[A-Z]{3,4}$' THEN a.currency ELSE 'other' END AS currency, count(*) AS accounts,
       sum(s.balance) AS balance, sum(s.equity) AS equity, sum(s.profit) AS profit
FROM account_states s JOIN accounts a ON a.id = s.account_id
WHERE s.received_at > $1::timestamptz - interval '7 days'
GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 20

-- name: loss_levels
-- Of the day that runs now, and of the drawdown of accounts heard in the last week.
SELECT 'daily_loss' AS limit, d.state AS level, count(*) AS accounts FROM risk_days d
WHERE d.starts_at <= $1 AND d.ends_at > $1 GROUP BY d.state
UNION ALL
SELECT 'drawdown', drawdown_level, count(*) FROM risk_accounts WHERE updated_at > $1::timestamptz - interval '7 days' GROUP BY drawdown_level

-- name: orders_alive
-- Orders that have not ended, by state.
SELECT state, count(*) AS orders FROM trading_orders
WHERE state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'ACCEPTED', 'PARTIALLY_FILLED', 'PENDING_MODIFY', 'PENDING_CANCEL', 'UNKNOWN')
GROUP BY state

-- name: sessions_alive
-- A terminal that has been silent for a day is gone; one with open positions after a week.
SELECT s.state, count(*) AS sessions FROM mt5_sessions s
WHERE s.state = 'ACTIVE' OR (s.state = 'SILENT' AND (s.last_seen_at > $1::timestamptz - interval '1 day'
    OR (s.last_seen_at > $1::timestamptz - interval '7 days'
        AND EXISTS (SELECT FROM trading_positions p WHERE p.account_id = s.account_id AND p.status = 'OPEN'))))
GROUP BY s.state
