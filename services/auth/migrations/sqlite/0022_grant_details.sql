-- What a code, or a grant, gives beside its scope: the single claims of the parameter `claims` (OpenID Connect Core §5.5) and
-- `authorization_details` (RFC 9396). An ordinary one has no row. They are no columns of their tables, as in `bound_codes`.
CREATE TABLE code_details (
    code_hash BLOB NOT NULL PRIMARY KEY REFERENCES authorization_codes (hash) ON DELETE CASCADE,
    details TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE grant_details (
    grant_id BLOB NOT NULL PRIMARY KEY REFERENCES grants (id) ON DELETE CASCADE,
    details TEXT NOT NULL
) STRICT, WITHOUT ROWID;
