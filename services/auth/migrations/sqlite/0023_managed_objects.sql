-- The clients and protected hosts that a declarative file manages: the name of the file, and what it wrote last. `settings` is JSON.
CREATE TABLE managed_clients (
    client_id  TEXT    NOT NULL PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    managed_by TEXT    NOT NULL,
    settings   TEXT    NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE managed_hosts (
    host       TEXT    NOT NULL PRIMARY KEY REFERENCES protected_hosts (host) ON DELETE CASCADE,
    managed_by TEXT    NOT NULL,
    settings   TEXT    NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
