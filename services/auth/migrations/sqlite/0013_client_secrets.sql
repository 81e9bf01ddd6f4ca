-- What `clients` does not hold of the secrets of a client: the older one of two, so that secrets are changed without a stop, and
-- the time of the newest, whose hash is `clients.secret_hash`. A replica of the release before knows that one alone. These are
-- not columns of `clients`: that release selects all columns, and PostgreSQL refuses its prepared statements when there is one more.
CREATE TABLE client_secrets (
    client_id         TEXT    NOT NULL PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    newest_created_at INTEGER,
    second_hash       BLOB,
    second_created_at INTEGER
) STRICT, WITHOUT ROWID;
