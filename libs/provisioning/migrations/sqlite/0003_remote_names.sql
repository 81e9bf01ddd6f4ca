-- The userName or displayName that a resource was pushed with last, while the target has not shown our externalId: it is recognised
-- by that name. NULL: it is recognised by its externalId.
ALTER TABLE provisioning_resources ADD COLUMN remote_name TEXT;
