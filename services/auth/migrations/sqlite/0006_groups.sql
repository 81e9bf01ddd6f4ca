-- The graph of groups, as the user service last told of it. The groups of a subject are resolved when a token is made.
CREATE TABLE groups (
    id                BLOB NOT NULL PRIMARY KEY,
    name              TEXT NOT NULL,
    -- The ids of the groups that it is a member of, JSON.
    parents           TEXT NOT NULL,
    -- Copied from `parents`: it is a member of the group that administers.
    in_administrators INTEGER NOT NULL,
    version           INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    -- A deleted group leaves its row, so that an older event cannot bring it back.
    deleted_at        INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX groups_name ON groups (name);
CREATE INDEX groups_in_administrators ON groups (id) WHERE in_administrators = 1 AND deleted_at IS NULL;

-- The group that administers is there from the start, before the user service has told of it.
INSERT INTO groups (id, name, parents, in_administrators, version, updated_at)
VALUES (x'00000000000070008000000000000001', 'vestibule-admins', '[]', 0, 0, 0);
