//! ID tokens that come back as hints (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2).

use oidc::claims::IdTokenClaims;
use oidc::jose::{Algorithm, Expect, TYP_ID_TOKEN, verify};

use crate::app::App;

/// Seconds that clocks may differ.
const LEEWAY: i64 = 30;

/// The claims of an ID token that this server signed, for whichever client, expired or not. `None` for anything else.
pub fn id_token_hint(app: &App, token: &str) -> Option<IdTokenClaims> {
    let expect = Expect {
        typ: TYP_ID_TOKEN,
        algorithms: &[Algorithm::Es256, Algorithm::Rs256],
        issuer: app.issuer.url(),
        // The caller compares the audience with the client.
        audience: None,
        now: app.clock.now().as_secs(),
        leeway: LEEWAY,
        accept_expired: true,
    };
    verify(token, &app.keys.current().verifying(), &expect)
        .ok()
        .map(|verified| verified.claims)
}
