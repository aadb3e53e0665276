-- Account metrics by minute, hour and day, made from the snapshots.

-- name: begin
INSERT INTO series_progress (series) VALUES ('account_snapshots') ON CONFLICT DO NOTHING

-- name: take_turn
-- How far the rollups are; nothing when somebody else works on them.
SELECT rolled_up_to, kept_from FROM series_progress WHERE series = 'account_snapshots' FOR UPDATE SKIP LOCKED

-- name: decided_up_to
-- Every transaction below this number has ended; what it committed is seen.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint

-- name: summarize
-- Blocks that the index has no summary of are read whole by every capture; autovacuum would come once a minute.
SELECT sum(brin_summarize_new_values(i.indexrelid::regclass))
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am m ON m.oid = c.relam AND m.amname = 'brin'
WHERE i.indrelid = 'account_snapshots'::regclass
   OR i.indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'account_snapshots'::regclass)

-- name: capture
-- Note the minutes that transactions from $1 to below $2 wrote to; what is older than $3 is no longer kept.
INSERT INTO account_metrics_dirty (bucket, account_id)
SELECT DISTINCT date_trunc('minute', time), account_id FROM account_snapshots
WHERE written_by >= $1 AND written_by < $2 AND ($3::timestamptz IS NULL OR time >= $3)
ON CONFLICT DO NOTHING

-- name: advance
UPDATE series_progress SET rolled_up_to = $1 WHERE series = 'account_snapshots'

-- name: waiting
-- The newest minutes first: what people look at is up to date while an old backlog is worked off.
SELECT bucket, account_id FROM account_metrics_dirty ORDER BY bucket DESC, account_id LIMIT $1

-- name: done
DELETE FROM account_metrics_dirty d USING unnest($1::uuid[], $2::timestamptz[]) AS t (account_id, bucket)
WHERE d.bucket = t.bucket AND d.account_id = t.account_id

-- name: minutes
-- Make minutes anew from their snapshots, all between $3 and $4. A drawdown is counted from the highest equity before it.
-- One aggregate a minute: however little the planner knows of the table, each is one range of the index.
INSERT INTO account_metrics (account_id, resolution, bucket, equity_open, equity_high, equity_low, equity_close,
    balance_open, balance_high, balance_low, balance_close, max_drawdown, samples)
SELECT t.account_id, '1m', t.bucket, made.*
FROM unnest($1::uuid[], $2::timestamptz[]) AS t (account_id, bucket)
CROSS JOIN LATERAL (
    SELECT max(equity) FILTER (WHERE first), max(equity), min(equity), max(equity) FILTER (WHERE last),
           max(balance) FILTER (WHERE first), max(balance), min(balance), max(balance) FILTER (WHERE last),
           max(CASE WHEN peak > 0 THEN least((peak - equity) / peak, 1) ELSE 0 END), count(*) AS samples
    FROM (SELECT s.equity, s.balance, max(s.equity) OVER (w ROWS UNBOUNDED PRECEDING) AS peak,
                 lag(s.time) OVER w IS NULL AS first, lead(s.time) OVER w IS NULL AS last
          FROM account_snapshots s
          WHERE s.account_id = t.account_id AND s.time >= t.bucket AND s.time < t.bucket + interval '1 minute' AND s.time >= $3 AND s.time < $4
          WINDOW w AS (ORDER BY s.time, s.received_at, s.equity, s.balance)) snapshots
) made
WHERE made.samples > 0
ON CONFLICT (account_id, resolution, bucket) DO UPDATE SET equity_open = excluded.equity_open, equity_high = excluded.equity_high,
    equity_low = excluded.equity_low, equity_close = excluded.equity_close, balance_open = excluded.balance_open, balance_high = excluded.balance_high,
    balance_low = excluded.balance_low, balance_close = excluded.balance_close, max_drawdown = excluded.max_drawdown, samples = excluded.samples

-- name: coarser
-- Make buckets of resolution $4 and width $5 anew from those of resolution $3. The worst drawdown of a row of buckets is the
-- worst inside one of them, or from the highest of all earlier ones to the lowest of one: nothing is lost by combining.
INSERT INTO account_metrics (account_id, resolution, bucket, equity_open, equity_high, equity_low, equity_close,
    balance_open, balance_high, balance_low, balance_close, max_drawdown, samples)
SELECT t.account_id, $4, t.bucket, made.*
FROM unnest($1::uuid[], $2::timestamptz[]) AS t (account_id, bucket)
CROSS JOIN LATERAL (
    SELECT max(equity_open) FILTER (WHERE first), max(equity_high), min(equity_low), max(equity_close) FILTER (WHERE last),
           max(balance_open) FILTER (WHERE first), max(balance_high), min(balance_low), max(balance_close) FILTER (WHERE last),
           max(greatest(max_drawdown, CASE WHEN peak > 0 THEN least((peak - equity_low) / peak, 1) ELSE 0 END)), sum(samples) AS samples
    FROM (SELECT m.equity_open, m.equity_high, m.equity_low, m.equity_close, m.balance_open, m.balance_high, m.balance_low, m.balance_close,
                 m.max_drawdown, m.samples, max(m.equity_high) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS peak,
                 lag(m.bucket) OVER w IS NULL AS first, lead(m.bucket) OVER w IS NULL AS last
          FROM account_metrics m
          WHERE m.account_id = t.account_id AND m.resolution = $3 AND m.bucket >= t.bucket AND m.bucket < t.bucket + $5::interval
          WINDOW w AS (ORDER BY m.bucket)) parts
) made
WHERE made.samples > 0
ON CONFLICT (account_id, resolution, bucket) DO UPDATE SET equity_open = excluded.equity_open, equity_high = excluded.equity_high,
    equity_low = excluded.equity_low, equity_close = excluded.equity_close, balance_open = excluded.balance_open, balance_high = excluded.balance_high,
    balance_low = excluded.balance_low, balance_close = excluded.balance_close, max_drawdown = excluded.max_drawdown, samples = excluded.samples

-- name: span
-- The oldest and the newest snapshot of each account, for a rebuild.
SELECT a.id AS account_id, oldest.time AS oldest, newest.time AS newest
FROM accounts a
CROSS JOIN LATERAL (SELECT time FROM account_snapshots WHERE account_id = a.id ORDER BY time LIMIT 1) oldest
CROSS JOIN LATERAL (SELECT time FROM account_snapshots WHERE account_id = a.id ORDER BY time DESC LIMIT 1) newest
WHERE $1::uuid IS NULL OR a.id = $1
ORDER BY a.id

-- name: mark
-- Have the minutes of an account between $2 and $3 made anew.
INSERT INTO account_metrics_dirty (bucket, account_id)
SELECT DISTINCT date_trunc('minute', time), account_id FROM account_snapshots WHERE account_id = $1 AND time >= $2 AND time < $3
ON CONFLICT DO NOTHING
