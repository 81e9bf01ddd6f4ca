//! The examples of the pages.

use serde_json::json;
use testkit::{Person, Stack, Visitor, pkce_challenge};

use super::super::recorder::{Call, Recorder};
use crate::pages::anonymous;

/// The pages. A form is sent as a browser sends it.
pub(super) async fn pages(recorder: &mut Recorder<'_>, stack: &Stack, ann: &Person) {
    for page in [
        "showHome",
        "showLogin",
        "showRegister",
        "showLogout",
        "showDevice",
        "showSecurity",
        "showConsent",
        "readFavicon",
    ] {
        recorder.call(page, Call::new()).await;
    }
    recorder
        .call("showRegistrationStatus", Call::new().query("id", &ann.id))
        .await;
    recorder
        .call("showSetup", Call::new().query("token", "not-a-link"))
        .await;
    recorder
        .call("readAsset", Call::new().path("name", "mark-0000000000000000.svg"))
        .await;
    recorder
        .call("readClientLogo", Call::new().path("digest", &"0".repeat(64)))
        .await;

    let mut visitor = anonymous(stack);
    let sign_in = [
        ("user_name", ann.user_name.as_str()),
        ("password", ann.password.as_str()),
    ];
    let page = visitor.open("/login").await;
    let answer = visitor.post(&page, "/login", &sign_in).await;
    recorder.browser("submitLogin", &with_token(&sign_in), answer.status.as_u16(), "");
    allow_cinema(stack, &mut visitor).await;
    let security = visitor.open("/security").await;
    let form = [("client_id", "cinema")];
    let answer = visitor.post(&security, "/security/applications", &form).await;
    recorder.browser("submitWithdrawal", &with_token(&form), answer.status.as_u16(), "");
    let form = [("session_id", "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0001")];
    let answer = visitor.post(&security, "/security/sessions", &form).await;
    recorder.browser("submitEndSession", &with_token(&form), answer.status.as_u16(), "");
    let home = visitor.open("/").await;
    let answer = visitor.post(&home, "/logout", &[]).await;
    recorder.browser("submitLogout", &with_token(&[]), answer.status.as_u16(), "");

    let cas = Person::named("cas");
    let email = cas.email();
    let sign_up = [
        ("user_name", cas.user_name.as_str()),
        ("email", email.as_str()),
        ("password", cas.password.as_str()),
    ];
    let mut visitor = anonymous(stack);
    let page = visitor.open("/register").await;
    let answer = visitor.post(&page, "/register", &sign_up).await;
    recorder.browser(
        "submitRegister",
        &with_token(&sign_up),
        answer.status.as_u16(),
        "",
    );

    // Forms of a registration and of a link that do not exist.
    let form = with_token(&[("user_code", "WDJB-MJHT")]);
    recorder.call("submitDevice", Call::new().form(&form)).await;
    let form = with_token(&[("id", ann.id.as_str())]);
    recorder
        .call("continueRegistration", Call::new().form(&form))
        .await;
    let form = with_token(&[("token", "not-a-link"), ("password", cas.password.as_str())]);
    recorder.call("submitSetup", Call::new().form(&form)).await;
    // A form that no page has shown.
    let form = with_token(&[
        ("authorization_request", "not-a-handle"),
        ("scope", "openid"),
        ("answer", "allow"),
    ]);
    recorder.call("submitConsent", Call::new().form(&form)).await;
}

/// Lets the client `cinema`, of another party, have access in the name of who is signed in.
async fn allow_cinema(stack: &Stack, visitor: &mut Visitor) {
    let callback = "https://cinema.example.com/callback";
    let cinema = json!({
        "client_id": "cinema",
        "client_name": "Cinema",
        "redirect_uris": [callback],
        "require_consent": true,
    });
    stack.create_client(&cinema).await;
    let challenge = pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let request = format!(
        "/oauth2/authorize?response_type=code&client_id=cinema&redirect_uri={callback}&scope=openid\
         &code_challenge={challenge}&code_challenge_method=S256"
    );
    let page = visitor.open(&request).await;
    let allowed = visitor.post(&page, "/consent", &[("answer", "allow")]).await;
    assert!(allowed.status.is_redirection(), "{}", allowed.text());
}

/// The fields of a form with the token that the page has put into it.
pub(super) fn with_token<'a>(fields: &[(&'static str, &'a str)]) -> Vec<(&'static str, &'a str)> {
    let mut all = vec![("csrf", "…")];
    all.extend_from_slice(fields);
    all
}
