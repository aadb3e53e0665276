-- name: page
-- An owner's entries, newest first.
SELECT id, actor, action, object, object_id, payload, request_id, at, hash FROM audit_log
WHERE user_id = $1 AND ($2::bigint IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3;

-- name: owners
-- Whose chains there are, with how long they are; $1: this one's.
SELECT l.user_id, u.username, count(*) AS entries FROM audit_log l LEFT JOIN users u ON u.id = l.user_id
WHERE $1::text IS NULL OR lower(u.username) = lower($1)
GROUP BY l.user_id, u.username ORDER BY l.user_id;
