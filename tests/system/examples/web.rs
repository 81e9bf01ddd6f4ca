//! The web applications in Node.js, Python, Go and Java: a person signs in, reads the profile, refreshes the token and signs out.

use testkit::{Stack, Visitor, eventually, free_port};
use url::Url;

use super::{Example, credentials, run};
use crate::pages::{anonymous, fill_sign_in, is_signed_in};

/// A person signs in at the example, which calls the user service with the access token, refreshes it, and signs out.
async fn story(example: Example) {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let port = free_port();
    let here = format!("http://localhost:{port}");
    let [add, install, begin] = example.commands().try_into().unwrap();
    let [id, secret] = credentials(&run(&stack, &add.replace("http://localhost:3000", &here)).await);
    let variables = [
        ("CLIENT_ID", id),
        ("CLIENT_SECRET", secret),
        ("ISSUER", stack.auth_url("")),
        ("USERS_URL", stack.users_url("")),
        ("PORT", port.to_string()),
    ];
    let _running = example.start(&stack, [&install, &begin], &variables).await;
    eventually("the start page", async || {
        let answer = reqwest::get(&here).await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;

    // The application and Vestibule are two sites; the person's browser goes back and forth between them.
    let mut application = Visitor::at(&here);
    let mut vestibule = anonymous(&stack);
    let forged = application
        .open("/callback?code=forged&state=forged&iss=forged")
        .await;
    assert!(!forged.text().contains("Hello"), "{}", forged.text());
    let away = application.open("/login").await.redirect().unwrap();
    assert!(away.as_str().contains("code_challenge_method=S256"), "{away}");
    let form = vestibule.open(away.as_str()).await;
    let back = fill_sign_in(&mut vestibule, &form, &ann)
        .await
        .redirect()
        .unwrap();
    // An answer with another state, or of another issuer, signs nobody in and leaves the code as it is. The state is good for one answer:
    // that of another issuer uses it up, and one with another state does not.
    for (member, is_used_up) in [("state", false), ("iss", true)] {
        let mut altered = Visitor::at(&here);
        let away = altered.open("/login").await.redirect().unwrap();
        let mut person = anonymous(&stack);
        let form = person.open(away.as_str()).await;
        let answer = fill_sign_in(&mut person, &form, &ann).await.redirect().unwrap();
        let page = altered.open(with_other(&answer, member).as_str()).await;
        assert!(!page.text().contains("Hello"), "{member}: {}", page.text());
        let page = altered.open("/").await;
        assert!(
            page.text().contains("Nobody is signed in"),
            "{member}: {}",
            page.text()
        );
        let page = altered.open(answer.as_str()).await;
        assert_eq!(
            page.text().contains("Hello"),
            !is_used_up,
            "{member}: {}",
            page.text()
        );
    }
    let home = application.open(back.as_str()).await;
    assert!(home.text().contains("Hello, ann"), "{}", home.text());
    assert!(home.text().contains(ann.id.as_str()), "{}", home.text());
    // The code is used up.
    let mut other = Visitor::at(&here);
    let stolen = other.open(back.as_str()).await;
    assert!(!stolen.text().contains("Hello"), "{}", stolen.text());

    let home = application.open("/").await;
    assert_eq!(refreshes(&stack).await, 0, "nothing was refreshed unasked");
    let home = application.submit(&home, "/refresh", &[]).await;
    assert!(home.text().contains("Hello, ann"), "{}", home.text());
    assert_eq!(refreshes(&stack).await, 1);

    // Each sign-in has new cookies, since somebody could have planted those of before.
    let before = application.cookies().clone();
    let away = application.open("/login").await.redirect().unwrap();
    let back = vestibule.open(away.as_str()).await.redirect().unwrap();
    let home = application.open(back.as_str()).await;
    assert!(home.text().contains("Hello, ann"), "{}", home.text());
    let cookies = application.cookies().iter();
    assert_eq!(
        cookies
            .filter(|(name, value)| before.get(*name) == Some(*value))
            .count(),
        0
    );

    // A link to the sign-in or an answer to another one signs nobody out, and neither does a form of another site.
    application.get("/login").await;
    let forged = format!(
        "/callback?error=invalid_grant&state=forged&iss={}",
        stack.auth_url("")
    );
    application.get(&forged).await;
    assert_eq!(post_from_elsewhere(&application, &here, "/logout").await, 403);
    assert!(application.open("/").await.text().contains("Hello, ann"));

    let away = application
        .submit(&home, "/logout", &[])
        .await
        .redirect()
        .unwrap();
    let back = vestibule.open(away.as_str()).await.redirect().unwrap();
    assert!(back.as_str().starts_with(&format!("{here}/")), "{back}");
    assert!(application.open("/").await.text().contains("Nobody is signed in"));
    assert!(!is_signed_in(&mut vestibule).await);
}

/// The access tokens that `auth` has issued for refresh tokens.
async fn refreshes(stack: &Stack) -> u64 {
    let metrics = stack
        .http()
        .get(stack.auth_management_url("/metrics"))
        .send()
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    let issued = metrics.lines().filter(|line| {
        line.starts_with("vestibule_token_requests_total{")
            && line.contains("refresh")
            && line.contains("\"issued\"")
    });
    issued
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

/// The answer of an authorization endpoint with another value of one parameter.
fn with_other(answer: &Url, member: &str) -> Url {
    let mut other = answer.clone();
    let pairs = answer.query_pairs().map(|(name, value)| match name == member {
        true => (name.into_owned(), "http://elsewhere.example".to_owned()),
        false => (name.into_owned(), value.into_owned()),
    });
    let pairs: Vec<(String, String)> = pairs.collect();
    other.query_pairs_mut().clear().extend_pairs(pairs);
    other
}

/// The status of a form that a page of another site sends with the cookies of the visitor.
async fn post_from_elsewhere(visitor: &Visitor, site: &str, path: &str) -> u16 {
    let cookies = visitor
        .cookies()
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let request = reqwest::Client::new().post(format!("{site}{path}"));
    let request = request
        .header("Cookie", cookies.collect::<Vec<_>>().join("; "))
        .header("Origin", "http://elsewhere.example")
        .header("Sec-Fetch-Site", "cross-site");
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_web_application_in_node_signs_in_refreshes_and_signs_out() {
    story(Example {
        name: "web-node",
        reads: &[".npmrc", "package-lock.json", "package.json"],
        source: Some("app.mjs"),
    })
    .await;
}

#[tokio::test]
async fn the_web_application_in_python_signs_in_refreshes_and_signs_out() {
    story(Example {
        name: "web-python",
        reads: &["requirements.txt"],
        source: Some("app.py"),
    })
    .await;
}

#[tokio::test]
async fn the_web_application_in_go_signs_in_refreshes_and_signs_out() {
    story(Example {
        name: "web-go",
        reads: &["go.mod", "go.sum", "main.go"],
        source: None,
    })
    .await;
}

#[tokio::test]
async fn the_web_application_in_java_signs_in_refreshes_and_signs_out() {
    story(Example {
        name: "web-java",
        reads: &["pom.xml"],
        source: Some("App.java"),
    })
    .await;
}
