-- People, as the source changes them and as the follower believes them to be. The nonce is that of the transaction
-- that made the version: no two have the same.
CREATE TABLE people (
    id      BLOB PRIMARY KEY,
    version INTEGER NOT NULL,
    nonce   BLOB NOT NULL,
    deleted INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every effect that the follower ever had, in order.
CREATE TABLE applied (
    number  INTEGER PRIMARY KEY,
    person  BLOB NOT NULL,
    version INTEGER NOT NULL,
    event   BLOB NOT NULL,
    nonce   BLOB NOT NULL
) STRICT;
