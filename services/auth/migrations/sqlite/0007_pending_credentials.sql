-- Passwords that came with a change of a user over SCIM, until the user service has told of the change, or for an hour. `id` is
-- that of the credential, which the state of the user names (UserState.credential_id).
CREATE TABLE pending_credentials (
    id         BLOB    NOT NULL PRIMARY KEY,
    user_id    BLOB    NOT NULL,
    hash       TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pending_credentials_user ON pending_credentials (user_id);
CREATE INDEX pending_credentials_expires ON pending_credentials (expires_at);
