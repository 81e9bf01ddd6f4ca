-- The name as it is compared: without regard to case. NULL: the group was deleted, or a release that knows no such column
-- wrote it.
ALTER TABLE groups ADD COLUMN name_key TEXT;
UPDATE groups SET name_key = lower(name);
CREATE UNIQUE INDEX groups_name_key ON groups (name_key);

ALTER TABLE groups ADD COLUMN external_id TEXT;
CREATE INDEX groups_external_id ON groups (external_id) WHERE external_id IS NOT NULL;

-- The time of `version`, which counts changes of the name, the external identifier and the parents.
ALTER TABLE groups ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
-- Counts changes of the members as well, with the time of the last one: what entity tags of SCIM show.
ALTER TABLE groups ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;
ALTER TABLE groups ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
-- A deleted group leaves its row, so that its id is never used again; its name becomes one that nobody can have.
ALTER TABLE groups ADD COLUMN deleted_at BIGINT;

-- Groups that are members of groups.
CREATE TABLE group_parents (
    group_id  UUID NOT NULL REFERENCES groups (id),
    parent_id UUID NOT NULL REFERENCES groups (id),
    PRIMARY KEY (parent_id, group_id)
);
CREATE INDEX group_parents_of_group ON group_parents (group_id);

-- Groups that were deleted or renamed, until the states of all members say so.
CREATE TABLE group_refreshes (
    group_id UUID NOT NULL PRIMARY KEY,
    -- The last member whose state was written.
    after_id UUID NOT NULL
);
