-- What many terminals tell in one commit. Nothing here waits for a row that somebody else holds.

-- name: facts_of_session
-- What a process may remember of a session's account, as long as the version stays.
SELECT st.facts_version, o.minutes AS offset_minutes, coalesce(o.suspect, false) AS clock_suspect,
       EXISTS (SELECT FROM broker_clocks c WHERE c.account_id = s.account_id) AS clock_moves,
       (SELECT max(y.received_at) FROM symbols y WHERE y.account_id = s.account_id) AS symbols_at
FROM mt5_sessions s
JOIN account_states st ON st.account_id = s.account_id
LEFT JOIN LATERAL (SELECT minutes, suspect FROM broker_offsets b WHERE b.account_id = s.account_id ORDER BY from_at DESC LIMIT 1) o ON true
WHERE s.id = $1 AND s.user_id = $2

-- name: positions
SELECT position_id, ticket, symbol, side, volume, open_price, sl, tp, comment FROM trading_positions WHERE account_id = $1 AND status = 'OPEN'

-- name: working
SELECT ticket, symbol, type, volume_initial, volume_current, price_open, stop_limit, sl, tp, state, type_time, expiration, magic, comment
FROM working_orders WHERE account_id = $1

-- name: lock
-- Sessions and their accounts' money, held; what somebody else holds is left out, and so is a session that has ended.
SELECT s.id, s.state, s.last_seq, s.last_seen_at, st.facts_version, st.positions_taken_at, st.orders_taken_at, st.positions_sampled_at
FROM mt5_sessions s JOIN account_states st ON st.account_id = s.account_id
WHERE s.id = ANY ($1::uuid[]) AND s.state IN ('ACTIVE', 'SILENT')
FOR NO KEY UPDATE OF s, st SKIP LOCKED

-- name: facts
-- Read after the locks, by a snapshot of its own: who holds the account, what holds it back, and which rows the limits remember.
-- $2: cycles, which are also answered; $3: those with a list of positions.
SELECT a.id AS account_id, a.epoch, a.session_id, a.trading_state, r.trading_state AS risk_state, a.not_tradable_code, a.reconciled_at,
       a.deal_cursor_msc, a.deal_cursor_ticket, r.xmin AS memory_version,
       (SELECT x.xmin FROM risk_days x WHERE x.account_id = a.id ORDER BY x.day DESC LIMIT 1) AS day_version,
       (SELECT max(p.version) FROM risk_policies p WHERE p.account_id = a.id) AS policy_version,
       n.cycle AND EXISTS (SELECT FROM trading_orders o WHERE o.account_id = a.id AND o.state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'UNKNOWN')) AS orders_move,
       n.cycle AND EXISTS (SELECT FROM position_plans l WHERE l.account_id = a.id AND l.state = 'ACTIVE') AS has_plans,
       n.books AND EXISTS (SELECT FROM trading_orders o WHERE o.account_id = a.id AND o.released_at IS NULL AND o.filled_volume > 0) AS reserved
FROM unnest($1::uuid[], $2::boolean[], $3::boolean[]) AS n (account_id, cycle, books)
JOIN accounts a ON a.id = n.account_id
LEFT JOIN risk_accounts r ON r.account_id = a.id

-- name: save
-- Money and times of accounts ($1 … $13; null stays as it was), a point of their series, and signs of life of sessions ($14 … $18).
WITH told AS (
    SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::float8[], $5::float8[], $6::float8[], $7::float8[], $8::float8[], $9::float8[],
                         $10::float8[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[])
        AS n (account_id, received_at, taken_at, balance, equity, margin, margin_free, margin_level, profit, credit, positions_at, orders_at, sampled_at)
), series AS (
    INSERT INTO account_snapshots (time, account_id, balance, equity, margin, margin_free, margin_level, profit, received_at)
    SELECT taken_at, account_id, balance, equity, margin, margin_free, margin_level, profit, received_at FROM told WHERE balance IS NOT NULL
), states AS (
    UPDATE account_states s SET
        balance = coalesce(n.balance::text::numeric, s.balance), equity = coalesce(n.equity::text::numeric, s.equity),
        margin = coalesce(n.margin::text::numeric, s.margin), margin_free = coalesce(n.margin_free::text::numeric, s.margin_free),
        margin_level = coalesce(n.margin_level::text::numeric, s.margin_level), profit = coalesce(n.profit::text::numeric, s.profit),
        credit = coalesce(n.credit::text::numeric, s.credit),
        taken_at = CASE WHEN n.balance IS NULL THEN s.taken_at ELSE n.taken_at END,
        received_at = CASE WHEN n.balance IS NULL THEN s.received_at ELSE n.received_at END,
        positions_taken_at = coalesce(n.positions_at, s.positions_taken_at), orders_taken_at = coalesce(n.orders_at, s.orders_taken_at),
        positions_sampled_at = coalesce(n.sampled_at, s.positions_sampled_at)
    FROM told n WHERE s.account_id = n.account_id
)
UPDATE mt5_sessions s SET last_seen_at = n.seen_at, state = 'ACTIVE', last_seq = coalesce(n.seq, s.last_seq),
    last_body_sha256 = CASE WHEN n.seq IS NULL THEN s.last_body_sha256 ELSE n.sha256 END,
    last_answer = CASE WHEN n.seq IS NULL THEN s.last_answer END, flags = coalesce(n.flags, s.flags)
FROM unnest($14::uuid[], $15::timestamptz[], $16::bigint[], $17::bytea[], $18::jsonb[]) AS n (id, seen_at, seq, sha256, flags)
WHERE s.id = n.id

-- name: save_marks
-- Prices and profits of open positions; an account's are those from $8 to $9 of the columns.
INSERT INTO position_marks AS k (account_id, taken_at, position_ids, current_price, profit, swap, commission)
SELECT n.account_id, n.taken_at, ($3::bigint[])[n.first:n.last], ($4::float8[])[n.first:n.last], ($5::float8[])[n.first:n.last],
       ($6::float8[])[n.first:n.last], ($7::float8[])[n.first:n.last]
FROM unnest($1::uuid[], $2::timestamptz[], $8::int[], $9::int[]) AS n (account_id, taken_at, first, last)
ON CONFLICT (account_id) DO UPDATE SET taken_at = excluded.taken_at, position_ids = excluded.position_ids, current_price = excluded.current_price,
    profit = excluded.profit, swap = excluded.swap, commission = excluded.commission

-- name: sample_positions
-- One point of the series of each open position of the accounts.
INSERT INTO position_snapshots (time, account_id, position_id, symbol, side, volume, current_price, sl, tp, profit, swap)
SELECT n.sampled_at, p.account_id, p.position_id, p.symbol, p.side, p.volume, p.current_price, p.sl, p.tp, p.profit, p.swap
FROM unnest($1::uuid[], $2::timestamptz[]) AS n (account_id, sampled_at) JOIN open_positions p ON p.account_id = n.account_id

-- name: save_ticks
INSERT INTO ticks (account_id, time, symbol, time_msc, bid, ask, last, volume)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::bigint[], $5::float8[], $6::float8[], $7::float8[], $8::float8[])
ON CONFLICT DO NOTHING

-- name: save_latest_ticks
INSERT INTO latest_ticks AS l (account_id, symbol, bid, ask, time_msc, quoted_at, received_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::numeric[], $4::numeric[], $5::bigint[], $6::timestamptz[], $7::timestamptz[])
ON CONFLICT (account_id, symbol) DO UPDATE SET bid = excluded.bid, ask = excluded.ask, time_msc = excluded.time_msc, quoted_at = excluded.quoted_at,
    received_at = excluded.received_at
WHERE l.time_msc <= excluded.time_msc

-- name: save_memory
-- What the loss limits remember of accounts that nothing holds back.
UPDATE risk_accounts r SET counted_from = n.counted_from, funds = n.funds, deals = n.deals, flows = n.flows, initial_flows = n.initial_flows,
    unexplained_since = NULL, units = n.units, nav = n.nav, balance_nav = n.balance_nav, high = n.high, high_balance = n.high_balance, day_high = n.day_high,
    end_high = n.end_high, end_high_balance = n.end_high_balance, nav_day = n.nav_day, updated_at = n.updated_at
FROM unnest($1::uuid[], $2::timestamptz[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[],
            $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[], $14::numeric[], $15::date[], $16::timestamptz[])
     AS n (account_id, counted_from, funds, deals, flows, initial_flows, units, nav, balance_nav, high, high_balance, day_high, end_high, end_high_balance,
           nav_day, updated_at)
WHERE r.account_id = n.account_id
RETURNING r.account_id, r.xmin AS version
