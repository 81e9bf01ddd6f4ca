//! Logout token (OpenID Connect Back-Channel Logout §2.4), and the URL of a front-channel logout (OpenID Connect Front-Channel
//! Logout §2).

use serde::Serialize;
use url::form_urlencoded;

use crate::redirect_uri::RedirectUri;

/// The seconds for which a logout token is valid (OpenID Connect Back-Channel Logout §2.4: two minutes at most).
const LIFETIME: i64 = 120;

/// The claims of a logout token. It has no `nonce`, so that it is no ID token.
#[derive(Clone, Debug, Serialize)]
pub struct LogoutTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The user who is signed out, as the client knows them.
    pub sub: String,
    /// The client.
    pub aud: String,
    /// The time of issue.
    pub iat: i64,
    /// The expiration time.
    pub exp: i64,
    /// The token id.
    pub jti: String,
    /// The session that has ended.
    pub sid: String,
    /// The event that the token is about.
    pub events: LogoutEvents,
}

/// The member of `events` that says that a token is a logout token.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct LogoutEvents {
    /// An empty object.
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    backchannel_logout: Empty,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Empty {}

impl LogoutTokenClaims {
    /// The claims for the client `aud` about the end of the session `sid` of the user `sub`. `now` is in seconds since the Unix
    /// epoch.
    pub fn new(iss: &str, aud: &str, (sub, sid): (String, String), jti: String, now: i64) -> Self {
        Self {
            iss: iss.to_owned(),
            sub,
            aud: aud.to_owned(),
            iat: now,
            exp: now.saturating_add(LIFETIME),
            jti,
            sid,
            events: LogoutEvents::default(),
        }
    }
}

/// The body of a back-channel logout request (OpenID Connect Back-Channel Logout §2.5).
pub fn logout_request_body(logout_token: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("logout_token", logout_token)
        .finish()
}

/// The URL that a browser loads in a frame so that the client signs the user out, with `iss` and `sid`.
pub fn front_channel_url(uri: &RedirectUri, issuer: &str, sid: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("iss", issuer)
        .append_pair("sid", sid)
        .finish();
    RedirectUri::with_query(uri.as_str(), &query)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_logout_token_says_what_ended_and_is_no_id_token() {
        // OpenID Connect Back-Channel Logout §2.4
        let who = ("ann".to_owned(), "s1".to_owned());
        let claims = LogoutTokenClaims::new("https://id.example", "web", who, "j1".to_owned(), 1000);
        assert_eq!(
            serde_json::to_value(&claims).unwrap(),
            json!({
                "iss": "https://id.example", "sub": "ann", "aud": "web", "iat": 1000, "exp": 1120, "jti": "j1",
                "sid": "s1", "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
            })
        );
        assert_eq!(logout_request_body("a.b.c"), "logout_token=a.b.c");
    }

    #[test]
    fn a_frame_names_issuer_and_session() {
        // OpenID Connect Front-Channel Logout §2
        for (uri, expected) in [
            (
                "https://app.example/bye",
                "https://app.example/bye?iss=https%3A%2F%2Fid.example&sid=s1",
            ),
            (
                "https://app.example/bye?a=b",
                "https://app.example/bye?a=b&iss=https%3A%2F%2Fid.example&sid=s1",
            ),
        ] {
            let url = front_channel_url(&uri.parse().unwrap(), "https://id.example", "s1");
            assert_eq!(url, expected);
        }
    }
}
