-- What a restored database is told: nothing that happened after the backup is known in it.

-- name: users
SELECT id FROM users ORDER BY id

-- name: accounts
SELECT id AS account_id, user_id FROM accounts ORDER BY id

-- name: raise_epochs
-- No session and no lease of the time after the backup passes for one of ours; what is known of the books counts as unread.
WITH fenced AS (
    UPDATE mt5_sessions SET state = 'FENCED', disconnected_at = coalesce(disconnected_at, $2) WHERE state IN ('ACTIVE', 'SILENT')
), books AS (
    UPDATE account_states SET positions_taken_at = NULL, orders_taken_at = NULL
)
UPDATE accounts SET epoch = epoch + $1, session_id = NULL, reconciled_at = NULL

-- name: revoke_tokens
UPDATE tokens SET revoked_at = $1 WHERE revoked_at IS NULL

-- name: orders_in_flight
SELECT id FROM trading_orders WHERE state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED') ORDER BY id

-- name: undecided_signals
SELECT * FROM trading_signals WHERE status = 'PENDING' AND decided_at IS NULL ORDER BY id FOR UPDATE

-- name: end_plans
UPDATE position_plans SET state = 'DONE', ended_at = $1 WHERE state = 'ACTIVE' RETURNING id, user_id, account_id, position_id

-- name: roll_up_again
-- Transactions are counted anew here: the minutes that were not rolled up yet are noted by name.
WITH noted AS (
    INSERT INTO account_metrics_dirty (bucket, account_id)
    SELECT DISTINCT date_trunc('minute', s.time), s.account_id FROM account_snapshots s JOIN series_progress p ON p.series = 'account_snapshots'
    WHERE s.written_by >= p.rolled_up_to
    ON CONFLICT DO NOTHING
)
UPDATE series_progress SET rolled_up_to = pg_snapshot_xmin(pg_current_snapshot())::text::bigint WHERE series = 'account_snapshots'
