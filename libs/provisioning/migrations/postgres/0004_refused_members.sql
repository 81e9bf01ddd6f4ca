-- The last time that the target refused this change of a member, for which the group is not held. NULL: it was not refused.
ALTER TABLE provisioning_members ADD COLUMN refused_at BIGINT;
