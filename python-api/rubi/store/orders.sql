-- Orders: the queue of record. The state is changed by settle_event alone.

-- part: told
-- An order as its bell tells it: all that a command says of it. lease_waiting compares; Redis is not asked to be believed.
jsonb_build_object('id', o.id, 'event_n', o.event_n, 'queued_at', o.queued_at, 'leased_at', o.leased_at, 'not_after', o.not_after, 'kind', o.kind, 'symbol', o.symbol,
    'side', o.side, 'order_type', o.order_type, 'volume', o.volume, 'price', o.price, 'stop_limit', o.stop_limit, 'sl', o.sl, 'tp', o.tp,
    'deviation_points', o.deviation_points, 'type_time', o.type_time, 'expiration', o.expiration, 'magic', o.magic, 'position_ticket', o.position_ticket,
    'target_ticket', o.target_ticket, 'guards', o.guards)

-- name: insert_order
-- A new order with its two first events: created, and approved.
WITH new AS (
    INSERT INTO trading_orders AS o (user_id, account_id, signal_id, leg, kind, symbol, side, order_type, volume, price, stop_limit, sl, tp,
        deviation_points, type_time, expiration, magic, position_ticket, target_ticket, target_order_id, guards, reserved_risk,
        reserved_margin, not_after, state, event_n, created_at, queued_at, updated_at, reserved_price)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, 'QUEUED', 1, $25, $25, $25, $27)
    ON CONFLICT (account_id, signal_id, leg) WHERE signal_id IS NOT NULL DO NOTHING
    RETURNING o.id, {told} AS told
), first AS (
    INSERT INTO order_events (order_id, n, from_state, to_state, event, actor, at)
    SELECT id, 1, 'CREATED', 'QUEUED', 'APPROVED', $26, $25 FROM new
)
SELECT id, told::text FROM new

-- name: insert_order_of_signal
-- The first order of a signal, as insert_order writes it, the decision that made it ($28 to $30), and what both make of the signal. Nothing is
-- written, and nothing comes back, when this leg has its order already.
WITH new AS (
    INSERT INTO trading_orders AS o (user_id, account_id, signal_id, leg, kind, symbol, side, order_type, volume, price, stop_limit, sl, tp,
        deviation_points, type_time, expiration, magic, position_ticket, target_ticket, target_order_id, guards, reserved_risk,
        reserved_margin, not_after, state, event_n, created_at, queued_at, updated_at, reserved_price)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, 'QUEUED', 1, $25, $25, $25, $27)
    ON CONFLICT (account_id, signal_id, leg) WHERE signal_id IS NOT NULL DO NOTHING
    RETURNING o.id, {told} AS told
), first AS (
    INSERT INTO order_events (order_id, n, from_state, to_state, event, actor, at)
    SELECT id, 1, 'CREATED', 'QUEUED', 'APPROVED', $26, $25 FROM new
), decided AS (
    INSERT INTO decisions (user_id, account_id, signal_id, order_id, approved, detail, record, record_sha256, decided_at)
    SELECT $1, $2, $3, id, true, $28, $29::text::jsonb, $30, $25 FROM new
)
UPDATE trading_signals s SET detail_status = 'QUEUED', message = $28, decided_at = $25, account_id = coalesce(s.account_id, $2)
FROM new WHERE s.id = $3
RETURNING s.*, new.id AS order_id, new.told::text AS told

-- name: lock_order
-- An order for one change, and whether this fact is known already ($2 may be null).
SELECT o.*, EXISTS (SELECT FROM order_events e WHERE e.order_id = o.id AND e.dedupe = $2) AS known
FROM trading_orders o WHERE o.id = $1 FOR UPDATE OF o

-- name: settle_event
-- Store an event and what it makes of the order.
WITH event AS (
    INSERT INTO order_events (order_id, n, from_state, to_state, event, legal, dedupe, payload, actor, at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
)
UPDATE trading_orders SET
    event_n = $2, state = $4, updated_at = $10,
    resume_state = $11, filled_volume = $12::numeric, deliveries = $13, late_fill = $14,
    code = coalesce($15, code),
    retcode = coalesce($16, retcode),
    message = coalesce($17, message),
    order_ticket = coalesce($18, order_ticket),
    position_id = coalesce($19, position_id),
    fill_price = coalesce($20, fill_price),
    review = coalesce($21, review),
    revoke_asked_at = CASE WHEN $22 THEN coalesce(revoke_asked_at, $10) ELSE revoke_asked_at END,
    acked_at = CASE WHEN $4 = 'ACKED' THEN coalesce(acked_at, $10) ELSE acked_at END,
    submitted_at = CASE WHEN $4 IN ('SUBMITTED', 'ACCEPTED', 'PARTIALLY_FILLED', 'FILLED') THEN coalesce(submitted_at, $10) ELSE submitted_at END,
    filled_at = CASE WHEN $4 IN ('PARTIALLY_FILLED', 'FILLED') THEN coalesce(filled_at, $10) ELSE filled_at END,
    final_at = CASE WHEN $23 THEN coalesce(final_at, $10) ELSE NULL END,
    released_at = CASE WHEN $23 AND $12::numeric = 0 THEN coalesce(released_at, $10) WHEN NOT $23 AND $12::numeric = 0 THEN NULL ELSE released_at END
WHERE id = $1

-- name: store_illegal_event
WITH event AS (
    INSERT INTO order_events (order_id, n, from_state, to_state, event, legal, dedupe, payload, actor, at)
    VALUES ($1, $2, $3, $3, $4, false, $5, $6, $7, $8)
)
UPDATE trading_orders SET event_n = $2, updated_at = $8 WHERE id = $1

-- part: waiting
-- What may be handed out at a moment (`at`) to the account of `holder`, closes first. `only_closes`: only what reduces; a kill switch of the user, the account or
-- the symbol says the same. Symbols with an order of unknown fate take no opens. `legacy`: only what a signal asked for, all that the older connector understands.
SELECT o.* FROM holder h JOIN trading_orders o ON o.account_id = h.account_id
WHERE o.state = 'QUEUED' AND o.revoke_asked_at IS NULL
  AND (o.not_after IS NULL OR o.not_after > h.at) AND (o.signal_id IS NOT NULL OR NOT h.legacy)
  AND (o.kind NOT IN ('OPEN', 'PLACE_PENDING') OR NOT (h.only_closes OR EXISTS (
        SELECT FROM trading_switches w WHERE w.user_id = o.user_id AND w.cleared_at IS NULL
          AND (w.account_id IS NULL OR w.account_id = o.account_id) AND (w.symbol IS NULL OR w.symbol = o.symbol))))
  AND (o.kind NOT IN ('OPEN', 'PLACE_PENDING') OR NOT EXISTS (
        SELECT FROM trading_orders u WHERE u.account_id = o.account_id AND u.symbol = o.symbol AND u.state = 'UNKNOWN' AND u.kind IN ('OPEN', 'PLACE_PENDING')))
ORDER BY (o.kind LIKE 'CLOSE%') DESC, o.id
LIMIT (SELECT most FROM holder)

-- part: hand_out
-- Hand out the locked rows of `handed`: one new lease each, one event each.
leased AS (
    UPDATE trading_orders o SET state = 'LEASED', event_n = o.event_n + 1, lease_id = h.lease_id, lease_epoch = h.epoch, lease_instance = h.instance,
        lease_expires_at = h.expires_at, deliveries = o.deliveries + 1, leased_at = coalesce(o.leased_at, h.at), updated_at = h.at, legacy = h.legacy
    FROM handed h
    WHERE o.id = h.id
    RETURNING o.id, o.event_n, o.lease_id, o.lease_epoch, o.lease_instance, o.updated_at
), told AS (
    INSERT INTO order_events (order_id, n, from_state, to_state, event, payload, actor, at)
    SELECT id, event_n, 'QUEUED', 'LEASED', 'HANDED_OUT', jsonb_build_object('lease_id', lease_id, 'epoch', lease_epoch), 'terminal:' || lease_instance, updated_at
    FROM leased
)

-- part: parked
-- The account of a cycle that is parked: while its session ($2) holds the account, this cycle is its last one without an answer that was kept, and nothing is to
-- be told but what waits. $7: its answer says already that only what reduces passes. A cycle that brought the books has noted `reconciled_at` before it is parked.
SELECT a.id AS account_id, s.poll_ms, $8::timestamptz AS at, $9::int AS most, false AS legacy,
       $7::boolean OR a.trading_state <> 'ACTIVE' OR coalesce(r.trading_state <> 'ACTIVE', false) OR a.reconciled_at IS NULL AS only_closes
FROM accounts a JOIN mt5_sessions s ON s.id = a.session_id AND s.account_id = a.id LEFT JOIN risk_accounts r ON r.account_id = a.id
WHERE a.id = $1 AND s.id = $2 AND s.user_id = $3 AND s.state IN ('ACTIVE', 'SILENT') AND a.epoch = $4
  AND s.last_seq = $5 AND s.last_body_sha256 = $6 AND s.last_answer IS NULL AND a.not_tradable_code IS NULL
  AND NOT EXISTS (SELECT FROM trading_orders u WHERE u.account_id = a.id AND u.state = 'UNKNOWN')
  AND NOT EXISTS (SELECT FROM trading_orders v WHERE v.account_id = a.id AND v.state = 'LEASED' AND v.revoke_asked_at IS NOT NULL)

-- name: lock_queue
WITH holder AS NOT MATERIALIZED (
    SELECT $1::uuid AS account_id, $2::boolean AS only_closes, $3::timestamptz AS at, $4::int AS most, $5::boolean AS legacy
)
{waiting}
FOR UPDATE OF o SKIP LOCKED

-- name: lease_orders
-- Hand out the locked rows. $9: the session that keeps the answer ($8) which says so, if any.
WITH handed AS (
    SELECT l.id, l.lease_id, $3::int AS epoch, $4::text AS instance, $5::timestamptz AS expires_at, $6::timestamptz AS at, $7::boolean AS legacy
    FROM unnest($1::bigint[], $2::uuid[]) AS l (id, lease_id)
),
{hand_out}, kept AS (
    UPDATE mt5_sessions SET last_answer = $8 WHERE id = $9
)
SELECT id, lease_id FROM leased

-- name: read_waiting
-- What a parked cycle would be given, read without a lock. No row: not to be decided without one. One row without an id: nothing waits.
WITH holder AS MATERIALIZED (
{parked}
), waiting AS (
{waiting}
)
SELECT h.poll_ms, w.* FROM holder h LEFT JOIN waiting w ON true
ORDER BY (w.kind LIKE 'CLOSE%') DESC, w.id

-- name: lease_waiting
-- Hand out what read_waiting has read, or what bells have told ($10, each with the number of its last event; $16: the bell's text, NULL where it was read), and keep
-- the answer ($15) that says so; all of it, and only while exactly this would be locked for the cycle now; else nothing. No lock is waited for: whoever held it may
-- have changed what this statement's snapshot shows as it was.
-- The account and the session come first, and orders only under their locks: one that is held for nothing is passed over by who could hand it out.
-- A row that was changed between the snapshot and its lock is looked at again by Postgres.
WITH holder AS MATERIALIZED (
{parked}
    FOR NO KEY UPDATE OF a SKIP LOCKED FOR UPDATE OF s SKIP LOCKED
), locked AS MATERIALIZED (
{waiting}
    FOR UPDATE OF o SKIP LOCKED
), handed AS MATERIALIZED (
    SELECT l.id, l.lease_id, $4::int AS epoch, $13::text AS instance, $14::timestamptz AS expires_at, $8::timestamptz AS at, false AS legacy
    FROM unnest($10::bigint[], $12::uuid[]) AS l (id, lease_id)
    WHERE NOT EXISTS (SELECT FROM locked k FULL JOIN unnest($10::bigint[], $11::int[]) AS r (id, event_n) ON r.id = k.id AND r.event_n = k.event_n
                      WHERE k.id IS NULL OR r.id IS NULL)
      AND NOT EXISTS (SELECT FROM locked o JOIN unnest($10::bigint[], $16::text[]) AS r (id, told) ON r.id = o.id WHERE r.told::jsonb <> {told})
),
{hand_out}, kept AS (
    UPDATE mt5_sessions SET last_answer = $15 WHERE id = $2 AND EXISTS (SELECT FROM leased)
)
SELECT id FROM leased

-- name: find_orders_of_deals
-- The orders that deals belong to: by the broker's order ticket, else by the id in the comment. What changes an order or a position trades
-- nothing itself, and may know the same ticket.
SELECT o.id, o.order_ticket, o.kind, o.symbol, o.magic FROM trading_orders o
WHERE o.account_id = $1 AND (o.order_ticket = ANY ($2::bigint[]) OR o.id = ANY ($3::bigint[]))
  AND (o.kind IN ('OPEN', 'PLACE_PENDING') OR o.kind LIKE 'CLOSE%')
ORDER BY o.id

-- name: overdue_queue
SELECT id FROM trading_orders WHERE state = 'QUEUED' AND not_after <= $1 AND kind NOT LIKE 'CLOSE%' ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED

-- name: overdue_leases
-- Leases that ran out, with whether the same terminal still holds the account.
SELECT o.id, o.deliveries, o.not_after, o.legacy, o.revoke_asked_at,
       (s.id IS NOT NULL AND s.terminal_instance_id = o.lease_instance) AS same_instance
FROM trading_orders o
JOIN accounts a ON a.id = o.account_id
LEFT JOIN mt5_sessions s ON s.id = a.session_id AND s.state = 'ACTIVE'
WHERE o.state = 'LEASED' AND o.lease_expires_at <= $1
ORDER BY o.id LIMIT $2 FOR UPDATE OF o SKIP LOCKED

-- name: silent_orders
-- Taken by a terminal, and nothing heard since $1.
SELECT id FROM trading_orders WHERE state IN ('ACKED', 'SUBMITTED') AND updated_at <= $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED

-- name: note_left_book
-- Pending orders that left the broker's book as filled; their deals follow.
UPDATE trading_orders SET left_book_at = $3
WHERE account_id = $1 AND kind = 'PLACE_PENDING' AND order_ticket = ANY ($2::bigint[]) AND left_book_at IS NULL
  AND state IN ('ACCEPTED', 'PARTIALLY_FILLED', 'PENDING_MODIFY', 'PENDING_CANCEL')

-- name: account_in_flight
-- What is, or was, in a terminal's hands at a connect.
SELECT * FROM trading_orders
WHERE account_id = $1 AND (state IN ('LEASED', 'ACKED', 'SUBMITTED', 'UNKNOWN') OR state = 'QUEUED' AND deliveries > 0) ORDER BY id FOR UPDATE

-- name: ask_unknown
-- Orders of unknown fate that this terminal held and was not asked about since $4.
UPDATE trading_orders SET queried_at = $3
WHERE id IN (SELECT id FROM trading_orders
             WHERE account_id = $1 AND state = 'UNKNOWN' AND lease_instance = $2 AND NOT legacy AND (queried_at IS NULL OR queried_at <= $4)
             ORDER BY id LIMIT 20 FOR UPDATE SKIP LOCKED)
RETURNING id, symbol

-- name: revoked
SELECT id FROM trading_orders WHERE account_id = $1 AND state = 'LEASED' AND revoke_asked_at IS NOT NULL

-- name: release_reservations
-- The position carries the risk from here on: it is in the broker's own list, or was long enough ago. On a netting account the position may be an
-- older one that the order added to; then only a list from after the fill ($5) has all of it.
UPDATE trading_orders o SET released_at = $2
WHERE account_id = $1 AND released_at IS NULL AND state IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED', 'DONE') AND filled_volume > 0
  AND (greatest(filled_at, final_at) < $4
       OR position_id = ANY ($3::bigint[])
          AND (greatest(filled_at, final_at) <= $5 OR EXISTS (SELECT FROM accounts a WHERE a.id = $1 AND a.margin_mode = 'HEDGING')))

-- name: signal_of_order
UPDATE trading_signals s SET status = $2, detail_status = $3, code = coalesce($4, s.code), message = coalesce($5, s.message),
    executed_at = CASE WHEN $2 = 'EXECUTED' THEN coalesce(s.executed_at, $6) ELSE s.executed_at END
WHERE s.id = $1 AND (s.status, s.detail_status) IS DISTINCT FROM ($2, $3)
RETURNING s.*

-- name: order_states_of_signal
SELECT state, filled_volume > 0 AS filled FROM trading_orders WHERE signal_id = $1 ORDER BY leg

-- name: signals_of_orders
SELECT s.*, o.id AS order_id FROM trading_orders o JOIN trading_signals s ON s.id = o.signal_id WHERE o.id = ANY ($1::bigint[])

-- name: beyond_older_connector
-- What waits for a terminal and cannot be told to the older connector, closes first.
SELECT id, kind, symbol FROM trading_orders WHERE account_id = $1 AND state = 'QUEUED' AND signal_id IS NULL
ORDER BY (kind LIKE 'CLOSE%') DESC, id LIMIT 20

-- name: insert_signal_report
INSERT INTO signal_reports (signal_id, status, message, reported_at, received_at) VALUES ($1, $2, $3, $4, $5) RETURNING id

-- name: order_at_older_connector
-- The signal's first order that the older connector holds and has not reported on.
SELECT id FROM trading_orders
WHERE signal_id = $1 AND legacy AND state IN ('LEASED', 'ACKED', 'SUBMITTED', 'UNKNOWN') ORDER BY leg LIMIT 1

-- name: take_terms
-- A modification is done: the order stands as it ($2) said. A stop or target that was taken off was sent as 0.
UPDATE trading_orders t SET price = coalesce(m.price, t.price), stop_limit = coalesce(m.stop_limit, t.stop_limit), sl = nullif(m.sl, 0), tp = nullif(m.tp, 0),
    type_time = m.type_time, expiration = m.expiration
FROM trading_orders m WHERE t.id = $1 AND m.id = $2
