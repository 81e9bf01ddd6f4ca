-- The services that a person allowed an application to use, by their URLs, separated by spaces: those that the consent page named. NULL in a row of the
-- release before, which named none.
ALTER TABLE consents ADD COLUMN audiences TEXT;
