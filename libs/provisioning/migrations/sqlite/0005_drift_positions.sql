-- The ids of the target that were compared of the page at the cursor, in JSON, and the groups that are too large to be compared.
ALTER TABLE provisioning_checks ADD COLUMN page_done TEXT NOT NULL DEFAULT '[]';
ALTER TABLE provisioning_checks ADD COLUMN not_compared INTEGER NOT NULL DEFAULT 0;
