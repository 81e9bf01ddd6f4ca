//! oidc-client-ts in Chromium: an application without a server, on an origin of its own.

use std::net::Ipv4Addr;
use std::slice::from_ref;

use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use testkit::{Person, Stack, eventually};
use thirtyfour::prelude::*;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::browser::{DESKTOP, fill_form, in_browser};
use crate::source::root;

/// The application in the browser, and what serves its files.
struct Page {
    browser: WebDriver,
    #[expect(dead_code, reason = "ends the services when dropped")]
    stack: Stack,
    ann: Person,
    origin: String,
    #[expect(dead_code, reason = "ends the server when dropped")]
    server: JoinSet<()>,
}

/// Serves the files of `tests/clients/oidc-client-ts` and `settings`.
async fn serve(listener: TcpListener, settings: Value) {
    let folder = root().join("tests/clients");
    let file = |path: &str, content_type: &'static str| {
        let text = std::fs::read_to_string(folder.join(path)).expect("scripts/setup installed it");
        get(async move || ([(CONTENT_TYPE, content_type)], text))
    };
    let page = file("oidc-client-ts/page.html", "text/html");
    let library = "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js";
    let routes = Router::new()
        .route("/", page.clone())
        .route("/callback", page.clone())
        .route("/signed-out", page)
        .route("/app.mjs", file("oidc-client-ts/app.mjs", "text/javascript"))
        .route("/oidc-client-ts.js", file(library, "text/javascript"))
        .route("/settings.json", get(async move || Json(settings)));
    axum::serve(listener, routes).await.unwrap();
}

impl Page {
    /// Registers the clients and opens the application.
    async fn start(browser: WebDriver, stack: Stack) -> Self {
        let ann = stack.register("ann").await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        // Another site than the issuer, which is at `localhost`.
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let mut clients = json!({});
        for kind in ["bearer", "dpop"] {
            let client = stack
                .create_client(&json!({
                    "client_name": format!("Basket with {kind}"),
                    "redirect_uris": [format!("{origin}/callback")],
                    "post_logout_redirect_uris": [format!("{origin}/signed-out")],
                    "token_endpoint_auth_method": "none",
                    "grant_types": ["authorization_code", "refresh_token"],
                    "scope": "openid profile email",
                    "dpop_bound_access_tokens": kind == "dpop",
                }))
                .await;
            clients[kind] = client["client_id"].clone();
        }
        let settings = json!({
            "issuer": stack.auth_url(""),
            "user_service": stack.users_url(""),
            "clients": clients,
        });
        let mut server = JoinSet::new();
        server.spawn(serve(listener, settings));
        let page = Self {
            browser,
            stack,
            ann,
            origin,
            server,
        };
        page.browser.goto(&page.origin).await.unwrap();
        page
    }

    /// Waits until the application is at `path`, and has handled the response that it was opened with.
    async fn arrived(&self, path: &str) -> Value {
        let wanted = format!("{}{path}", self.origin);
        eventually(&format!("the application is at {path}"), async || {
            let url = self.browser.current_url().await.ok()?;
            let is_there = url.as_str().split('?').next() == Some(&wanted);
            is_there.then_some(())?;
            let ready = self
                .browser
                .execute("return window.app !== undefined", Vec::new())
                .await
                .ok()?;
            (ready.json() == &json!(true)).then_some(())
        })
        .await;
        let arrived = self
            .browser
            .execute("return window.arrived ?? null", Vec::new())
            .await;
        arrived.unwrap().json().clone()
    }

    /// Calls an action of the application and waits for its result.
    async fn call(&self, name: &str, parameters: &[Value]) -> Value {
        let mut all = vec![json!(name)];
        all.extend_from_slice(parameters);
        let result = self.browser.execute("return window.app(...arguments)", all).await;
        result.unwrap().json().clone()
    }

    /// Calls an action that leaves the page.
    async fn leave(&self, name: &str, parameters: &[Value]) {
        let mut all = vec![json!(name)];
        all.extend_from_slice(parameters);
        self.browser
            .execute("window.app(...arguments)", all)
            .await
            .unwrap();
    }

    async fn wait_for_element(&self, css: &str) -> WebElement {
        eventually(&format!("there is {css}"), async || {
            self.browser.find(By::Css(css)).await.ok()
        })
        .await
    }

    async fn fill_sign_in(&self) {
        self.wait_for_element("input[name='password']").await;
        let typed = [
            ("user_name", self.ann.user_name.as_str()),
            ("password", &self.ann.password),
        ];
        fill_form(&self.browser, &typed).await;
    }

    /// Asserts that a result is a user, and the account of the test.
    fn assert_is_ann(&self, user: &Value) {
        assert_eq!(user["profile"]["sub"], self.ann.id.as_str(), "{user}");
    }
}

/// The page reads and changes the record of the person at the user service, and reaches nothing else there.
async fn calls_the_user_service(page: &Page, kind: &Value) {
    let call = async |path: &str, request: Value, changes: Value| {
        page.call("userService", &[kind.clone(), json!(path), request, changes])
            .await
    };
    let read = call("/user", json!({}), json!({})).await;
    assert_eq!(read["status"], 200, "{read}");
    assert_eq!(read["body"]["id"], page.ann.id.as_str(), "{read}");
    let change = json!({
        "method": "PATCH",
        "headers": { "content-type": "application/merge-patch+json", "if-match": read["etag"] },
        "body": json!({ "locale": "fr" }).to_string(),
    });
    let changed = call("/user", change.clone(), json!({})).await;
    assert_eq!(
        (&changed["status"], &changed["body"]["locale"]),
        (&json!(200), &json!("fr")),
        "{changed}"
    );
    assert_ne!(changed["etag"], read["etag"]);
    let stale = call("/user", change, json!({})).await;
    assert_eq!(stale["status"], 412, "{stale}");
    let me = call("/scim/v2/Me", json!({}), json!({})).await;
    assert_eq!(
        (&me["status"], &me["body"]["userName"]),
        (&json!(200), &json!("ann")),
        "{me}"
    );

    // Scripts see why a token was refused, and where the metadata are (RFC 9728 §5.1).
    let refused = call("/user", json!({}), json!({ "access_token": "made-up" })).await;
    assert_eq!(refused["status"], 401, "{refused}");
    for part in ["invalid_token", "resource_metadata"] {
        assert!(refused["challenge"].as_str().unwrap().contains(part), "{refused}");
    }
    let closed = call("/scim/v2/Users", json!({}), json!({})).await;
    assert_eq!(
        closed["error"], "TypeError",
        "the browser keeps it from the page: {closed}"
    );
}

async fn signs_in_renews_and_signs_out(page: &Page, kind: &str) {
    let kind = json!(kind);
    page.arrived("/").await;
    assert_eq!(page.call("user", from_ref(&kind)).await, Value::Null);
    page.leave("signIn", from_ref(&kind)).await;
    page.fill_sign_in().await;
    let user = page.arrived("/callback").await;
    page.assert_is_ann(&user);
    assert_eq!(user["state"], json!({ "came_from": "/basket" }));
    let userinfo = page.call("userinfo", from_ref(&kind)).await;
    assert_eq!(
        (&userinfo["status"], &userinfo["body"]["email"]),
        (&json!(200), &json!("ann@example.com")),
        "{userinfo}"
    );
    calls_the_user_service(page, &kind).await;
    if kind == "bearer" {
        assert_eq!(user["token_type"], "Bearer");
        assert_eq!(
            user["profile"]["preferred_username"], "ann",
            "userinfo is in the profile"
        );
    } else {
        assert_eq!(user["token_type"], "DPoP");
        // Scripts see why a token was refused.
        let stolen = page
            .call("userinfo", &[kind.clone(), json!({ "token_type": "Bearer" })])
            .await;
        assert_eq!(stolen["status"], 401, "{stolen}");
        assert!(
            stolen["challenge"].as_str().unwrap().contains("invalid_token"),
            "{stolen}"
        );
    }

    let renewed = page.call("renew", from_ref(&kind)).await;
    page.assert_is_ann(&renewed);
    assert_ne!(renewed["access_token"], user["access_token"]);
    // The refresh token of a public client rotates, unless it is bound to a key.
    assert_eq!(
        renewed["refresh_token"] == user["refresh_token"],
        kind == "dpop",
        "{renewed}"
    );
    assert_eq!(page.call("userinfo", from_ref(&kind)).await["status"], 200);

    page.leave("signOut", from_ref(&kind)).await;
    assert_eq!(page.arrived("/signed-out").await, json!({ "left": true }));
    assert_eq!(page.call("user", from_ref(&kind)).await, Value::Null);
    page.leave("signIn", &[kind, json!({ "prompt": "none" })]).await;
    assert_eq!(page.arrived("/callback").await["error"], "login_required");
}

// SB-24, SB-25, SB-30
#[tokio::test]
async fn oidc_client_ts_signs_in_renews_and_signs_out_with_bearer_tokens() {
    in_browser(DESKTOP, async |browser, stack| {
        let page = Page::start(browser, stack).await;
        signs_in_renews_and_signs_out(&page, "bearer").await;
    })
    .await;
}

// SB-24, SB-25, SB-30
#[tokio::test]
async fn oidc_client_ts_signs_in_renews_and_signs_out_with_bound_tokens() {
    in_browser(DESKTOP, async |browser, stack| {
        let page = Page::start(browser, stack).await;
        signs_in_renews_and_signs_out(&page, "dpop").await;
    })
    .await;
}

#[tokio::test]
async fn oidc_client_ts_is_told_what_is_wrong() {
    in_browser(DESKTOP, async |browser, stack| {
        let page = Page::start(browser, stack).await;
        let kind = json!("bearer");
        page.arrived("/").await;
        page.leave("signIn", from_ref(&kind)).await;
        page.fill_sign_in().await;
        page.assert_is_ann(&page.arrived("/callback").await);
        let wrong = page
            .call("userinfo", &[kind.clone(), json!({ "access_token": "made-up" })])
            .await;
        assert_eq!(wrong["status"], 401, "{wrong}");
        assert!(
            wrong["challenge"].as_str().unwrap().contains("invalid_token"),
            "{wrong}"
        );

        // A grant that was revoked is over, for the renewal and for the access token.
        assert_eq!(page.call("revoke", from_ref(&kind)).await, Value::Null);
        let over = page.call("userinfo", from_ref(&kind)).await;
        assert_eq!(over["status"], 401, "{over}");

        // The session goes on. A second request asks for consent; a person who denies it comes back with an error.
        page.leave("signIn", from_ref(&kind)).await;
        let deny = page.wait_for_element("button[name='answer'][value='deny']").await;
        deny.click().await.unwrap();
        assert_eq!(page.arrived("/callback").await["error"], "access_denied");

        // A redirect URI that is not registered leaves the person where they are.
        let elsewhere = json!({ "redirect_uri": format!("{}/elsewhere", page.origin) });
        page.leave("signIn", &[kind, elsewhere]).await;
        eventually("the page of the issuer says why", async || {
            let lead = page.browser.find(By::Css("p.lead")).await.ok()?;
            let lead = lead.text().await.ok()?;
            lead.contains("an address that is not registered").then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn oidc_client_ts_signs_in_with_a_popup() {
    in_browser(DESKTOP, async |browser, stack| {
        let page = Page::start(browser, stack).await;
        page.arrived("/").await;
        let main = page.browser.window().await.unwrap();
        page.browser
            .execute(
                "window.app('signInWithPopup', 'bearer').then((user) => { window.popped = user; })",
                Vec::new(),
            )
            .await
            .unwrap();
        let popup = eventually("the popup is open", async || {
            let windows = page.browser.windows().await.ok()?;
            windows.into_iter().find(|window| *window != main)
        })
        .await;
        page.browser.switch_to_window(popup).await.unwrap();
        page.fill_sign_in().await;
        page.browser.switch_to_window(main).await.unwrap();
        // The pages of the issuer cut the popup off from its opener (Cross-Origin-Opener-Policy); the library has another way.
        let user = eventually("the popup has come back", async || {
            let popped = page
                .browser
                .execute("return window.popped ?? null", Vec::new())
                .await
                .ok()?;
            let popped = popped.json().clone();
            (!popped.is_null()).then_some(popped)
        })
        .await;
        page.assert_is_ann(&user);
    })
    .await;
}
