-- The address that a device asked for its codes from, which the person sees who answers for it. A replica of the release before
-- stores none.
ALTER TABLE device_authorizations ADD COLUMN asked_from TEXT;
