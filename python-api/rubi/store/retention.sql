-- Old rows of the series go: whole chunks where the series are hypertables, a few thousand blocks at a time elsewhere.

-- name: begin
INSERT INTO series_progress (series) VALUES ($1) ON CONFLICT DO NOTHING

-- name: take_turn
SELECT next_block FROM series_progress WHERE series = $1 FOR UPDATE SKIP LOCKED

-- name: keep_from
-- From now on older rows may be gone; readers and rollups do not count on them.
UPDATE series_progress SET kept_from = greatest(kept_from, $2) WHERE series = $1

-- name: kept_from
SELECT kept_from FROM series_progress WHERE series = $1

-- name: goes_on_at
UPDATE series_progress SET next_block = $2 WHERE series = $1

-- name: unrolled
-- Whether a minute before this time waits to be rolled up.
SELECT EXISTS (SELECT FROM account_metrics_dirty WHERE bucket < $1)

-- name: is_hypertable
SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = $1::text::regclass AND tgname = 'ts_insert_blocker')

-- name: blocks
SELECT pg_relation_size($1::text::regclass) / current_setting('block_size')::bigint
