-- The row of a deleted group stays, so no foreign key deletes the delegations to its members and those over them. A trigger does,
-- for a group that the release before deletes as well.
CREATE OR REPLACE FUNCTION delete_delegations_of_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM delegations WHERE to_group = NEW.id OR members_of = NEW.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER groups_delete_delegations AFTER UPDATE OF deleted_at ON groups FOR EACH ROW
    WHEN (NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION delete_delegations_of_group();

DELETE FROM delegations WHERE to_group IN (SELECT id FROM groups WHERE deleted_at IS NOT NULL)
    OR members_of IN (SELECT id FROM groups WHERE deleted_at IS NOT NULL);
