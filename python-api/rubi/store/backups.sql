-- What a backup reads: which tables there are, what refers to what, and what a table holds.

-- name: tables
-- Tables of ours with their columns, by name: a migration can only append, so their order tells nothing. Partitions and
-- chunks are read through their parents.
SELECT c.relname AS name, array_agg(a.attname ORDER BY a.attname) AS columns,
       (array_agg(a.attname) FILTER (WHERE a.attidentity <> ''))[1] AS identity
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
GROUP BY c.relname ORDER BY c.relname

-- name: references
SELECT c.conrelid::regclass::text AS name, c.confrelid::regclass::text AS needs FROM pg_constraint c
WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace AND c.conrelid <> c.confrelid AND c.conparentid = 0

-- name: migrations
SELECT version, name, checksum FROM schema_migrations ORDER BY version

-- name: server
SELECT current_database() AS database, current_setting('server_version') AS server,
       (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescaledb

-- name: in_use
-- Others who are connected to this database.
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
