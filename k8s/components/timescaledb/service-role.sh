#!/bin/sh
# Run once, when the cluster is made (/docker-entrypoint-initdb.d): the service's own role and database. It is no superuser.
set -eu

RUBI_NEW_PASSWORD=$(cat "${RUBI_PASSWORD_FILE:?}")
export RUBI_NEW_PASSWORD
psql -X -q -v ON_ERROR_STOP=1 -v user="${RUBI_USER:-rubi_admin}" -v database="${RUBI_DATABASE:-rubi_trading}" \
    --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv password RUBI_NEW_PASSWORD
CREATE ROLE :"user" LOGIN PASSWORD :'password' CONNECTION LIMIT 90;
CREATE DATABASE :"database" OWNER :"user";
\connect :"database"
SELECT 'CREATE EXTENSION IF NOT EXISTS timescaledb'
WHERE EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
  AND current_setting('shared_preload_libraries') LIKE '%timescaledb%' \gexec
SQL
