-- What every comparison of the books asks for, of each account, twice a minute.
CREATE INDEX trading_orders_position ON trading_orders (account_id, position_id) WHERE position_id IS NOT NULL;
CREATE INDEX trading_positions_unexplained ON trading_positions (account_id) WHERE status = 'CLOSED' AND close_reason IS NULL;
