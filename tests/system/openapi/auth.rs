//! The examples of the authentication service.

use serde_json::json;
use testkit::{Person, Stack, pkce_challenge};

use super::Described;
use super::recorder::{Call, Recorder};
use super::users::{events, service, stack, webhooks};
use crate::pages::anonymous;

#[tokio::test]
async fn each_example_of_auth_is_what_the_service_answers() {
    let stack = stack().await;
    let ann = stack.register("ann").await;
    let operator = stack.operator_token().await;
    let mut recorder = Recorder::new(&stack, Described::Auth).await;
    clients(&mut recorder, &operator).await;
    oauth(&mut recorder, &stack).await;
    sign_in(&mut recorder, &stack, &ann).await;
    accounts(&mut recorder, &operator).await;
    pages(&mut recorder, &stack, &ann).await;
    events(&mut recorder, &operator, &ann.id).await;
    webhooks(&mut recorder, &operator, "vestibule.session.started.v1").await;
    service(&mut recorder).await;
    recorder.call("listKeys", Call::new().token(&operator)).await;
    recorder
        .call("rotateKeys", Call::new().token(&operator).json(json!({})))
        .await;
    recorder.finish();
}

async fn clients(recorder: &mut Recorder<'_>, operator: &str) {
    let shop = json!({
        "client_id": "shop",
        "client_name": "Shop",
        "redirect_uris": ["https://shop.example.com/callback"],
        "post_logout_redirect_uris": ["https://shop.example.com/"],
    });
    recorder
        .call("createClient", Call::new().token(operator).json(shop))
        .await;
    recorder
        .call("listClients", Call::new().token(operator).query("limit", "10"))
        .await;
    recorder
        .call(
            "readClient",
            Call::new().token(operator).path("client_id", "shop"),
        )
        .await;
}

async fn oauth(recorder: &mut Recorder<'_>, stack: &Stack) {
    for document in ["readOpenIdConfiguration", "readServerMetadata", "readKeySet"] {
        recorder.call(document, Call::new()).await;
    }
    let challenge = pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let request = [
        ("response_type", "code"),
        ("client_id", "shop"),
        ("redirect_uri", "https://shop.example.com/callback"),
        ("scope", "openid email"),
        ("state", "af0ifjsldkj"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let query = request
        .iter()
        .fold(Call::new(), |call, (name, value)| call.query(name, value));
    recorder.call("authorize", query).await;
    recorder.call("authorizeByForm", Call::new().form(&request)).await;
    let after = "https://shop.example.com/";
    let logout = Call::new()
        .query("client_id", "shop")
        .query("post_logout_redirect_uri", after);
    recorder.call("endSession", logout).await;
    let form = [("client_id", "shop"), ("post_logout_redirect_uri", after)];
    recorder.call("endSessionByForm", Call::new().form(&form)).await;
    let operator = || Call::new().basic("vestibule-cli", stack.operator_secret());
    let grant = [("grant_type", "client_credentials"), ("scope", "users:read")];
    let issued = recorder.call("issueTokens", operator().form(&grant)).await;
    let token = issued["access_token"].as_str().unwrap();
    recorder
        .call("revokeToken", operator().form(&[("token", token)]))
        .await;
    let reader = stack
        .client_token("vestibule-cli", stack.operator_secret(), "events:read")
        .await;
    recorder.call("listRevocations", Call::new().token(&reader)).await;
    let admin = stack.operator_token().await;
    recorder
        .call(
            "deleteClient",
            Call::new().token(&admin).path("client_id", "shop"),
        )
        .await;
}

async fn sign_in(recorder: &mut Recorder<'_>, stack: &Stack, ann: &Person) {
    let password = json!({ "username": ann.user_name, "password": ann.password });
    recorder.call("authenticate", Call::new().json(password)).await;
    let tokens = stack.authenticate(ann).await;
    recorder
        .call("readUserInfo", Call::new().token(&tokens.access))
        .await;
    recorder
        .call("readUserInfoByPost", Call::new().token(&tokens.access))
        .await;
}

async fn accounts(recorder: &mut Recorder<'_>, operator: &str) {
    let bob = json!({ "user_name": "bob", "email": "bob@example.com", "name": "Bob Example" });
    let made = recorder
        .call("createAccount", Call::new().token(operator).json(bob))
        .await;
    let id = made["id"].as_str().unwrap();
    // Hashes of bcrypt 5.0.0 (Python).
    let hash = "$2b$04$5ujii9zMrP9QrISEOLTmUeE3aj7HB56COPvabyGOHWml9Pmr64LNS";
    let batch = json!({ "credentials": [
        { "id": id, "password_hash": hash },
        { "id": "bob", "password_hash": hash },
    ] });
    recorder
        .call("importCredentials", Call::new().token(operator).json(batch))
        .await;
    let new = json!({ "password_hash": "$2b$04$2dRU045FhDZTv4EO.EtWTeWu/S6xL.p9iEkK4bZaUJVMPcRBQQuxy" });
    recorder
        .call(
            "replaceCredentials",
            Call::new().token(operator).path("id", id).json(new),
        )
        .await;
    recorder
        .call("createSetupLink", Call::new().token(operator).path("id", id))
        .await;
    recorder
        .call("endSessions", Call::new().token(operator).path("id", id))
        .await;
}

/// The pages. A form is sent as a browser sends it.
async fn pages(recorder: &mut Recorder<'_>, stack: &Stack, ann: &Person) {
    for page in [
        "showHome",
        "showLogin",
        "showRegister",
        "showLogout",
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

    let mut visitor = anonymous(stack);
    let sign_in = [
        ("user_name", ann.user_name.as_str()),
        ("password", ann.password.as_str()),
    ];
    let page = visitor.open("/login").await;
    let answer = visitor.post(&page, "/login", &sign_in).await;
    recorder.browser("submitLogin", &with_token(&sign_in), answer.status.as_u16(), "");
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
    let form = with_token(&[("id", ann.id.as_str())]);
    recorder
        .call("continueRegistration", Call::new().form(&form))
        .await;
    let form = with_token(&[("token", "not-a-link"), ("password", cas.password.as_str())]);
    recorder.call("submitSetup", Call::new().form(&form)).await;
}

/// The fields of a form with the token that the page has put into it.
fn with_token<'a>(fields: &[(&'static str, &'a str)]) -> Vec<(&'static str, &'a str)> {
    let mut all = vec![("csrf", "…")];
    all.extend_from_slice(fields);
    all
}
