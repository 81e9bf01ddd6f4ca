//! The catalogue of this service's own Prometheus metrics. No label names a person (SB-39).

use chassis::telemetry::catalogue::{Label, Metric};

const SCHEME: Label = Label::of(
    "scheme",
    &[
        "argon2",
        "bcrypt",
        "scrypt",
        "firebase-scrypt",
        "pbkdf2",
        "sha-crypt",
        "ssha",
        "phpass",
    ],
);

const ALGORITHM: Label = Label::of("algorithm", &["RS256", "PS256", "ES256", "ES384", "EdDSA"]);

/// The metrics of sign-ins, tokens, registrations, passwords and keys.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        "vestibule_sign_ins_total",
        "sign-ins",
        "Attempts to sign in, by outcome.",
    )
    .labels(&[
        Label::of("method", &["password"]),
        Label::of(
            "outcome",
            &[
                "success",
                "invalid_credentials",
                "throttled",
                "busy",
                "pending",
                "error",
            ],
        ),
    ]),
    Metric::counter(
        "vestibule_token_requests_total",
        "requests",
        "Requests for tokens by clients that may make them.",
    )
    .labels(&[
        Label::of(
            "grant",
            &["authorization_code", "refresh_token", "client_credentials", "device_code", "token_exchange"],
        ),
        Label::of("outcome", &["issued", "rejected"]),
    ]),
    Metric::counter(
        "vestibule_client_key_set_fetches_total",
        "calls",
        "Fetches of the key sets of clients from their `jwks_uri`, by outcome.",
    )
    .labels(&[Label::of("outcome", &["fetched", "failed"])]),
    Metric::counter(
        "vestibule_token_reuse_total",
        "grants",
        "Grants that were revoked because a code or a refresh token came a second time: somebody has a copy.",
    ),
    Metric::counter(
        "vestibule_logout_deliveries_total",
        "attempts",
        "Attempts to tell an application of the end of a session (back-channel logout), by outcome.",
    )
    .labels(&[Label::of("outcome", &["delivered", "failed", "given_up"])]),
    Metric::counter(
        "vestibule_authorization_requests_refused_total",
        "requests",
        "Authorization requests that could not wait for a sign-in or be pushed, because too many wait already.",
    ),
    Metric::counter(
        "vestibule_device_authorizations_total",
        "requests",
        "Devices that asked for codes (`requested`, or `rejected` because too many wait), and the answers of people.",
    )
    .labels(&[Label::of(
        "outcome",
        &["requested", "rejected", "allowed", "denied"],
    )]),
    Metric::counter(
        "vestibule_forward_auth_requests_total",
        "requests",
        "Requests to protected hosts that proxies asked about, by outcome.",
    )
    .labels(&[Label::of(
        "outcome",
        &["allowed", "public", "sign_in", "unauthenticated", "forbidden", "rejected"],
    )]),
    Metric::counter(
        "vestibule_forward_auth_tickets_total",
        "tickets",
        "Tickets of sign-ins that came to protected hosts, by outcome; a refused one was used before, too old, or of another browser.",
    )
    .labels(&[Label::of("outcome", &["redeemed", "rejected"])]),
    Metric::counter(
        "vestibule_registrations_total",
        "registrations",
        "Registrations by outcome; `pending` counts those that the user service did not answer at once.",
    )
    .labels(&[Label::of(
        "outcome",
        &["accepted", "rejected", "expired", "pending"],
    )]),
    Metric::gauge(
        "vestibule_registrations_pending",
        "registrations",
        "Registrations that wait for the answer of the user service.",
    ),
    Metric::gauge(
        "vestibule_registration_oldest_pending_seconds",
        "seconds",
        "How long the oldest registration has waited for the answer of the user service; 0 when none waits.",
    ),
    Metric::gauge(
        "vestibule_restoration_pending",
        "restorations",
        "1 while sign-in is closed because the database was restored and the user service was not heard since; else 0.",
    ),
    Metric::gauge(
        "vestibule_hash_workers",
        "threads",
        "Threads that hash passwords.",
    ),
    Metric::gauge(
        "vestibule_hash_workers_busy",
        "threads",
        "Threads that hash a password right now.",
    ),
    Metric::gauge(
        "vestibule_hash_queue_jobs",
        "passwords",
        "Passwords that wait to be hashed.",
    ),
    Metric::gauge(
        "vestibule_hash_queue_limit_jobs",
        "passwords",
        "Passwords that may wait at most; more are refused with 503.",
    ),
    Metric::counter(
        "vestibule_hash_refused_total",
        "passwords",
        "Passwords that were refused because too many waited.",
    ),
    Metric::histogram(
        "vestibule_hash_wait_seconds",
        "seconds",
        "How long passwords waited to be hashed.",
    ),
    Metric::histogram(
        "vestibule_hash_seconds",
        "seconds",
        "How long passwords took to be hashed.",
    ),
    Metric::counter(
        "vestibule_password_hashes_imported_total",
        "passwords",
        "Password hashes of other systems that administrators imported, by scheme.",
    )
    .labels(&[SCHEME]),
    Metric::counter(
        "vestibule_password_upgrades_total",
        "passwords",
        "Password hashes that were replaced by argon2id of the configured cost at a sign-in, by the scheme they had.",
    )
    .labels(&[SCHEME]),
    Metric::gauge(
        "vestibule_signing_keys",
        "keys",
        "Signing keys, by what they are used for.",
    )
    .labels(&[ALGORITHM, Label::of("state", &["published", "active", "retired"])]),
    Metric::gauge(
        "vestibule_signing_key_active_since_timestamp_seconds",
        "seconds since 1970",
        "Since when the active key signs.",
    )
    .labels(&[ALGORITHM]),
    Metric::gauge(
        "vestibule_signing_key_rotation_timestamp_seconds",
        "seconds since 1970",
        "When the active key is to hand over to the next.",
    )
    .labels(&[ALGORITHM]),
    Metric::counter(
        "vestibule_signing_key_failures_total",
        "failures",
        "Times that the signing keys could not be read or brought up to date.",
    ),
];
