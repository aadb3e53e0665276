-- name: insert
INSERT INTO decisions (user_id, account_id, signal_id, order_id, approved, code, detail, record, record_sha256, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9, $10)
RETURNING id;

-- name: of_signal
SELECT * FROM decisions WHERE signal_id = $1 AND user_id = $2 ORDER BY id DESC LIMIT 1;

-- name: one
SELECT * FROM decisions WHERE id = $1;
