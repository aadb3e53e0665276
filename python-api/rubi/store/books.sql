-- The broker's books as the terminal reads them: money, positions, working orders, deals.

-- name: save_money
-- The account now, and one point of its series.
WITH series AS (
    INSERT INTO account_snapshots (time, account_id, balance, equity, margin, margin_free, margin_level, profit, received_at)
    VALUES ($9, $1, $2, $3, $4, $5, $6, $7, $10)
)
INSERT INTO account_states AS s (account_id, balance, equity, margin, margin_free, margin_level, profit, credit, taken_at, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (account_id) DO UPDATE SET balance = excluded.balance, equity = excluded.equity, margin = excluded.margin, margin_free = excluded.margin_free,
    margin_level = excluded.margin_level, profit = excluded.profit, credit = excluded.credit, taken_at = excluded.taken_at, received_at = excluded.received_at

-- name: accept_positions
-- When this list is newer than the one that is stored: whether a sample of the positions is due.
UPDATE account_states SET positions_taken_at = $2, facts_version = facts_version + 1
WHERE account_id = $1 AND (positions_taken_at IS NULL OR positions_taken_at <= $2)
RETURNING positions_sampled_at IS NULL OR positions_sampled_at <= $3 AS sample_due

-- name: accept_orders
UPDATE account_states SET orders_taken_at = $2, facts_version = facts_version + 1
WHERE account_id = $1 AND (orders_taken_at IS NULL OR orders_taken_at <= $2)
RETURNING true

-- name: change_facts
-- What a process remembers of the account is out of date.
UPDATE account_states SET facts_version = facts_version + 1 WHERE account_id = $1

-- name: open_positions
SELECT * FROM trading_positions WHERE account_id = $1 AND status = 'OPEN'

-- name: upsert_positions
-- Ours is what an order of ours opened: known by its position id, else by the id in the comment.
INSERT INTO trading_positions AS p (account_id, position_id, ticket, symbol, side, volume, open_price, current_price, sl, tp, profit, swap, commission, magic,
    comment, order_id, origin, opened_at, taken_at)
SELECT $1, n.position_id, n.ticket, n.symbol, n.side, n.volume, n.open_price, n.current_price, n.sl, n.tp, n.profit, n.swap, n.commission, n.magic,
       n.comment, ours.id, CASE WHEN ours.id IS NULL THEN 'EXTERNAL' ELSE 'OURS' END, n.opened_at, $2
FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[],
            $12::numeric[], $13::numeric[], $14::numeric[], $15::bigint[], $16::text[], $17::timestamptz[], $18::bigint[])
     AS n (position_id, ticket, symbol, side, volume, open_price, current_price, sl, tp, profit, swap, commission, magic, comment, opened_at, said_order)
LEFT JOIN LATERAL (
    SELECT o.id FROM trading_orders o
    WHERE o.account_id = $1 AND o.kind IN ('OPEN', 'PLACE_PENDING') AND o.symbol = n.symbol
      AND (o.position_id = n.position_id OR o.id = n.said_order)
    ORDER BY (o.position_id = n.position_id) DESC NULLS LAST LIMIT 1
) ours ON true
ON CONFLICT (account_id, position_id) DO UPDATE SET ticket = excluded.ticket, side = excluded.side, volume = excluded.volume, open_price = excluded.open_price,
    current_price = excluded.current_price, sl = excluded.sl, tp = excluded.tp, profit = excluded.profit, swap = excluded.swap,
    commission = excluded.commission, comment = excluded.comment, order_id = coalesce(p.order_id, excluded.order_id),
    origin = CASE WHEN coalesce(p.order_id, excluded.order_id) IS NULL THEN 'EXTERNAL' ELSE 'OURS' END,
    status = 'OPEN', closed_at = NULL, close_reason = NULL, taken_at = excluded.taken_at

-- name: close_missing
-- What is no longer in the list is closed, for the reason of its last deal, as it was seen last.
UPDATE trading_positions p SET status = 'CLOSED', closed_at = coalesce(last.executed_at, $3), close_reason = last.reason, taken_at = $2,
    current_price = last.current_price, profit = last.profit, swap = last.swap, commission = last.commission
FROM (SELECT q.position_id, q.current_price, q.profit, q.swap, q.commission, d.executed_at, d.reason FROM open_positions q
      LEFT JOIN LATERAL (SELECT executed_at, coalesce(reason, 'DEAL') AS reason FROM deals
                         WHERE account_id = q.account_id AND position_id = q.position_id AND entry IN ('OUT', 'OUT_BY', 'INOUT')
                         ORDER BY time_msc DESC, ticket DESC LIMIT 1) d ON true
      WHERE q.account_id = $1 AND NOT q.position_id = ANY ($4::bigint[])) last
WHERE p.account_id = $1 AND p.position_id = last.position_id
RETURNING p.*

-- name: sample_positions
-- One point of each position's series.
WITH sampled AS (
    UPDATE account_states SET positions_sampled_at = $2 WHERE account_id = $1
)
INSERT INTO position_snapshots (time, account_id, position_id, symbol, side, volume, current_price, sl, tp, profit, swap)
SELECT $2, account_id, position_id, symbol, side, volume, current_price, sl, tp, profit, swap
FROM open_positions WHERE account_id = $1 AND position_id = ANY ($3::bigint[])

-- name: replace_working
WITH gone AS (
    DELETE FROM working_orders WHERE account_id = $1 AND NOT ticket = ANY ($3::bigint[])
)
INSERT INTO working_orders AS w (account_id, taken_at, ticket, symbol, type, volume_initial, volume_current, price_open, stop_limit, sl, tp, state, type_time,
    expiration, magic, comment, order_id)
SELECT $1, $2, n.*,
       (SELECT o.id FROM trading_orders o WHERE o.account_id = $1 AND (o.order_ticket = n.ticket OR o.id = s.said) AND o.kind = 'PLACE_PENDING' LIMIT 1)
FROM unnest($3::bigint[], $4::text[], $5::text[], $6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::text[],
            $13::text[], $14::timestamptz[], $15::bigint[], $16::text[])
     AS n (ticket, symbol, type, volume_initial, volume_current, price_open, stop_limit, sl, tp, state, type_time, expiration, magic, comment)
JOIN unnest($3::bigint[], $17::bigint[]) AS s (ticket, said) ON s.ticket = n.ticket
ON CONFLICT (account_id, ticket) DO UPDATE SET volume_current = excluded.volume_current, price_open = excluded.price_open, stop_limit = excluded.stop_limit,
    sl = excluded.sl, tp = excluded.tp, state = excluded.state, type_time = excluded.type_time, expiration = excluded.expiration,
    order_id = coalesce(w.order_id, excluded.order_id), taken_at = excluded.taken_at

-- name: not_yet_seen
-- Orders of ours whose broker ticket or id is told, and that we do not hold for working: not yet seen, or ended. An end by the broker's own history
-- stands: the book was read before it. $4: an end by a cancel is believed for so long, since the book may be older than the cancel.
SELECT o.id, o.order_ticket, o.symbol, o.side, o.magic, o.state, o.event_n FROM trading_orders o
WHERE o.account_id = $1 AND o.kind = 'PLACE_PENDING' AND (o.order_ticket = ANY ($2::bigint[]) OR o.id = ANY ($3::bigint[]))
  AND (o.state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'UNKNOWN')
       OR o.state IN ('FILLED', 'REJECTED', 'CANCELED', 'EXPIRED') AND o.filled_volume < o.volume AND o.deliveries > 0
          AND (o.state <> 'CANCELED' OR o.final_at <= $4)
          AND NOT EXISTS (SELECT FROM order_events e WHERE e.order_id = o.id AND e.dedupe LIKE 'history:%'))

-- name: insert_deals
INSERT INTO deals (account_id, received_at, ticket, order_ticket, position_id, symbol, type, entry, volume, price, sl, tp, profit, swap, commission, fee, magic,
    comment, reason, time_msc, executed_at)
SELECT $1, $2, n.* FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::numeric[], $10::numeric[], $11::numeric[],
    $12::numeric[], $13::numeric[], $14::numeric[], $15::numeric[], $16::numeric[], $17::bigint[], $18::text[], $19::text[], $20::bigint[], $21::timestamptz[]) AS n
ON CONFLICT (account_id, ticket) DO NOTHING
RETURNING ticket

-- name: move_cursor
UPDATE accounts SET deal_cursor_msc = $2, deal_cursor_ticket = $3
WHERE id = $1 AND (deal_cursor_msc, deal_cursor_ticket) < ($2::bigint, $3::bigint)

-- name: unattributed_deals
SELECT ticket, order_ticket, position_id, volume, price, entry FROM deals
WHERE account_id = $1 AND order_ticket = $2 AND order_id IS NULL AND type IN ('BUY', 'SELL') ORDER BY time_msc, ticket

-- name: attribute_deal
-- A deal belongs to an order; the order's fill price is the mean of its deals.
WITH attributed AS (
    UPDATE deals SET order_id = $3 WHERE account_id = $1 AND ticket = $2 RETURNING volume, price
)
UPDATE trading_orders o SET fill_price = (
    SELECT sum(f.volume * f.price) / sum(f.volume)
    FROM (SELECT volume, price FROM deals WHERE account_id = $1 AND order_id = $3 AND ticket <> $2 UNION ALL SELECT volume, price FROM attributed) f)
WHERE o.id = $3

-- name: save_symbols
INSERT INTO symbols AS s (account_id, name, spec, spec_sha256, received_at)
SELECT $1, n.name, n.spec, n.sha, $2 FROM unnest($3::text[], $4::jsonb[], $5::text[]) AS n (name, spec, sha)
ON CONFLICT (account_id, name) DO UPDATE SET spec = excluded.spec, spec_sha256 = excluded.spec_sha256, received_at = excluded.received_at

-- name: save_quotes
INSERT INTO terminal_quotes (account_id, symbol, side, entry, stop, loss_per_lot, margin_per_lot, received_at)
SELECT $1, n.* FROM unnest($2::text[], $3::text[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[], $8::timestamptz[]) AS n
ON CONFLICT (account_id, symbol, side) DO UPDATE SET entry = excluded.entry, stop = excluded.stop, loss_per_lot = excluded.loss_per_lot,
    margin_per_lot = excluded.margin_per_lot, received_at = excluded.received_at

-- name: save_latest_ticks
INSERT INTO latest_ticks AS l (account_id, symbol, bid, ask, time_msc, quoted_at, received_at)
SELECT $1, n.*, $2 FROM unnest($3::text[], $4::numeric[], $5::numeric[], $6::bigint[], $7::timestamptz[]) AS n
ON CONFLICT (account_id, symbol) DO UPDATE SET bid = excluded.bid, ask = excluded.ask, time_msc = excluded.time_msc, quoted_at = excluded.quoted_at,
    received_at = excluded.received_at
WHERE l.time_msc <= excluded.time_msc

-- name: save_ticks
INSERT INTO ticks (account_id, time, symbol, time_msc, bid, ask, last, volume)
SELECT $1, n.* FROM unnest($2::timestamptz[], $3::text[], $4::bigint[], $5::float8[], $6::float8[], $7::float8[], $8::float8[]) AS n
ON CONFLICT DO NOTHING

-- name: save_bars
INSERT INTO market_data AS m (account_id, received_at, time, symbol, timeframe, open, high, low, close, tick_volume, real_volume, spread)
SELECT $1, $2, n.* FROM unnest($3::timestamptz[], $4::text[], $5::text[], $6::float8[], $7::float8[], $8::float8[], $9::float8[], $10::bigint[], $11::bigint[], $12::int[]) AS n
ON CONFLICT (account_id, symbol, timeframe, time) DO UPDATE SET high = excluded.high, low = excluded.low, close = excluded.close,
    tick_volume = excluded.tick_volume, real_volume = excluded.real_volume, spread = excluded.spread, received_at = excluded.received_at
WHERE m.tick_volume <= excluded.tick_volume
