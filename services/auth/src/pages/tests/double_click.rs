//! A double click on a form: the work is done once, and the second click is led to where the first one led.

use std::time::Duration;

use http::StatusCode;

use super::browser::{Browser, TestResponse};
use super::site::{PASSWORD, Site};

const ANN: [(&str, &str); 3] = [
    ("user_name", "ann"),
    ("email", "ann@example.com"),
    ("password", PASSWORD),
];
const STARTED: &str = "SELECT COUNT(*) FROM outbox WHERE type = 'vestibule.session.started.v1'";

/// The fields of the form at `path`, filled in.
async fn filled(browser: &mut Browser, path: &str, typed: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut fields = browser.get(path).await.hidden();
    fields.retain(|(name, _)| !typed.iter().any(|(other, _)| other == name));
    fields.extend(
        typed
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    fields
}

async fn send(browser: &mut Browser, path: &str, fields: &[(String, String)]) -> TestResponse {
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    browser.post(path, &fields).await
}

#[tokio::test]
async fn two_clicks_on_sign_in_are_one_sign_in() {
    // SB-12
    let site = Site::start().await;
    site.register("ann").await;
    let mut first = site.browser();
    let there = "/login?return_to=%2Foauth2%2Fauthorize%3Fa%3Db";
    let form = filled(&mut first, there, &[("user_name", "ann"), ("password", PASSWORD)]).await;
    // The browser hangs up on the first: what that set is lost.
    let mut second = first.clone();
    let (one, two) = tokio::join!(
        send(&mut first, "/login", &form),
        send(&mut second, "/login", &form)
    );
    for answer in [&one, &two] {
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/oauth2/authorize?a=b")
        );
    }
    assert_eq!(site.count(STARTED).await, 1);
    assert_eq!(site.count("SELECT COUNT(*) FROM sessions").await, 1);
    assert_ne!(
        first.jar["vestibule-8000"], second.jar["vestibule-8000"],
        "nothing that was stored is sent again"
    );
    let greeted = [first.get("/").await, second.get("/").await];
    assert_eq!(
        greeted
            .iter()
            .filter(|home| home.status == StatusCode::OK)
            .count(),
        1,
        "the last one counts"
    );

    // The third comes with the cookies of an answer before, to which the form does not belong.
    let mut last = if greeted[0].status == StatusCode::OK {
        first
    } else {
        second
    };
    let third = send(&mut last, "/login", &form).await;
    assert_eq!(
        (third.status, third.location()),
        (StatusCode::SEE_OTHER, "/oauth2/authorize?a=b")
    );
    assert_eq!(last.get("/").await.status, StatusCode::OK);
    assert_eq!(site.count(STARTED).await, 1);
}

#[tokio::test]
async fn two_clicks_on_register_make_one_account_that_is_signed_in() {
    let site = Site::start().await;
    let mut first = site.browser();
    let form = filled(&mut first, "/register", &ANN).await;
    let mut second = first.clone();
    let (one, two) = tokio::join!(
        send(&mut first, "/register", &form),
        send(&mut second, "/register", &form)
    );
    assert_eq!(
        (one.location(), two.location()),
        ("/", "/"),
        "{} {}",
        one.body,
        two.body
    );
    assert_eq!(site.users.count(), 1);
    assert_eq!(site.count(STARTED).await, 1);
}

#[tokio::test]
async fn two_clicks_while_the_user_service_is_away_wait_for_one_account() {
    let site = Site::start().await;
    site.users.leave();
    let mut first = site.browser();
    let form = filled(&mut first, "/register", &ANN).await;
    let mut second = first.clone();
    let one = send(&mut first, "/register", &form).await;
    let two = send(&mut second, "/register", &form).await;
    assert!(
        one.location().starts_with("/register/wait?id="),
        "{}",
        one.location()
    );
    assert_eq!(one.location(), two.location());
    site.users.come_back(&site.app).await;
    let before = second.clone();
    let ready = second.fill(two.location(), &[]).await;
    assert_eq!(ready.location(), "/", "the second click may sign in as well");
    let replayed = send(&mut before.clone(), "/register", &form).await;
    assert_eq!(replayed.location(), two.location());
    let proofs = "SELECT COUNT(*) FROM registrations WHERE proof_hash IS NOT NULL";
    assert_eq!(site.count(proofs).await, 0, "what was used is not given again");
}

#[tokio::test]
async fn a_form_that_would_not_be_worked_on_writes_nothing() {
    // SB-43
    let site = Site::start().await;
    site.register("ann").await;
    let mut tx = site.app.db.begin("test").await.unwrap();
    chassis::on_engine!(&mut tx, c => {
        for statement in [
            "CREATE TABLE noted (key BLOB)",
            "CREATE TRIGGER note AFTER INSERT ON form_submissions BEGIN INSERT INTO noted VALUES (new.key); END",
        ] {
            sqlx::query(statement).execute(&mut *c).await.unwrap();
        }
    });
    tx.commit().await.unwrap();
    let noted = "SELECT COUNT(*) FROM noted";
    let mut eve = site.browser();
    for empty in ["user_name", "password"] {
        let mut form = filled(
            &mut eve,
            "/login",
            &[("user_name", "ann"), ("password", "a guess")],
        )
        .await;
        form.retain(|(name, _)| name != empty);
        send(&mut eve, "/login", &form).await;
    }
    for path in ["/register", "/setup?token=none"] {
        let mut form = filled(&mut eve, "/register", &ANN).await;
        form.retain(|(name, _)| name != "email" && name != "return_to");
        send(&mut eve, path, &form).await;
    }
    assert_eq!(site.count(noted).await, 0);
    let mut throttled = 0;
    for number in 0..12 {
        let guess = format!("a guess {number}");
        let form = filled(&mut eve, "/login", &[("user_name", "ann"), ("password", &guess)]).await;
        let before = site.count(noted).await;
        if send(&mut eve, "/login", &form).await.status == StatusCode::TOO_MANY_REQUESTS {
            throttled += 1;
            assert_eq!(site.count(noted).await, before, "{number}");
        }
    }
    assert!(throttled > 3, "{throttled}");
}

#[tokio::test]
async fn few_wait_at_once_for_the_click_before() {
    // SB-43
    let site = Site::start().await;
    site.register("ann").await;
    let mut ann = site.browser();
    let form = filled(
        &mut ann,
        "/login",
        &[("user_name", "ann"), ("password", PASSWORD)],
    )
    .await;
    let before = ann.clone();
    send(&mut ann, "/login", &form).await;
    let mut tx = site.app.db.begin("test").await.unwrap();
    chassis::on_engine!(&mut tx, c => {
        let in_work = sqlx::query("UPDATE form_submissions SET session_id = NULL");
        assert_eq!(in_work.execute(c).await.unwrap().rows_affected(), 1);
    });
    tx.commit().await.unwrap();
    let pages = &site.app.pages;
    let places = pages.waiting_submissions.available_permits();
    let _all = pages.waiting_submissions.try_acquire_many(places as u32).unwrap();
    let refused = send(&mut before.clone(), "/login", &form).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(site.count(STARTED).await, 1, "nor is the work done twice");
}

#[tokio::test]
async fn two_clicks_on_the_set_up_link_make_one_administrator() {
    // SB-11
    let site = Site::start().await;
    let link = site.set_up_link().await;
    let mut first = site.browser();
    let form = filled(&mut first, &link, &ANN).await;
    let mut second = first.clone();
    let (one, two) = tokio::join!(
        send(&mut first, "/setup", &form),
        send(&mut second, "/setup", &form)
    );
    assert_eq!(
        (one.location(), two.location()),
        ("/", "/"),
        "{} {}",
        one.body,
        two.body
    );
    assert_eq!(site.users.count(), 1);
}

#[tokio::test]
async fn a_corrected_form_is_another_one_and_so_is_one_of_another_browser() {
    let site = Site::start().await;
    site.register("ann").await;
    let mut ann = site.browser();
    let wrong = filled(
        &mut ann,
        "/login",
        &[("user_name", "ann"), ("password", "not her password, really")],
    )
    .await;
    for _ in 0..2 {
        let answer = send(&mut ann, "/login", &wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let mut right = wrong.clone();
    for (name, value) in &mut right {
        if name == "password" {
            PASSWORD.clone_into(value);
        }
    }
    assert_eq!(send(&mut ann, "/login", &right).await.location(), "/");
    // Somebody who learns the form without the cookie of the browser gets nowhere.
    let mut thief = site.browser();
    thief.get("/login").await;
    let stolen = send(&mut thief, "/login", &right).await;
    assert_eq!(stolen.status, StatusCode::FORBIDDEN);
    assert!(!thief.jar.contains_key("vestibule-8000"));
}

#[tokio::test]
async fn after_ten_seconds_or_a_sign_out_it_is_no_double_click() {
    // SB-12
    let site = Site::start().await;
    site.register("ann").await;
    let mut ann = site.browser();
    let form = filled(
        &mut ann,
        "/login",
        &[("user_name", "ann"), ("password", PASSWORD)],
    )
    .await;
    let before = ann.clone();
    send(&mut ann, "/login", &form).await;
    ann.fill("/", &[]).await;
    let mut again = before.clone();
    let answer = send(&mut again, "/login", &form).await;
    assert_eq!(answer.location(), "/login", "the sign-in has ended");
    assert!(!again.jar.contains_key("vestibule-8000"));

    site.clock.advance(Duration::from_secs(10));
    assert_eq!(send(&mut before.clone(), "/login", &form).await.location(), "/");
    assert_eq!(site.count(STARTED).await, 2, "a sign-in of its own");
    assert_eq!(site.count("SELECT COUNT(*) FROM form_submissions").await, 1);
}

#[tokio::test]
async fn a_browser_that_hangs_up_does_not_stop_what_it_began() {
    let site = Site::start().await;
    site.register("ann").await;
    let mut first = site.browser();
    let form = filled(
        &mut first,
        "/login",
        &[("user_name", "ann"), ("password", PASSWORD)],
    )
    .await;
    let mut second = first.clone();
    let begun = async {
        while site.count("SELECT COUNT(*) FROM form_submissions").await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = begun => {}
        answer = send(&mut first, "/login", &form) => panic!("{} was faster", answer.status),
    }
    let answer = send(&mut second, "/login", &form).await;
    assert_eq!(answer.location(), "/");
    assert_eq!(second.get("/").await.status, StatusCode::OK);
    assert_eq!(site.count(STARTED).await, 1, "by the first click");
}
