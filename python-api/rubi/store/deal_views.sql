-- Deals and round trips of a time range, newest first. $1 owner, $2 the token's account, $3 from, $4 to, $5 symbol, $6 … $8 the cursor, $9 how many.

-- name: deals
SELECT d.*, a.currency FROM deals d JOIN accounts a ON a.id = d.account_id
WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2) AND d.executed_at >= $3 AND d.executed_at < $4 AND ($5::text IS NULL OR d.symbol = $5)
  AND ($6::timestamptz IS NULL OR (d.executed_at, d.account_id, d.ticket) < ($6, $7::uuid, $8::bigint))
ORDER BY d.executed_at DESC, d.account_id DESC, d.ticket DESC
LIMIT $9;

-- name: trips
-- A round trip is a position that is closed: its deals added up. One that is gone without any deal shows what was last seen of it.
WITH touched AS (
    SELECT d.account_id, d.position_id FROM deals d JOIN accounts a ON a.id = d.account_id
    WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2) AND d.executed_at >= $3 AND d.executed_at < $4 AND ($5::text IS NULL OR d.symbol = $5)
      AND d.entry IN ('OUT', 'OUT_BY', 'INOUT') AND d.position_id IS NOT NULL
    UNION
    SELECT p.account_id, p.position_id FROM trading_positions p JOIN accounts a ON a.id = p.account_id
    WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2) AND p.status = 'CLOSED' AND p.closed_at >= $3 AND p.closed_at < $4
      AND ($5::text IS NULL OR p.symbol = $5)
), added AS (
    SELECT t.account_id, t.position_id,
           min(d.symbol) AS symbol,
           (array_agg(d.type ORDER BY d.time_msc, d.ticket) FILTER (WHERE d.entry IN ('IN', 'INOUT')))[1] AS side,
           sum(d.volume) FILTER (WHERE d.entry = 'IN') AS volume_in, sum(d.volume) FILTER (WHERE d.entry IN ('OUT', 'OUT_BY')) AS volume_out,
           sum(d.volume * d.price) FILTER (WHERE d.entry = 'IN') / nullif(sum(d.volume) FILTER (WHERE d.entry = 'IN'), 0) AS open_price,
           sum(d.volume * d.price) FILTER (WHERE d.entry IN ('OUT', 'OUT_BY')) / nullif(sum(d.volume) FILTER (WHERE d.entry IN ('OUT', 'OUT_BY')), 0) AS close_price,
           sum(d.profit) AS profit, sum(d.swap) AS swap, sum(d.commission) AS commission, sum(d.fee) AS fee,
           min(d.executed_at) AS opened_at, max(d.executed_at) FILTER (WHERE d.entry IN ('OUT', 'OUT_BY', 'INOUT')) AS closed_at,
           (array_agg(d.reason ORDER BY d.time_msc DESC, d.ticket DESC) FILTER (WHERE d.entry IN ('OUT', 'OUT_BY', 'INOUT')))[1] AS close_reason,
           (array_agg(d.magic ORDER BY d.time_msc, d.ticket))[1] AS magic, count(d.ticket) AS deals
    FROM touched t LEFT JOIN deals d ON d.account_id = t.account_id AND d.position_id = t.position_id AND d.type IN ('BUY', 'SELL')
    GROUP BY t.account_id, t.position_id
), trips AS (
    SELECT s.account_id, s.position_id, coalesce(s.symbol, p.symbol) AS symbol, coalesce(s.side, p.side) AS side,
           coalesce(s.volume_out, p.volume) AS volume, coalesce(s.open_price, p.open_price) AS open_price, s.close_price,
           coalesce(s.profit, p.profit) AS profit, coalesce(s.swap, p.swap) AS swap, coalesce(s.commission, p.commission) AS commission, coalesce(s.fee, 0) AS fee,
           least(s.opened_at, p.opened_at) AS opened_at, coalesce(s.closed_at, p.closed_at) AS closed_at, coalesce(p.close_reason, s.close_reason) AS close_reason,
           coalesce(s.magic, p.magic) AS magic, s.deals, p.order_id, p.origin
    FROM added s LEFT JOIN trading_positions p ON p.account_id = s.account_id AND p.position_id = s.position_id
    WHERE coalesce(p.status = 'CLOSED', s.volume_in <= s.volume_out)
)
SELECT t.*, a.currency FROM trips t JOIN accounts a ON a.id = t.account_id
WHERE t.closed_at >= $3 AND t.closed_at < $4 AND ($6::timestamptz IS NULL OR (t.closed_at, t.account_id, t.position_id) < ($6, $7::uuid, $8::bigint))
ORDER BY t.closed_at DESC, t.account_id DESC, t.position_id DESC
LIMIT $9;
