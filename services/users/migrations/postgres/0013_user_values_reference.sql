-- An import writes some nine rows of user_values for each user, and checking the foreign key of each took a third of the time. A
-- writer of rows holds the lock of the user or has inserted them in the same transaction, so the check never failed. What the
-- reference did for a deletion a trigger does now, also for a deletion by the release before. `people` is locked as without it.
-- The function may be there from a database that an older release has restored: that drops tables alone.
LOCK TABLE people IN ACCESS EXCLUSIVE MODE;

CREATE OR REPLACE FUNCTION delete_user_values() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM user_values WHERE user_id = ANY (ARRAY(SELECT id FROM deleted_people));
    RETURN NULL;
END
$$;

CREATE TRIGGER people_delete_values AFTER DELETE ON people REFERENCING OLD TABLE AS deleted_people
    FOR EACH STATEMENT EXECUTE FUNCTION delete_user_values();

ALTER TABLE user_values DROP CONSTRAINT user_values_user_id_fkey;
