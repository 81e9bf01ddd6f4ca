-- Of clients that registered themselves and that administrators have changed since: a JSON array of the addresses that administrators
-- chose. The exceptions of the operator for outbound calls hold for these alone. It is a table of its own, so that a release before
-- this one, which runs beside it, reads and writes clients as ever.
CREATE TABLE client_administrator_addresses (
    client_id TEXT  NOT NULL PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    addresses JSONB NOT NULL
);
