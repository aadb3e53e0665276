-- What a person should see.

-- name: insert_alert
INSERT INTO alerts (user_id, account_id, code, severity, object, object_id, detail, raised_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (user_id, account_id, code, object, object_id) DO NOTHING
RETURNING id

-- name: list_alerts
SELECT * FROM alerts WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
