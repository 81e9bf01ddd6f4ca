CREATE TABLE things (id UUID PRIMARY KEY, version BIGINT NOT NULL);
-- What a consumer did, in order.
CREATE TABLE effects (number BIGINT GENERATED ALWAYS AS IDENTITY, id UUID NOT NULL, sequence BIGINT NOT NULL);
