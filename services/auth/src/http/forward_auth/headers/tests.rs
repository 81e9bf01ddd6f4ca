//! Tests of the headers for proxies.

use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::testing::person_state;

fn user(change: impl FnOnce(&mut contract::UserState), groups: &[&str]) -> HostUser {
    let mut state = person_state(Uuid::from_u128(7), "ann");
    change(&mut state);
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    HostUser {
        session_id: Uuid::from_u128(8),
        subject: Arc::new(Subject::new(state, groups)),
    }
}

fn rules(groups: &[&str]) -> AccessRules {
    AccessRules {
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        ..AccessRules::default()
    }
}

fn text<'a>(response: &'a Response, name: &str) -> &'a str {
    std::str::from_utf8(response.headers()[name].as_bytes()).unwrap()
}

fn email(address: &str, verified: bool) -> contract::Email {
    contract::Email {
        value: address.parse().unwrap(),
        kind: None,
        primary: true,
        verified,
    }
}

// SB-34
#[test]
fn the_headers_say_whose_request_it_is_and_all_are_there() {
    let ann = user(
        |state| {
            state.name.formatted = Some("Ann Ärcher\r\nRemote-User: root".to_owned());
            state.emails = vec![email("ann@example.org", true)];
        },
        &["staff", "wiki"],
    );
    let response = allowed(Some(&ann), &rules(&["staff"]));
    assert_eq!(response.status(), StatusCode::OK);
    for (name, value) in [
        ("remote-subject", "00000000-0000-0000-0000-000000000007"),
        ("remote-user", "ann"),
        ("remote-name", "Ann ÄrcherRemote-User: root"),
        ("remote-email", "ann@example.org"),
        ("remote-groups", "staff,wiki"),
    ] {
        assert_eq!(text(&response, name), value, "{name}");
    }
    let nobody = allowed(None, &rules(&["staff"]));
    for name in [
        "remote-subject",
        "remote-user",
        "remote-name",
        "remote-email",
        "remote-groups",
    ] {
        assert_eq!(text(&nobody, name), "", "{name}");
    }
}

#[test]
fn an_address_that_nobody_has_verified_is_not_told() {
    let ann = user(|state| state.emails = vec![email("root@example.org", false)], &[]);
    assert_eq!(text(&allowed(Some(&ann), &rules(&[])), "remote-email"), "");
    assert_eq!(text(&allowed(Some(&ann), &rules(&[])), "remote-name"), "ann");
}

// SB-49
#[test]
fn the_name_of_a_group_never_stands_for_two() {
    let ann = user(|_| {}, &["100%", "a,admins", "bücher", "x%2Cadmins"]);
    let response = allowed(Some(&ann), &rules(&[]));
    assert_eq!(
        text(&response, "remote-groups"),
        "100%25,a%2Cadmins,bücher,x%252Cadmins"
    );
    let names: Vec<String> = (0..400).map(|number| format!("group-{number}")).collect();
    let many: Vec<&str> = names.iter().map(String::as_str).collect();
    let response = allowed(Some(&user(|_| {}, &many)), &rules(&["group-7", "others"]));
    assert_eq!(text(&response, "remote-groups"), "group-7");
}

#[test]
fn a_navigation_is_told_from_a_request_of_a_program() {
    for (sent, expected) in [
        (
            &[("sec-fetch-mode", "navigate"), ("accept", "text/html,*/*")][..],
            true,
        ),
        (&[("sec-fetch-mode", "navigate")], true),
        (&[("sec-fetch-mode", "cors"), ("accept", "text/html")], false),
        (&[("sec-fetch-mode", "websocket")], false),
        (&[("sec-fetch-mode", "no-cors"), ("accept", "image/png")], false),
        (
            &[("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")],
            true,
        ),
        (
            &[("accept", "text/html"), ("x-requested-with", "XMLHttpRequest")],
            false,
        ),
        (&[("accept", "text/html"), ("upgrade", "websocket")], false),
        (&[("accept", "*/*")], false),
        (&[("accept", "application/json")], false),
        (&[], false),
    ] {
        let headers: HeaderMap = sent
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        assert_eq!(is_navigation(&headers), expected, "{sent:?}");
    }
}

// SB-51
#[test]
fn the_configurations_of_proxies_name_every_header() {
    for (file, text) in [
        (
            "nginx.conf",
            include_str!("../../../../../../deploy/forward-auth/nginx.conf"),
        ),
        (
            "Caddyfile",
            include_str!("../../../../../../deploy/forward-auth/Caddyfile"),
        ),
        (
            "envoy.yaml",
            include_str!("../../../../../../deploy/forward-auth/envoy.yaml"),
        ),
        (
            "traefik-dynamic.yml",
            include_str!("../../../../../../deploy/forward-auth/traefik-dynamic.yml"),
        ),
    ] {
        let text = text.to_lowercase();
        for name in [SUBJECT, USER, NAME, EMAIL, GROUPS] {
            assert!(text.contains(name.as_str()), "{file} does not name {name}");
        }
    }
}
