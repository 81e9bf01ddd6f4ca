//! The examples of the authentication service.

mod pages;

use pages::{pages, with_token};
use serde_json::json;
use testkit::{Person, Stack, pkce_challenge};

use super::Described;
use super::recorder::{Call, Recorder};
use super::shared::{events, service, stack, webhooks};

// SB-52
#[tokio::test]
async fn each_example_of_auth_is_what_the_service_answers() {
    let stack = stack().await;
    let ann = stack.register("ann").await;
    let operator = stack.operator_token().await;
    let mut recorder = Recorder::new(&stack, Described::Auth).await;
    let secret = clients(&mut recorder, &operator).await;
    oauth(&mut recorder, &stack, &secret).await;
    sign_in(&mut recorder, &stack, &ann).await;
    let secret = std::fs::read_to_string(stack.folder().join("secrets/vestibule-users")).unwrap();
    let users = stack
        .client_token("vestibule-users", &secret, "events:read")
        .await;
    protected_hosts(&mut recorder, &operator).await;
    managed(&mut recorder, &operator).await;
    let bob = accounts(&mut recorder, &operator, &users).await;
    pages(&mut recorder, &stack, &ann).await;
    events(&mut recorder, &operator, &ann.id).await;
    webhooks(&mut recorder, &operator, "vestibule.session.started.v1").await;
    service(&mut recorder).await;
    recorder.call("listScopes", Call::new().token(&operator)).await;
    recorder.call("listKeys", Call::new().token(&operator)).await;
    recorder
        .call("rotateKeys", Call::new().token(&operator).json(json!({})))
        .await;
    exports(&mut recorder, &operator, &bob).await;
    recorder.finish().await;
}

/// Returns the secret of the client `shop`.
async fn clients(recorder: &mut Recorder<'_>, operator: &str) -> String {
    let shop = json!({
        "client_id": "shop",
        "client_name": "Shop",
        "redirect_uris": ["https://shop.example.com/callback"],
        "post_logout_redirect_uris": ["https://shop.example.com/"],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
    });
    let created = recorder
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
    changed_client(recorder, operator).await;
    registered_client(recorder, operator).await;
    created["client_secret"].as_str().unwrap().to_owned()
}

async fn changed_client(recorder: &mut Recorder<'_>, operator: &str) {
    let of_shop = || Call::new().token(operator).path("client_id", "shop");
    let shop = json!({
        "client_name": "The shop",
        "redirect_uris": ["https://shop.example.com/callback"],
        "post_logout_redirect_uris": ["https://shop.example.com/"],
    });
    recorder.call("replaceClient", of_shop().json(shop)).await;
    let made = recorder.call("createClientSecret", of_shop()).await;
    recorder.call("listClientSecrets", of_shop()).await;
    let id = made["id"].as_str().unwrap();
    recorder
        .call("deleteClientSecret", of_shop().path("secret_id", id))
        .await;
}

async fn registered_client(recorder: &mut Recorder<'_>, operator: &str) {
    let call = || Call::new().token(operator);
    let made = recorder
        .call(
            "createInitialAccessToken",
            call().json(json!({ "name": "Developers", "uses": 10 })),
        )
        .await;
    recorder.call("listInitialAccessTokens", call()).await;
    let wiki = json!({ "client_name": "Wiki", "redirect_uris": ["https://wiki.example.com/callback"] });
    let initial = made["initial_access_token"].as_str().unwrap();
    let registered = recorder
        .call("registerClient", Call::new().token(initial).json(wiki))
        .await;
    let (id, token) = (&registered["client_id"], &registered["registration_access_token"]);
    let (id, token) = (id.as_str().unwrap(), token.as_str().unwrap());
    let own = || Call::new().token(token).path("client_id", id);
    recorder.call("readRegistration", own()).await;
    let wiki = json!({ "client_id": id, "redirect_uris": ["https://wiki.example.com/callback"] });
    recorder.call("replaceRegistration", own().json(wiki)).await;
    recorder.call("deleteRegistration", own()).await;
    recorder
        .call(
            "deleteInitialAccessToken",
            call().path("id", made["id"].as_str().unwrap()),
        )
        .await;
}

async fn oauth(recorder: &mut Recorder<'_>, stack: &Stack, secret: &str) {
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
    let push = Call::new().basic("shop", secret).form(&request);
    recorder.call("pushAuthorizationRequest", push).await;
    let device = Call::new().basic("shop", secret).form(&[("scope", "openid")]);
    recorder.call("authorizeDevice", device).await;
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
        .call("introspectToken", operator().form(&[("token", token)]))
        .await;
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

/// The endpoints for proxies refuse a caller that is not a proxy.
async fn protected_hosts(recorder: &mut Recorder<'_>, operator: &str) {
    let wiki = || Call::new().token(operator).path("host", "wiki.example.com");
    let rules = json!({ "groups": ["staff"], "public": [{ "path": "/static/*" }] });
    let new = json!({ "host": "wiki.example.com", "name": "Wiki", "rules": rules });
    recorder
        .call("createProtectedHost", Call::new().token(operator).json(new))
        .await;
    recorder
        .call("listProtectedHosts", Call::new().token(operator))
        .await;
    recorder.call("readProtectedHost", wiki()).await;
    let settings = json!({ "name": "Handbook", "rules": { "everybody": true } });
    recorder.call("replaceProtectedHost", wiki().json(settings)).await;
    for question in [
        "authorizeProxiedRequest",
        "beginHostSignIn",
        "finishHostSignIn",
        "showHostSignOut",
    ] {
        recorder.call(question, Call::new()).await;
    }
    recorder
        .call("submitHostSignOut", Call::new().form(&with_token(&[])))
        .await;
    let begin = Call::new()
        .query("host", "https://wiki.example.com")
        .query("nonce", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU")
        .query("return_to", "/");
    recorder.call("signInForHost", begin).await;
    recorder.call("deleteProtectedHost", wiki()).await;
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

/// `users`: a token of the user service. Returns the id of the account that was made.
async fn accounts(recorder: &mut Recorder<'_>, operator: &str, users: &str) -> String {
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
    let pending = json!({ "user_id": id, "password": "plover quilt anvil", "user_name": "bob" });
    let named = || {
        Call::new()
            .token(users)
            .path("id", "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0007")
    };
    recorder.call("putPendingCredential", named().json(pending)).await;
    recorder.call("cancelPendingCredential", named()).await;
    recorder
        .call("createSetupLink", Call::new().token(operator).path("id", id))
        .await;
    let session = "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0001";
    let of_bob = || Call::new().token(operator).path("id", id);
    recorder.call("listSessions", of_bob()).await;
    recorder
        .call("endOneSession", of_bob().path("session_id", session))
        .await;
    let wiki = || Call::new().token(operator).path("client_id", "wiki");
    recorder.call("listRoleAssignments", wiki()).await;
    for operation in ["assignRole", "withdrawRole"] {
        recorder
            .call(operation, wiki().path("id", id).path("role", "editor"))
            .await;
    }
    recorder.call("listConsents", of_bob()).await;
    recorder
        .call("withdrawConsent", of_bob().path("client_id", "shop"))
        .await;
    recorder
        .call("endSessions", Call::new().token(operator).path("id", id))
        .await;
    id.to_owned()
}

async fn exports(recorder: &mut Recorder<'_>, operator: &str, id: &str) {
    // Refused: the configuration does not allow it.
    recorder
        .call("exportCredentials", Call::new().token(operator))
        .await;
    recorder
        .call("exportPersonalData", Call::new().token(operator).path("id", id))
        .await;
}

/// A declarative file with a client and a protected host.
async fn managed(recorder: &mut Recorder<'_>, operator: &str) {
    let handbook = || Call::new().token(operator).path("client_id", "handbook");
    let metadata = json!({
        "client_name": "Handbook",
        "redirect_uris": ["https://handbook.example.com/callback"],
        "token_endpoint_auth_method": "none",
    });
    let client = json!({ "managed_by": "default", "metadata": metadata });
    recorder
        .call(
            "applyClient",
            handbook().header("if-none-match", "*").json(client),
        )
        .await;
    recorder
        .call("listManagedClients", Call::new().token(operator))
        .await;
    let status = || Call::new().token(operator).path("host", "status.example.com");
    let host = json!({
        "managed_by": "default", "host": "status.example.com", "name": "Status", "rules": { "everybody": true },
    });
    recorder
        .call(
            "applyProtectedHost",
            status().header("if-none-match", "*").json(host),
        )
        .await;
    recorder
        .call("listManagedHosts", Call::new().token(operator))
        .await;
    let of_file = |call: Call| call.query("managed_by", "default").header("if-match", "\"1\"");
    recorder.call("deleteManagedClient", of_file(handbook())).await;
    recorder.call("deleteManagedHost", of_file(status())).await;
}
