-- The administration of some users, given to a person or to the members of a group.
CREATE TABLE delegations (
    id             UUID NOT NULL PRIMARY KEY,
    -- One of the two.
    to_user        UUID REFERENCES people (id) ON DELETE CASCADE,
    to_group       UUID REFERENCES groups (id),
    -- One of the two.
    members_of     UUID REFERENCES groups (id),
    -- A filter of SCIM.
    users_matching TEXT,
    -- Separated by spaces.
    rights         TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    CHECK ((to_user IS NULL) <> (to_group IS NULL)),
    CHECK ((members_of IS NULL) <> (users_matching IS NULL))
);

CREATE INDEX delegations_to_user ON delegations (to_user);
CREATE INDEX delegations_to_group ON delegations (to_group);
