-- The role Grafana reads with: the tables its panels name, nothing that holds a secret, and no writing.
--   RUBI_READER_PASSWORD=… psql -d rubi_trading -f reader.sql      (psql 15 or newer, as a role that may create roles)
\getenv password RUBI_READER_PASSWORD
SELECT 'CREATE ROLE rubi_reader LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rubi_reader') \gexec
ALTER ROLE rubi_reader LOGIN PASSWORD :'password' CONNECTION LIMIT 10;
ALTER ROLE rubi_reader SET default_transaction_read_only = on;
ALTER ROLE rubi_reader SET statement_timeout = '15s';
GRANT USAGE ON SCHEMA public TO rubi_reader;
GRANT SELECT ON accounts, account_states, account_snapshots, account_metrics, position_snapshots, trading_positions, deals,
    trading_orders, decisions, symbols, ticks, risk_accounts TO rubi_reader;
