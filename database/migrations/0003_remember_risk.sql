-- What the loss limits remember of an account, the terminal's own calculations, and plans for open positions.

DROP TABLE risk_drawdowns;

CREATE TABLE risk_accounts (
    account_id        uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    counted_from      timestamptz NOT NULL,
    funds             numeric NOT NULL,
    deals             numeric NOT NULL DEFAULT 0,
    flows             numeric NOT NULL DEFAULT 0,
    initial_flows     numeric NOT NULL DEFAULT 0,
    unexplained_since timestamptz,
    units             numeric NOT NULL,
    nav               numeric NOT NULL,
    balance_nav       numeric NOT NULL,
    high              numeric NOT NULL,
    high_balance      numeric NOT NULL,
    day_high          numeric NOT NULL,
    end_high          numeric NOT NULL,
    end_high_balance  numeric NOT NULL,
    nav_day           date NOT NULL,
    wiped             boolean NOT NULL DEFAULT false,
    drawdown_level    text NOT NULL DEFAULT 'OK' CHECK (drawdown_level IN ('OK', 'WARN', 'REDUCING', 'HALTED')),
    trading_state     text NOT NULL DEFAULT 'ACTIVE' CHECK (trading_state IN ('ACTIVE', 'REDUCING', 'HALTED')),
    trading_reason    text,
    flatten_since     timestamptz,
    updated_at        timestamptz NOT NULL
);
CREATE INDEX risk_accounts_flatten ON risk_accounts (flatten_since) WHERE flatten_since IS NOT NULL;

-- No day was ever opened before.
DELETE FROM risk_days;
ALTER TABLE risk_days DROP CONSTRAINT risk_days_state_check;
ALTER TABLE risk_days ADD CONSTRAINT risk_days_state_check CHECK (state IN ('OK', 'WARN', 'REDUCING', 'HALTED'));

CREATE TABLE terminal_quotes (
    account_id     uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    symbol         text NOT NULL,
    side           text NOT NULL CHECK (side IN ('BUY', 'SELL')),
    entry          numeric NOT NULL,
    stop           numeric,
    loss_per_lot   numeric,
    margin_per_lot numeric,
    received_at    timestamptz NOT NULL,
    PRIMARY KEY (account_id, symbol, side)
) WITH (fillfactor = 50);

CREATE TABLE broker_clocks (
    account_id uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    minutes    smallint NOT NULL,
    agreeing   smallint NOT NULL DEFAULT 1,
    tick_msc   bigint NOT NULL DEFAULT 0
);

CREATE TABLE position_plans (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id     uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    user_id        bigint NOT NULL REFERENCES users,
    signal_id      bigint REFERENCES trading_signals,
    order_id       bigint NOT NULL REFERENCES trading_orders,
    position_id    bigint,
    rules          jsonb NOT NULL,
    target_orders  jsonb NOT NULL DEFAULT '{}',
    state          text NOT NULL DEFAULT 'ACTIVE' CHECK (state IN ('ACTIVE', 'DONE')),
    last_order_id  bigint REFERENCES trading_orders,
    next_at        timestamptz,
    created_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    UNIQUE (order_id)
);
CREATE INDEX position_plans_active ON position_plans (account_id) WHERE state = 'ACTIVE';
