//! Tests of every form: who may send it, what it may hold, what comes back.

use chassis::db::count_statements;
use http::StatusCode;

use super::gallery_checks::HOSTILE;
use super::site::{PASSWORD, Site};

const FORMS: [&str; 5] = ["/login", "/register", "/register/wait", "/logout", "/setup"];
const ID: &str = "01900000-0000-7000-8000-000000000000";

/// Fields that the form at `path` takes.
fn fields<'a>(path: &str, csrf: &'a str) -> Vec<(&'static str, &'a str)> {
    let mut fields = vec![("csrf", csrf)];
    match path {
        "/register/wait" => fields.push(("id", ID)),
        "/logout" => {}
        _ => fields.extend([("user_name", "ann"), ("password", PASSWORD)]),
    }
    fields
}

#[tokio::test]
async fn a_form_from_elsewhere_does_nothing() {
    // SB-16: Origin and Fetch Metadata, on every POST, sign-in and sign-out included.
    let site = Site::start().await;
    site.register("ann").await;
    let mut ann = site.signed_in("ann").await;
    let csrf = ann.get("/").await.hidden()[0].1.clone();
    let ours = ann.says.clone();
    for says in [
        vec![],
        vec![("origin", "https://evil.example".to_owned())],
        vec![("origin", "null".to_owned())],
        vec![("sec-fetch-site", "cross-site".to_owned()), ours[1].clone()],
        vec![("sec-fetch-site", "same-site".to_owned()), ours[1].clone()],
        vec![ours[0].clone(), ("origin", "https://evil.example".to_owned())],
    ] {
        ann.says = says.clone();
        for path in FORMS {
            let (answer, statements) = count_statements(ann.post(path, &fields(path, &csrf))).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {says:?}");
            assert_eq!(statements, 0, "{path}: what comes from elsewhere costs no read");
            assert!(answer.body.contains("This form was not sent from here"), "{path}");
            assert!(answer.set_cookies().is_empty(), "{path}");
        }
    }
    assert_eq!(ann.get("/").await.status, StatusCode::OK, "still signed in");
}

// SB-16, SB-51
#[tokio::test]
async fn neither_a_policy_of_a_proxy_nor_a_cookie_of_another_application_stops_a_form() {
    let site = Site::start().await;
    site.register("ann").await;
    let mut ann = site.browser();
    ann.jar.insert("pref".to_owned(), "caf\u{e9}".to_owned());
    // What a browser says under `Referrer-Policy: no-referrer`.
    ann.says[1].1 = "null".to_owned();
    let typed = [("user_name", "ann"), ("password", PASSWORD)];
    let signed_in = ann.fill("/login", &typed).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{}", signed_in.body);
    assert!(ann.get("/").await.body.contains("ann"), "signed in");
    // The token is asked for as ever.
    let refused = ann.post("/logout", &[("csrf", "x")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let mut eve = site.browser();
    eve.says = vec![("origin", "null".to_owned())];
    let refused = eve.fill("/login", &typed).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "without Fetch Metadata");
}

// SB-42, SB-43
#[tokio::test]
async fn a_form_is_short_and_has_few_fields() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let site = Site::start().await;
    let long = format!("csrf={}", "x".repeat(16_384));
    let many: Vec<_> = (0..65).map(|number| format!("f{number}=")).collect();
    for path in FORMS {
        for (body, status) in [
            (long.clone(), StatusCode::PAYLOAD_TOO_LARGE),
            (many.join("&"), StatusCode::BAD_REQUEST),
        ] {
            let answer = site.browser().post_raw(path, FORM, body.into_bytes()).await;
            assert_eq!(answer.status, status, "{path}");
            assert_eq!(
                answer.header("content-type"),
                "text/html; charset=utf-8",
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_form_without_its_own_token_does_nothing() {
    // SB-16: the token is bound to the browser and the session.
    let site = Site::start().await;
    site.register("ann").await;
    let mut ann = site.signed_in("ann").await;
    let mut eve = site.browser();
    let hers = eve.get("/login").await.hidden()[0].1.clone();
    for csrf in ["", "x", hers.as_str()] {
        for path in FORMS {
            let answer = ann.post(path, &fields(path, csrf)).await;
            let refused = match path {
                "/register/wait" => answer.location().starts_with("/register/wait"),
                // A link that is no good is said to be so first.
                "/setup" => answer.status == StatusCode::NOT_FOUND,
                _ => answer.status == StatusCode::FORBIDDEN,
            };
            assert!(refused, "{path} {csrf:?}: {} {}", answer.status, answer.body);
            assert!(
                !answer
                    .set_cookies()
                    .iter()
                    .any(|cookie| cookie.starts_with("vestibule-8000=")),
                "{path}"
            );
        }
    }
    assert_eq!(ann.get("/").await.status, StatusCode::OK, "still signed in");

    let stolen = ann.get("/").await.hidden()[0].1.clone();
    let answer = eve
        .post(
            "/login",
            &[("csrf", &stolen), ("user_name", "ann"), ("password", PASSWORD)],
        )
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(
        answer.value_of("user_name"),
        Some("ann"),
        "the form comes back, ready to be sent"
    );
    assert!(!answer.body.contains(PASSWORD));
}

#[tokio::test]
async fn a_get_changes_nothing() {
    // SB-16
    let site = Site::start().await;
    site.register("ann").await;
    let mut ann = site.signed_in("ann").await;
    let session = ann.jar["vestibule-8000"].clone();
    for path in [
        "/",
        "/login",
        "/register",
        "/logout",
        "/setup?token=x",
        &format!("/register/wait?id={ID}"),
        "/logout?csrf=x",
    ] {
        let answer = ann.get(path).await;
        assert!(
            !answer
                .set_cookies()
                .iter()
                .any(|cookie| cookie.starts_with("vestibule-8000=")),
            "{path}"
        );
        assert_eq!(ann.jar["vestibule-8000"], session);
    }
    assert!(ann.get("/").await.body.contains("Hello, ann"));
}

#[tokio::test]
async fn hostile_input_is_refused_or_shown_as_text() {
    let site = Site::start().await;
    for text in HOSTILE {
        let marks = |body: &str| ['<', '>'].map(|mark| body.matches(mark).count());
        for (path, names) in [
            ("/login", vec!["user_name", "return_to"]),
            ("/register", vec!["user_name", "email", "return_to"]),
        ] {
            let mut plain = vec![("password", "x")];
            plain.extend(names.iter().map(|name| (*name, "x")));
            let mut hostile = vec![("password", "x")];
            hostile.extend(names.iter().map(|name| (*name, text)));
            let mut browser = site.browser();
            let expected = browser.fill(path, &plain).await;
            let answer = browser.fill(path, &hostile).await;
            assert!(
                answer.status.is_client_error(),
                "{path} {text}: {}",
                answer.status
            );
            assert!(answer.set_cookies().is_empty());
            if answer.status == expected.status && path == "/login" {
                assert_eq!(marks(&answer.body), marks(&expected.body), "{path} {text}");
            }
            assert!(
                !answer.body.contains("<script")
                    && !answer.body.contains("<img")
                    && !answer.body.contains("<svg/")
            );
        }
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("token", text)
            .append_pair("return_to", text)
            .append_pair("id", text)
            .finish();
        for path in ["/login", "/register", "/register/wait", "/setup"] {
            let answer = site.browser().get(&format!("{path}?{query}")).await;
            assert!(
                !answer.body.contains("<script") && !answer.body.contains("<img"),
                "{path} {text}"
            );
            assert!(!answer.body.contains(" onfocus='"), "{path} {text}");
        }
    }
}

#[tokio::test]
async fn bodies_that_are_no_form_of_ours_get_an_error_page() {
    // SB-42
    const FORM: &str = "application/x-www-form-urlencoded";
    let site = Site::start().await;
    for (kind, body, status) in [
        ("application/json", "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (FORM, "user_name=a&user_name=b", StatusCode::BAD_REQUEST),
        (FORM, "user_name=%ff", StatusCode::BAD_REQUEST),
        (FORM, "user_name=%0", StatusCode::BAD_REQUEST),
        (FORM, "surprise=1", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        for path in FORMS {
            let answer = site
                .browser()
                .post_raw(path, kind, body.as_bytes().to_vec())
                .await;
            if path == "/logout" && body.starts_with("user_name=") || path == "/register/wait" {
                assert!(answer.status.is_client_error(), "{path} {body}");
            } else {
                assert_eq!(answer.status, status, "{path} {body}");
            }
            assert_eq!(
                answer.header("content-type"),
                "text/html; charset=utf-8",
                "{path} {body}"
            );
            assert!(answer.body.contains("<h1>"));
            let named = body.split(['=', '&']).next().filter(|name| *name != "{}");
            assert!(
                answer.body.contains(named.unwrap_or_default()),
                "{path} {body}: names the field"
            );
        }
    }
}
