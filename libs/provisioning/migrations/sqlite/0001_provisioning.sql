-- Applications whose SCIM 2.0 endpoints people and groups are pushed to.
CREATE TABLE provisioning_targets (
    id              BLOB    NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE,
    base_url        TEXT    NOT NULL,
    -- Who and what is pushed, in JSON.
    rules           TEXT    NOT NULL,
    -- A token or client credentials in JSON, encrypted under the key of that name.
    credentials     BLOB    NOT NULL,
    credentials_key TEXT    NOT NULL,
    -- 'bearer' or 'client_credentials'
    credentials_type TEXT NOT NULL,
    paused_at       INTEGER,
    -- 'operator', or 'unauthorized' when the target refused the credentials.
    paused_reason   TEXT,
    -- The target failed so many times in a row, and is left alone until then.
    failures        INTEGER NOT NULL DEFAULT 0,
    paused_until    INTEGER NOT NULL DEFAULT 0,
    last_error      TEXT,
    -- The last event of the feed that was looked at for this target.
    position        INTEGER NOT NULL,
    version         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A user or a group at a target.
CREATE TABLE provisioning_resources (
    target_id       BLOB    NOT NULL,
    resource_id     BLOB    NOT NULL,
    -- 'user' or 'group'
    kind            TEXT    NOT NULL,
    -- 'waiting' for a push, 'in_step' with the directory, or 'dead': given up
    state           TEXT    NOT NULL,
    -- The id that the target gave.
    remote_id       TEXT,
    -- The digest of what was pushed last. NULL: the target is asked what it has.
    pushed          BLOB,
    -- Raised by every change that is to be pushed, so that one that comes during a push is not lost.
    marks           INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL,
    -- Until then it belongs to the replica that raised `claims` last.
    claimed_until   INTEGER NOT NULL DEFAULT 0,
    claims          INTEGER NOT NULL DEFAULT 0,
    last_status     INTEGER,
    last_error      TEXT,
    waiting_since   INTEGER NOT NULL,
    last_attempt_at INTEGER,
    PRIMARY KEY (target_id, resource_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX provisioning_resources_due ON provisioning_resources (target_id, next_attempt_at, resource_id)
    WHERE state = 'waiting';
CREATE INDEX provisioning_resources_state ON provisioning_resources (target_id, state, resource_id);
CREATE UNIQUE INDEX provisioning_resources_remote ON provisioning_resources (target_id, kind, remote_id)
    WHERE remote_id IS NOT NULL;

-- The members of groups at a target, as far as they were pushed from here.
CREATE TABLE provisioning_members (
    target_id BLOB NOT NULL,
    group_id  BLOB NOT NULL,
    member_id BLOB NOT NULL,
    -- 'adding', 'member' or 'removing'
    state     TEXT NOT NULL,
    PRIMARY KEY (target_id, group_id, member_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX provisioning_members_pending ON provisioning_members (target_id, group_id, member_id)
    WHERE state <> 'member';
CREATE INDEX provisioning_members_of_member ON provisioning_members (target_id, member_id);

-- Walks over many resources, whose pushes they bring about: of a new target, and after changes that concern many.
CREATE TABLE provisioning_sweeps (
    target_id  BLOB    NOT NULL,
    -- 'users', 'groups', 'tracked' (those of provisioning_resources), 'verify' (the same, and the target is asked), or
    -- 'members' of a group
    kind       TEXT    NOT NULL,
    -- The group of 'members'; otherwise the nil UUID.
    group_id   BLOB    NOT NULL,
    -- The last one that was looked at.
    after_id   BLOB    NOT NULL,
    scanned    INTEGER NOT NULL DEFAULT 0,
    -- Raised when the walk begins anew.
    round      INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (target_id, kind, group_id)
) STRICT, WITHOUT ROWID;
