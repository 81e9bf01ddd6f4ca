-- The drift check of a target, the last one or that under way.
CREATE TABLE provisioning_checks (
    target_id   BLOB    NOT NULL PRIMARY KEY,
    id          BLOB    NOT NULL,
    repair      INTEGER NOT NULL,
    -- 'users', 'groups', 'missing', 'done' or 'failed'
    phase       TEXT    NOT NULL,
    -- The start of the next page.
    cursor      TEXT    NOT NULL,
    compared    INTEGER NOT NULL DEFAULT 0,
    different   INTEGER NOT NULL DEFAULT 0,
    missing     INTEGER NOT NULL DEFAULT 0,
    unmanaged   INTEGER NOT NULL DEFAULT 0,
    -- The first findings, in JSON.
    findings    TEXT    NOT NULL,
    error       TEXT,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    claimed_until INTEGER NOT NULL DEFAULT 0,
    claims      INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The drift check that found it at the target.
ALTER TABLE provisioning_resources ADD COLUMN seen_by BLOB;
