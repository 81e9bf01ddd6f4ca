-- Authorization requests that wait while a person signs in. `handle_hash` is SHA-256 of the handle in the address,
-- `browser_hash` of the cookie that the browser has to bring with it, `session_hash` of the session's token at that
-- time: a sign-in since then has another. `source` is a hash of the network that asked.
CREATE TABLE authorization_requests (
    handle_hash  BYTEA   PRIMARY KEY,
    browser_hash BYTEA   NOT NULL,
    session_hash BYTEA,
    source       BYTEA   NOT NULL,
    query        TEXT    NOT NULL,
    asked_at     BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL
);
CREATE INDEX authorization_requests_source ON authorization_requests (source, expires_at);
CREATE INDEX authorization_requests_expiry ON authorization_requests (expires_at);

-- Forms that were sent a moment ago, so that a double click is recognised. `key` is an HMAC of the form's token, the
-- browser's cookie and the body. The rest says what came of the first of them: a sign-in, the session `session_id`, or a
-- registration that goes on, `registration_id`; both empty while it is in work.
CREATE TABLE form_submissions (
    key             BYTEA   PRIMARY KEY,
    session_id      UUID,
    registration_id UUID,
    expires_at      BIGINT  NOT NULL
);
CREATE INDEX form_submissions_expiry ON form_submissions (expires_at);
