-- Bars and symbols of one account.

-- name: candles
-- The newest bars from $4 to below $5, oldest first.
SELECT * FROM (SELECT time, open, high, low, close, tick_volume, real_volume, spread FROM market_data
               WHERE account_id = $1 AND symbol = $2 AND timeframe = $3 AND time >= $4 AND time < $5
               ORDER BY time DESC LIMIT $6) newest
ORDER BY time

-- name: first_with_bars
-- The first of these timeframes of which there are bars from $4 to below $5.
SELECT t.name FROM unnest($3::text[]) WITH ORDINALITY AS t (name, place)
WHERE EXISTS (SELECT FROM market_data WHERE account_id = $1 AND symbol = $2 AND timeframe = t.name AND time >= $4 AND time < $5)
ORDER BY t.place LIMIT 1

-- name: symbols
-- Specifications in order of name, those after $2; with the last quote where there is one.
SELECT s.name, s.spec, s.received_at, q.bid, q.ask, q.received_at AS quoted_at
FROM symbols s
LEFT JOIN latest_ticks q ON q.account_id = s.account_id AND q.symbol = s.name
WHERE s.account_id = $1 AND ($2::text IS NULL OR s.name > $2)
ORDER BY s.name LIMIT $3
