-- Bars for correlations and ranges. Hours are made of minutes where the terminal sends no hours.

-- name: closes
-- The newest closes of these symbols: $3 a timeframe that is kept, $4 how many of each.
SELECT s.symbol, c.time, c.close FROM unnest($2::text[]) AS s (symbol)
CROSS JOIN LATERAL (SELECT time, close FROM market_data m WHERE m.account_id = $1 AND m.symbol = s.symbol AND m.timeframe = $3
                    ORDER BY time DESC LIMIT $4) c
ORDER BY s.symbol, c.time;

-- name: hours_of_minutes
-- Hours since $3, out of minutes: the last close of each, and its extremes.
SELECT symbol, date_bin('1 hour', time, '2000-01-01Z') AS hour, max(high) AS high, min(low) AS low, (array_agg(close ORDER BY time DESC))[1] AS close
FROM market_data WHERE account_id = $1 AND symbol = ANY ($2::text[]) AND timeframe = 'M1' AND time >= $3
GROUP BY symbol, hour ORDER BY symbol, hour;

-- name: hours
SELECT high, low, close FROM market_data WHERE account_id = $1 AND symbol = $2 AND timeframe = 'H1' ORDER BY time DESC LIMIT $3;
