-- The time at which this service began to serve a database that was restored from a backup: at most one row. Assertions that clients made before may have
-- been used, which the backup has forgotten.
CREATE TABLE client_assertion_restorations (
    one         INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    restored_at BIGINT NOT NULL
);
