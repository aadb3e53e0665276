-- When a pending order left the broker's book as filled: the deals that are missing then do not come.

ALTER TABLE trading_orders ADD COLUMN left_book_at timestamptz;

-- A terminal that was cut off, or silent for long, is compared as soon as it is back.

ALTER TABLE reconciliations DROP CONSTRAINT reconciliations_reason_check;
ALTER TABLE reconciliations ADD CONSTRAINT reconciliations_reason_check CHECK (reason IN ('CONNECT', 'PERIODIC', 'UNKNOWN', 'GAP'));
