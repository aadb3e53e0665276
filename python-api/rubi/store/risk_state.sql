-- What the loss limits remember of an account, day by day and snapshot by snapshot.

-- name: read
-- The account's money, its rules and what is remembered of it; its money is held until the transaction ends.
SELECT a.id AS account_id, a.user_id, a.currency, a.currency_digits, a.leverage, s.balance, s.equity, s.margin, s.margin_free, s.margin_level, s.profit, s.credit, s.taken_at, s.received_at,
       coalesce(e.protocol, 2) AS protocol, p.policy::text AS policy, p.version AS policy_version,
       (SELECT jsonb_agg(jsonb_build_array(b.from_at, b.minutes, b.suspect) ORDER BY b.from_at) FROM broker_offsets b WHERE b.account_id = a.id) AS offsets,
       r.counted_from, r.funds, r.deals, r.flows, r.initial_flows, r.unexplained_since, r.units, r.nav, r.balance_nav, r.high, r.high_balance, r.day_high,
       r.end_high, r.end_high_balance, r.nav_day, r.wiped, r.drawdown_level, r.trading_state AS risk_state, r.trading_reason AS risk_reason, r.flatten_since, r.updated_at,
       d.day, d.starts_at AS day_starts_at, d.ends_at AS day_ends_at, d.anchor AS day_anchor, d.flows AS day_flows, d.estimated AS day_estimated, d.state AS day_level
FROM accounts a
JOIN account_states s ON s.account_id = a.id
LEFT JOIN risk_accounts r ON r.account_id = a.id
LEFT JOIN mt5_sessions e ON e.id = coalesce(a.session_id, (SELECT m.id FROM mt5_sessions m WHERE m.account_id = a.id ORDER BY m.connected_at DESC LIMIT 1))
LEFT JOIN LATERAL (SELECT policy, version FROM risk_policies x WHERE x.account_id = a.id ORDER BY x.version DESC LIMIT 1) p ON true
LEFT JOIN LATERAL (SELECT * FROM risk_days x WHERE x.account_id = a.id ORDER BY x.day DESC LIMIT 1) d ON true
WHERE a.id = $1
FOR UPDATE OF s;

-- name: save
WITH changed AS (
    UPDATE account_states SET facts_version = facts_version + 1 WHERE account_id = $1
)
INSERT INTO risk_accounts AS r (account_id, counted_from, funds, deals, flows, initial_flows, unexplained_since, units, nav, balance_nav, high, high_balance,
    day_high, end_high, end_high_balance, nav_day, wiped, drawdown_level, trading_state, trading_reason, flatten_since, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
ON CONFLICT (account_id) DO UPDATE SET counted_from = excluded.counted_from, funds = excluded.funds, deals = excluded.deals, flows = excluded.flows,
    initial_flows = excluded.initial_flows, unexplained_since = excluded.unexplained_since, units = excluded.units, nav = excluded.nav,
    balance_nav = excluded.balance_nav, high = excluded.high, high_balance = excluded.high_balance, day_high = excluded.day_high, end_high = excluded.end_high,
    end_high_balance = excluded.end_high_balance, nav_day = excluded.nav_day, wiped = excluded.wiped, drawdown_level = excluded.drawdown_level,
    trading_state = excluded.trading_state, trading_reason = excluded.trading_reason, flatten_since = excluded.flatten_since, updated_at = excluded.updated_at;

-- name: save_day
WITH changed AS (
    UPDATE account_states SET facts_version = facts_version + 1 WHERE account_id = $1
)
INSERT INTO risk_days (account_id, day, starts_at, ends_at, anchor, anchor_mode, flows, estimated, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (account_id, day) DO UPDATE SET starts_at = excluded.starts_at, ends_at = excluded.ends_at, anchor = excluded.anchor, flows = excluded.flows,
    estimated = excluded.estimated, state = excluded.state;

-- name: past_deals
-- What the known deals since $2 add up to: results with all costs, and deposits, withdrawals and credits.
SELECT coalesce(sum(profit + swap + commission + fee) FILTER (WHERE type <> ALL ($3::text[])), 0) AS results,
       coalesce(sum(profit + swap + commission + fee) FILTER (WHERE type = ANY ($3::text[])), 0) AS flows
FROM deals WHERE account_id = $1 AND executed_at >= $2;

-- name: for_deals
-- What new deals may move.
SELECT r.counted_from, d.day, d.starts_at, d.estimated, d.anchor_mode
FROM account_states s JOIN risk_accounts r ON r.account_id = s.account_id
LEFT JOIN LATERAL (SELECT * FROM risk_days x WHERE x.account_id = r.account_id ORDER BY x.day DESC LIMIT 1) d ON true
WHERE s.account_id = $1 FOR UPDATE OF s;

-- name: count_deals
WITH changed AS (
    UPDATE account_states SET facts_version = facts_version + 1 WHERE account_id = $1
)
UPDATE risk_accounts SET deals = deals + $2, flows = flows + $3 WHERE account_id = $1;

-- name: move_day
-- Together with count_deals, which tells those who remember the account.
UPDATE risk_days SET anchor = anchor + $3, flows = flows + $4 WHERE account_id = $1 AND day = $2;

-- name: to_flatten
-- Accounts that a breach asked to flatten, that are not flat yet, and for which no close was made since $2.
SELECT r.account_id FROM risk_accounts r
WHERE r.flatten_since IS NOT NULL
  AND NOT EXISTS (SELECT FROM trading_orders o WHERE o.account_id = r.account_id AND o.kind LIKE 'CLOSE%' AND o.created_at > $2)
ORDER BY r.flatten_since LIMIT $1;

-- name: flattening
-- Take an account that is to be flattened; nothing when it is done or another one does it.
SELECT r.flatten_since, r.trading_reason, a.user_id, a.login FROM risk_accounts r JOIN accounts a ON a.id = r.account_id
WHERE r.account_id = $1 AND r.flatten_since IS NOT NULL FOR UPDATE OF r SKIP LOCKED;

-- name: flattened
-- Nothing is open and nothing that opens is under way.
UPDATE risk_accounts r SET flatten_since = NULL
WHERE r.account_id = $1
  AND NOT EXISTS (SELECT FROM trading_positions p WHERE p.account_id = $1 AND p.status = 'OPEN')
  AND NOT EXISTS (SELECT FROM working_orders w WHERE w.account_id = $1)
  AND NOT EXISTS (SELECT FROM trading_orders o WHERE o.account_id = $1 AND o.kind IN ('OPEN', 'PLACE_PENDING')
                  AND o.state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'ACCEPTED', 'PARTIALLY_FILLED', 'UNKNOWN'))
RETURNING true;
