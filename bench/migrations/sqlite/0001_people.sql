-- People on both sides of the measured way: the source's, and the follower's copy.
CREATE TABLE people (
    id         BLOB    PRIMARY KEY,
    user_name  TEXT    NOT NULL UNIQUE,
    state      TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE copies (
    id      BLOB    PRIMARY KEY,
    state   TEXT    NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
