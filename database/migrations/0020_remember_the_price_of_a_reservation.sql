-- What an order on its way is worth: a market order has no price of its own, and its decision knew one.

ALTER TABLE trading_orders ADD reserved_price numeric;
