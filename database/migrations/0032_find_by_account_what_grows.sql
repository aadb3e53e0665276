-- What decisions, comparisons of the books, flattening and the metrics ask for: without these each of them read a whole table that grows.
CREATE INDEX mt5_sessions_account ON mt5_sessions (account_id, connected_at DESC);
CREATE INDEX trading_orders_modified ON trading_orders (account_id, position_ticket) WHERE kind = 'MODIFY_POSITION' AND state = 'DONE';
CREATE INDEX trading_orders_closes ON trading_orders (account_id, created_at) WHERE kind LIKE 'CLOSE%';
CREATE INDEX trading_orders_target ON trading_orders (target_order_id) WHERE target_order_id IS NOT NULL;
CREATE INDEX risk_days_end ON risk_days (ends_at);
CREATE INDEX risk_locks_account ON risk_locks (account_id, until_at);
CREATE INDEX alerts_unseen ON alerts (severity) WHERE seen_at IS NULL;
