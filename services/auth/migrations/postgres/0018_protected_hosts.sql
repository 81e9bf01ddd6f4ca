-- Hosts behind a proxy that asks about every request whether it may pass. `host` has the port, unless it is that of `scheme`.
-- `settings` is JSON: the name for people and the rules.
CREATE TABLE protected_hosts (
    host       TEXT    NOT NULL PRIMARY KEY,
    scheme     TEXT    NOT NULL CHECK (scheme IN ('https', 'http')),
    settings   JSONB   NOT NULL,
    version    BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL
);

-- Tickets that carry a sign-in to a protected host, once and within a minute. `nonce_hash` is SHA-256 of a cookie that the browser has
-- there.
CREATE TABLE host_tickets (
    ticket_hash BYTEA   NOT NULL PRIMARY KEY,
    host        TEXT    NOT NULL REFERENCES protected_hosts (host) ON DELETE CASCADE,
    session_id  UUID    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    nonce_hash  BYTEA   NOT NULL,
    return_to   TEXT    NOT NULL,
    expires_at  BIGINT  NOT NULL
);
CREATE INDEX host_tickets_host ON host_tickets (host);
CREATE INDEX host_tickets_session ON host_tickets (session_id);
CREATE INDEX host_tickets_expiry ON host_tickets (expires_at);

-- Sessions at protected hosts. They end with the sign-in session that they hang on.
CREATE TABLE host_sessions (
    token_hash BYTEA   NOT NULL PRIMARY KEY,
    host       TEXT    NOT NULL REFERENCES protected_hosts (host) ON DELETE CASCADE,
    session_id UUID    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    started_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL
);
CREATE INDEX host_sessions_host ON host_sessions (host);
CREATE INDEX host_sessions_session ON host_sessions (session_id, started_at);
CREATE INDEX host_sessions_expiry ON host_sessions (expires_at);
