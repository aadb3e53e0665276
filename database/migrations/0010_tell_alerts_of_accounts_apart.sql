-- Tickets are unique within an account only: what one account was told must not keep another one silent.

ALTER TABLE alerts DROP CONSTRAINT alerts_user_id_code_object_object_id_key;
ALTER TABLE alerts ADD CONSTRAINT alerts_once UNIQUE NULLS NOT DISTINCT (user_id, account_id, code, object, object_id);
