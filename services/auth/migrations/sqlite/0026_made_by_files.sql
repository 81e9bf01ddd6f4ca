-- True if the file made the object. What it took over is released, never deleted, when the file does not name it any more.
ALTER TABLE managed_clients ADD COLUMN made INTEGER NOT NULL DEFAULT 0;
ALTER TABLE managed_hosts ADD COLUMN made INTEGER NOT NULL DEFAULT 0;
