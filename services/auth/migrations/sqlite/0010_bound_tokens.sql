-- The thumbprint of the key (RFC 9449) that a code, or the refresh tokens of a grant, are bound to. It is not a column of their
-- tables: the release before selects all columns, and PostgreSQL refuses its prepared statements when there is one more.
CREATE TABLE bound_codes (
    code_hash BLOB NOT NULL PRIMARY KEY REFERENCES authorization_codes (hash) ON DELETE CASCADE,
    dpop_jkt TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE bound_grants (
    grant_id BLOB NOT NULL PRIMARY KEY REFERENCES grants (id) ON DELETE CASCADE,
    dpop_jkt TEXT NOT NULL
) STRICT, WITHOUT ROWID;
