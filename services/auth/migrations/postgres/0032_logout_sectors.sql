-- The sector by whose identifiers a client knows the person of a logout token, where it is not that of the client as it is now: the
-- client got others when it was changed. Empty for public identifiers.
CREATE TABLE logout_sectors (
    session_id UUID NOT NULL,
    client_id  TEXT NOT NULL,
    sector     TEXT NOT NULL,
    PRIMARY KEY (session_id, client_id),
    FOREIGN KEY (session_id, client_id) REFERENCES logout_deliveries (session_id, client_id) ON DELETE CASCADE
);

-- Clients that registered themselves could change their sector and keep their grants. People sign in again at those with pairwise
-- subjects.
UPDATE grants SET revoked_at = (EXTRACT(EPOCH FROM now()) * 1000000)::BIGINT
WHERE revoked_at IS NULL AND client_id IN (
    SELECT id FROM clients WHERE origin = 'registration' AND registration ->> 'subject_type' = 'pairwise');
