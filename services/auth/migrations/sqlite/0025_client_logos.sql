-- The logos of clients, fetched from their logo_uri: when the next fetch is due, how the last one came out, and the image, if there is
-- one. It is a table of its own, so that a read of a client does not read its image.
CREATE TABLE client_logos (
    client_id     TEXT    NOT NULL PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    logo_uri      TEXT    NOT NULL,
    next_fetch_at INTEGER NOT NULL,
    -- Failures since the last success, and the reason of the last one.
    failures      INTEGER NOT NULL,
    error         TEXT,
    fetched_at    INTEGER,
    -- SHA-256 of the image, in hexadecimal digits.
    digest        TEXT,
    media_type    TEXT,
    width         INTEGER,
    height        INTEGER,
    image         BLOB
) STRICT;
CREATE INDEX client_logos_by_next_fetch ON client_logos (next_fetch_at);
CREATE INDEX client_logos_by_digest ON client_logos (digest);
