//! One example of each type of event: what the golden files hold.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

fn id(last: u8) -> Uuid {
    Uuid::from_u128(0x0199_aaaa_bbbb_7ccc_8ddd_eeee_ffff_0000 | u128::from(last))
}

fn at<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub(super) fn ann() -> UserState {
    UserState {
        id: id(1),
        user_name: "Ann".parse().unwrap(),
        name: PersonName {
            given_name: Some("Ann".to_owned()),
            family_name: Some("Archer".to_owned()),
            formatted: Some("Ann Archer".to_owned()),
            ..PersonName::default()
        },
        emails: vec![Email {
            value: "ann@example.org".parse().unwrap(),
            kind: Some("home".to_owned()),
            primary: true,
            verified: false,
        }],
        locale: Some("fr-CH".to_owned()),
        zoneinfo: Some("Europe/Zurich".to_owned()),
        active: true,
        attributes: BTreeMap::from([("department".to_owned(), json!("archery"))]),
        groups: vec!["vestibule-admins".to_owned()],
        group_ids: None,
        external_ids: BTreeMap::new(),
        credential_id: None,
        deleted_at: None,
        version: 3,
        created_at: at(json!("2026-11-22T10:00:00Z")),
        updated_at: at(json!("2026-11-22T10:05:00.123456Z")),
    }
}

fn example<T: EventData>(value: T) -> (&'static str, Value) {
    let written = serde_json::to_value(&value).unwrap();
    let read: T = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(
        serde_json::to_value(&read).unwrap(),
        written,
        "{} reads back what it wrote",
        T::TYPE
    );
    (T::TYPE, written)
}

fn session() -> (SessionStarted, SessionEnded) {
    let started = SessionStarted {
        id: id(2),
        user_id: id(1),
        amr: vec!["pwd".to_owned()],
        client_ip: Some("192.0.2.7".to_owned()),
        version: 4,
    };
    let ended = SessionEnded {
        id: id(2),
        user_id: id(1),
        reason: SessionEnd::SignedOut,
        version: 5,
    };
    (started, ended)
}

fn client() -> ClientState {
    ClientState {
        id: id(4),
        client_id: "shop".to_owned(),
        client_name: Some("The shop".to_owned()),
        redirect_uris: vec!["https://shop.example/callback".to_owned()],
        grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
        scopes: vec!["openid".to_owned(), "profile".to_owned()],
        version: 1,
        updated_at: at(json!("2026-11-22T10:00:00Z")),
    }
}

fn credential() -> CredentialChange {
    CredentialChange {
        id: id(3),
        user_id: id(1),
        kind: CredentialKind::Password,
        version: 6,
    }
}

fn consent(scopes: &[&str]) -> ConsentChange {
    ConsentChange {
        id: id(1),
        client_id: "shop".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        audiences: Vec::new(),
        authorization_details_types: Vec::new(),
        authorization_details_sha256: None,
        version: 9,
    }
}

fn role() -> RoleChange {
    RoleChange {
        id: id(1),
        client_id: "wiki".to_owned(),
        role: "editor".to_owned(),
        version: 10,
    }
}

pub(super) fn all() -> Vec<(&'static str, Value)> {
    let (started, ended) = session();
    let mut examples = people();
    examples.extend(groups());
    examples.extend([
        example(started),
        example(ended),
        example(CredentialAdded(credential())),
        example(CredentialRemoved(credential())),
        example(ClientCreated(client())),
        example(ClientUpdated(client())),
        example(ClientDeleted(ClientRemoved {
            id: id(4),
            client_id: "shop".to_owned(),
            version: 2,
            deleted_at: at(json!("2026-11-22T10:10:00Z")),
        })),
        example(ConsentGranted(consent(&["openid", "profile"]))),
        example(ConsentWithdrawn(consent(&[]))),
        example(RoleAssigned(role())),
        example(RoleWithdrawn(role())),
        example(LoginFailed {
            id: id(1),
            reason: LoginFailure::WrongPassword,
            client_ip: Some("192.0.2.7".to_owned()),
            count: 1,
            since: None,
            until: None,
            version: 7,
        }),
        example(TokenReuseDetected {
            id: id(1),
            client_id: "shop".to_owned(),
            family: id(5),
            version: 8,
        }),
    ]);
    examples
}

fn groups() -> Vec<(&'static str, Value)> {
    let archers = GroupState {
        id: id(6),
        display_name: "Archers".to_owned(),
        external_id: Some("hr-17".to_owned()),
        external_ids: BTreeMap::new(),
        attributes: BTreeMap::new(),
        parents: vec![id(7)],
        version: 1,
        created_at: at(json!("2026-11-29T10:00:00Z")),
        updated_at: at(json!("2026-11-29T10:00:00Z")),
    };
    vec![
        example(GroupCreated(archers.clone())),
        example(GroupUpdated(GroupState {
            parents: Vec::new(),
            version: 2,
            updated_at: at(json!("2026-11-29T10:05:00Z")),
            ..archers
        })),
        example(GroupDeleted {
            id: id(6),
            version: 3,
            deleted_at: at(json!("2026-11-29T11:00:00Z")),
        }),
    ]
}

fn people() -> Vec<(&'static str, Value)> {
    vec![
        example(UserCreated(ann())),
        example(UserUpdated(ann())),
        example(UserDeactivated(UserState {
            active: false,
            ..ann()
        })),
        example(UserReactivated(ann())),
        example(UserDeleted {
            id: id(1),
            version: 4,
            deleted_at: at(json!("2026-11-22T11:00:00Z")),
        }),
        example(RegistrationRejected {
            id: id(1),
            reason: RejectionReason::UserNameTaken,
            version: 1,
        }),
        example(RegistrationRequested {
            id: id(1),
            user_name: "Ann".parse().unwrap(),
            email: Some("ann@example.org".parse().unwrap()),
            name: Some(ann().name),
            locale: Some("fr-CH".to_owned()),
            groups: vec!["vestibule-admins".to_owned()],
            version: 1,
            requested_at: at(json!("2026-11-22T10:00:00Z")),
        }),
        example(SubjectErased {
            id: id(1),
            version: 10,
            erased_at: at(json!("2026-11-22T11:00:01Z")),
        }),
        example(EmailVerified {
            id: id(1),
            email: "ann@example.org".parse().unwrap(),
            version: 2,
            verified_at: at(json!("2026-11-22T10:01:00Z")),
        }),
    ]
}
