//! Tests of logout requests and their decisions.

use proptest::prelude::*;

use super::*;
use crate::claims::IdTokenClaims;
use crate::client::ClientMetadata;
use crate::testing::{NOW, access_token, id_token, id_token_of_a_dropped_key, metadata, server, web};

const BYE: &str = "https://app.example/bye";
const LOOPBACK: &str = "http://127.0.0.1/bye";

fn registered() -> ClientMetadata {
    metadata(|client| {
        client.post_logout_redirect_uris = vec![BYE.parse().unwrap(), LOOPBACK.parse().unwrap()];
    })
}

/// The hint of a row.
#[derive(Clone, Copy, Debug)]
enum Hint {
    None,
    Own(fn(&mut IdTokenClaims)),
    DroppedKey(fn(&mut IdTokenClaims)),
    AccessToken,
    Text(&'static str),
}

/// The browser of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Browser {
    NoSession,
    Session(&'static str),
    Confirmed(&'static str),
}

use Browser::{Confirmed, NoSession, Session};
use Decision::{Confirm, EndSession, SignedOut};

type Outcome = Result<(Decision, Option<&'static str>), LogoutError>;
/// The section of OpenID Connect RP-Initiated Logout, the hint, the other parameters, the browser, and what is decided.
type Row = (
    &'static str,
    Hint,
    &'static [(&'static str, &'static str)],
    Browser,
    Outcome,
);

const TO_BYE: (&str, &str) = ("post_logout_redirect_uri", BYE);
const WEB: (&str, &str) = ("client_id", "web");
const OWN: Hint = Hint::Own(|_| {});

const ROWS: &[Row] = &[
    (
        "§2: no parameter is required",
        Hint::None,
        &[],
        NoSession,
        Ok((SignedOut, None)),
    ),
    (
        "§6: without a hint the user is asked",
        Hint::None,
        &[],
        Session("s1"),
        Ok((Confirm, None)),
    ),
    (
        "§6: the user confirms",
        Hint::None,
        &[],
        Confirmed("s1"),
        Ok((EndSession, None)),
    ),
    (
        "§2: the hint names the session",
        OWN,
        &[],
        Session("s1"),
        Ok((EndSession, None)),
    ),
    (
        "§2: the hint names another session",
        OWN,
        &[],
        Session("s2"),
        Ok((Confirm, None)),
    ),
    (
        "§2: the hint names another session, confirmed",
        OWN,
        &[],
        Confirmed("s2"),
        Ok((EndSession, None)),
    ),
    (
        "§2: the hint has no session",
        Hint::Own(|claims| claims.sid = None),
        &[],
        Session("s1"),
        Ok((Confirm, None)),
    ),
    (
        "§2: client_id fits the hint",
        OWN,
        &[WEB],
        Session("s1"),
        Ok((EndSession, None)),
    ),
    (
        "§2: client_id does not fit the hint",
        Hint::Own(|claims| claims.aud = "other".to_owned()),
        &[WEB],
        Session("s1"),
        Err(LogoutError::HintOfAnotherClient),
    ),
    (
        "§2: the hint is of another issuer",
        Hint::Own(|claims| claims.iss = "https://evil.example".to_owned()),
        &[],
        Session("s1"),
        Err(LogoutError::Hint),
    ),
    (
        "§2: the hint is no token",
        Hint::Text("a.b.c"),
        &[],
        NoSession,
        Err(LogoutError::Hint),
    ),
    (
        "§2: a hint whose key was dropped proves no session",
        Hint::DroppedKey(|_| {}),
        &[TO_BYE],
        Session("s1"),
        Ok((Confirm, Some(BYE))),
    ),
    (
        "§2: a hint of an unknown key and another issuer",
        Hint::DroppedKey(|claims| claims.iss = "https://evil.example".to_owned()),
        &[TO_BYE],
        Session("s1"),
        Err(LogoutError::Hint),
    ),
    (
        "§3: the destination of the hint's client",
        OWN,
        &[TO_BYE],
        Session("s1"),
        Ok((EndSession, Some(BYE))),
    ),
    (
        "§3: the destination of client_id",
        Hint::None,
        &[WEB, TO_BYE],
        Session("s1"),
        Ok((Confirm, Some(BYE))),
    ),
    (
        "§3: it is reached without a session",
        Hint::None,
        &[WEB, TO_BYE],
        NoSession,
        Ok((SignedOut, Some(BYE))),
    ),
    (
        "§3: state comes back",
        OWN,
        &[TO_BYE, ("state", "x&y")],
        Session("s1"),
        Ok((EndSession, Some("https://app.example/bye?state=x%26y"))),
    ),
    (
        "§3: state without a destination",
        OWN,
        &[("state", "x")],
        Session("s1"),
        Ok((EndSession, None)),
    ),
    (
        "§3: a destination needs a client",
        Hint::None,
        &[TO_BYE],
        Confirmed("s1"),
        Err(LogoutError::NoClient),
    ),
    (
        "§3: a destination of an unknown client",
        Hint::None,
        &[("client_id", "nobody"), TO_BYE],
        Confirmed("s1"),
        Err(LogoutError::UnknownClient),
    ),
    (
        "§3: the comparison is exact",
        OWN,
        &[("post_logout_redirect_uri", "https://app.example/bye/")],
        Session("s1"),
        Err(LogoutError::RedirectUri),
    ),
    (
        "§3: the port of a loopback address is not free",
        OWN,
        &[("post_logout_redirect_uri", "http://127.0.0.1:8080/bye")],
        Session("s1"),
        Err(LogoutError::RedirectUri),
    ),
    (
        "§3: a redirect URI of the code grant is none",
        OWN,
        &[("post_logout_redirect_uri", "https://app.example/cb")],
        NoSession,
        Err(LogoutError::RedirectUri),
    ),
];

fn decide(
    hint: Hint,
    parameters: &[(&str, &str)],
    browser: Browser,
) -> Result<(Decision, Option<String>), LogoutError> {
    let token = match hint {
        Hint::None => None,
        Hint::Own(change) => Some(id_token(change)),
        Hint::DroppedKey(change) => Some(id_token_of_a_dropped_key(change)),
        Hint::AccessToken => Some(access_token()),
        Hint::Text(text) => Some(text.to_owned()),
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(token.map(|token| ("id_token_hint", token)));
    query.extend_pairs(parameters);
    let request = LogoutRequest::parse(&query.finish())?;
    let hinted = request.verify_hint(server(), NOW)?;
    let metadata = registered();
    let client = hinted
        .client_id()
        .filter(|id| *id == "web")
        .map(|_| web(&metadata));
    let checked = hinted.check(client)?;
    let decision = match browser {
        NoSession => checked.decide(None, true),
        Session(id) => checked.decide(Some(id), false),
        Confirmed(id) => checked.decide(Some(id), true),
    };
    Ok((decision, checked.destination().map(str::to_owned)))
}

#[test]
fn decisions_on_logout_requests() {
    // SB-30, SB-20, SB-16
    for (section, hint, parameters, browser, expected) in ROWS {
        let expected = expected
            .clone()
            .map(|(decision, to)| (decision, to.map(str::to_owned)));
        assert_eq!(decide(*hint, parameters, *browser), expected, "{section}");
    }
}

#[test]
fn a_parameter_may_be_there_once() {
    // RFC 6749 §3.1
    let request = LogoutRequest::parse("client_id=web&state=x&unknown=1").unwrap();
    let sent: Vec<_> = request.parameters().collect();
    assert_eq!(sent, [("client_id", "web"), ("state", "x")]);
    let twice = LogoutRequest::parse("Call+us=a&Call+us=b").unwrap_err();
    assert_eq!(twice, LogoutError::Duplicate);
    assert!(!twice.to_string().contains("Call us"));
    assert!(matches!(
        LogoutRequest::parse("a=%zz"),
        Err(LogoutError::Params(ParamsError::Encoding))
    ));
}

#[test]
fn no_access_token_is_a_hint() {
    // SB-26; RFC 8725 §3.11
    let alg_none = Hint::Text("eyJhbGciOiJub25lIn0.e30.");
    for hint in [Hint::AccessToken, alg_none] {
        assert_eq!(
            decide(hint, &[], Session("s1")),
            Err(LogoutError::Hint),
            "{hint:?}"
        );
    }
}

proptest! {
    #[test]
    fn anything_may_come(text in "\\PC{0,600}") {
        let _ = LogoutRequest::parse(&text);
    }

    #[test]
    fn only_a_registered_address_is_a_destination(uri in "\\PC{1,60}") {
        let sent = [WEB, ("post_logout_redirect_uri", uri.as_str())];
        if uri != BYE && uri != LOOPBACK {
            prop_assert_eq!(decide(Hint::None, &sent, NoSession), Err(LogoutError::RedirectUri));
        }
    }
}
