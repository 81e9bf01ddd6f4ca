-- People. `document` is the whole state as it is published and shown (events::contract::UserState); the other
-- columns are copies of what statements search by. One function writes them all: people/store.rs.
CREATE TABLE people (
    id            UUID    NOT NULL PRIMARY KEY,
    user_name_key TEXT    NOT NULL CONSTRAINT people_user_name_key UNIQUE,
    active        BOOLEAN NOT NULL,
    version       BIGINT  NOT NULL,
    created_at    BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL,
    document      JSONB   NOT NULL
);

-- Ids that were deleted. Nothing may bring such a person back.
CREATE TABLE tombstones (
    id         UUID   NOT NULL PRIMARY KEY,
    version    BIGINT NOT NULL,
    deleted_at BIGINT NOT NULL,
    -- When `auth` reported that it erased what it held.
    erased_at  BIGINT
);

-- The answer to every registration, so that the same request gets the same answer.
CREATE TABLE registrations (
    id         UUID   NOT NULL PRIMARY KEY,
    -- 'accepted', 'user_name_taken' or 'invalid'
    outcome    TEXT   NOT NULL,
    decided_at BIGINT NOT NULL
);

CREATE TABLE groups (
    id         UUID   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL CONSTRAINT groups_name UNIQUE,
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE group_members (
    group_id  UUID NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    person_id UUID NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, person_id)
);

CREATE INDEX group_members_of_person ON group_members (person_id);

-- The group that administers is there from the start.
INSERT INTO groups (id, name, version, created_at)
VALUES ('00000000-0000-7000-8000-000000000001', 'vestibule-admins', 1, 0);
