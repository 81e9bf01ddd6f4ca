//! The scopes of access tokens in both services, with what each allows: the words of their descriptions (OpenAPI).

/// The scope with which a person administers the users and groups that were delegated to them. It is granted on request alone,
/// and no client has it for itself.
pub const DELEGATED: &str = "directory:delegated";

/// The scopes that an application may ask a person for (RFC 6749 §4.1; OpenID Connect Core §5.4 and §11).
pub const OF_CODES: &[(&str, &str)] = &[
    ("openid", "the user's own record, and an ID token"),
    (
        "profile",
        "names, language, time zone and the rest of the profile",
    ),
    ("email", "the e-mail address"),
    ("phone", "the telephone number"),
    ("address", "the postal address"),
    ("groups", "the groups that the user is in"),
    ("offline_access", "stay after the person has signed out"),
    ("users:read", "read the directory"),
    ("users:write", "change the directory"),
    ("groups:read", "read the groups and their members"),
    ("groups:write", "change the groups and their members"),
    ("events:read", "read the event feed"),
    ("admin", "administer"),
    (
        DELEGATED,
        "administer the users and groups that were delegated to the person",
    ),
];

/// The scopes that a client may have for itself (RFC 6749 §4.4).
pub const OF_CLIENTS: &[(&str, &str)] = &[
    ("users:read", "read the directory"),
    ("users:write", "change the directory"),
    ("groups:read", "read the groups and their members"),
    ("groups:write", "change the groups and their members"),
    ("events:read", "read the event feed"),
    ("admin", "administer"),
];

/// The cookie of a browser's session with the authentication service, over https and without a path.
pub const SESSION_COOKIE: &str = "__Host-vestibule";
