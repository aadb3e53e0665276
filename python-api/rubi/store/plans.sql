-- Plans for open positions: trailing stops, break-even, parts taken at targets.

-- name: insert
INSERT INTO position_plans (account_id, user_id, signal_id, order_id, rules, created_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (order_id) DO NOTHING;

-- name: end
-- A plan ends with its position, or with an order that never opened one.
UPDATE position_plans n SET state = 'DONE', ended_at = greatest($2, o.final_at)
FROM trading_orders o
WHERE n.account_id = $1 AND n.state = 'ACTIVE' AND o.id = n.order_id AND o.final_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM trading_positions p WHERE p.account_id = $1 AND p.order_id = n.order_id AND p.status = 'OPEN')
  AND (o.filled_volume = 0 OR greatest(o.filled_at, o.final_at) < $3 OR EXISTS (SELECT FROM trading_positions p WHERE p.account_id = $1 AND p.order_id = n.order_id));

-- name: revive
-- A plan that did nothing yet goes on with its order, which had not ended at $2 after all. One that something else ended since stays so.
UPDATE position_plans SET state = 'ACTIVE', ended_at = NULL
WHERE order_id = $1 AND state = 'DONE' AND last_order_id IS NULL AND ended_at >= $2;

-- name: due
-- Active plans with their open position, its market and its symbol: nothing is under way for it, and its pause is over.
-- $3: an order of a plan that failed after this time is not repeated yet. An older connector takes no orders of plans.
SELECT n.id, n.user_id, n.order_id, n.rules, n.target_orders, p.position_id, p.ticket, p.symbol, p.side, p.volume, p.open_price, p.sl, p.tp, p.magic,
       o.filled_volume, t.bid, t.ask, t.quoted_at, t.received_at AS tick_received_at, y.spec, y.received_at AS spec_received_at,
       (SELECT coalesce(array_agg(e.key::int), '{}') FROM jsonb_each_text(n.target_orders) e JOIN trading_orders x ON x.id = e.value::bigint
        WHERE x.filled_volume > 0 OR x.state NOT IN ('REJECTED', 'CANCELED', 'EXPIRED')) AS done
FROM position_plans n
JOIN trading_orders o ON o.id = n.order_id
JOIN trading_positions p ON p.account_id = n.account_id AND p.order_id = n.order_id AND p.status = 'OPEN'
JOIN latest_ticks t ON t.account_id = n.account_id AND t.symbol = p.symbol
JOIN symbols y ON y.account_id = n.account_id AND y.name = p.symbol
LEFT JOIN trading_orders l ON l.id = n.last_order_id
WHERE n.account_id = $1 AND n.state = 'ACTIVE' AND (n.next_at IS NULL OR n.next_at <= $2)
  AND NOT (l.state IS NOT NULL AND l.state IN ('REJECTED', 'CANCELED', 'EXPIRED') AND l.final_at > $3)
  AND NOT EXISTS (SELECT FROM accounts a JOIN mt5_sessions s ON s.id = a.session_id WHERE a.id = n.account_id AND s.protocol < 2)
  AND NOT EXISTS (SELECT FROM trading_orders b WHERE b.account_id = n.account_id AND b.state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'UNKNOWN')
                  AND (b.position_ticket = p.ticket AND b.kind <> 'QUERY' OR b.kind = 'CLOSE_ALL' AND b.symbol IN ('', p.symbol)))
ORDER BY n.id;

-- name: note_step
-- An order was made for a plan; $4: the number of the target that it takes, if it is one.
UPDATE position_plans SET last_order_id = $2, next_at = $3, position_id = $5,
    target_orders = CASE WHEN $4::text IS NULL THEN target_orders ELSE target_orders || jsonb_build_object($4::text, $2::bigint) END
WHERE id = $1;

-- name: accounts
-- Accounts with something to follow whose terminal may be silent about it.
SELECT DISTINCT account_id FROM position_plans WHERE state = 'ACTIVE' ORDER BY account_id LIMIT $1;
