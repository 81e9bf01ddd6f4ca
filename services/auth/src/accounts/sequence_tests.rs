//! Every use case that raises the version of an account writes an event with it: no sequence has a hole.

use std::time::Duration;

use chassis::clock::Clock;
use chassis::secret::{SecretString, Token};
use contract::SessionEnd;
use uuid::Uuid;

use crate::clients::ClientMetadata;
use crate::registration::Rejection;
use crate::sign_up::NewAccount;
use crate::testing::{self, Behaviour, PASSWORD, TestApp, client, person_state};
use crate::tokens::Grant;

/// Says after which step a sequence has a hole, or an account a version that no event has.
async fn verify(app: &TestApp, step: &str) {
    let holes = app
        .count(
            "SELECT count(*) FROM (SELECT aggregate_id FROM outbox GROUP BY aggregate_id
             HAVING max(sequence) - min(sequence) + 1 <> count(*)) AS broken",
        )
        .await;
    assert_eq!(holes, 0, "a hole after: {step}");
    let ahead = app
        .count(
            "SELECT count(*) FROM accounts AS a WHERE version <>
             (SELECT coalesce(max(sequence), 0) FROM outbox WHERE aggregate_id = a.id)",
        )
        .await;
    assert_eq!(ahead, 0, "a version without an event after: {step}");
}

fn new(name: &str) -> NewAccount {
    NewAccount {
        user_name: name.to_owned(),
        password: Some(SecretString::from(PASSWORD)),
        ..NewAccount::default()
    }
}

async fn start(app: &TestApp, name: &str) -> Uuid {
    let who = app.sign_in(name, PASSWORD).await.unwrap();
    app.start(&who).await.unwrap().session.id
}

fn token(link: &url::Url) -> Token {
    let (_, token) = link.query_pairs().find(|(name, _)| name == "token").unwrap();
    Token::new(token.into_owned())
}

async fn registrations(app: &TestApp) {
    let link = app.setup_links.issue_setup_link().await.unwrap().unwrap();
    app.users.behave(Behaviour::Reject(Rejection::UserNameTaken));
    app.setup
        .make_administrator(&token(&link), new("boss"), None)
        .await
        .unwrap();
    verify(app, "a set-up link whose registration is refused").await;
    app.users.behave(Behaviour::Accept);
    app.setup
        .make_administrator(&token(&link), new("boss"), None)
        .await
        .unwrap();
    verify(app, "a set-up link").await;
    app.sign_up.register(new("ann")).await.unwrap();
    verify(app, "a registration").await;
    app.users.behave(Behaviour::Down);
    app.sign_up.register(new("bob")).await.unwrap();
    verify(app, "a registration without an answer").await;
    app.wait(Duration::from_secs(30 * 86_400));
    app.sweeper.sweep().await.unwrap();
    app.users.behave(Behaviour::Accept);
    verify(app, "a registration that expires").await;
}

async fn sign_ins(app: &TestApp) {
    let session = start(app, "ann").await;
    verify(app, "a sign-in").await;
    app.sign_in("ann", "gorse-tin-wrong").await.unwrap_err();
    app.sign_in("nobody", PASSWORD).await.unwrap_err();
    verify(app, "failed sign-ins").await;
    app.wait(Duration::from_secs(3600));
    let mut tx = app.db.begin("test").await.unwrap();
    app.sessions
        .end(&mut tx, session, SessionEnd::SignedOut)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    verify(app, "a sign-out").await;
    start(app, "ann").await;
    app.wait(Duration::from_secs(400 * 86_400));
    app.sweeper.sweep().await.unwrap();
    verify(app, "a session that expires").await;
}

async fn links(app: &TestApp, ann: Uuid) {
    const ANOTHER: &str = "another-gorse-tin";
    // The third keeps the password that the account has.
    for (sessions, chosen) in [
        (0, ANOTHER),
        (0, PASSWORD),
        (2, PASSWORD),
        (2, ANOTHER),
        (0, PASSWORD),
    ] {
        for _ in 0..sessions {
            start(app, "ann").await;
        }
        let mut tx = app.db.begin("test").await.unwrap();
        let link = app.setup_links.issue_invitation(&mut tx, ann).await.unwrap();
        tx.commit().await.unwrap();
        let password = || SecretString::from(chosen);
        app.setup
            .choose_password(&token(&link), password(), None)
            .await
            .unwrap();
        verify(app, "a password chosen with a link").await;
        app.setup
            .choose_password(&token(&link), password(), None)
            .await
            .unwrap_err();
        verify(app, "a link that was used").await;
    }
}

async fn tokens(app: &TestApp, ann: Uuid) {
    let registration = ClientMetadata {
        redirect_uris: vec!["https://app.example.org/cb".parse().unwrap()],
        ..ClientMetadata::default()
    };
    app.clients
        .create(Some("web".parse().unwrap()), registration)
        .await
        .unwrap();
    let web = app.clients.find("web").await.unwrap().unwrap();
    let grant = Grant {
        subject: ann,
        scope: "openid offline_access".parse().unwrap(),
        audiences: app.issuer.audiences().to_vec(),
        session_id: None,
        auth_time: app.clock.now(),
        amr: vec!["pwd".to_owned()],
        nonce: None,
        details: Default::default(),
        confirmation: crate::testing::NOTHING.clone(),
    };
    let mut tx = app.db.begin("test").await.unwrap();
    let pending = app.tokens.issue(&mut tx, &web, grant).await.unwrap();
    tx.commit().await.unwrap();
    let first = app.tokens.sign(pending, &web, app.issuer.audiences()).unwrap();
    let first = first.refresh_token.unwrap();
    let second = app
        .tokens
        .refresh(&web, &first, &crate::testing::whole_grant())
        .await
        .unwrap();
    app.tokens
        .refresh(
            &web,
            &second.refresh_token.unwrap(),
            &crate::testing::whole_grant(),
        )
        .await
        .unwrap();
    app.tokens
        .refresh(&web, &first, &crate::testing::whole_grant())
        .await
        .unwrap_err();
    verify(app, "a refresh token that comes again").await;
    app.clients.delete("web").await.unwrap();
    verify(app, "a client that is deleted").await;
}

async fn departures(app: &TestApp, ann: Uuid) {
    start(app, "ann").await;
    let mut state = person_state(ann, "ann");
    (state.active, state.version) = (false, 2);
    app.change(&state).await;
    verify(app, "a person who is disabled").await;
    app.sign_in("ann", PASSWORD).await.unwrap_err();
    verify(app, "a sign-in of the disabled").await;
    app.wait(Duration::from_secs(3600));
    (state.active, state.version) = (true, 3);
    app.change(&state).await;
    start(app, "ann").await;
    for _ in 0..2 {
        let mut tx = app.db.begin("test").await.unwrap();
        app.provisioning.erase(&mut tx, ann).await.unwrap();
        tx.commit().await.unwrap();
        verify(app, "a person who is erased").await;
    }
    // Somebody checked the password while the person went.
    let bob = app.person("bob").await;
    let who = app.sign_in("bob", PASSWORD).await.unwrap();
    let mut tx = app.db.begin("test").await.unwrap();
    app.provisioning.erase(&mut tx, bob).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = app.db.begin("test").await.unwrap();
    app.sessions
        .start(&mut tx, &who, &client("192.0.2.1"))
        .await
        .unwrap_err();
    tx.commit().await.unwrap();
    verify(app, "a session of somebody who is gone").await;
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn no_use_case_leaves_a_hole_in_the_sequence_of_events(db: TestDb) {
        let app = testing::app(&db).await;
        registrations(&app).await;
        let ann = app.sign_in("ann", PASSWORD).await.unwrap().account_id;
        sign_ins(&app).await;
        links(&app, ann).await;
        tokens(&app, ann).await;
        departures(&app, ann).await;
    }
}
