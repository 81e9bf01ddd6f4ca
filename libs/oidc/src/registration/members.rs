//! Lists of client metadata at the registration endpoint: what a client may choose, what is refused, and what is ignored.

/// The members that a client may choose at its registration, as far as [`ClientMetadata`] has them. What is not listed is for
/// administrators.
///
/// [`ClientMetadata`]: crate::client::ClientMetadata
pub(super) const REGISTRABLE: &[&str] = &[
    "redirect_uris",
    "token_endpoint_auth_method",
    "grant_types",
    "client_name",
    "client_uri",
    "logo_uri",
    "scope",
    "contacts",
    "tos_uri",
    "policy_uri",
    "jwks_uri",
    "jwks",
    "software_id",
    "software_version",
    "subject_type",
    "sector_identifier_uri",
    "id_token_signed_response_alg",
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_signed_response_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "introspection_signed_response_alg",
    "request_object_signing_alg",
    "request_uris",
    "require_signed_request_object",
    "require_pushed_authorization_requests",
    "authorization_signed_response_alg",
    "token_endpoint_auth_signing_alg",
    "default_max_age",
    "require_auth_time",
    "default_acr_values",
    "initiate_login_uri",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
    "authorization_details_types",
];

/// Known members that are refused as long as [`ClientMetadata`] has them not. They change what the client gets.
///
/// [`ClientMetadata`]: crate::client::ClientMetadata
pub(super) const UNSUPPORTED: &[&str] = &[
    "subject_type",
    "sector_identifier_uri",
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_signed_response_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "introspection_signed_response_alg",
    "introspection_encrypted_response_alg",
    "introspection_encrypted_response_enc",
    "request_object_signing_alg",
    "request_object_encryption_alg",
    "request_object_encryption_enc",
    "require_signed_request_object",
    "require_pushed_authorization_requests",
    "authorization_signed_response_alg",
    "authorization_encrypted_response_alg",
    "authorization_encrypted_response_enc",
    "default_max_age",
    "default_acr_values",
    "backchannel_logout_uri",
    "frontchannel_logout_uri",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    "authorization_details_types",
];

/// Values of those members that ask for what every client has.
pub(super) const HARMLESS: &[(&str, &str)] = &[
    ("subject_type", "public"),
    ("userinfo_signed_response_alg", "none"),
];

/// Members that only the server sets (RFC 7592 §2.2).
pub(super) const SET_BY_SERVER: &[&str] = &[
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];
