-- People on both sides of the measured way: the source's, and the follower's copy.
CREATE TABLE people (
    id         UUID   PRIMARY KEY,
    user_name  TEXT   NOT NULL UNIQUE,
    state      JSONB  NOT NULL,
    version    BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE TABLE copies (
    id      UUID   PRIMARY KEY,
    state   JSONB  NOT NULL,
    version BIGINT NOT NULL
);
