-- name: take_turn
-- One decision at a time for an account: what is read next includes what the decision before it reserved.
SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 0));

-- name: gather
-- Everything a decision on $2 (symbol) for the account $1 is made from, in one round trip. Decimals leave as text.
WITH held AS (
    SELECT * FROM open_positions WHERE account_id = $1
), working AS (
    SELECT * FROM working_orders WHERE account_id = $1
), reserved AS (
    SELECT o.* FROM trading_orders o
    WHERE o.account_id = $1 AND o.released_at IS NULL
      AND (o.reserved_risk > 0 -- also what a modification adds until the books show it
           OR o.kind IN ('OPEN', 'PLACE_PENDING') AND o.state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'ACCEPTED', 'PARTIALLY_FILLED', 'PENDING_MODIFY', 'PENDING_CANCEL', 'UNKNOWN'))
      AND NOT EXISTS (SELECT FROM working w WHERE w.order_id = o.id OR w.ticket = o.order_ticket)
)
SELECT a.currency, a.currency_digits, a.leverage, a.margin_mode, a.trade_mode, a.trading_state, a.trading_reason, a.not_tradable_code, a.reconciled_at,
       s.balance, s.equity, s.margin, s.margin_free, s.margin_level, s.profit, s.credit, s.taken_at, s.received_at,
       t.bid, t.ask, t.quoted_at, t.received_at AS tick_received_at,
       e.protocol, e.state AS session_state,
       p.policy::text AS policy, p.version AS policy_version,
       (SELECT jsonb_agg(jsonb_build_array(b.from_at, b.minutes, b.suspect) ORDER BY b.from_at) FROM broker_offsets b WHERE b.account_id = $1) AS offsets,
       (SELECT jsonb_agg(jsonb_build_array(y.name, y.spec, y.received_at)) FROM symbols y
        WHERE y.account_id = $1 AND y.name IN (SELECT $2 UNION SELECT symbol FROM held UNION SELECT symbol FROM working UNION SELECT symbol FROM reserved)) AS specs,
       (SELECT jsonb_agg(jsonb_build_array(h.symbol, h.side, h.volume::text, h.open_price::text, h.current_price::text, h.sl::text,
                                           h.position_id::text, h.ticket::text) ORDER BY h.position_id) FROM held h) AS positions,
       (SELECT jsonb_agg(jsonb_build_array(w.symbol, w.type, w.volume_current::text, w.price_open::text, w.sl::text, w.ticket::text)
                         ORDER BY w.ticket) FROM working w) AS pendings,
       (SELECT jsonb_agg(jsonb_build_array(r.symbol, r.side, coalesce(r.volume, 0)::text, r.reserved_risk::text, r.reserved_margin::text,
                                           coalesce(r.reserved_price, r.price)::text, r.id, r.kind)
                         ORDER BY r.id) FROM reserved r) AS reservations,
       EXISTS (SELECT FROM trading_orders u WHERE u.account_id = $1 AND u.state = 'UNKNOWN' AND u.symbol = $2
               AND u.kind IN ('OPEN', 'PLACE_PENDING')) AS unknown_order,
       (SELECT jsonb_agg(c.position_ticket::text) FROM trading_orders c
        WHERE c.account_id = $1 AND c.state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED') AND c.kind = 'CLOSE_POSITION') AS closing,
       (SELECT jsonb_agg(jsonb_build_array(w.account_id, w.symbol, w.state)) FROM trading_switches w
        WHERE w.user_id = a.user_id AND w.cleared_at IS NULL AND (w.account_id IS NULL OR w.account_id = $1)
          AND (w.symbol IS NULL OR w.symbol = $2)) AS switches,
       (SELECT jsonb_agg(jsonb_build_array(k.scope, k.code, k.until_at, k.reason, k.symbol, k.side)) FROM risk_locks k
        WHERE k.account_id = $1 AND k.released_at IS NULL AND (k.until_at IS NULL OR k.until_at > $3)) AS locks,
       (SELECT jsonb_agg(jsonb_build_array(q.side, q.entry::text, q.stop::text, q.loss_per_lot::text, q.margin_per_lot::text, q.received_at))
        FROM terminal_quotes q WHERE q.account_id = $1 AND q.symbol = $2) AS quotes,
       r.counted_from, r.funds, r.deals, r.flows, r.initial_flows, r.unexplained_since, r.units, r.nav, r.balance_nav, r.high, r.high_balance, r.day_high,
       r.end_high, r.end_high_balance, r.nav_day, r.wiped, r.drawdown_level, r.trading_state AS risk_state, r.trading_reason AS risk_reason,
       d.day, d.starts_at AS day_starts_at, d.ends_at AS day_ends_at, d.anchor AS day_anchor, d.flows AS day_flows, d.estimated AS day_estimated, d.state AS day_level
FROM accounts a
LEFT JOIN account_states s ON s.account_id = a.id
LEFT JOIN latest_ticks t ON t.account_id = a.id AND t.symbol = $2
LEFT JOIN mt5_sessions e ON e.id = coalesce(a.session_id, (SELECT m.id FROM mt5_sessions m WHERE m.account_id = a.id ORDER BY m.connected_at DESC LIMIT 1))
LEFT JOIN LATERAL (SELECT policy, version FROM risk_policies o WHERE o.account_id = a.id ORDER BY o.version DESC LIMIT 1) p ON true
LEFT JOIN risk_accounts r ON r.account_id = a.id
LEFT JOIN LATERAL (SELECT * FROM risk_days x WHERE x.account_id = a.id ORDER BY x.day DESC LIMIT 1) d ON true
WHERE a.id = $1;

-- name: closures
-- Positions that were closed since $2, for the protections: the closing deal's side is the other one. A lock that a person took away makes
-- forgotten what was closed before, within its scope.
SELECT d.symbol, CASE d.type WHEN 'SELL' THEN 'BUY' ELSE 'SELL' END AS side, d.executed_at, d.profit + d.swap + d.commission + d.fee AS profit,
       coalesce(d.reason, '') = 'SL' AS by_stop
FROM deals d
WHERE d.account_id = $1 AND d.executed_at >= $2 AND d.entry IN ('OUT', 'OUT_BY') AND d.type IN ('BUY', 'SELL') AND d.symbol IS NOT NULL
  AND NOT EXISTS (SELECT FROM risk_locks k WHERE k.account_id = $1 AND k.released_at >= d.executed_at
                  AND (k.scope = 'ACCOUNT' OR k.symbol = d.symbol AND (k.scope = 'SYMBOL' OR k.side <> d.type)))
ORDER BY d.executed_at DESC LIMIT 1000;

-- name: quoted_symbols
-- Every symbol with a specification and a quote, and what holds for it alone.
SELECT y.name, y.spec, y.received_at, t.bid, t.ask, t.quoted_at, t.received_at AS tick_received_at,
       (SELECT array_agg(w.state) FROM trading_switches w WHERE w.user_id = a.user_id AND w.cleared_at IS NULL
          AND (w.account_id IS NULL OR w.account_id = $1) AND w.symbol = y.name) AS switches,
       EXISTS (SELECT FROM trading_orders u WHERE u.account_id = $1 AND u.state = 'UNKNOWN' AND u.symbol = y.name
               AND u.kind IN ('OPEN', 'PLACE_PENDING')) AS unknown_order,
       (SELECT jsonb_agg(jsonb_build_array(q.side, q.entry::text, q.stop::text, q.loss_per_lot::text, q.margin_per_lot::text, q.received_at))
        FROM terminal_quotes q WHERE q.account_id = $1 AND q.symbol = y.name) AS quotes
FROM symbols y JOIN accounts a ON a.id = y.account_id JOIN latest_ticks t ON t.account_id = y.account_id AND t.symbol = y.name
WHERE y.account_id = $1 ORDER BY y.name LIMIT 500;
