-- The identifiers by which provisioning clients know users and groups (RFC 7643 §3.1): each client has its own, and no two resources
-- of a type have the same one. The states have them too. The reference is checked at the commit, because many users are inserted
-- after their identifiers were found to be free.
CREATE TABLE user_external_ids (
    client_id   TEXT NOT NULL,
    external_id TEXT COLLATE "C" NOT NULL,
    user_id     UUID NOT NULL REFERENCES people (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (client_id, external_id)
);
CREATE UNIQUE INDEX user_external_ids_of_user ON user_external_ids (user_id, client_id);

CREATE TABLE group_external_ids (
    client_id   TEXT NOT NULL,
    external_id TEXT COLLATE "C" NOT NULL,
    group_id    UUID NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (client_id, external_id)
);
CREATE UNIQUE INDEX group_external_ids_of_group ON group_external_ids (group_id, client_id);

ALTER TABLE groups ADD COLUMN external_ids JSONB NOT NULL DEFAULT '{}';
