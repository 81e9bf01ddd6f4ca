-- Applications whose SCIM 2.0 endpoints people and groups are pushed to.
CREATE TABLE provisioning_targets (
    id              UUID NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE,
    base_url        TEXT    NOT NULL,
    -- Who and what is pushed, in JSON.
    rules           JSONB   NOT NULL,
    -- A token or client credentials in JSON, encrypted under the key of that name.
    credentials     BYTEA    NOT NULL,
    credentials_key TEXT    NOT NULL,
    -- 'bearer' or 'client_credentials'
    credentials_type TEXT NOT NULL,
    paused_at       BIGINT,
    -- 'operator', or 'unauthorized' when the target refused the credentials.
    paused_reason   TEXT,
    -- The target failed so many times in a row, and is left alone until then.
    failures        INTEGER NOT NULL DEFAULT 0,
    paused_until    BIGINT NOT NULL DEFAULT 0,
    last_error      TEXT,
    -- The last event of the feed that was looked at for this target.
    position        BIGINT NOT NULL,
    version         BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);

-- A user or a group at a target.
CREATE TABLE provisioning_resources (
    target_id       UUID    NOT NULL,
    resource_id     UUID    NOT NULL,
    -- 'user' or 'group'
    kind            TEXT    NOT NULL,
    -- 'waiting' for a push, 'in_step' with the directory, or 'dead': given up
    state           TEXT    NOT NULL,
    -- The id that the target gave.
    remote_id       TEXT,
    -- The digest of what was pushed last. NULL: the target is asked what it has.
    pushed          BYTEA,
    -- Raised by every change that is to be pushed, so that one that comes during a push is not lost.
    marks           BIGINT NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at BIGINT NOT NULL,
    -- Until then it belongs to the replica that raised `claims` last.
    claimed_until   BIGINT NOT NULL DEFAULT 0,
    claims          BIGINT NOT NULL DEFAULT 0,
    last_status     INTEGER,
    last_error      TEXT,
    waiting_since   BIGINT NOT NULL,
    last_attempt_at BIGINT,
    PRIMARY KEY (target_id, resource_id)
);

ALTER TABLE provisioning_resources SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

CREATE INDEX provisioning_resources_due ON provisioning_resources (target_id, next_attempt_at, resource_id)
    WHERE state = 'waiting';
CREATE INDEX provisioning_resources_state ON provisioning_resources (target_id, state, resource_id);
CREATE UNIQUE INDEX provisioning_resources_remote ON provisioning_resources (target_id, kind, remote_id)
    WHERE remote_id IS NOT NULL;

-- The members of groups at a target, as far as they were pushed from here.
CREATE TABLE provisioning_members (
    target_id UUID NOT NULL,
    group_id  UUID NOT NULL,
    member_id UUID NOT NULL,
    -- 'adding', 'member' or 'removing'
    state     TEXT NOT NULL,
    PRIMARY KEY (target_id, group_id, member_id)
);

CREATE INDEX provisioning_members_pending ON provisioning_members (target_id, group_id, member_id)
    WHERE state <> 'member';
CREATE INDEX provisioning_members_of_member ON provisioning_members (target_id, member_id);

-- Walks over many resources, whose pushes they bring about: of a new target, and after changes that concern many.
CREATE TABLE provisioning_sweeps (
    target_id  UUID    NOT NULL,
    -- 'users', 'groups', 'tracked' (those of provisioning_resources), 'verify' (the same, and the target is asked), or
    -- 'members' of a group
    kind       TEXT    NOT NULL,
    -- The group of 'members'; otherwise the nil UUID.
    group_id   UUID    NOT NULL,
    -- The last one that was looked at.
    after_id   UUID    NOT NULL,
    scanned    BIGINT NOT NULL DEFAULT 0,
    -- Raised when the walk begins anew.
    round      BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (target_id, kind, group_id)
);
