-- name: work
-- Live terminals and orders that are not settled yet.
SELECT
    (SELECT count(*) FROM mt5_sessions WHERE state = 'ACTIVE') AS sessions_active,
    (SELECT count(*) FROM trading_orders WHERE state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'UNKNOWN')) AS orders_pending,
    (SELECT round(extract(epoch FROM now() - min(created_at))::numeric, 1)::float8
     FROM trading_orders WHERE state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'UNKNOWN')) AS oldest_pending_seconds;
