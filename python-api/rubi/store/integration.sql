-- What the paths of specs/backend-integration.md read. $1 is the owner, $2 the account that a token is good for, or null.

-- name: signals
-- Newest first; $3: this symbol only.
SELECT * FROM trading_signals
WHERE user_id = $1 AND ($2::uuid IS NULL OR account_id = $2) AND ($3::text IS NULL OR symbol = $3)
ORDER BY id DESC LIMIT $4;

-- name: latest_signals
-- The newest signal of each symbol.
SELECT DISTINCT ON (symbol) * FROM trading_signals
WHERE user_id = $1 AND ($2::uuid IS NULL OR account_id = $2)
ORDER BY symbol, id DESC LIMIT $3;

-- name: account
SELECT a.id, a.login, a.server, a.leverage, a.currency, s.balance, s.equity, s.margin, s.margin_free, s.profit, s.taken_at
FROM accounts a LEFT JOIN account_states s ON s.account_id = a.id
WHERE a.user_id = $1 AND a.id = $2;
