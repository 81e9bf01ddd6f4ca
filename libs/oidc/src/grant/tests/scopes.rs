//! Rows and properties of scopes and audiences (RFC 6749 §3.3, §4.4.2, RFC 8707 §2).

use proptest::prelude::*;

use super::*;
use crate::client::ClientMetadata;
use crate::scope::Scope;
use crate::testing::PRIVILEGED;

/// The section, the registered scope, the requested scope, and the scope or the error.
type ClientRow = (
    &'static str,
    &'static str,
    Option<&'static str>,
    Result<&'static str, ErrorCode>,
);

const CLIENT_TOKENS: &[ClientRow] = &[
    (
        "RFC 6749 §4.4.2: what is registered",
        "email profile",
        None,
        Ok("email profile"),
    ),
    (
        "RFC 6749 §4.4.2: less",
        "email profile",
        Some("email"),
        Ok("email"),
    ),
    (
        "RFC 6749 §4.4.2: more",
        "email",
        Some("email profile"),
        Err(ErrorCode::InvalidScope),
    ),
    (
        "OpenID Connect Core §3.1.2.1: openid needs a user",
        "openid email",
        Some("openid email"),
        Ok("email"),
    ),
    (
        "OpenID Connect Core §11: offline_access needs a user",
        "email offline_access",
        None,
        Ok("email"),
    ),
    (
        "SB-48: privileges are requested",
        "users:read email",
        Some("users:read"),
        Ok("users:read"),
    ),
    ("SB-48: or not granted", "users:read email", None, Ok("email")),
    (
        "SB-48: what is delegated to people is theirs",
        "directory:delegated email",
        Some("directory:delegated email"),
        Ok("email"),
    ),
    (
        "SB-48: nothing else is left",
        "users:read",
        None,
        Err(ErrorCode::InvalidScope),
    ),
    (
        "RFC 6749 §3.3: an empty scope is none",
        "email",
        Some(""),
        Ok("email"),
    ),
    ("RFC 6749 §3.3: a client without any scope", "", None, Ok("")),
];

#[test]
fn the_scope_of_a_clients_own_token() {
    for (section, registered, requested, expected) in CLIENT_TOKENS {
        let metadata = ClientMetadata {
            scope: registered.parse().unwrap(),
            ..metadata(|_| {})
        };
        let requested = requested.map(|text| text.parse::<Scope>().unwrap());
        let granted = client_scope(web(&metadata), PRIVILEGED, requested.as_ref());
        let granted = granted
            .map(|scope| scope.to_string())
            .map_err(|error| error.error);
        assert_eq!(granted, expected.map(str::to_owned), "{section}");
    }
}

#[test]
fn audiences_have_the_form_in_which_they_are_registered() {
    // RFC 8707 §2.2
    let [bare, slash] = ["https://api.example", "https://api.example/"].map(|url| resources(&[url]));
    for (registered, named) in [(&bare, &slash), (&slash, &bare)] {
        let mut metadata = metadata(|_| {});
        metadata.audiences.clone_from(registered);
        let client = web(&metadata);
        assert_eq!(audiences(client, &[], named).as_ref(), Ok(registered));
        // Of a grant from before the client was registered anew.
        assert_eq!(remaining_audiences(client, &[], named).as_ref(), Ok(registered));
        // Then it was registered for both forms.
        let both = [bare.as_slice(), slash.as_slice()].concat();
        assert_eq!(remaining_audiences(client, &[], &both).as_ref(), Ok(registered));
    }
}

proptest! {
    #[test]
    fn a_granted_scope_is_registered_and_privileged_for_administrators_alone(
        registered in "((openid|email|admin|users:read|directory:delegated|offline_access) ){0,5}",
        requested in "((openid|email|admin|users:read|directory:delegated|offline_access|dance) ){0,5}",
        administrator: bool,
    ) {
        let metadata = ClientMetadata { scope: registered.parse().unwrap(), ..metadata(|_| {}) };
        let requested: Scope = requested.parse().unwrap();
        if let Ok(granted) = user_scope(web(&metadata), PRIVILEGED, User { administrator, assigned: true }, &requested) {
            prop_assert!(metadata.scope.covers(&granted));
            prop_assert!(requested.is_empty() || requested.covers(&granted));
            for token in granted.iter().filter(|token| PRIVILEGED.contains(token)) {
                prop_assert!(administrator && requested.contains(token));
            }
            for token in granted.iter().filter(|token| PRIVILEGED.is_of_users(token)) {
                prop_assert!(requested.contains(token));
            }
        }
    }

    #[test]
    fn audiences_are_never_widened(asked in proptest::collection::vec(0_usize..4, 0..4)) {
        let all = resources(&[ISSUER, USERS, "https://api.example", "https://evil.example"]);
        let asked: Vec<Resource> = asked.into_iter().map(|index| all[index].clone()).collect();
        if let Ok(audiences) = narrow_audiences(&all[..2], &asked) {
            prop_assert!(!audiences.is_empty() && audiences.iter().all(|one| all[..2].contains(one)));
        }
    }
}
