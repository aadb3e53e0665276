#!/bin/sh
# Make the database and its user on a PostgreSQL server of your own, and bring it to the newest schema.
#
#   ./install_database.sh YOUR_DB_PASSWORD
#
# Run it as somebody who may create databases: `sudo -u postgres ./install_database.sh …`, or name the server with the
# usual variables PGHOST, PGPORT, PGUSER (default postgres), PGPASSWORD. RUBI_DATABASE and RUBI_USER change the names.
# It can be run again at any time: it sets the password and applies the migrations that are new.
set -eu

database=${RUBI_DATABASE:-rubi_trading}
user=${RUBI_USER:-rubi_admin}
folder=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

if [ $# -ne 1 ] || [ -z "$1" ]; then
    echo "usage: $0 YOUR_DB_PASSWORD" >&2
    exit 2
fi
if ! command -v psql >/dev/null 2>&1; then
    echo "psql is missing: on Debian or Ubuntu, apt-get install postgresql-client" >&2
    exit 1
fi
: "${PGUSER:=postgres}"
export PGUSER
# By the environment, not as an argument: other users of the machine can read command lines.
RUBI_NEW_PASSWORD=$1
export RUBI_NEW_PASSWORD

ask() {
    psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"
}

ask -d postgres -v user="$user" -v database="$database" >/dev/null <<'SQL'
\set password `printf %s "$RUBI_NEW_PASSWORD"`
SET password_encryption = 'scram-sha-256';
SELECT format('CREATE ROLE %I LOGIN', :'user') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user') \gexec
ALTER ROLE :"user" LOGIN PASSWORD :'password';
SELECT format('GRANT %I TO CURRENT_USER', :'user') WHERE NOT pg_has_role(current_user, :'user', 'MEMBER') \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'user')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
GRANT ALL PRIVILEGES ON DATABASE :"database" TO :"user";
SQL

# Only a superuser may create it; without it the same tables are plain ones.
ask -d "$database" >/dev/null <<'SQL'
SELECT 'CREATE EXTENSION IF NOT EXISTS timescaledb'
WHERE EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
  AND current_setting('shared_preload_libraries') LIKE '%timescaledb%' \gexec
SQL

ask -d "$database" -v user="$user" >/dev/null <<'SQL'
SET ROLE :"user";
SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
SQL

for file in "$folder"/migrations/[0-9][0-9][0-9][0-9]_*.sql; do
    base=$(basename "$file" .sql)
    number=${base%%_*}
    name=${base#*_}
    checksum=$(sha256sum "$file" | cut -d ' ' -f 1)
    recorded=$(echo "SELECT checksum FROM schema_migrations WHERE version = :'number'::int" |
        ask -d "$database" -v number="$number")
    if [ "$recorded" = "$checksum" ]; then
        continue
    fi
    if [ -n "$recorded" ]; then
        echo "$base.sql was changed after it had been applied: restore it and put the change in a new file" >&2
        exit 1
    fi
    # A no-transaction file (CREATE INDEX CONCURRENTLY) commits each statement by itself.
    if head -n 1 "$file" | grep -q '^-- no-transaction'; then begin='' end=''; else begin='BEGIN;' end='COMMIT;'; fi
    {
        echo 'SET ROLE :"user";'
        echo "SET lock_timeout = '5s'; SET client_min_messages = warning;"
        echo "$begin"
        cat "$file"
        echo
        echo "INSERT INTO schema_migrations (version, name, checksum) VALUES (:'number'::int, :'name', :'checksum');"
        echo "$end"
    } | ask -d "$database" -v user="$user" -v number="$number" -v name="$name" -v checksum="$checksum" >/dev/null
    echo "applied $base"
done
echo "ready: DATABASE_URL=postgresql://$user:YOUR_DB_PASSWORD@${PGHOST:-localhost}:${PGPORT:-5432}/$database"
