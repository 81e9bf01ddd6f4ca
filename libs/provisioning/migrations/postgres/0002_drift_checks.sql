-- The drift check of a target, the last one or that under way.
CREATE TABLE provisioning_checks (
    target_id   UUID NOT NULL PRIMARY KEY,
    id          UUID    NOT NULL,
    repair      BOOLEAN NOT NULL,
    -- 'users', 'groups', 'missing', 'done' or 'failed'
    phase       TEXT    NOT NULL,
    -- The start of the next page.
    cursor      TEXT    NOT NULL,
    compared    BIGINT NOT NULL DEFAULT 0,
    different   BIGINT NOT NULL DEFAULT 0,
    missing     BIGINT NOT NULL DEFAULT 0,
    unmanaged   BIGINT NOT NULL DEFAULT 0,
    -- The first findings, in JSON.
    findings    JSONB    NOT NULL,
    error       TEXT,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT,
    claimed_until BIGINT NOT NULL DEFAULT 0,
    claims      BIGINT NOT NULL DEFAULT 0
);

-- The drift check that found it at the target.
ALTER TABLE provisioning_resources ADD COLUMN seen_by UUID;
