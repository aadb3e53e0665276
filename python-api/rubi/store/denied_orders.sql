-- name: insert
-- An order that risk has denied: it exists, it was never queued, and its one event says why.
WITH new AS (
    INSERT INTO trading_orders (user_id, account_id, kind, symbol, side, order_type, volume, price, stop_limit, sl, tp, deviation_points, type_time,
        expiration, magic, position_ticket, target_ticket, target_order_id, state, event_n, code, message, created_at, final_at, released_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 'DENIED', 1, $19, $20, $21, $21, $21, $21)
    RETURNING id
), first AS (
    INSERT INTO order_events (order_id, n, from_state, to_state, event, payload, actor, at)
    SELECT id, 1, 'CREATED', 'DENIED', 'DENIED', jsonb_build_object('code', $19::text, 'detail', $20::text), $22, $21 FROM new
)
SELECT id FROM new;
