-- The text of the details as they were granted. `details` has them as JSON, for the release before: PostgreSQL writes numbers of JSONB anew and
-- sorts the members, so that a client could not ask for a part of its grant in the same words. A row without the text is of the release before.
ALTER TABLE code_details ADD COLUMN details_text TEXT;
ALTER TABLE grant_details ADD COLUMN details_text TEXT;
