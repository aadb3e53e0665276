-- What many terminals tell in one commit. Nothing here waits for a row that somebody else holds.
-- (SELECT $1::uuid[]) is an array whose length the planner does not see: for a known one it plans each time anew, which takes longer than the rest.

-- name: facts
-- What a process may remember of sessions and their accounts, as long as the version of each stays.
SELECT s.id AS session_id, st.facts_version, o.minutes AS offset_minutes, coalesce(o.suspect, false) AS clock_suspect,
       EXISTS (SELECT FROM broker_clocks c WHERE c.account_id = s.account_id) AS clock_moves,
       (SELECT max(y.received_at) FROM symbols y WHERE y.account_id = s.account_id) AS symbols_at
FROM mt5_sessions s
JOIN account_states st ON st.account_id = s.account_id
LEFT JOIN LATERAL (SELECT minutes, suspect FROM broker_offsets b WHERE b.account_id = s.account_id ORDER BY from_at DESC LIMIT 1) o ON true
WHERE s.id = ANY((SELECT $1::uuid[])::uuid[])

-- name: positions
SELECT account_id, position_id, ticket, symbol, side, volume, open_price, sl, tp, comment FROM trading_positions
WHERE account_id = ANY((SELECT $1::uuid[])::uuid[]) AND status = 'OPEN'

-- name: working
SELECT account_id, ticket, symbol, type, volume_initial, volume_current, price_open, stop_limit, sl, tp, state, type_time, expiration, magic, comment
FROM working_orders WHERE account_id = ANY((SELECT $1::uuid[])::uuid[])

-- name: commit
-- Write what calls tell, each under the locks of its session and its account's money; the numbers of those that were written.
-- Left out is what somebody else holds, a session that has ended, an account of which more has changed than the caller
-- remembers ($2), a list older than the stored one, a book with an order that had ended, and a cycle that finds anything to hand out, to wait or to stop for.
-- Whatever decides stands in the two locked rows, or changes the version in one: a row that was changed before it could be
-- locked is looked at again. Nothing here waits for a row.
-- A comparison of the books that is due ($23: of those older, and after a silence of $44) is noted when it finds nothing: `agreeing` are the accounts whose
-- books, that the call repeats, leave nothing to be adopted, attributed, explained, protected, revived or ended (store/reconciliation.sql,
-- and what storing the same lists again would find in store/books.sql). It leaves out more than these do, never less.
-- What stands between "only with" and "always" is left out of a batch that brings none of it: a statement has its price, whatever it finds to do.
WITH told AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::float8[], $6::float8[], $7::float8[], $8::float8[],
                         $9::float8[], $10::float8[], $11::float8[], $12::timestamptz[], $13::int[], $14::int[], $15::timestamptz[], $16::boolean[],
                         $17::int[], $18::bigint[], $19::bytea[], $20::jsonb[], $23::timestamptz[])
        WITH ORDINALITY AS t (session_id, facts_version, told_at, taken_at, balance, equity, margin, margin_free, margin_level, profit, credit,
                              positions_at, first, last, orders_at, remembered, epoch, seq, sha256, flags, compared_before, n)
)
-- only with cycles
, agreeing AS MATERIALIZED (
    SELECT t.n
    FROM told t
    JOIN mt5_sessions s ON s.id = t.session_id
    JOIN accounts a ON a.id = s.account_id
    WHERE t.seq IS NOT NULL AND t.positions_at IS NOT NULL AND t.orders_at IS NOT NULL AND a.session_id = s.id AND a.reconciled_at IS NOT NULL
      AND (a.reconciled_at <= t.compared_before OR s.last_seen_at <= t.told_at - $44::interval)
      AND NOT EXISTS (SELECT FROM trading_positions p WHERE p.account_id = a.id AND p.status = 'CLOSED' AND p.close_reason IS NULL)
      AND NOT EXISTS (SELECT FROM trading_positions p LEFT JOIN trading_orders o ON o.id = p.order_id
                      WHERE p.account_id = a.id AND p.status = 'OPEN'
                        AND (p.origin = 'EXTERNAL' AND p.adopted_at IS NULL OR p.order_id IS NULL AND p.comment LIKE '%RS-%' OR o.sl IS NOT NULL AND p.sl IS NULL OR o.tp IS NOT NULL AND p.tp IS NULL))
      AND NOT EXISTS (SELECT FROM trading_positions p
                      JOIN trading_orders o ON o.account_id = p.account_id AND o.position_id = p.position_id AND o.symbol = p.symbol
                      WHERE p.account_id = a.id AND p.status = 'OPEN' AND p.order_id IS NULL AND o.kind IN ('OPEN', 'PLACE_PENDING'))
      AND NOT EXISTS (SELECT FROM trading_orders o
                      WHERE o.account_id = a.id AND (o.state IN ('PARTIALLY_FILLED', 'PENDING_MODIFY', 'PENDING_CANCEL')
                         OR o.state = 'ACCEPTED' AND o.kind = 'PLACE_PENDING'
                            AND NOT EXISTS (SELECT FROM working_orders w WHERE w.account_id = a.id AND (w.ticket = o.order_ticket OR w.order_id = o.id))))
      AND NOT EXISTS (SELECT FROM working_orders w
                      JOIN trading_orders o ON o.account_id = w.account_id AND (o.order_ticket = w.ticket OR o.id = w.order_id)
                      WHERE w.account_id = a.id AND o.kind = 'PLACE_PENDING'
                        AND (w.order_id IS NULL OR o.state IN ('FILLED', 'REJECTED', 'CANCELED', 'EXPIRED')))
      AND NOT EXISTS (SELECT FROM working_orders w WHERE w.account_id = a.id AND w.order_id IS NULL AND w.comment LIKE '%RS-%')
    FOR NO KEY UPDATE OF a SKIP LOCKED
)
-- always
, held AS MATERIALIZED (
    SELECT t.*, s.account_id, a.deal_cursor_msc, a.deal_cursor_ticket,
-- only with cycles
           g.n IS NOT NULL AS compared,
-- always
           t.seq IS NOT NULL OR s.state <> 'ACTIVE' OR s.last_seen_at <= t.told_at - $21::interval AS seen,
           t.last >= t.first AND (st.positions_sampled_at IS NULL OR st.positions_sampled_at <= t.told_at - $22::interval) AS sampled
    FROM told t
    JOIN mt5_sessions s ON s.id = t.session_id
    JOIN account_states st ON st.account_id = s.account_id
    JOIN accounts a ON a.id = s.account_id
-- only with cycles
    LEFT JOIN agreeing g ON g.n = t.n
-- always
    WHERE s.state IN ('ACTIVE', 'SILENT') AND a.session_id = s.id AND st.facts_version = t.facts_version
      AND (t.positions_at IS NULL OR st.positions_taken_at <= t.positions_at
           AND NOT EXISTS (SELECT FROM trading_orders o WHERE o.account_id = a.id AND o.released_at IS NULL AND o.filled_volume > 0))
-- only with cycles
      AND (t.orders_at IS NULL OR st.orders_taken_at <= t.orders_at
           AND NOT EXISTS (SELECT FROM working_orders w
                           JOIN trading_orders o ON o.account_id = w.account_id AND (o.order_ticket = w.ticket OR o.id = w.order_id)
                           WHERE w.account_id = a.id AND o.kind = 'PLACE_PENDING' AND o.state IN ('FILLED', 'REJECTED', 'CANCELED', 'EXPIRED')))
      AND (t.seq IS NULL OR (
           t.seq > s.last_seq AND t.epoch = s.epoch AND t.epoch = a.epoch AND a.trading_state = 'ACTIVE' AND a.not_tradable_code IS NULL
           AND (s.last_seen_at > t.told_at - $44::interval AND (t.positions_at IS NULL OR t.orders_at IS NULL OR a.reconciled_at > t.compared_before) OR g.n IS NOT NULL)
           AND NOT EXISTS (SELECT FROM trading_orders o WHERE o.account_id = a.id AND o.state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'UNKNOWN'))
           AND NOT EXISTS (SELECT FROM position_plans l WHERE l.account_id = a.id AND l.state = 'ACTIVE')))
-- always
    FOR NO KEY UPDATE OF s, st SKIP LOCKED
)
-- only with money
, series AS (
    INSERT INTO account_snapshots (time, account_id, balance, equity, margin, margin_free, margin_level, profit, received_at)
    SELECT taken_at, account_id, balance, equity, margin, margin_free, margin_level, profit, told_at FROM held WHERE balance IS NOT NULL
)
-- always
, states AS (
    UPDATE account_states s SET
        balance = coalesce(h.balance::text::numeric, s.balance), equity = coalesce(h.equity::text::numeric, s.equity),
        margin = coalesce(h.margin::text::numeric, s.margin), margin_free = coalesce(h.margin_free::text::numeric, s.margin_free),
        margin_level = coalesce(h.margin_level::text::numeric, s.margin_level), profit = coalesce(h.profit::text::numeric, s.profit),
        credit = coalesce(h.credit::text::numeric, s.credit),
        taken_at = CASE WHEN h.balance IS NULL THEN s.taken_at ELSE h.taken_at END,
        received_at = CASE WHEN h.balance IS NULL THEN s.received_at ELSE h.told_at END,
        positions_taken_at = coalesce(h.positions_at, s.positions_taken_at), orders_taken_at = coalesce(h.orders_at, s.orders_taken_at),
        positions_sampled_at = CASE WHEN h.sampled THEN h.told_at ELSE s.positions_sampled_at END,
        facts_version = s.facts_version + h.remembered::int
    FROM held h
    WHERE s.account_id = h.account_id AND (h.balance IS NOT NULL OR h.positions_at IS NOT NULL OR h.orders_at IS NOT NULL OR h.sampled OR h.remembered)
)
, sessions AS (
    UPDATE mt5_sessions s SET last_seen_at = h.told_at, state = 'ACTIVE', last_seq = coalesce(h.seq, s.last_seq),
        last_body_sha256 = CASE WHEN h.seq IS NULL THEN s.last_body_sha256 ELSE h.sha256 END,
        last_answer = CASE WHEN h.seq IS NULL THEN s.last_answer END, flags = coalesce(h.flags, s.flags)
    FROM held h WHERE s.id = h.session_id AND h.seen
)
-- only with cycles
, comparisons AS (
    UPDATE accounts a SET reconciled_at = h.told_at FROM held h WHERE a.id = h.account_id AND h.compared
)
-- only with marks
, marks AS (
    INSERT INTO position_marks AS k (account_id, taken_at, position_ids, current_price, profit, swap, commission)
    SELECT account_id, positions_at, ($24::bigint[])[first:last], ($25::float8[])[first:last], ($26::float8[])[first:last], ($27::float8[])[first:last],
           ($28::float8[])[first:last]
    FROM held WHERE last >= first
    ON CONFLICT (account_id) DO UPDATE SET taken_at = excluded.taken_at, position_ids = excluded.position_ids, current_price = excluded.current_price,
        profit = excluded.profit, swap = excluded.swap, commission = excluded.commission
)
, samples AS (
    INSERT INTO position_snapshots (time, account_id, position_id, symbol, side, volume, current_price, sl, tp, profit, swap)
    SELECT h.told_at, p.account_id, p.position_id, p.symbol, p.side, p.volume, m.current_price, p.sl, p.tp, m.profit, m.swap
    FROM held h
    CROSS JOIN LATERAL unnest(($24::bigint[])[h.first:h.last], ($25::float8[])[h.first:h.last], ($26::float8[])[h.first:h.last], ($27::float8[])[h.first:h.last])
        AS m (position_id, current_price, profit, swap)
    JOIN trading_positions p ON p.account_id = h.account_id AND p.position_id = m.position_id
    WHERE h.sampled
)
-- only with memories
, memories AS (
    UPDATE risk_accounts r SET counted_from = m.counted_from, funds = m.funds, deals = m.deals, flows = m.flows, initial_flows = m.initial_flows,
        unexplained_since = NULL, units = m.units, nav = m.nav, balance_nav = m.balance_nav, high = m.high, high_balance = m.high_balance,
        day_high = m.day_high, end_high = m.end_high, end_high_balance = m.end_high_balance, nav_day = m.nav_day, updated_at = h.told_at
    FROM unnest($29::bigint[], $30::timestamptz[], $31::numeric[], $32::numeric[], $33::numeric[], $34::numeric[], $35::numeric[], $36::numeric[],
                $37::numeric[], $38::numeric[], $39::numeric[], $40::numeric[], $41::numeric[], $42::numeric[], $43::date[])
         AS m (n, counted_from, funds, deals, flows, initial_flows, units, nav, balance_nav, high, high_balance, day_high, end_high, end_high_balance, nav_day)
    JOIN held h ON h.n = m.n
    WHERE r.account_id = h.account_id
)
-- only with quotes
, quoted AS MATERIALIZED (
    SELECT h.account_id, h.told_at, q.*
    FROM unnest($45::bigint[], $46::timestamptz[], $47::text[], $48::bigint[], $49::float8[], $50::float8[], $51::float8[], $52::float8[], $53::timestamptz[])
         AS q (n, time, symbol, time_msc, bid, ask, last, volume, quoted_at)
    JOIN held h ON h.n = q.n
)
, quotes AS (
    INSERT INTO ticks (account_id, time, symbol, time_msc, bid, ask, last, volume)
    SELECT account_id, time, symbol, time_msc, bid, ask, last, volume FROM quoted
    ON CONFLICT DO NOTHING
)
, latest AS (
    INSERT INTO latest_ticks AS l (account_id, symbol, bid, ask, time_msc, quoted_at, received_at)
    SELECT account_id, symbol, bid::text::numeric, ask::text::numeric, time_msc, quoted_at, told_at FROM quoted WHERE quoted_at IS NOT NULL
    ON CONFLICT (account_id, symbol) DO UPDATE SET bid = excluded.bid, ask = excluded.ask, time_msc = excluded.time_msc, quoted_at = excluded.quoted_at,
        received_at = excluded.received_at
    WHERE l.time_msc <= excluded.time_msc
)
-- only with bars
, bars AS (
    INSERT INTO market_data AS m (account_id, received_at, time, symbol, timeframe, open, high, low, close, tick_volume, real_volume, spread)
    SELECT h.account_id, h.told_at, b.time, b.symbol, b.timeframe, b.open, b.high, b.low, b.close, b.tick_volume, b.real_volume, b.spread
    FROM unnest($54::bigint[], $55::timestamptz[], $56::text[], $57::text[], $58::float8[], $59::float8[], $60::float8[], $61::float8[], $62::bigint[],
                $63::bigint[], $64::int[]) AS b (n, time, symbol, timeframe, open, high, low, close, tick_volume, real_volume, spread)
    JOIN held h ON h.n = b.n
    ON CONFLICT (account_id, symbol, timeframe, time) DO UPDATE SET high = excluded.high, low = excluded.low, close = excluded.close,
        tick_volume = excluded.tick_volume, real_volume = excluded.real_volume, spread = excluded.spread, received_at = excluded.received_at
    WHERE m.tick_volume <= excluded.tick_volume
)
-- always
SELECT n - 1 AS place, deal_cursor_msc, deal_cursor_ticket FROM held
