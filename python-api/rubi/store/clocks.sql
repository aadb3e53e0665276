-- The broker's clock: its offset history, and the offset that fresh ticks are about to show.

-- name: state
SELECT o.minutes, o.from_at, o.suspect, c.minutes AS candidate, c.agreeing, c.tick_msc
FROM (SELECT $1::uuid AS account_id) a
LEFT JOIN LATERAL (SELECT minutes, from_at, suspect FROM broker_offsets b WHERE b.account_id = a.account_id ORDER BY from_at DESC LIMIT 1) o ON true
LEFT JOIN broker_clocks c ON c.account_id = a.account_id;

-- name: keep_candidate
INSERT INTO broker_clocks (account_id, minutes, agreeing, tick_msc) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id) DO UPDATE SET minutes = excluded.minutes, agreeing = excluded.agreeing, tick_msc = excluded.tick_msc;

-- name: drop_candidate
DELETE FROM broker_clocks WHERE account_id = $1;

-- name: insert_offset
INSERT INTO broker_offsets (account_id, from_at, minutes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: set_suspect
-- Mark the offset in force.
UPDATE broker_offsets SET suspect = $2
WHERE account_id = $1 AND from_at = (SELECT max(from_at) FROM broker_offsets WHERE account_id = $1);
