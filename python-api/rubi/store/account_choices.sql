-- name: find
-- The user's accounts that may be meant, each with its clock's history. $2: a login, or the text of an id. $4: what the transaction waits its
-- turn for, if anything; a row without an id says that the turn has come and there is no account.
SELECT a.id, a.login, a.server,
       (SELECT jsonb_agg(jsonb_build_array(b.from_at, b.minutes) ORDER BY b.from_at) FROM broker_offsets b WHERE b.account_id = a.id) AS offsets
FROM (SELECT pg_advisory_xact_lock(hashtextextended($4::text, 0)) OFFSET 0) turn
LEFT JOIN accounts a
  ON a.user_id = $1 AND ($2::text IS NULL OR a.login = $2 OR a.id::text = $2) AND ($3::uuid IS NULL OR a.id = $3)
ORDER BY a.created_at, a.id
LIMIT 50;
