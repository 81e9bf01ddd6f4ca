-- Clients with a logout URI that got a code in a session, until it ends.
CREATE TABLE session_clients (
    session_id BLOB NOT NULL,
    client_id  TEXT NOT NULL,
    PRIMARY KEY (session_id, client_id)
) STRICT, WITHOUT ROWID;

-- Logout tokens to send: the end of one session is one delivery for each client.
CREATE TABLE logout_deliveries (
    session_id      BLOB    NOT NULL,
    client_id       TEXT    NOT NULL,
    subject         BLOB    NOT NULL,
    attempts        INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX logout_deliveries_due ON logout_deliveries (next_attempt_at);
