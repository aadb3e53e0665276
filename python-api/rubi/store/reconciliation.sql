-- Reconciliation: what the broker's books say against what we believe.

-- name: unknown_orders
SELECT * FROM trading_orders WHERE account_id = $1 AND state = 'UNKNOWN' ORDER BY id FOR UPDATE

-- name: sign_of_order
-- Whether anything in the books can be this order: its ticket, its comment, or a deal of it.
SELECT EXISTS (SELECT FROM working_orders w WHERE w.account_id = $1 AND (w.ticket = $3 OR w.order_id = $2))
    OR EXISTS (SELECT FROM deals d WHERE d.account_id = $1 AND (d.order_ticket = $3 OR d.order_id = $2))
    OR EXISTS (SELECT FROM trading_positions p WHERE p.account_id = $1 AND p.order_id = $2)

-- name: left_to_close
-- Whether a position is open that a close of all of a symbol ($2, '' is every one) and side is for.
SELECT EXISTS (SELECT FROM trading_positions
               WHERE account_id = $1 AND status = 'OPEN' AND ($2::text = '' OR symbol = $2) AND ($3::text IS NULL OR side = $3))

-- name: count_clean_state
UPDATE trading_orders SET clean_states = clean_states + 1 WHERE id = $1 RETURNING clean_states

-- name: adopt_positions
-- Positions that no order of ours opened; none is taken for foreign while an opening order of ours is under way.
UPDATE trading_positions p SET adopted_at = $2
WHERE p.account_id = $1 AND p.status = 'OPEN' AND p.origin = 'EXTERNAL' AND p.adopted_at IS NULL
  AND NOT EXISTS (SELECT FROM trading_orders o WHERE o.account_id = $1 AND o.symbol = p.symbol AND o.kind IN ('OPEN', 'PLACE_PENDING')
                  AND o.state IN ('LEASED', 'ACKED', 'SUBMITTED', 'UNKNOWN'))
RETURNING p.position_id, p.symbol, p.side, p.volume

-- name: unexplained_closes
-- Positions that are gone and that no deal explains.
SELECT position_id, symbol, side, volume, closed_at FROM trading_positions
WHERE account_id = $1 AND status = 'CLOSED' AND close_reason IS NULL ORDER BY position_id LIMIT 100

-- name: give_up_closes
UPDATE trading_positions SET close_reason = 'UNEXPLAINED'
WHERE account_id = $1 AND status = 'CLOSED' AND close_reason IS NULL AND closed_at < $2
RETURNING position_id, symbol, side, volume

-- name: explain_closes
-- A closing deal that comes later tells why a position is gone.
UPDATE trading_positions p SET close_reason = coalesce(d.reason, 'DEAL'), closed_at = d.executed_at
FROM deals d
WHERE p.account_id = $1 AND p.status = 'CLOSED' AND (p.close_reason IS NULL OR p.close_reason = 'UNEXPLAINED')
  AND d.account_id = p.account_id AND d.position_id = p.position_id AND d.ticket = ANY ($2::bigint[]) AND d.entry IN ('OUT', 'OUT_BY', 'INOUT')

-- name: missing_protections
-- Open positions of ours without the stop or target that their order asked for, and nobody changed since.
SELECT p.position_id, p.symbol, o.id AS order_id, o.sl AS asked_sl, o.tp AS asked_tp
FROM trading_positions p JOIN trading_orders o ON o.id = p.order_id
WHERE p.account_id = $1 AND p.status = 'OPEN'
  AND ((o.sl IS NOT NULL AND p.sl IS NULL) OR (o.tp IS NOT NULL AND p.tp IS NULL))
  AND NOT EXISTS (SELECT FROM trading_orders m WHERE m.account_id = $1 AND m.kind = 'MODIFY_POSITION' AND m.position_ticket = p.ticket AND m.state = 'DONE')

-- name: vanished_working
-- Orders that we believe to work at the broker and that are in no book.
SELECT o.id, o.order_ticket, o.symbol FROM trading_orders o
WHERE o.account_id = $1 AND o.state IN ('ACCEPTED', 'PARTIALLY_FILLED', 'PENDING_MODIFY', 'PENDING_CANCEL') AND o.kind = 'PLACE_PENDING'
  AND o.updated_at < $2
  AND NOT EXISTS (SELECT FROM working_orders w WHERE w.account_id = $1 AND (w.ticket = o.order_ticket OR w.order_id = o.id))

-- name: ended_in_part
-- Partly filled, in no book, and no word of it since $2: the rest is not coming. A pending order is known to have left the book before.
SELECT o.id, o.symbol, o.filled_volume, o.volume FROM trading_orders o
WHERE o.account_id = $1 AND o.state IN ('PARTIALLY_FILLED', 'PENDING_MODIFY', 'PENDING_CANCEL') AND o.filled_volume > 0 AND o.updated_at < $2
  AND (o.kind <> 'PLACE_PENDING' OR o.left_book_at < $2)
  AND NOT EXISTS (SELECT FROM working_orders w WHERE w.account_id = $1 AND (w.ticket = o.order_ticket OR w.order_id = o.id))
ORDER BY o.id FOR UPDATE OF o

-- name: move_cursor_back
-- Ask for deals again from $2 on; those that are known are stored once.
UPDATE accounts SET deal_cursor_msc = least(deal_cursor_msc, $2::bigint), deal_cursor_ticket = 0 WHERE id = $1 AND deal_cursor_msc > $2::bigint

-- name: insert_reconciliation
INSERT INTO reconciliations (account_id, reason, at, differences) VALUES ($1, $2, $3, $4)

-- name: note_pass
UPDATE accounts SET reconciled_at = $2 WHERE id = $1

-- name: latest
SELECT r.* FROM reconciliations r WHERE r.account_id = $1 ORDER BY r.id DESC LIMIT $2
