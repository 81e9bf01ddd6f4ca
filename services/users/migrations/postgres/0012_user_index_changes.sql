-- Attributes of users whose rows of user_values are filled in or deleted, because the configuration indexes others than before.
CREATE TABLE user_index_changes (
    name     TEXT NOT NULL PRIMARY KEY,
    -- fill: the rows are not complete; repeat: they are filled in once more; remove: they are deleted.
    kind     TEXT NOT NULL,
    -- The last user whose rows were filled in.
    after_id UUID NOT NULL,
    due_at   BIGINT NOT NULL
);
