-- name: insert
-- Keep a signal; nothing comes back when its key is taken.
-- $23: other keys under which the same wish may have been kept after $24. $25: it is for the only account that may be meant, as
-- account_choices.find looks for it with $26 and $27, and nothing is kept when there is none or more than one.
WITH meant AS MATERIALIZED (
    SELECT id FROM accounts
    WHERE $25::boolean AND user_id = $1 AND ($26::text IS NULL OR login = $26 OR id::text = $26) AND ($27::uuid IS NULL OR id = $27)
    LIMIT 2
)
INSERT INTO trading_signals (user_id, account_id, source, dedupe_key, body_sha256, symbol, signal_type, order_type, entry_price, stop_loss,
                             take_profit, volume, timeframe, confidence, risk_mode, risk_value, magic, comment, details, signal_time,
                             received_at, expires_at, rung_at)
SELECT $1, coalesce($2, m.id), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $21
FROM (SELECT (array_agg(id))[1] AS id, count(*) AS number FROM meant) m
WHERE (m.number = 1 OR NOT $25)
  AND NOT EXISTS (SELECT FROM trading_signals WHERE user_id = $1 AND source = $3 AND dedupe_key = ANY ($23::text[]) AND received_at > $24)
ON CONFLICT (user_id, source, dedupe_key) DO NOTHING
RETURNING *;

-- name: by_key
SELECT * FROM trading_signals WHERE user_id = $1 AND source = $2 AND dedupe_key = $3;

-- name: by_other_keys
SELECT * FROM trading_signals WHERE user_id = $1 AND source = $2 AND dedupe_key = ANY ($3::text[]) AND received_at > $4 ORDER BY id LIMIT 1;

-- name: by_id
SELECT * FROM trading_signals WHERE id = $1 AND user_id = $2;

-- name: page
SELECT * FROM trading_signals
WHERE user_id = $1 AND ($2::text IS NULL OR symbol = $2) AND ($3::text IS NULL OR status = $3) AND ($4::bigint IS NULL OR id < $4)
  AND ($5::uuid IS NULL OR account_id = $5)
ORDER BY id DESC LIMIT $6;

-- name: count
SELECT count(*) FROM trading_signals
WHERE user_id = $1 AND ($2::text IS NULL OR symbol = $2) AND ($3::text IS NULL OR status = $3) AND ($4::uuid IS NULL OR account_id = $4);

-- name: orders_of
-- The orders of a signal with their events, oldest first.
SELECT o.id, o.leg, o.kind, o.symbol, o.side, o.order_type, o.volume, o.price, o.sl, o.tp, o.state, o.code, o.message, o.filled_volume, o.fill_price,
       o.order_ticket, o.position_id, o.position_ticket, o.reserved_risk, o.reserved_margin, o.retcode, o.created_at, o.not_after, o.final_at,
       coalesce(e.events, '[]'::jsonb) AS events
FROM trading_orders o
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('n', n, 'event', event, 'from', from_state, 'to', to_state, 'legal', legal, 'actor', actor, 'at', at,
                                        'payload', payload) ORDER BY n) AS events
    FROM order_events WHERE order_id = o.id
) e ON true
WHERE o.signal_id = $1 AND o.user_id = $2
ORDER BY o.leg, o.id;

-- name: take_undecided
-- Take a signal that waits for its decision; skip it when another worker has it. Then wait for the turn of its account (the only one of its
-- user when it names none), as risk_facts.take_turn does: statements after this one see what the decision before has reserved.
WITH taken AS MATERIALIZED (
    SELECT * FROM trading_signals WHERE id = $1 AND status = 'PENDING' AND decided_at IS NULL FOR UPDATE SKIP LOCKED
), meant AS MATERIALIZED (
    SELECT coalesce(t.account_id, (SELECT (array_agg(id))[1] FROM (SELECT id FROM accounts WHERE user_id = t.user_id LIMIT 2) a HAVING count(*) = 1)) AS id
    FROM taken t
)
SELECT taken.*, meant.id AS meant_account_id, pg_advisory_xact_lock(hashtextextended(meant.id::text, 0)) AS turn
FROM taken CROSS JOIN meant;

-- name: settle
-- A decision on a signal, and what it makes of the signal.
WITH decided AS (
    INSERT INTO decisions (user_id, account_id, signal_id, order_id, approved, code, detail, record, record_sha256, decided_at)
    VALUES ($3, $4, $1, $5, $6, $7, $8, $9::text::jsonb, $10, $2)
)
UPDATE trading_signals
SET status = $11, detail_status = $12, code = $7, message = $8, decided_at = $2, account_id = coalesce(account_id, $4)
WHERE id = $1
RETURNING *;

-- name: undecided_unrung
-- Signals whose bell was rung long ago and that nobody decided; a second sweep at the same time takes others.
UPDATE trading_signals SET rung_at = $1
WHERE id IN (SELECT id FROM trading_signals
             WHERE status = 'PENDING' AND decided_at IS NULL AND rung_at < $2 AND expires_at > $1
             ORDER BY rung_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id;

-- name: undecided_closes
-- Signals of an account that close and wait for their decision.
SELECT id, symbol, signal_type FROM trading_signals
WHERE account_id = $1 AND status = 'PENDING' AND decided_at IS NULL AND expires_at > $2 AND signal_type LIKE 'CLOSE%'
ORDER BY id;

-- name: undecided_expired
SELECT * FROM trading_signals
WHERE status = 'PENDING' AND decided_at IS NULL AND expires_at <= $1
ORDER BY rung_at LIMIT $2 FOR UPDATE SKIP LOCKED;
