-- Users who were deleted, until their grace period is over: then they are erased, and a row of tombstones is left. They are in no
-- other table, so that their names are free and no statement about users meets them.
CREATE TABLE deleted_users (
    id            BLOB    NOT NULL PRIMARY KEY,
    user_name_key TEXT    NOT NULL,
    -- Whether the user could sign in before.
    was_active    INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    deleted_at    INTEGER NOT NULL,
    -- When the end of the grace period was noticed. The erasure comes a while after it, for the case that the clock was wrong.
    due_at        INTEGER,
    -- The state as it was published with the deletion (UserState).
    document      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX deleted_users_deleted ON deleted_users (deleted_at, id);
CREATE INDEX deleted_users_name ON deleted_users (user_name_key);
CREATE INDEX deleted_users_due ON deleted_users (due_at) WHERE due_at IS NOT NULL;
