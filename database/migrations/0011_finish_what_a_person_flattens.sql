-- A FLATTEN that could not close everything at once is worked off until it is done or resumed.

CREATE TABLE flattenings (
    account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    symbol     text,
    user_id    bigint NOT NULL REFERENCES users,
    reason     text NOT NULL,
    asked_at   timestamptz NOT NULL,
    tried_at   timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (account_id, symbol)
);
