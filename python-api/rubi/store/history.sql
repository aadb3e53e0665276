-- An account's money and a position's result over time, in points that keep the extremes.

-- name: raw_points
-- Snapshots from $2 to below $3, in steps of $4 counted from $5. A drawdown is counted from the highest equity since $2.
SELECT at AS time, max(equity) FILTER (WHERE first) AS equity_open, max(equity) AS equity_high, min(equity) AS equity_low, max(equity) FILTER (WHERE last) AS equity,
       max(balance) FILTER (WHERE last) AS balance, max(CASE WHEN peak > 0 THEN least((peak - equity) / peak, 1) ELSE 0 END) AS drawdown, count(*) AS samples
FROM (SELECT at, equity, balance, max(equity) OVER (w ROWS UNBOUNDED PRECEDING) AS peak,
             lag(at) OVER w IS DISTINCT FROM at AS first, lead(at) OVER w IS DISTINCT FROM at AS last
      FROM (SELECT date_bin($4, time, $5) AS at, time, received_at, equity, balance
            FROM account_snapshots WHERE account_id = $1 AND time >= $2 AND time < $3) s
      WINDOW w AS (ORDER BY time, received_at, equity, balance)) samples
GROUP BY at ORDER BY at

-- name: points
-- The same from the rollups of resolution $6.
SELECT at AS time, max(equity_open) FILTER (WHERE first) AS equity_open, max(equity_high) AS equity_high, min(equity_low) AS equity_low,
       max(equity_close) FILTER (WHERE last) AS equity, max(balance_close) FILTER (WHERE last) AS balance,
       max(greatest(max_drawdown, CASE WHEN peak > 0 THEN least((peak - equity_low) / peak, 1) ELSE 0 END)) AS drawdown, sum(samples)::bigint AS samples
FROM (SELECT at, equity_open, equity_high, equity_low, equity_close, balance_close, max_drawdown, samples,
             max(equity_high) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS peak,
             lag(at) OVER w IS DISTINCT FROM at AS first, lead(at) OVER w IS DISTINCT FROM at AS last
      FROM (SELECT bucket, date_bin($4, bucket, $5) AS at, equity_open, equity_high, equity_low, equity_close, balance_close, max_drawdown, samples
            FROM account_metrics WHERE account_id = $1 AND resolution = $6 AND bucket >= $2 AND bucket < $3) rollups
      WINDOW w AS (ORDER BY bucket)) buckets
GROUP BY at ORDER BY at

-- name: buckets
-- The same where a step is just a bucket of resolution $4.
SELECT bucket AS time, equity_open, equity_high, equity_low, equity_close AS equity, balance_close AS balance,
       greatest(max_drawdown, CASE WHEN peak > 0 THEN least((peak - equity_low) / peak, 1) ELSE 0 END) AS drawdown, samples
FROM (SELECT bucket, equity_open, equity_high, equity_low, equity_close, balance_close, max_drawdown, samples,
             max(equity_high) OVER (ORDER BY bucket ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS peak
      FROM account_metrics WHERE account_id = $1 AND resolution = $4 AND bucket >= $2 AND bucket < $3) buckets
ORDER BY bucket

-- name: position
-- A position, open or closed, by its id or else its ticket; those of $4 only when it is not null. Two rows when two of the owner's accounts have it.
SELECT DISTINCT ON (p.account_id) p.account_id, p.position_id, p.ticket, p.symbol, p.side, p.open_price, p.opened_at, p.closed_at, p.status
FROM trading_positions p JOIN accounts a ON a.id = p.account_id
WHERE a.user_id = $1 AND ($2::uuid IS NULL OR a.id = $2) AND (p.position_id = $3 OR p.ticket = $3) AND ($4::uuid IS NULL OR a.id = $4)
ORDER BY p.account_id, (p.position_id = $3) DESC, p.opened_at DESC LIMIT 2

-- name: position_points
-- Samples of a position from $3 to below $4, in steps of $5 counted from $6.
SELECT at AS time, max(price) FILTER (WHERE last) AS price, max(price) AS price_high, min(price) AS price_low, max(profit) FILTER (WHERE last) AS profit, max(profit) AS profit_high,
       min(profit) AS profit_low, max(swap) FILTER (WHERE last) AS swap, max(volume) FILTER (WHERE last) AS volume, max(sl) FILTER (WHERE last) AS sl,
       max(tp) FILTER (WHERE last) AS tp, count(*) AS samples
FROM (SELECT at, price, profit, swap, volume, sl, tp, lead(at) OVER (ORDER BY time, profit) IS DISTINCT FROM at AS last
      FROM (SELECT date_bin($5, time, $6) AS at, time, current_price AS price, profit, swap, volume, sl, tp
            FROM position_snapshots WHERE account_id = $1 AND position_id = $2 AND time >= $3 AND time < $4) s) samples
GROUP BY at ORDER BY at
