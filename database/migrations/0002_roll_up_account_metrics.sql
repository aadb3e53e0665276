-- Rollups of the accounts' money, kept as snapshots arrive; how far series are rolled up and cleared.

-- Commits are not in the order of any clock: the number of the transaction tells what a reader may have missed.
ALTER TABLE account_snapshots ADD COLUMN written_by bigint NOT NULL DEFAULT 0;
ALTER TABLE account_snapshots ALTER COLUMN written_by SET DEFAULT (pg_current_xact_id()::text)::bigint;
CREATE INDEX account_snapshots_written ON account_snapshots USING brin (written_by) WITH (pages_per_range = 64, autosummarize = on);

-- Nothing has written to it so far.
DROP TABLE account_metrics;
CREATE TABLE account_metrics (
    account_id    uuid NOT NULL,
    resolution    text NOT NULL CHECK (resolution IN ('1m', '15m', '1h', '6h', '1d')),
    bucket        timestamptz NOT NULL,
    equity_open   double precision NOT NULL,
    equity_high   double precision NOT NULL,
    equity_low    double precision NOT NULL,
    equity_close  double precision NOT NULL,
    balance_open  double precision NOT NULL,
    balance_high  double precision NOT NULL,
    balance_low   double precision NOT NULL,
    balance_close double precision NOT NULL,
    max_drawdown  double precision NOT NULL,
    samples       bigint NOT NULL,
    PRIMARY KEY (account_id, resolution, bucket)
) PARTITION BY LIST (resolution);
CREATE TABLE account_metrics_1m PARTITION OF account_metrics FOR VALUES IN ('1m') WITH (fillfactor = 80);
CREATE TABLE account_metrics_15m PARTITION OF account_metrics FOR VALUES IN ('15m') WITH (fillfactor = 80);
CREATE TABLE account_metrics_1h PARTITION OF account_metrics FOR VALUES IN ('1h') WITH (fillfactor = 80);
CREATE TABLE account_metrics_6h PARTITION OF account_metrics FOR VALUES IN ('6h') WITH (fillfactor = 80);
CREATE TABLE account_metrics_1d PARTITION OF account_metrics FOR VALUES IN ('1d') WITH (fillfactor = 80);

CREATE TABLE account_metrics_dirty (
    bucket     timestamptz NOT NULL,
    account_id uuid NOT NULL,
    PRIMARY KEY (bucket, account_id)
);

CREATE TABLE series_progress (
    series       text PRIMARY KEY,
    rolled_up_to bigint NOT NULL DEFAULT 0,
    kept_from    timestamptz,
    next_block   bigint NOT NULL DEFAULT 0
);

-- What was kept before this migration is rolled up by the first passes after it.
INSERT INTO account_metrics_dirty (bucket, account_id)
SELECT DISTINCT date_trunc('minute', time), account_id FROM account_snapshots;
INSERT INTO series_progress (series, rolled_up_to) VALUES ('account_snapshots', 1);
