-- What a group commit of telemetry needs: prices and profits of open positions in one row an account, a number that tells
-- when what a process remembers of an account is out of date, and sign-of-life updates that touch no index.

ALTER TABLE account_states ADD COLUMN positions_sampled_at timestamptz;
ALTER TABLE account_states ADD COLUMN facts_version bigint NOT NULL DEFAULT 0;

CREATE TABLE position_marks (
    account_id    uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    taken_at      timestamptz NOT NULL,
    position_ids  bigint[] NOT NULL,
    current_price double precision[] NOT NULL,
    profit        double precision[] NOT NULL,
    swap          double precision[] NOT NULL,
    commission    double precision[] NOT NULL
) WITH (fillfactor = 50);

CREATE VIEW open_positions AS
SELECT p.account_id, p.position_id, p.ticket, p.symbol, p.side, p.volume, p.open_price,
       coalesce(m.current_price::text::numeric, p.current_price) AS current_price, p.sl, p.tp,
       coalesce(m.profit::text::numeric, p.profit) AS profit, coalesce(m.swap::text::numeric, p.swap) AS swap,
       coalesce(m.commission::text::numeric, p.commission) AS commission, p.magic, p.comment, p.order_id, p.origin, p.status,
       p.opened_at, p.closed_at, p.close_reason, p.adopted_at, greatest(p.taken_at, m.taken_at) AS taken_at
FROM trading_positions p
LEFT JOIN LATERAL (
    SELECT k.taken_at, n.current_price, n.profit, n.swap, n.commission
    FROM position_marks k, unnest(k.position_ids, k.current_price, k.profit, k.swap, k.commission)
        AS n (position_id, current_price, profit, swap, commission)
    WHERE k.account_id = p.account_id AND n.position_id = p.position_id AND k.taken_at >= p.taken_at
) m ON true
WHERE p.status = 'OPEN';

DROP INDEX mt5_sessions_live;
CREATE INDEX mt5_sessions_live ON mt5_sessions (account_id) WHERE state IN ('ACTIVE', 'SILENT');

CREATE INDEX trading_orders_unreleased ON trading_orders (account_id) WHERE released_at IS NULL AND filled_volume > 0;
