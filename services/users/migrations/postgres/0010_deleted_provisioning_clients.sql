-- Provisioning clients that were deleted, whose identifiers of users and groups are removed in the background.
CREATE TABLE deleted_provisioning_clients (
    id         UUID NOT NULL PRIMARY KEY,
    deleted_at BIGINT NOT NULL
);
