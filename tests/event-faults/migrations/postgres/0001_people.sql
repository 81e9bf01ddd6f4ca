-- People, as the source changes them and as the follower believes them to be. The nonce is that of the transaction
-- that made the version: no two have the same.
CREATE TABLE people (
    id      UUID PRIMARY KEY,
    version BIGINT NOT NULL,
    nonce   UUID NOT NULL,
    deleted BOOLEAN NOT NULL
);

-- Every effect that the follower ever had, in order.
CREATE TABLE applied (
    number  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person  UUID NOT NULL,
    version BIGINT NOT NULL,
    event   UUID NOT NULL,
    nonce   UUID NOT NULL
);
