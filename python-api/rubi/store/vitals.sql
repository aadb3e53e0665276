-- What monitoring reads: the state of the house, of all owners together.

-- name: timescaledb
-- The edition in use; null on plain Postgres.
SELECT extversion AS version, current_setting('timescaledb.license', true) AS license FROM pg_extension WHERE extname = 'timescaledb'

-- name: gauges
SELECT (SELECT count(*) FROM trading_signals WHERE status = 'PENDING' AND decided_at IS NULL) AS signals_undecided,
       (SELECT coalesce(extract(epoch FROM $1::timestamptz - min(received_at)), 0) FROM trading_signals
        WHERE status = 'PENDING' AND decided_at IS NULL) AS oldest_undecided_seconds,
       (SELECT coalesce(extract(epoch FROM $1::timestamptz - min(created_at)), 0) FROM trading_orders WHERE state = 'QUEUED') AS oldest_queued_seconds,
       (SELECT count(*) FROM trading_positions WHERE status = 'OPEN') AS open_positions,
       (SELECT count(*) FROM alerts WHERE seen_at IS NULL AND severity = 'critical') AS critical_alerts,
       (SELECT coalesce(extract(epoch FROM $1::timestamptz - max(last_seen_at)), -1) FROM mt5_sessions WHERE state IN ('ACTIVE', 'SILENT')) AS newest_word_seconds

-- name: orders_alive
-- Orders that have not ended, by state.
SELECT state, count(*) AS orders FROM trading_orders
WHERE state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'ACCEPTED', 'PARTIALLY_FILLED', 'PENDING_MODIFY', 'PENDING_CANCEL', 'UNKNOWN')
GROUP BY state

-- name: sessions_alive
SELECT state, count(*) AS sessions FROM mt5_sessions WHERE state IN ('ACTIVE', 'SILENT') GROUP BY state
