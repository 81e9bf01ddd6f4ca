//! Tests of the members that a replica of the release before cannot read.

use super::*;

/// The members that the release before knows. It refuses rows with others (ADR 0016).
const OF_THE_RELEASE_BEFORE: [&str; 9] = [
    "client_name",
    "redirect_uris",
    "post_logout_redirect_uris",
    "grant_types",
    "scope",
    "token_endpoint_auth_method",
    "id_token_signed_response_alg",
    "audiences",
    "require_pkce",
];

#[test]
fn an_ordinary_client_is_stored_as_the_release_before_reads_it() {
    let written =
        serde_json::to_value(metadata(|client| client.client_name = Some("Shop".to_owned()))).unwrap();
    for name in written.as_object().unwrap().keys() {
        assert!(
            OF_THE_RELEASE_BEFORE.contains(&name.as_str()),
            "{name} needs skip_serializing_if at its default"
        );
    }
}

#[test]
fn the_guide_of_upgrades_names_every_member_that_the_release_before_cannot_read() {
    // What that release knows is always written, except the name.
    let guide = include_str!("../../../../../docs/guides/upgrade.md");
    let written = serde_json::to_value(ClientMetadata::default()).unwrap();
    let unnamed: Vec<_> = extended_members("client_name")
        .into_iter()
        .filter(|name| *name != "client_name" && written.get(name).is_none())
        .filter(|name| !guide.contains(&format!("`{name}`")))
        .collect();
    assert_eq!(unnamed, Vec::<&str>::new(), "name them in docs/guides/upgrade.md");
}
