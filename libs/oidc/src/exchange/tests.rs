//! Rows on token exchange (RFC 8693).

use proptest::prelude::*;

use super::*;
use crate::client::{AuthMethod, ClientMetadata, GrantType};
use crate::jose::Audience;

const ISSUER: &str = "https://id.example";
const SHOP: &str = "https://shop.example";
const STOCK: &str = "https://stock.example";
const BILLS: &str = "https://bills.example";
const PRIVILEGED: PrivilegedScopes<'_> = PrivilegedScopes {
    of_administrators: &["admin"],
    of_users: &["directory:delegated"],
};

fn resources(urls: &[&str]) -> Vec<Resource> {
    urls.iter().map(|url| Resource::parse(url).unwrap()).collect()
}

/// The service `shop`, which may call the stock and the bills.
fn shop() -> ClientMetadata {
    ClientMetadata {
        grant_types: [GrantType::TokenExchange].into(),
        scope: "openid profile stock admin".parse().unwrap(),
        resource: Some(Resource::parse(SHOP).unwrap()),
        audiences: resources(&[ISSUER, STOCK, BILLS]),
        ..ClientMetadata::default()
    }
}

/// The token of Ann that an application sent to the shop.
fn anns() -> AccessTokenClaims {
    AccessTokenClaims {
        sub: "ann".to_owned(),
        client_id: "app".to_owned(),
        aud: Audience::Many([ISSUER, SHOP, STOCK].map(str::to_owned).to_vec()),
        scope: "openid profile email stock admin offline_access".parse().unwrap(),
        ..AccessTokenClaims::default()
    }
}

fn actor(names: &[&str]) -> Option<Actor> {
    names.iter().fold(None, |act, name| {
        Some(Actor {
            sub: (*name).to_owned(),
            act: act.map(Box::new),
        })
    })
}

/// An exchange as a row changes it.
struct Case {
    metadata: ClientMetadata,
    subject: AccessTokenClaims,
    user: Option<User>,
    actor: Option<AccessTokenClaims>,
    resources: Vec<Resource>,
    scope: Option<Scope>,
}

fn decide(change: impl FnOnce(&mut Case)) -> Result<Exchanged, ErrorCode> {
    let mut case = Case {
        metadata: shop(),
        subject: anns(),
        user: Some(User {
            administrator: true,
            assigned: true,
        }),
        actor: None,
        resources: Vec::new(),
        scope: None,
    };
    change(&mut case);
    let client = RegisteredClient {
        client_id: "shop",
        metadata: &case.metadata,
    };
    let exchange = Exchange {
        client,
        default_audiences: &resources(&[ISSUER]),
        issuer: ISSUER,
        privileged: PRIVILEGED,
        subject: &case.subject,
        user: case.user,
        actor: case.actor.as_ref(),
        resources: &case.resources,
        scope: case.scope.as_ref(),
    };
    exchange.decide().map_err(|error| error.error)
}

/// A row: the rule, a change of a good request, and the scope and the audiences of the new token, or the error.
type Row = (
    &'static str,
    fn(&mut Case),
    Result<(&'static str, &'static [&'static str]), ErrorCode>,
);

const REFUSED: Result<(&str, &[&str]), ErrorCode> = Err(ErrorCode::InvalidRequest);

const ROWS: &[Row] = &[
    (
        "RFC 8693 §2.1: all that both have, without privileges (SB-48)",
        |_| {},
        Ok(("openid profile stock", &[ISSUER, STOCK])),
    ),
    (
        "RFC 8707 §2: one service, without userinfo",
        |case| case.resources = resources(&[STOCK]),
        Ok(("profile stock", &[STOCK])),
    ),
    (
        "one service twice",
        |case| case.resources = resources(&[STOCK, STOCK]),
        Ok(("profile stock", &[STOCK])),
    ),
    (
        "one service, with the slash of an empty path",
        |case| case.resources = resources(&["https://stock.example/", STOCK]),
        Ok(("profile stock", &[STOCK])),
    ),
    (
        "a privilege that is asked for",
        |case| case.scope = Some("admin stock".parse().unwrap()),
        Ok(("admin stock", &[ISSUER, STOCK])),
    ),
    (
        "a privilege that the user has no more",
        |case| {
            case.scope = Some("admin".parse().unwrap());
            case.user = Some(User {
                administrator: false,
                assigned: true,
            });
        },
        Err(ErrorCode::InvalidScope),
    ),
    (
        "a scope that the client is not registered for",
        |case| case.scope = Some("email".parse().unwrap()),
        Err(ErrorCode::InvalidScope),
    ),
    (
        "a scope that the subject token has not",
        |case| {
            case.metadata.scope = "other".parse().unwrap();
            case.scope = Some("other".parse().unwrap());
        },
        Err(ErrorCode::InvalidScope),
    ),
    (
        "offline_access",
        |case| {
            case.metadata.scope = "offline_access".parse().unwrap();
            case.scope = Some("offline_access".parse().unwrap());
        },
        Err(ErrorCode::InvalidScope),
    ),
    (
        "openid for a service that is not the issuer",
        |case| {
            case.resources = resources(&[STOCK]);
            case.scope = Some("openid".parse().unwrap());
        },
        Err(ErrorCode::InvalidScope),
    ),
    (
        "a service that the subject token is not for",
        |case| case.resources = resources(&[BILLS]),
        Err(ErrorCode::InvalidTarget),
    ),
    (
        "a service that the client is not registered for",
        |case| case.resources = resources(&[SHOP]),
        Err(ErrorCode::InvalidTarget),
    ),
    (
        "one good service and one bad one",
        |case| case.resources = resources(&[STOCK, BILLS]),
        Err(ErrorCode::InvalidTarget),
    ),
    (
        "nothing in common",
        |case| case.metadata.audiences = resources(&[BILLS]),
        Err(ErrorCode::InvalidTarget),
    ),
    (
        "a client without audiences has the default",
        |case| case.metadata.audiences.clear(),
        Ok(("openid profile stock", &[ISSUER])),
    ),
    (
        "a token of the client's own, for its user",
        |case| {
            case.metadata.resource = None;
            case.subject.client_id = "shop".to_owned();
        },
        Ok(("openid profile stock", &[ISSUER, STOCK])),
    ),
    (
        "RFC 8693 §2.2.2: a token that the client was not sent",
        |case| case.metadata.resource = Some(Resource::parse(BILLS).unwrap()),
        REFUSED,
    ),
    (
        "a token of a client for itself",
        |case| case.subject.sub = "app".to_owned(),
        REFUSED,
    ),
    ("somebody who is disabled", |case| case.user = None, REFUSED),
    (
        "an actor token of another client",
        |case| {
            case.actor = Some(AccessTokenClaims {
                client_id: "other".to_owned(),
                ..anns()
            })
        },
        REFUSED,
    ),
    (
        "an actor token with an actor",
        |case| {
            case.actor = Some(AccessTokenClaims {
                client_id: "shop".to_owned(),
                act: actor(&["x"]),
                ..anns()
            });
        },
        REFUSED,
    ),
    (
        "too many actors",
        |case| case.subject.act = actor(&["a"; 8]),
        REFUSED,
    ),
];

#[test]
fn an_exchanged_token_has_never_more_than_the_subject_token() {
    for (rule, change, expected) in ROWS {
        let found = decide(change);
        let short = found
            .as_ref()
            .map(|exchanged| (exchanged.scope.to_string(), exchanged.audiences.clone()));
        let expected = expected.map(|(scope, urls)| (scope.to_owned(), resources(urls)));
        assert_eq!(short.map_err(|error| *error), expected, "{rule}");
    }
}

#[test]
fn the_token_names_the_clients_of_the_tokens_before_it() {
    // SB-47
    let chain = |change: fn(&mut Case)| decide(change).unwrap().client_chain;
    assert_eq!(chain(|_| {}), ["app"]);
    let further = |case: &mut Case| {
        case.subject.client_chain = vec!["app".to_owned()];
        case.subject.client_id = "gate".to_owned();
    };
    assert_eq!(chain(further), ["app", "gate"]);
    let again = |case: &mut Case| case.subject.client_chain = vec!["app".to_owned(), "gate".to_owned()];
    assert_eq!(chain(again), ["app", "gate"]);
}

#[test]
fn the_token_names_the_actor_and_those_before() {
    // RFC 8693 §4.1
    let act = |change: fn(&mut Case)| decide(change).unwrap().act;
    assert_eq!(Some(act(|_| {})), actor(&["shop"]));
    assert_eq!(
        Some(act(|case| case.subject.act = actor(&["web", "gate"]))),
        actor(&["web", "gate", "shop"])
    );
    let clerk = act(|case| {
        case.actor = Some(AccessTokenClaims {
            sub: "clerk".to_owned(),
            client_id: "shop".to_owned(),
            ..AccessTokenClaims::default()
        });
    });
    assert_eq!(Some(clerk), actor(&["clerk"]));
    let written = serde_json::to_value(actor(&["web", "shop"])).unwrap();
    assert_eq!(written, serde_json::json!({"sub": "shop", "act": {"sub": "web"}}));
}

#[test]
fn a_request_has_the_tokens_and_their_types() {
    // RFC 8693 §2.1
    const TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";
    let parse = |form: &str| {
        let form = Params::parse(form, crate::token::REPEATABLE).unwrap();
        ExchangeRequest::parse(&form).map_err(|error| error.error)
    };
    let good = format!("subject_token=a.b.c&subject_token_type={TYPE}");
    let request = parse(&format!(
        "{good}&audience=https://a.example&audience=https://b.example&resource=https://c.example"
    ))
    .unwrap();
    assert_eq!(
        request.resources,
        resources(&["https://c.example", "https://a.example", "https://b.example"])
    );
    assert!(
        parse(&format!(
            "{good}&actor_token=x&actor_token_type={TYPE}&requested_token_type={TYPE}"
        ))
        .unwrap()
        .actor_token
        .is_some()
    );
    for (form, error) in [
        ("", ErrorCode::InvalidRequest),
        ("subject_token=a", ErrorCode::InvalidRequest),
        (
            "subject_token=a&subject_token_type=urn:ietf:params:oauth:token-type:id_token",
            ErrorCode::InvalidRequest,
        ),
        (&format!("{good}&actor_token=x"), ErrorCode::InvalidRequest),
        (
            &format!("{good}&actor_token_type={TYPE}"),
            ErrorCode::InvalidRequest,
        ),
        (
            &format!("{good}&requested_token_type=urn:ietf:params:oauth:token-type:saml2"),
            ErrorCode::InvalidRequest,
        ),
        (&format!("{good}&audience=stock"), ErrorCode::InvalidTarget),
        (&format!("{good}&scope=%22"), ErrorCode::InvalidScope),
    ] {
        assert_eq!(parse(form).err(), Some(error), "{form}");
    }
}

#[test]
fn only_a_client_that_proves_who_it_is_may_exchange() {
    let refused = |change: fn(&mut ClientMetadata)| {
        let mut metadata = shop();
        change(&mut metadata);
        metadata.check().err().map(|error| error.field)
    };
    assert_eq!(refused(|_| {}), None);
    assert_eq!(
        refused(|client| {
            client.resource = None;
            client.token_endpoint_auth_method = AuthMethod::None;
        }),
        Some("token_endpoint_auth_method")
    );
    assert_eq!(refused(|client| client.audiences.clear()), Some("audiences"));
}

proptest! {
    #[test]
    fn what_is_given_is_in_the_subject_token(
        scope in "[a-d]( [a-d]){0,3}", asked in "[a-e]( [a-e]){0,2}", aud in prop::collection::vec(0_usize..4, 0..4),
        target in prop::collection::vec(0_usize..4, 0..3), administrator: bool,
    ) {
        let urls = [ISSUER, SHOP, STOCK, BILLS];
        let pick = |indices: &[usize]| indices.iter().map(|index| urls[*index]).collect::<Vec<_>>();
        let mut aud = pick(&aud);
        aud.push(SHOP);
        let subject = AccessTokenClaims {
            scope: scope.parse().unwrap(),
            aud: Audience::Many(aud.iter().map(|url| (*url).to_owned()).collect()),
            ..anns()
        };
        let result = decide(|case| {
            case.metadata.scope = "a b c d e".parse().unwrap();
            case.subject = subject.clone();
            case.scope = Some(asked.parse().unwrap());
            case.resources = resources(&pick(&target));
            case.user = Some(User { administrator, assigned: true });
        });
        if let Ok(exchanged) = result {
            prop_assert!(subject.scope.covers(&exchanged.scope));
            prop_assert!(!exchanged.audiences.is_empty());
            for audience in &exchanged.audiences {
                prop_assert!(aud.contains(&audience.as_str()));
            }
        }
    }
}
