-- What filters of users find by an index: one row for each value of an indexed attribute. `value_key` is the value as it is
-- compared: in lower case unless case matters, a number or a time as text of the same order.
CREATE TABLE user_values (
    attribute TEXT NOT NULL,
    value_key TEXT NOT NULL,
    user_id   BLOB NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    PRIMARY KEY (attribute, value_key, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX user_values_of_user ON user_values (user_id);

-- The version of the user that user_values has the values of. The version before writes neither: a row with another version is
-- made up for by users/values.
ALTER TABLE people ADD COLUMN values_version INTEGER;

CREATE INDEX people_without_values ON people (id) WHERE values_version IS NULL OR values_version <> version;

-- The attributes that user_values was filled for.
CREATE TABLE user_indexed (name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE INDEX people_active ON people (active, id);

-- The number of users: that of user_total and the changes since, which a background task adds to it. So no creation waits for
-- another one at a counter.
CREATE TABLE user_total (people INTEGER NOT NULL) STRICT;
INSERT INTO user_total (people) SELECT count(*) FROM people;
CREATE TABLE user_total_changes (change INTEGER NOT NULL) STRICT;
