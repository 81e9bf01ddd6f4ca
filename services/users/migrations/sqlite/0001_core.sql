-- People. `document` is the whole state as it is published and shown (events::contract::UserState); the other
-- columns are copies of what statements search by. One function writes them all: people/store.rs.
CREATE TABLE people (
    id            BLOB    NOT NULL PRIMARY KEY,
    user_name_key TEXT    NOT NULL UNIQUE,
    active        INTEGER NOT NULL,
    version       INTEGER  NOT NULL,
    created_at    INTEGER  NOT NULL,
    updated_at    INTEGER  NOT NULL,
    document      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Ids that were deleted. Nothing may bring such a person back.
CREATE TABLE tombstones (
    id         BLOB   NOT NULL PRIMARY KEY,
    version    INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL,
    -- When `auth` reported that it erased what it held.
    erased_at  INTEGER
) STRICT, WITHOUT ROWID;

-- The answer to every registration, so that the same request gets the same answer.
CREATE TABLE registrations (
    id         BLOB   NOT NULL PRIMARY KEY,
    -- 'accepted', 'user_name_taken' or 'invalid'
    outcome    TEXT   NOT NULL,
    decided_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE groups (
    id         BLOB   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE group_members (
    group_id  BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    person_id BLOB NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, person_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX group_members_of_person ON group_members (person_id);

-- The group that administers is there from the start.
INSERT INTO groups (id, name, version, created_at)
VALUES (x'00000000000070008000000000000001', 'vestibule-admins', 1, 0);
