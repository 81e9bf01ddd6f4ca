-- Software statements of clients that registered themselves (RFC 7591 section 2.3): what an issuer has signed stays with the client.
CREATE TABLE client_statements (
    client_id TEXT NOT NULL PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    -- iss of the statement.
    issuer    TEXT NOT NULL,
    statement TEXT NOT NULL
);
