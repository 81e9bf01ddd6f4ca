//! Table tests of decisions on authorization requests, without HTTP and without a store.

mod consents;
mod protection;
mod sessions;
mod targets;

use proptest::prelude::*;

use super::responses::sent;
use super::*;
use crate::claims::{ClaimScopes, IdTokenClaims};
use crate::client::{AuthMethod, ClientMetadata, GrantType};
use crate::consent::{AllowedAccess, GivenConsent};
use crate::error::ErrorCode;
use crate::grant::User;
use crate::resource::Resource;
use crate::scope::Scope;
use crate::server::AuthorizationServer;
use crate::testing::{
    CALLBACK, CHALLENGE, ISSUER, NOW, id_token, id_token_of_a_dropped_key, metadata, server, web,
};

/// The expected decision, in short.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    /// A code for this scope.
    Code(&'static str),
    SignIn,
    FreshSignIn,
    AskConsent,
    NotAssigned,
    Error(ErrorCode),
    RedirectUri,
    Twice,
}

use Expected::{AskConsent, Code, Error, FreshSignIn, NotAssigned, RedirectUri, SignIn, Twice};

/// The client of a row.
type Client = fn(&mut ClientMetadata);

/// The browser of a row: the age of its sign-in in seconds, whether that was for this request, and the user.
#[derive(Clone, Copy, Debug)]
struct Browser {
    subject: &'static str,
    age: i64,
    for_request: bool,
    user: Option<User>,
    /// The access of the stored consent and of the consent page: the scope, and after ` at ` the audiences.
    consent: [Option<&'static str>; 2],
}

const USER: User = User {
    administrator: false,
    assigned: true,
};
const STRANGER: Option<Browser> = Some(Browser {
    user: Some(User {
        administrator: true,
        assigned: false,
    }),
    ..ANN_NOW
});
const ANN: Option<Browser> = Some(Browser {
    subject: "ann",
    age: 600,
    for_request: false,
    user: Some(USER),
    consent: [None, None],
});
const ROOT: Option<Browser> = Some(Browser {
    user: Some(User {
        administrator: true,
        assigned: true,
    }),
    ..ANN_NOW
});
const ANN_NOW: Browser = Browser {
    subject: "ann",
    age: 0,
    for_request: false,
    user: Some(USER),
    consent: [None, None],
};
const BOB: Option<Browser> = Some(Browser {
    subject: "bob",
    ..ANN_NOW
});
const NOBODY: Option<Browser> = None;

/// Ann signed in so many seconds ago.
const fn ann(age: i64) -> Option<Browser> {
    Some(Browser { age, ..ANN_NOW })
}

/// Ann signed in for this request so many seconds ago.
const fn ann_for_request(age: i64) -> Option<Browser> {
    Some(Browser {
        age,
        for_request: true,
        ..ANN_NOW
    })
}

const WEB: Client = |_| {};
const DEFAULT_SCOPE: &str = "openid profile email groups";

/// Changes of the good request: a value replaces the parameter, `None` removes it.
type Changes = &'static [(&'static str, Option<&'static str>)];
/// The section of the standard, the changes, the client, the browser, and the decision.
type Row = (&'static str, Changes, Client, Option<Browser>, Expected);

#[test]
fn decisions_on_authorization_requests() {
    // SB-20, SB-22, SB-23, SB-29, SB-48, SB-51
    for table in [
        targets::TARGETS,
        targets::PARAMETERS,
        protection::PROTECTION,
        protection::SCOPES,
        sessions::SESSIONS,
        consents::CONSENTS,
    ] {
        for (section, changes, client, browser, expected) in table {
            let changes: Vec<_> = changes.to_vec();
            assert_eq!(decide(&changes, *client, *browser), *expected, "{section}");
        }
    }
}

#[test]
fn decisions_on_hints() {
    // SB-51, SB-26
    for (section, hint, changes, browser, expected) in sessions::HINTS {
        let hint = hint();
        let mut changes = changes.to_vec();
        changes.push(("id_token_hint", Some(&hint)));
        assert_eq!(decide(&changes, WEB, *browser), *expected, "{section}");
    }
}

#[test]
fn a_repeated_parameter_is_an_error_of_whoever_can_be_told() {
    // RFC 6749 §3.1, §4.1.2.1
    for (name, expected) in [
        ("client_id", Twice),
        ("redirect_uri", Twice),
        ("response_type", Error(ErrorCode::InvalidRequest)),
        ("state", Error(ErrorCode::InvalidRequest)),
        ("nonce", Error(ErrorCode::InvalidRequest)),
        ("code_challenge", Error(ErrorCode::InvalidRequest)),
        ("unknown", Error(ErrorCode::InvalidRequest)),
        // RFC 8707 §2: repeated on purpose.
        ("resource", Code("openid")),
    ] {
        let value = if name == "resource" { ISSUER } else { "x" };
        let query = format!("{}&{name}={value}&{name}={value}", query(&[]));
        assert_eq!(decide_query(&query, WEB, ANN).0, expected, "{name}");
    }
}

#[test]
fn an_error_goes_to_the_redirect_uri_with_state_and_issuer() {
    // RFC 6749 §4.1.2.1, RFC 9207 §2
    let url = decide_query(&query(&[("scope", Some("dance"))]), WEB, ANN).1;
    assert_eq!(
        url.as_deref(),
        Some(
            "https://app.example/cb?error=invalid_scope&error_description=the+client+may+have+none+of+these+scopes\
             &state=x&iss=https%3A%2F%2Fid.example"
        )
    );
    let url = decide_query(
        &query(&[("redirect_uri", Some("https://evil.example/"))]),
        WEB,
        ANN,
    )
    .1;
    assert_eq!(url, None);
}

#[test]
fn a_single_claim_is_asked_for_as_the_scope_that_gives_the_least() {
    // OpenID Connect Core §5.5; SB-48
    let mut claims = ClaimScopes::default();
    for claim in ["email", "salary", "department"] {
        claims.add_claim("all", claim);
    }
    let mut metadata = metadata(consents::OTHER_PARTY);
    metadata.scope = "all openid email".parse().unwrap();
    let server = AuthorizationServer {
        claims: &claims,
        ..server()
    };
    let claims = r#"{"userinfo":{"email":null}}"#;
    let request =
        UnverifiedAuthorizationRequest::parse(&query(&[("claims", Some(claims)), ("scope", Some("openid"))]));
    let request = request.unwrap();
    let checked = check(&request, web(&metadata), server, NOW).unwrap();
    let session = session(ANN_NOW, &[None, None]);
    let decision = checked.decide(Some(&session), NOW);
    assert_eq!(
        decision,
        Decision::AskConsent {
            scope: "openid email".parse().unwrap()
        }
    );
}

#[test]
fn a_code_stands_for_what_was_requested() {
    // RFC 6749 §4.1.3, RFC 7636 §4.4, OpenID Connect Core §3.1.3.6
    let metadata = metadata(WEB);
    for (sent, changes) in [(true, vec![]), (false, vec![("redirect_uri", None)])] {
        let mut changes: Vec<(&str, Option<&str>)> = changes;
        changes.push(("nonce", Some("n")));
        let request = UnverifiedAuthorizationRequest::parse(&query(&changes)).unwrap();
        let checked = check(&request, web(&metadata), server(), NOW).unwrap();
        let session = session(ANN_NOW, &[None, None]);
        let Decision::IssueCode(grant) = checked.decide(Some(&session), NOW) else {
            panic!("no code")
        };
        assert_eq!(
            (grant.redirect_uri.as_str(), grant.redirect_uri_sent),
            (CALLBACK, sent)
        );
        assert_eq!(grant.nonce.as_deref(), Some("n"));
        assert_eq!(grant.code_challenge.unwrap().as_str(), CHALLENGE);
        assert_eq!(grant.audiences, server().audiences);
    }
}

#[test]
fn nobody_is_sent_to_a_registration_that_is_closed() {
    // Initiating User Registration via OpenID Connect 1.0 §4.1
    let metadata = metadata(WEB);
    let request = UnverifiedAuthorizationRequest::parse(&query(&[("prompt", Some("create"))])).unwrap();
    assert!(request.wants_registration());
    let closed = crate::server::AuthorizationServer {
        registers_users: false,
        ..server()
    };
    let Err(AuthorizationError::Redirect(error)) = check(&request, web(&metadata), closed, NOW) else {
        panic!("registration is closed");
    };
    assert_eq!(error.error().error, ErrorCode::InvalidRequest);
}

fn query(changes: &[(&str, Option<&str>)]) -> String {
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", "web"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
        ("state", "x"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        parameters.retain(|(known, _)| known != name);
        parameters.extend(value.map(|value| (*name, value)));
    }
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

/// The session of a browser; `consent` has its access, parsed.
fn session(browser: Browser, consent: &[Option<AllowedAccess>; 2]) -> Session<'_> {
    let [stored, for_request] = consent;
    Session {
        consent: GivenConsent {
            stored: stored.as_ref(),
            for_request: for_request.as_ref(),
        },
        subject: browser.subject,
        auth_time: NOW - browser.age,
        signed_in_for_request: browser.for_request,
        user: browser.user,
    }
}

/// The access of the consent of a row.
fn allowed(browser: Browser) -> [Option<AllowedAccess>; 2] {
    browser.consent.map(|access| {
        let (scope, audiences) = access?.split_once(" at ").unwrap_or((access?, ""));
        Some(AllowedAccess::parse(scope, audiences).unwrap())
    })
}

fn decide(changes: &[(&str, Option<&str>)], client: Client, browser: Option<Browser>) -> Expected {
    decide_query(&query(changes), client, browser).0
}

/// The decision in short, and the address that the browser is redirected to.
fn decide_query(query: &str, client: Client, browser: Option<Browser>) -> (Expected, Option<String>) {
    let request = match UnverifiedAuthorizationRequest::parse(query) {
        Ok(request) => request,
        Err(PageError::Params(_)) => return (Twice, None),
        Err(error) => panic!("{error}"),
    };
    let metadata = metadata(client);
    let checked = match check(&request, web(&metadata), server(), NOW) {
        Ok(checked) => checked,
        Err(AuthorizationError::Page(PageError::RedirectUri | PageError::NoRedirectUri)) => {
            return (RedirectUri, None);
        }
        Err(AuthorizationError::Page(error)) => panic!("{error}"),
        Err(AuthorizationError::Redirect(error)) => {
            return (Error(error.error().error), Some(sent(error.response())));
        }
    };
    let consent = browser.map_or([None, None], allowed);
    let session = browser.map(|browser| session(browser, &consent));
    match checked.decide(session.as_ref(), NOW) {
        Decision::IssueCode(grant) => {
            let scope = [
                "",
                "openid",
                DEFAULT_SCOPE,
                "openid offline_access",
                "openid admin",
            ]
            .into_iter()
            .find(|known| *known == grant.scope.to_string());
            (Code(scope.unwrap()), Some(sent(checked.target().code("c"))))
        }
        Decision::SignIn { fresh: false } => (SignIn, None),
        Decision::SignIn { fresh: true } => (FreshSignIn, None),
        Decision::AskConsent { .. } => (AskConsent, None),
        Decision::NotAssigned => (NotAssigned, None),
        Decision::Error(error) => (Error(error.error().error), Some(sent(error.response()))),
    }
}

proptest! {
    #[test]
    fn the_browser_goes_to_the_registered_address_or_nowhere(
        name in "response_type|scope|state|nonce|prompt|max_age|resource|code_challenge|redirect_uri|id_token_hint",
        value in "\\PC{0,200}",
    ) {
        let query = query(&[(&name, Some(&value))]);
        for browser in [ANN, NOBODY] {
            if let (_, Some(url)) = decide_query_or_page(&query, browser) {
                prop_assert!(url.starts_with("https://app.example/cb?"), "{}", url);
                prop_assert!(url.ends_with("&iss=https%3A%2F%2Fid.example"), "{}", url);
            }
        }
    }

    #[test]
    fn prompt_none_never_shows_a_page(age in -100_i64..100_000, max_age in 0_u32..100_000, signed_in: bool) {
        // OpenID Connect Core §3.1.2.1
        let max_age = max_age.to_string();
        let changes = [("prompt", Some("none")), ("max_age", Some(max_age.as_str()))];
        for client in [WEB, consents::OTHER_PARTY, consents::NATIVE] {
            let decision = decide(&changes, client, ann(age).filter(|_| signed_in));
            prop_assert!(!matches!(decision, SignIn | FreshSignIn | AskConsent), "{:?}", decision);
        }
    }

    #[test]
    fn a_code_is_never_older_than_max_age(age in 0_i64..100_000, max_age in 1_u32..100_000) {
        // OpenID Connect Core §3.1.2.1
        let text = max_age.to_string();
        let decision = decide(&[("max_age", Some(text.as_str()))], WEB, ann(age));
        prop_assert_eq!(decision == Code("openid"), age <= i64::from(max_age));
    }
}

/// As [`decide_query`], for a scope that no row has.
fn decide_query_or_page(query: &str, browser: Option<Browser>) -> (bool, Option<String>) {
    let Ok(request) = UnverifiedAuthorizationRequest::parse(query) else {
        return (false, None);
    };
    let metadata = metadata(WEB);
    match check(&request, web(&metadata), server(), NOW) {
        Ok(checked) => match checked.decide(
            browser.map(|browser| session(browser, &[None, None])).as_ref(),
            NOW,
        ) {
            Decision::IssueCode(_) => (true, Some(sent(checked.target().code("c")))),
            Decision::Error(error) => (true, Some(sent(error.response()))),
            Decision::SignIn { .. } | Decision::AskConsent { .. } | Decision::NotAssigned => (true, None),
        },
        Err(AuthorizationError::Redirect(error)) => (true, Some(sent(error.response()))),
        Err(AuthorizationError::Page(_)) => (false, None),
    }
}
