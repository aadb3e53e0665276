-- Where a session was opened from, and which session its terminal said it had before: what tells a restart from a copy.

ALTER TABLE mt5_sessions ADD COLUMN client_address text;
ALTER TABLE mt5_sessions ADD COLUMN came_from text;
