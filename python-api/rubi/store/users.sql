-- name: insert
-- A new person; nothing when the name or the address is taken.
INSERT INTO users (username, email, password_hash, created_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING id, username, email, role, created_at, disabled_at;

-- name: lock_people
-- Two first visits at once: one waits for the other.
LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE;

-- name: any_known
SELECT EXISTS (SELECT FROM users);

-- name: insert_first
-- The first person, an administrator; nothing when somebody is known.
INSERT INTO users (username, email, password_hash, created_at, role)
SELECT $1::text, $2::text, $3::text, $4::timestamptz, 'admin'
WHERE NOT EXISTS (SELECT FROM users)
RETURNING id, username, email, role, created_at, disabled_at;

-- name: by_login
-- The person of a username or an e-mail address, whatever the case.
SELECT id, username, email, role, created_at, disabled_at, password_hash
FROM users
WHERE lower(username) = lower($1) OR lower(email) = lower($1);

-- name: by_id
SELECT id, username, email, role, created_at, disabled_at, password_hash FROM users WHERE id = $1;

-- name: set_password
UPDATE users SET password_hash = $2 WHERE id = $1;
