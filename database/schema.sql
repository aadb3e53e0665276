-- Rubi Studio: the whole database, as a human reads it. migrations/ is how one gets there; a test compares the two.
-- NUMERIC for money, prices and volumes of orders and deals; double precision for telemetry series; timestamptz (UTC) everywhere;
-- bigint tickets, unique per account. Runs on plain Postgres 15+; where TimescaleDB is present the series become hypertables.

-- People -------------------------------------------------------------------------------------------------------------------------

CREATE TABLE users (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username      text NOT NULL,
    email         text NOT NULL,
    password_hash text NOT NULL,
    role          text NOT NULL DEFAULT 'trader' CHECK (role IN ('trader', 'admin')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    disabled_at   timestamptz
);
CREATE UNIQUE INDEX users_username_key ON users (lower(username));
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

-- Accounts -----------------------------------------------------------------------------------------------------------------------

CREATE TABLE accounts (
    id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id            bigint NOT NULL REFERENCES users,
    server             text NOT NULL,
    login              text NOT NULL,
    broker             text NOT NULL,
    currency           text NOT NULL,
    currency_digits    smallint NOT NULL DEFAULT 2,
    leverage           integer,
    margin_mode        text NOT NULL DEFAULT 'HEDGING' CHECK (margin_mode IN ('HEDGING', 'NETTING', 'EXCHANGE')),
    trade_mode         text NOT NULL DEFAULT 'DEMO' CHECK (trade_mode IN ('DEMO', 'CONTEST', 'REAL')),
    fifo_close         boolean NOT NULL DEFAULT false,
    hedge_allowed      boolean NOT NULL DEFAULT true,
    limit_orders       integer NOT NULL DEFAULT 0,
    epoch              integer NOT NULL DEFAULT 0,          -- fencing token: +1 at every accepted connect
    session_id         uuid,                                -- the session that may trade
    trading_state      text NOT NULL DEFAULT 'ACTIVE' CHECK (trading_state IN ('ACTIVE', 'REDUCING', 'HALTED')),
    trading_reason     text,
    not_tradable_code  text,                                -- the broker or the terminal refuses trading: leasing stops
    reconciled_at      timestamptz,                         -- null: reconciling, opens are denied
    symbols_hash       text,
    deal_cursor_msc    bigint NOT NULL DEFAULT 0,
    deal_cursor_ticket bigint NOT NULL DEFAULT 0,
    created_at         timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, server, login)
);

-- What changes every second stands apart from what the account is.
CREATE TABLE account_states (
    account_id         uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    balance            numeric NOT NULL,
    equity             numeric NOT NULL,
    margin             numeric NOT NULL DEFAULT 0,
    margin_free        numeric NOT NULL,
    margin_level       numeric NOT NULL DEFAULT 0,
    profit             numeric NOT NULL DEFAULT 0,
    credit             numeric NOT NULL DEFAULT 0,
    taken_at           timestamptz NOT NULL,
    received_at        timestamptz NOT NULL,
    positions_taken_at timestamptz,
    orders_taken_at    timestamptz,
    positions_sampled_at timestamptz,                       -- when the positions last entered their series
    facts_version      bigint NOT NULL DEFAULT 0            -- +1 whenever what a process remembers of the account changes: books, clock
) WITH (fillfactor = 50);

-- The broker's clock: offset of its wall time from UTC, learned from fresh ticks.
CREATE TABLE broker_offsets (
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    from_at    timestamptz NOT NULL,
    minutes    smallint NOT NULL,
    suspect    boolean NOT NULL DEFAULT false,
    PRIMARY KEY (account_id, from_at)
);

-- An offset that fresh ticks show and that is not in force yet: how many of them agree.
CREATE TABLE broker_clocks (
    account_id uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    minutes    smallint NOT NULL,
    agreeing   smallint NOT NULL DEFAULT 1,
    tick_msc   bigint NOT NULL DEFAULT 0                    -- of the last tick that counted
);

CREATE TABLE tokens (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    jti          uuid NOT NULL UNIQUE,
    user_id      bigint NOT NULL REFERENCES users,
    kind         text NOT NULL CHECK (kind IN ('refresh', 'api')),
    family       uuid NOT NULL,
    name         text,
    scope        text NOT NULL CHECK (scope IN ('ea', 'read', 'trade')),
    account_id   uuid REFERENCES accounts,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    used_at      timestamptz,                               -- a refresh token is used once
    revoked_at   timestamptz
);
CREATE INDEX tokens_user ON tokens (user_id, kind, created_at);
CREATE INDEX tokens_family ON tokens (family);

CREATE TABLE mt5_sessions (
    id                   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id              bigint NOT NULL REFERENCES users,
    account_id           uuid NOT NULL REFERENCES accounts,
    terminal_instance_id text NOT NULL,
    epoch                integer NOT NULL,
    protocol             smallint NOT NULL DEFAULT 1,
    ea_version           text,
    build                integer,
    state                text NOT NULL DEFAULT 'ACTIVE' CHECK (state IN ('ACTIVE', 'SILENT', 'DISCONNECTED', 'FENCED')),
    connected_at         timestamptz NOT NULL,
    last_seen_at         timestamptz NOT NULL,
    disconnected_at      timestamptz,
    poll_ms              integer NOT NULL DEFAULT 1000,
    last_seq             bigint NOT NULL DEFAULT 0,
    last_body_sha256     bytea,
    last_answer          bytea,
    flags                jsonb NOT NULL DEFAULT '{}',
    totals               jsonb,
    client_address       text,                              -- where it was opened from
    came_from            text                               -- the session that its terminal said it had before
) WITH (fillfactor = 50);
CREATE INDEX mt5_sessions_user ON mt5_sessions (user_id, connected_at DESC);
-- No index holds what changes at each sign of life: such updates stay within their page.
CREATE INDEX mt5_sessions_live ON mt5_sessions (account_id) WHERE state IN ('ACTIVE', 'SILENT');
CREATE INDEX mt5_sessions_account ON mt5_sessions (account_id, connected_at DESC);

CREATE TABLE symbols (
    account_id  uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    name        text NOT NULL,
    spec        jsonb NOT NULL,                             -- decimals as strings
    spec_sha256 text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, name)
);

CREATE TABLE latest_ticks (
    account_id  uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    symbol      text NOT NULL,
    bid         numeric NOT NULL,
    ask         numeric NOT NULL,
    time_msc    bigint NOT NULL,                            -- broker wall clock
    quoted_at   timestamptz NOT NULL,                       -- by our clock: what was wrong with the broker's is taken out
    received_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, symbol)
) WITH (fillfactor = 50);

-- What the terminal's own calculators say of one lot: OrderCalcProfit from entry to stop, OrderCalcMargin.
CREATE TABLE terminal_quotes (
    account_id     uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    symbol         text NOT NULL,
    side           text NOT NULL CHECK (side IN ('BUY', 'SELL')),
    entry          numeric NOT NULL,
    stop           numeric,
    loss_per_lot   numeric,                                 -- account currency, above zero is a loss
    margin_per_lot numeric,
    received_at    timestamptz NOT NULL,
    PRIMARY KEY (account_id, symbol, side)
) WITH (fillfactor = 50);

-- Signals, decisions, orders -----------------------------------------------------------------------------------------------------

CREATE TABLE trading_signals (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id       bigint NOT NULL REFERENCES users,
    account_id    uuid REFERENCES accounts,
    source        text NOT NULL,
    dedupe_key    text NOT NULL,
    body_sha256   bytea NOT NULL,
    symbol        text NOT NULL,
    signal_type   text NOT NULL CHECK (signal_type IN ('BUY', 'SELL', 'CLOSE_BUY', 'CLOSE_SELL')),
    order_type    text NOT NULL DEFAULT 'MARKET' CHECK (order_type IN ('MARKET', 'LIMIT', 'STOP', 'STOP_LIMIT')),
    entry_price   numeric,
    stop_loss     numeric,
    take_profit   numeric,
    volume        numeric,
    timeframe     text,
    confidence    numeric CHECK (confidence BETWEEN 0 AND 1),
    risk_mode     text,
    risk_value    numeric,
    magic         bigint,
    comment       text,
    details       jsonb NOT NULL DEFAULT '{}',              -- take_profits, trailing, break_even, indicators
    signal_time   timestamptz NOT NULL,
    received_at   timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    decided_at    timestamptz,
    executed_at   timestamptz,
    status        text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'EXECUTED', 'REJECTED', 'EXPIRED', 'CANCELLED')),
    detail_status text NOT NULL DEFAULT 'RECEIVED',         -- RECEIVED, DENIED, or the state of its order
    code          text,
    message       text,
    rung_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, source, dedupe_key)
);
CREATE INDEX trading_signals_undecided ON trading_signals (rung_at) WHERE status = 'PENDING' AND decided_at IS NULL;
CREATE INDEX trading_signals_user ON trading_signals (user_id, id DESC);
CREATE INDEX trading_signals_user_symbol ON trading_signals (user_id, symbol, id DESC);

-- Every report of a status that a connector makes of a signal, in whatever state the signal is.
CREATE TABLE signal_reports (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    signal_id   bigint NOT NULL REFERENCES trading_signals,
    status      text NOT NULL,
    message     text,
    reported_at timestamptz,
    received_at timestamptz NOT NULL
);
CREATE INDEX signal_reports_signal ON signal_reports (signal_id, id);

CREATE TABLE trading_orders (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id          bigint NOT NULL REFERENCES users,
    account_id       uuid NOT NULL REFERENCES accounts,
    signal_id        bigint REFERENCES trading_signals,
    leg              smallint NOT NULL DEFAULT 0,
    kind             text NOT NULL CHECK (kind IN ('OPEN', 'PLACE_PENDING', 'MODIFY_PENDING', 'CANCEL_PENDING', 'MODIFY_POSITION',
                                                   'CLOSE_POSITION', 'CLOSE_PARTIAL', 'CLOSE_BY', 'CLOSE_ALL', 'QUERY')),
    symbol           text NOT NULL,
    side             text CHECK (side IN ('BUY', 'SELL')),
    order_type       text CHECK (order_type IN ('MARKET', 'LIMIT', 'STOP', 'STOP_LIMIT')),
    volume           numeric CHECK (volume > 0),
    price            numeric,
    stop_limit       numeric,
    sl               numeric,
    tp               numeric,
    deviation_points integer NOT NULL DEFAULT 20,
    type_time        text NOT NULL DEFAULT 'GTC',
    expiration       timestamptz,
    magic            bigint NOT NULL DEFAULT 0,
    position_ticket  bigint,                                -- what a close or a modification works on
    target_ticket    bigint,                                -- the broker's order that a modification or a cancel works on
    target_order_id  bigint REFERENCES trading_orders,
    guards           jsonb NOT NULL DEFAULT '{}',
    state            text NOT NULL CHECK (state IN ('CREATED', 'DENIED', 'QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'ACCEPTED', 'PARTIALLY_FILLED', 'FILLED',
                                                    'PENDING_MODIFY', 'PENDING_CANCEL', 'UNKNOWN', 'DONE', 'REJECTED', 'CANCELED', 'EXPIRED')),
    resume_state     text,                                  -- where PENDING_MODIFY and PENDING_CANCEL came from
    event_n          integer NOT NULL DEFAULT 0,
    not_after        timestamptz,                           -- null: never expires (closes)
    legacy           boolean NOT NULL DEFAULT false,        -- handed to the older connector: one delivery only
    lease_id         uuid,
    lease_epoch      integer,
    lease_instance   text,
    lease_expires_at timestamptz,
    deliveries       smallint NOT NULL DEFAULT 0,
    revoke_asked_at  timestamptz,
    queried_at       timestamptz,                           -- when the terminal was last asked about an unknown fate
    clean_states     smallint NOT NULL DEFAULT 0,           -- full states of the broker's books that show nothing of an unknown order
    order_ticket     bigint,                                -- the broker's number of the order, once known
    position_id      bigint,
    retcode          integer,
    code             text,
    message          text,
    filled_volume    numeric NOT NULL DEFAULT 0,
    fill_price       numeric,
    reserved_risk    numeric NOT NULL DEFAULT 0,            -- account currency
    reserved_margin  numeric NOT NULL DEFAULT 0,
    reserved_price   numeric,                               -- where the decision saw it fill; a market order has no price of its own
    released_at      timestamptz,                           -- the reservation ended
    late_fill        boolean NOT NULL DEFAULT false,
    review           text,                                  -- why a person should look at it
    created_at       timestamptz NOT NULL,
    queued_at        timestamptz,
    leased_at        timestamptz,
    acked_at         timestamptz,
    submitted_at     timestamptz,
    filled_at        timestamptz,
    final_at         timestamptz,
    updated_at       timestamptz NOT NULL,
    left_book_at     timestamptz                            -- a pending order that left the broker's book as filled
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX trading_orders_leg ON trading_orders (account_id, signal_id, leg) WHERE signal_id IS NOT NULL;
CREATE INDEX trading_orders_queue ON trading_orders (account_id, id) WHERE state = 'QUEUED';
CREATE INDEX trading_orders_open ON trading_orders (account_id, id)
    WHERE state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'ACCEPTED', 'PARTIALLY_FILLED', 'PENDING_MODIFY', 'PENDING_CANCEL', 'UNKNOWN');
CREATE INDEX trading_orders_reserved ON trading_orders (account_id) WHERE released_at IS NULL AND reserved_risk > 0;
CREATE INDEX trading_orders_due ON trading_orders (state, updated_at) WHERE state IN ('QUEUED', 'LEASED', 'ACKED', 'SUBMITTED', 'UNKNOWN');
CREATE INDEX trading_orders_user ON trading_orders (user_id, id DESC);
CREATE INDEX trading_orders_ticket ON trading_orders (account_id, order_ticket) WHERE order_ticket IS NOT NULL;
CREATE INDEX trading_orders_unreleased ON trading_orders (account_id) WHERE released_at IS NULL AND filled_volume > 0;
CREATE INDEX trading_orders_position ON trading_orders (account_id, position_id) WHERE position_id IS NOT NULL;
CREATE INDEX trading_orders_signal ON trading_orders (signal_id) WHERE signal_id IS NOT NULL;
CREATE INDEX trading_orders_modified ON trading_orders (account_id, position_ticket) WHERE kind = 'MODIFY_POSITION' AND state = 'DONE';
CREATE INDEX trading_orders_closes ON trading_orders (account_id, created_at) WHERE kind LIKE 'CLOSE%';
CREATE INDEX trading_orders_target ON trading_orders (target_order_id) WHERE target_order_id IS NOT NULL;

CREATE TABLE order_events (
    order_id   bigint NOT NULL REFERENCES trading_orders,
    n          integer NOT NULL,
    from_state text NOT NULL,
    to_state   text NOT NULL,
    event      text NOT NULL,
    legal      boolean NOT NULL DEFAULT true,               -- an illegal transition is stored as such and changes nothing
    dedupe     text,                                        -- identity of the fact behind it: a repeated fact is one event
    payload    jsonb NOT NULL DEFAULT '{}',
    actor      text NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (order_id, n)
);
CREATE UNIQUE INDEX order_events_dedupe ON order_events (order_id, dedupe) WHERE dedupe IS NOT NULL;

CREATE TABLE decisions (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id       bigint NOT NULL REFERENCES users,
    account_id    uuid REFERENCES accounts,
    signal_id     bigint REFERENCES trading_signals,
    order_id      bigint REFERENCES trading_orders,
    approved      boolean NOT NULL,
    code          text,
    detail        text,
    record        jsonb NOT NULL,                           -- every gate with inputs, threshold and result
    record_sha256 text NOT NULL,
    decided_at    timestamptz NOT NULL
);
CREATE INDEX decisions_signal ON decisions (signal_id);
CREATE INDEX decisions_order ON decisions (order_id);
CREATE INDEX decisions_user ON decisions (user_id, id DESC);

-- The broker's truth -------------------------------------------------------------------------------------------------------------

CREATE TABLE trading_positions (
    account_id    uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    position_id   bigint NOT NULL,                          -- POSITION_IDENTIFIER: does not change
    ticket        bigint NOT NULL,                          -- POSITION_TICKET: may change
    symbol        text NOT NULL,
    side          text NOT NULL CHECK (side IN ('BUY', 'SELL')),
    volume        numeric NOT NULL,
    open_price    numeric NOT NULL,
    current_price numeric NOT NULL,
    sl            numeric,
    tp            numeric,
    profit        numeric NOT NULL DEFAULT 0,
    swap          numeric NOT NULL DEFAULT 0,
    commission    numeric NOT NULL DEFAULT 0,
    magic         bigint NOT NULL DEFAULT 0,
    comment       text,
    order_id      bigint REFERENCES trading_orders,         -- null: not opened by us
    origin        text NOT NULL DEFAULT 'EXTERNAL' CHECK (origin IN ('OURS', 'EXTERNAL')),
    status        text NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'CLOSED')),
    opened_at     timestamptz NOT NULL,
    closed_at     timestamptz,
    close_reason  text,                                     -- null: no deal explains it yet
    adopted_at    timestamptz,                              -- when a position that is not ours was noticed
    taken_at      timestamptz NOT NULL,
    PRIMARY KEY (account_id, position_id)
) WITH (fillfactor = 50);
CREATE INDEX trading_positions_open ON trading_positions (account_id) WHERE status = 'OPEN';
CREATE INDEX trading_positions_unexplained ON trading_positions (account_id) WHERE status = 'CLOSED' AND close_reason IS NULL;

-- Prices and profits of the open positions, in one row an account: twenty rows a second and terminal would be too many.
CREATE TABLE position_marks (
    account_id    uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    taken_at      timestamptz NOT NULL,
    position_ids  bigint[] NOT NULL,
    current_price double precision[] NOT NULL,
    profit        double precision[] NOT NULL,
    swap          double precision[] NOT NULL,
    commission    double precision[] NOT NULL
) WITH (fillfactor = 50);

-- The open positions as they are now: marks that are older than the row are those of an earlier list.
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

-- Orders that work in the broker's book now.
CREATE TABLE working_orders (
    account_id     uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    ticket         bigint NOT NULL,
    symbol         text NOT NULL,
    type           text NOT NULL,
    volume_initial numeric NOT NULL,
    volume_current numeric NOT NULL,
    price_open     numeric NOT NULL,
    stop_limit     numeric,
    sl             numeric,
    tp             numeric,
    state          text NOT NULL,
    type_time      text NOT NULL,
    expiration     timestamptz,
    magic          bigint NOT NULL DEFAULT 0,
    comment        text,
    order_id       bigint REFERENCES trading_orders,
    taken_at       timestamptz NOT NULL,
    PRIMARY KEY (account_id, ticket)
);

CREATE TABLE deals (
    account_id   uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    ticket       bigint NOT NULL,
    order_ticket bigint,
    position_id  bigint,
    symbol       text,
    type         text NOT NULL,
    entry        text,
    volume       numeric NOT NULL DEFAULT 0,
    price        numeric NOT NULL DEFAULT 0,
    sl           numeric,
    tp           numeric,
    profit       numeric NOT NULL DEFAULT 0,
    swap         numeric NOT NULL DEFAULT 0,
    commission   numeric NOT NULL DEFAULT 0,
    fee          numeric NOT NULL DEFAULT 0,
    magic        bigint NOT NULL DEFAULT 0,
    comment      text,
    reason       text,
    order_id     bigint REFERENCES trading_orders,
    time_msc     bigint NOT NULL,                           -- broker wall clock, as MT5 gave it
    executed_at  timestamptz NOT NULL,                      -- UTC, by the account's offset in force then
    received_at  timestamptz NOT NULL,
    PRIMARY KEY (account_id, ticket)
);
CREATE INDEX deals_time ON deals (account_id, executed_at);
CREATE INDEX deals_position ON deals (account_id, position_id);
CREATE INDEX deals_order ON deals (account_id, order_ticket);

-- Series -------------------------------------------------------------------------------------------------------------------------

CREATE TABLE account_snapshots (
    time         timestamptz NOT NULL,
    account_id   uuid NOT NULL,
    balance      double precision NOT NULL,
    equity       double precision NOT NULL,
    margin       double precision NOT NULL,
    margin_free  double precision NOT NULL,
    margin_level double precision NOT NULL,
    profit       double precision NOT NULL,
    received_at  timestamptz NOT NULL,
    written_by   bigint NOT NULL DEFAULT (pg_current_xact_id()::text)::bigint -- the transaction: what the rollups have not seen yet
);
CREATE INDEX account_snapshots_account ON account_snapshots (account_id, time DESC);
CREATE INDEX account_snapshots_written ON account_snapshots USING brin (written_by) WITH (pages_per_range = 64, autosummarize = on);

CREATE TABLE position_snapshots (
    time          timestamptz NOT NULL,
    account_id    uuid NOT NULL,
    position_id   bigint NOT NULL,
    symbol        text NOT NULL,
    side          text NOT NULL,
    volume        double precision NOT NULL,
    current_price double precision NOT NULL,
    sl            double precision,
    tp            double precision,
    profit        double precision NOT NULL,
    swap          double precision NOT NULL
);
CREATE INDEX position_snapshots_position ON position_snapshots (account_id, position_id, time DESC);

CREATE TABLE ticks (
    time       timestamptz NOT NULL,
    account_id uuid NOT NULL,
    symbol     text NOT NULL,
    time_msc   bigint NOT NULL,
    bid        double precision NOT NULL,
    ask        double precision NOT NULL,
    last       double precision NOT NULL DEFAULT 0,
    volume     double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, symbol, time, bid, ask)
);

CREATE TABLE market_data (
    time        timestamptz NOT NULL,                       -- start of the bar, UTC
    account_id  uuid NOT NULL,
    symbol      text NOT NULL,
    timeframe   text NOT NULL,
    open        double precision NOT NULL,
    high        double precision NOT NULL,
    low         double precision NOT NULL,
    close       double precision NOT NULL,
    tick_volume bigint NOT NULL DEFAULT 0,
    real_volume bigint NOT NULL DEFAULT 0,
    spread      integer NOT NULL DEFAULT 0,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, symbol, timeframe, time)
);

-- Open, high, low, close and the worst drawdown inside each bucket; read by history, on every edition.
-- Apart by resolution: a year of six hours is 1460 rows that lie together.
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
    max_drawdown  double precision NOT NULL,                -- 0 … 1, from the highest equity before it inside the bucket
    samples       bigint NOT NULL,
    PRIMARY KEY (account_id, resolution, bucket)
) PARTITION BY LIST (resolution);
CREATE TABLE account_metrics_1m PARTITION OF account_metrics FOR VALUES IN ('1m') WITH (fillfactor = 80);
CREATE TABLE account_metrics_15m PARTITION OF account_metrics FOR VALUES IN ('15m') WITH (fillfactor = 80);
CREATE TABLE account_metrics_1h PARTITION OF account_metrics FOR VALUES IN ('1h') WITH (fillfactor = 80);
CREATE TABLE account_metrics_6h PARTITION OF account_metrics FOR VALUES IN ('6h') WITH (fillfactor = 80);
CREATE TABLE account_metrics_1d PARTITION OF account_metrics FOR VALUES IN ('1d') WITH (fillfactor = 80);

-- Minutes whose snapshots have changed since they were rolled up.
CREATE TABLE account_metrics_dirty (
    bucket     timestamptz NOT NULL,
    account_id uuid NOT NULL,
    PRIMARY KEY (bucket, account_id)
);

-- How far each series is rolled up and cleared; whoever works on one holds its row.
CREATE TABLE series_progress (
    series       text PRIMARY KEY,
    rolled_up_to bigint NOT NULL DEFAULT 0,                 -- every transaction below it has been looked at
    kept_from    timestamptz,                               -- what is older has been dropped, or will be
    next_block   bigint NOT NULL DEFAULT 0                  -- where the next clearing of a plain table goes on
);

CREATE TABLE performance_metrics (
    account_id  uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    period      text NOT NULL,
    from_at     timestamptz NOT NULL,
    to_at       timestamptz NOT NULL,
    metrics     jsonb NOT NULL,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, period)
);

-- Risk ---------------------------------------------------------------------------------------------------------------------------

CREATE TABLE risk_policies (
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    version    integer NOT NULL,
    policy     jsonb NOT NULL,
    reason     text,
    created_by bigint REFERENCES users,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, version)
);

CREATE TABLE risk_days (
    account_id  uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    day         date NOT NULL,                              -- in the policy's day zone
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    anchor      numeric NOT NULL,
    anchor_mode text NOT NULL,
    flows       numeric NOT NULL DEFAULT 0,                 -- deposits, withdrawals, credits since the anchor
    estimated   boolean NOT NULL DEFAULT false,
    state       text NOT NULL DEFAULT 'OK' CHECK (state IN ('OK', 'WARN', 'REDUCING', 'HALTED')),
    PRIMARY KEY (account_id, day)
);
CREATE INDEX risk_days_end ON risk_days (ends_at);

-- What the loss limits remember of an account: the deals that explain its money, units and their peaks, what holds now.
CREATE TABLE risk_accounts (
    account_id        uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    counted_from      timestamptz NOT NULL,                 -- deals executed before it are in `funds` already
    funds             numeric NOT NULL,                     -- balance and credit at the last snapshot that the deals explain
    deals             numeric NOT NULL DEFAULT 0,           -- what the deals since then add up to
    flows             numeric NOT NULL DEFAULT 0,           -- the deposits, withdrawals and credits among them
    initial_flows     numeric NOT NULL DEFAULT 0,           -- those taken in since the initial balance was set
    unexplained_since timestamptz,
    units             numeric NOT NULL,
    nav               numeric NOT NULL,                     -- equity of one unit at the last observation
    balance_nav       numeric NOT NULL,
    high              numeric NOT NULL,                     -- peaks of the value of one unit
    high_balance      numeric NOT NULL,
    day_high          numeric NOT NULL,
    end_high          numeric NOT NULL,
    end_high_balance  numeric NOT NULL,
    nav_day           date NOT NULL,
    wiped             boolean NOT NULL DEFAULT false,
    drawdown_level    text NOT NULL DEFAULT 'OK' CHECK (drawdown_level IN ('OK', 'WARN', 'REDUCING', 'HALTED')),
    trading_state     text NOT NULL DEFAULT 'ACTIVE' CHECK (trading_state IN ('ACTIVE', 'REDUCING', 'HALTED')),
    trading_reason    text,
    flatten_since     timestamptz,                          -- a breach asked for it, and it is not done
    updated_at        timestamptz NOT NULL
);
CREATE INDEX risk_accounts_flatten ON risk_accounts (flatten_since) WHERE flatten_since IS NOT NULL;

CREATE TABLE risk_locks (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id     uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    scope          text NOT NULL CHECK (scope IN ('ACCOUNT', 'SYMBOL', 'SIDE')),
    symbol         text,
    side           text,
    code           text NOT NULL,
    reason         text NOT NULL,
    from_at        timestamptz NOT NULL,
    until_at       timestamptz,
    released_at    timestamptz,
    released_by    bigint REFERENCES users,
    release_reason text
);
CREATE INDEX risk_locks_live ON risk_locks (account_id) WHERE released_at IS NULL;
CREATE INDEX risk_locks_account ON risk_locks (account_id, until_at);

-- Kill switches: the narrowest and the widest both count. account null and symbol null: all accounts of the user.
CREATE TABLE trading_switches (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users,
    account_id uuid REFERENCES accounts ON DELETE CASCADE,
    symbol     text,
    state      text NOT NULL CHECK (state IN ('REDUCING', 'HALTED')),
    reason     text NOT NULL,
    set_at     timestamptz NOT NULL,
    cleared_at timestamptz
);
CREATE UNIQUE INDEX trading_switches_live ON trading_switches (user_id, coalesce(account_id, '00000000-0000-0000-0000-000000000000'), coalesce(symbol, ''))
    WHERE cleared_at IS NULL;

-- A person's FLATTEN that is not done: worked off until nothing is open, or resumed.
CREATE TABLE flattenings (
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    symbol     text,                                        -- null: everything
    user_id    bigint NOT NULL REFERENCES users,
    reason     text NOT NULL,
    asked_at   timestamptz NOT NULL,
    tried_at   timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (account_id, symbol)
);

-- Trailing stop, break-even and partial targets of a position, carried out by orders of their own.
CREATE TABLE position_plans (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id    uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    user_id       bigint NOT NULL REFERENCES users,
    signal_id     bigint REFERENCES trading_signals,
    order_id      bigint NOT NULL REFERENCES trading_orders, -- the order that opens the position
    position_id   bigint,
    rules         jsonb NOT NULL,
    target_orders jsonb NOT NULL DEFAULT '{}',              -- number of the target: the order that closes its part
    state         text NOT NULL DEFAULT 'ACTIVE' CHECK (state IN ('ACTIVE', 'DONE')),
    last_order_id bigint REFERENCES trading_orders,
    next_at       timestamptz,                              -- nothing is sent for it before
    created_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    UNIQUE (order_id)
);
CREATE INDEX position_plans_active ON position_plans (account_id) WHERE state = 'ACTIVE';

-- Copying ------------------------------------------------------------------------------------------------------------------------

CREATE TABLE copy_subscriptions (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id             bigint NOT NULL REFERENCES users,
    master_account_id   uuid NOT NULL REFERENCES accounts,
    follower_account_id uuid NOT NULL REFERENCES accounts,
    settings            jsonb NOT NULL,
    state               text NOT NULL DEFAULT 'ACTIVE' CHECK (state IN ('ACTIVE', 'CLOSE_ONLY', 'REMOVED')),
    created_at          timestamptz NOT NULL DEFAULT now(),
    UNIQUE (master_account_id, follower_account_id),
    CHECK (master_account_id <> follower_account_id)
);

CREATE TABLE copy_positions (
    subscription_id      bigint NOT NULL REFERENCES copy_subscriptions,
    master_position_id   bigint NOT NULL,
    follower_position_id bigint,
    order_id             bigint REFERENCES trading_orders,
    desired_volume       numeric NOT NULL,
    updated_at           timestamptz NOT NULL,
    PRIMARY KEY (subscription_id, master_position_id)
);

-- Trust --------------------------------------------------------------------------------------------------------------------------

CREATE TABLE audit_log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint NOT NULL,                             -- one hash chain per owner
    actor      text NOT NULL,
    action     text NOT NULL,
    object     text NOT NULL,
    object_id  text NOT NULL,
    payload    jsonb NOT NULL DEFAULT '{}',
    request_id text,
    at         timestamptz NOT NULL,
    prev_hash  bytea NOT NULL,
    hash       bytea NOT NULL
);
CREATE INDEX audit_log_chain ON audit_log (user_id, id);

CREATE TABLE idempotency_keys (
    user_id     bigint NOT NULL REFERENCES users,
    key         text NOT NULL,
    route       text NOT NULL,
    body_sha256 bytea NOT NULL,
    status      smallint NOT NULL,
    answer      bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- Passes of reconciliation that found something; what they found.
CREATE TABLE reconciliations (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id  uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    reason      text NOT NULL CHECK (reason IN ('CONNECT', 'PERIODIC', 'UNKNOWN', 'GAP')),
    at          timestamptz NOT NULL,
    differences jsonb NOT NULL
);
CREATE INDEX reconciliations_account ON reconciliations (account_id, id DESC);

-- What a person should see: late fills, unexplained closes, unknown orders, silent terminals.
CREATE TABLE alerts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users,
    account_id uuid REFERENCES accounts ON DELETE CASCADE,
    code       text NOT NULL,
    severity   text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    object     text NOT NULL,
    object_id  text NOT NULL,
    detail     text NOT NULL,
    raised_at  timestamptz NOT NULL,
    seen_at    timestamptz,
    CONSTRAINT alerts_once UNIQUE NULLS NOT DISTINCT (user_id, account_id, code, object, object_id)
);
CREATE INDEX alerts_user ON alerts (user_id, id DESC);
CREATE INDEX alerts_unseen ON alerts (severity) WHERE seen_at IS NULL;

-- Hypertables --------------------------------------------------------------------------------------------------------------------
-- A day a chunk for what comes every second, a month for bars. Same relations and same SQL for readers without TimescaleDB.

DO $$
DECLARE
    series record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
           OR current_setting('shared_preload_libraries') NOT LIKE '%timescaledb%' THEN
            RETURN;
        END IF;
        BEGIN
            CREATE EXTENSION timescaledb;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'TimescaleDB is available but % may not create the extension: plain tables are used', current_user;
            RETURN;
        END;
    END IF;
    FOR series IN SELECT * FROM (VALUES ('account_snapshots', interval '1 day'), ('position_snapshots', interval '1 day'),
                                        ('ticks', interval '1 day'), ('market_data', interval '30 days')) AS s (name, chunk)
    LOOP
        PERFORM create_hypertable(series.name::regclass, 'time', chunk_time_interval => series.chunk, migrate_data => true);
    END LOOP;
END $$;
