-- What people and programs ask about orders. $1 is always the owner; $2 the account that a token is good for, or null.

-- name: page
SELECT * FROM trading_orders
WHERE user_id = $1 AND ($2::uuid IS NULL OR account_id = $2) AND ($3::text[] IS NULL OR state = ANY ($3)) AND ($4::text IS NULL OR symbol = $4)
  AND ($5::bigint IS NULL OR id < $5)
ORDER BY id DESC LIMIT $6;

-- name: by_ids
SELECT * FROM trading_orders WHERE user_id = $1 AND ($2::uuid IS NULL OR account_id = $2) AND id = ANY ($3::bigint[]) ORDER BY id;

-- name: one
SELECT * FROM trading_orders WHERE user_id = $1 AND ($2::uuid IS NULL OR account_id = $2) AND id = $3;

-- name: by_ticket
-- Our order behind a broker's ticket, the newest when several accounts know it; $4: this account only.
SELECT * FROM trading_orders
WHERE user_id = $1 AND ($2::uuid IS NULL OR account_id = $2) AND order_ticket = $3 AND kind = 'PLACE_PENDING' AND ($4::uuid IS NULL OR account_id = $4)
ORDER BY id DESC LIMIT 2;

-- name: events
SELECT n, event, from_state, to_state, legal, actor, at, payload FROM order_events WHERE order_id = $1 ORDER BY n LIMIT 1000;

-- name: decision
SELECT id, approved, code, detail, record, record_sha256, decided_at, order_id FROM decisions WHERE order_id = $1 ORDER BY id DESC LIMIT 1;

-- name: instructions
-- Modifications and cancels of an order.
SELECT id, kind, state, code, created_at FROM trading_orders WHERE target_order_id = $1 ORDER BY id LIMIT 200;

-- name: working
-- An order as it stands in the broker's book.
SELECT w.* FROM working_orders w JOIN accounts a ON a.id = w.account_id
WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2) AND w.ticket = $3 AND ($4::uuid IS NULL OR a.id = $4)
ORDER BY w.account_id LIMIT 2;

-- name: working_of_account
SELECT * FROM working_orders WHERE account_id = $1 AND ($2::text IS NULL OR symbol = $2) ORDER BY ticket LIMIT 1000;

-- name: position
-- An open position by its ticket or its id; tickets are unique within an account only.
SELECT p.* FROM open_positions p JOIN accounts a ON a.id = p.account_id
WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2) AND (p.ticket = $3 OR p.position_id = $3)
ORDER BY (p.ticket = $3) DESC, p.account_id LIMIT 2;

-- name: positions
-- Open positions that match, oldest first: a broker under the FIFO rule closes them in this order only.
SELECT p.* FROM open_positions p JOIN accounts a ON a.id = p.account_id
WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2)
  AND ($3::text IS NULL OR p.symbol = $3) AND ($4::text IS NULL OR p.side = $4) AND ($5::bigint IS NULL OR p.magic = $5)
ORDER BY p.account_id, p.opened_at, p.position_id LIMIT 5000;

-- name: live_closes
-- Closes under way of an account's positions. A close of all of a symbol (or of everything) stands for each position of it.
SELECT id, kind, symbol, side, position_ticket, volume, filled_volume, state FROM trading_orders
WHERE account_id = $1 AND state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'UNKNOWN') AND kind LIKE 'CLOSE%' ORDER BY id;

-- name: live_change
-- A change under way: of a position ($2), or of a broker's order ($3).
SELECT id, kind, state FROM trading_orders
WHERE account_id = $1 AND state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'UNKNOWN') AND kind IN ('MODIFY_POSITION', 'MODIFY_PENDING', 'CANCEL_PENDING')
  AND (position_ticket = $2 OR target_ticket = $3)
ORDER BY id LIMIT 1;

-- name: unsent_opens
-- Openings that the broker has not confirmed yet; $2: of this symbol.
SELECT id, state FROM trading_orders
WHERE account_id = $1 AND state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'UNKNOWN') AND kind IN ('OPEN', 'PLACE_PENDING')
  AND ($2::text IS NULL OR symbol = $2)
ORDER BY id LIMIT 1000;

-- name: symbol_spec
SELECT name, spec, received_at FROM symbols WHERE account_id = $1 AND name = $2;

-- name: desk
-- What an instruction for an account has to know of it.
SELECT a.id, a.login, a.server, a.margin_mode,
       coalesce(e.protocol, 2) = 1 AS older_connector
FROM accounts a
LEFT JOIN mt5_sessions e ON e.id = coalesce(a.session_id, (SELECT m.id FROM mt5_sessions m WHERE m.account_id = a.id ORDER BY m.connected_at DESC LIMIT 1))
WHERE a.id = $1;
