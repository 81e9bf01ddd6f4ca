-- The clients and protected hosts that a declarative file manages: the name of the file, and what it wrote last. `settings` is JSON.
CREATE TABLE managed_clients (
    client_id  TEXT    NOT NULL PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    managed_by TEXT    NOT NULL,
    settings   JSONB   NOT NULL,
    applied_at BIGINT  NOT NULL
);

CREATE TABLE managed_hosts (
    host       TEXT    NOT NULL PRIMARY KEY REFERENCES protected_hosts (host) ON DELETE CASCADE,
    managed_by TEXT    NOT NULL,
    settings   JSONB   NOT NULL,
    applied_at BIGINT  NOT NULL
);
