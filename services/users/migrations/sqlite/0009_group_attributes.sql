-- The attributes of a group in the extensions that the configuration defines: an object for each, by its URN.
ALTER TABLE groups ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}';
