CREATE TABLE things (id BLOB PRIMARY KEY, version INTEGER NOT NULL) STRICT;
-- What a consumer did, in order.
CREATE TABLE effects (number INTEGER PRIMARY KEY, id BLOB NOT NULL, sequence INTEGER NOT NULL) STRICT;
