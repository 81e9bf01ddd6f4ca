-- Passwords that came with a change of a user over SCIM, until the user service has told of the change, or for an hour. `id` is
-- that of the credential, which the state of the user names (UserState.credential_id).
CREATE TABLE pending_credentials (
    id         UUID   NOT NULL PRIMARY KEY,
    user_id    UUID   NOT NULL,
    hash       TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX pending_credentials_user ON pending_credentials (user_id);
CREATE INDEX pending_credentials_expires ON pending_credentials (expires_at);
