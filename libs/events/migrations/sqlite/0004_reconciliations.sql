-- The last comparison of each consumer with the service that it follows: one row each.
CREATE TABLE reconciliations (
    consumer   TEXT    NOT NULL PRIMARY KEY,
    started_at INTEGER NOT NULL,
    -- What it found, as JSON.
    report     TEXT
) STRICT;
