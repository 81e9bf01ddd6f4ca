-- Device codes and user codes (RFC 8628). `device_code_hash` is SHA-256 of the device code. `user_code_hash` is HMAC-SHA256 of the
-- user code, which is short, under a secret of the installation. `source` is the hash of the address of a client without a
-- secret. `scope` is what the device asked for, and then what the person allowed. `subject`, `session_id`, `auth_time` and `amr`
-- are those of the person who answered.
CREATE TABLE device_authorizations (
    device_code_hash BLOB   NOT NULL PRIMARY KEY,
    user_code_hash   BLOB   NOT NULL,
    client_id        TEXT   NOT NULL,
    source           BLOB,
    scope            TEXT   NOT NULL,
    audiences        TEXT   NOT NULL,
    polling_interval INTEGER NOT NULL,
    polled_at        INTEGER,
    expires_at       INTEGER NOT NULL,
    answer           TEXT   CHECK (answer IN ('allowed', 'denied')),
    subject          BLOB,
    session_id       BLOB,
    auth_time        INTEGER,
    amr              TEXT,
    used_at          INTEGER,
    grant_id         BLOB
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX device_authorizations_user_code ON device_authorizations (user_code_hash);
CREATE INDEX device_authorizations_waiting ON device_authorizations (client_id, expires_at) WHERE used_at IS NULL;
CREATE INDEX device_authorizations_source ON device_authorizations (source) WHERE source IS NOT NULL;
CREATE INDEX device_authorizations_session ON device_authorizations (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX device_authorizations_subject ON device_authorizations (subject) WHERE subject IS NOT NULL;
CREATE INDEX device_authorizations_expiry ON device_authorizations (expires_at);
