//! Tests of pending credentials: they take effect with the state that names them, once, and with nothing else.

use std::collections::HashMap;
use std::sync::Mutex;

use chassis::clock::Clock;
use events::feed::FeedError;
use http::StatusCode;

use super::named_credentials::{NamedCredentials, NamedCredentialsError};
use super::*;
use crate::accounts::SignInError;
use crate::testing::{self, PASSWORD, TestApp, person_state};

const NEW: &str = "plover-quilt-anvil";
const OTHER: &str = "walnut-ferry-dusk";
const ADDED: &str = "vestibule.credential.added.v1";

fn new_credential(user_id: Uuid, password: &str) -> NewPendingCredential {
    NewPendingCredential {
        user_id,
        password: SecretString::from(password),
        user_name: "ann".parse().unwrap(),
        email: None,
        name: PersonName::default(),
    }
}

/// Sends a password for a user.
async fn put(app: &TestApp, id: Uuid, user: Uuid, password: &str) {
    app.pending_credentials
        .put(id, new_credential(user, password))
        .await
        .unwrap();
}

/// Applies a version of ann that names a credential.
async fn arrive(app: &TestApp, user: Uuid, version: i64, credential: Option<Uuid>) {
    let mut state = person_state(user, "ann");
    (state.version, state.credential_id) = (version, credential);
    app.change(&state).await;
}

/// A user service that knows which credentials the states of its users name. It is down at first.
#[derive(Clone, Default)]
struct Directory(Arc<Mutex<Option<HashMap<Uuid, Uuid>>>>);

impl Directory {
    /// The service is up; these users' states name these credentials.
    fn names(&self, named: &[(Uuid, Uuid)]) {
        *self.0.lock().unwrap() = Some(named.iter().copied().collect());
    }

    fn goes_down(&self) {
        *self.0.lock().unwrap() = None;
    }
}

impl NamedCredentials for Directory {
    async fn named_credentials(&self, users: &[Uuid]) -> Result<HashMap<Uuid, Uuid>, NamedCredentialsError> {
        assert!(users.len() <= events::reconcile::MAX_IDS, "{}", users.len());
        let mut named = self.0.lock().unwrap().clone();
        if let Some(named) = &mut named {
            named.retain(|user, _| users.contains(user));
        }
        named.ok_or(FeedError::Refused(StatusCode::SERVICE_UNAVAILABLE).into())
    }
}

fn sweeper(app: &TestApp, directory: &Directory) -> PendingCredentialSweeper<Directory> {
    PendingCredentialSweeper::new(app.db.clone(), app.app.clock.clone(), directory.clone())
}

/// Sweeps with a user service whose states name these credentials.
async fn sweep(app: &TestApp, named: &[(Uuid, Uuid)]) {
    let directory = Directory::default();
    directory.names(named);
    sweeper(app, &directory).sweep().await.unwrap();
}

/// The state of somebody else arrives.
async fn arrive_other(app: &TestApp) {
    let other = id(app);
    app.change(&person_state(other, &format!("bob-{}", other.simple())))
        .await;
}

async fn can_sign_in(app: &TestApp, password: &str) -> bool {
    match app.sign_in("ann", password).await {
        Ok(_) => true,
        Err(SignInError::InvalidCredentials) => false,
        Err(other) => panic!("{other:?}"),
    }
}

fn id(app: &TestApp) -> Uuid {
    app.random.uuid(&*app.clock)
}

async fn pending(app: &TestApp) -> i64 {
    app.count("SELECT count(*) FROM pending_credentials").await
}

async fn added(app: &TestApp) -> usize {
    app.events().await.iter().filter(|kind| *kind == ADDED).count()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_new_user_signs_in_once_the_state_arrives_and_not_before(db: TestDb) {
        let app = testing::app(&db).await;
        let (ann, credential) = (id(&app), id(&app));
        put(&app, credential, ann, NEW).await;
        assert!(!can_sign_in(&app, NEW).await);
        arrive(&app, ann, 1, Some(credential)).await;
        assert!(can_sign_in(&app, NEW).await);
        assert_eq!((pending(&app).await, added(&app).await), (0, 1));
    }

    async fn a_state_that_names_none_or_another_gives_no_password(db: TestDb) {
        let app = testing::app(&db).await;
        let (ann, credential) = (id(&app), id(&app));
        put(&app, credential, ann, NEW).await;
        // The creation that it belonged to failed, and the user came by another one.
        arrive(&app, ann, 1, None).await;
        arrive(&app, ann, 2, Some(id(&app))).await;
        assert!(!can_sign_in(&app, NEW).await);
        assert_eq!((pending(&app).await, added(&app).await), (1, 0));
    }

    async fn the_credential_of_one_user_is_never_that_of_another(db: TestDb) {
        let app = testing::app(&db).await;
        let (ann, bob, credential) = (id(&app), id(&app), id(&app));
        put(&app, credential, bob, NEW).await;
        arrive(&app, ann, 1, Some(credential)).await;
        assert!(!can_sign_in(&app, NEW).await);
        let taken = app.pending_credentials.put(credential, new_credential(ann, OTHER)).await;
        assert!(matches!(taken, Err(PendingCredentialError::Conflict)), "{taken:?}");
    }

    async fn without_the_change_it_ends_in_an_hour_and_after_a_cancellation_at_once(db: TestDb) {
        let app = testing::app(&db).await;
        let (ann, credential, cancelled) = (id(&app), id(&app), id(&app));
        put(&app, credential, ann, NEW).await;
        app.wait(LIFETIME - Duration::from_secs(1));
        sweep(&app, &[]).await;
        assert_eq!(pending(&app).await, 1);
        app.wait(Duration::from_secs(1));
        sweep(&app, &[]).await;
        arrive(&app, ann, 1, Some(credential)).await;
        assert!(!can_sign_in(&app, NEW).await, "its time is over");
        put(&app, cancelled, ann, NEW).await;
        app.pending_credentials.cancel(cancelled).await.unwrap();
        app.pending_credentials.cancel(cancelled).await.unwrap();
        arrive(&app, ann, 2, Some(cancelled)).await;
        assert!(!can_sign_in(&app, NEW).await, "it was cancelled");
    }

    // SB-50
    async fn a_clock_that_was_ahead_keeps_no_credential_for_longer(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = id(&app);
        app.wait(24 * LIFETIME);
        put(&app, id(&app), ann, NEW).await;
        app.clock.set(testing::BEGINNING);
        sweep(&app, &[]).await;
        app.wait(LIFETIME);
        sweep(&app, &[]).await;
        assert_eq!(pending(&app).await, 0);
    }

    async fn what_the_state_names_waits_for_its_event_however_late_that_is(db: TestDb) {
        let app = testing::app(&db).await;
        let (ann, credential, replaced) = (id(&app), id(&app), id(&app));
        put(&app, replaced, ann, OTHER).await;
        put(&app, credential, ann, NEW).await;
        // Her event is a dead letter, and those of others arrive. It is replayed after some days.
        for _ in 0..4 {
            app.wait(20 * LIFETIME);
            arrive_other(&app).await;
            sweep(&app, &[(ann, credential)]).await;
            assert_eq!(pending(&app).await, 1, "the one that a later change replaced is not waited for");
        }
        arrive(&app, ann, 1, Some(credential)).await;
        assert!(can_sign_in(&app, NEW).await);
        assert_eq!(pending(&app).await, 0);
    }

    async fn without_an_answer_of_the_user_service_none_ends(db: TestDb) {
        let app = testing::app(&db).await;
        let (ann, bob, credential) = (id(&app), id(&app), id(&app));
        put(&app, credential, ann, NEW).await;
        put(&app, id(&app), bob, OTHER).await;
        let directory = Directory::default();
        let sweeper = sweeper(&app, &directory);
        app.wait(30 * LIFETIME);
        assert!(sweeper.sweep().await.is_err());
        assert_eq!(pending(&app).await, 2);
        directory.names(&[(ann, credential)]);
        sweeper.sweep().await.unwrap();
        assert_eq!(pending(&app).await, 1);
        directory.goes_down();
        sweeper.sweep().await.unwrap();
        arrive(&app, ann, 1, Some(credential)).await;
        assert!(can_sign_in(&app, NEW).await);
    }

    async fn a_repeated_request_after_the_state_leaves_nothing_behind(db: TestDb) {
        let app = testing::app(&db).await;
        let (ann, credential) = (id(&app), id(&app));
        put(&app, credential, ann, NEW).await;
        arrive(&app, ann, 1, Some(credential)).await;
        put(&app, credential, ann, NEW).await;
        app.wait(LIFETIME);
        sweep(&app, &[(ann, credential)]).await;
        assert_eq!(pending(&app).await, 0);
    }

    async fn more_than_one_question_holds_are_swept_and_two_sweeps_at_once_are_one(db: TestDb) {
        let app = testing::app(&db).await;
        let mut named = Vec::new();
        let mut tx = app.db.begin("test").await.unwrap();
        for count in 0..250 {
            let (user, credential) = (id(&app), id(&app));
            store::upsert(&mut tx, credential, user, "hash", app.clock.now() + LIFETIME).await.unwrap();
            if count % 2 == 0 {
                named.push((user, credential));
            }
        }
        tx.commit().await.unwrap();
        app.wait(LIFETIME);
        tokio::join!(sweep(&app, &named), sweep(&app, &named));
        assert_eq!(pending(&app).await, 125);
        assert!(store::expired(&mut app.db.reader().await.unwrap(), app.clock.now(), 1).await.unwrap().is_empty());
    }

    async fn a_new_password_ends_the_sessions_of_the_old_one(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let started = app.start(&app.sign_in("ann", PASSWORD).await.unwrap()).await.unwrap();
        let in_flight = app.sign_in("ann", PASSWORD).await.unwrap();
        let credential = id(&app);
        put(&app, credential, ann, NEW).await;
        assert!(app.sessions.find(&started.token).await.unwrap().is_some(), "nothing has changed yet");
        app.wait(Duration::from_secs(1));
        arrive(&app, ann, 2, Some(credential)).await;
        assert!(app.sessions.find(&started.token).await.unwrap().is_none());
        assert!(app.start(&in_flight).await.is_err());
        assert!(can_sign_in(&app, NEW).await && !can_sign_in(&app, PASSWORD).await);
    }

    async fn a_new_password_ends_open_invitations_and_forgets_failures(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let link = app.setup_links.invite(ann).await.unwrap().unwrap();
        let token = link.query_pairs().next().unwrap().1.into_owned();
        let token = chassis::secret::Token::new(token);
        assert!(app.setup_links.inspect(&token).await.unwrap().is_some());
        while !matches!(app.sign_in("ann", "gorse-tin-wrong").await, Err(SignInError::Throttled { .. })) {}
        let credential = id(&app);
        put(&app, credential, ann, NEW).await;
        arrive(&app, ann, 2, Some(credential)).await;
        assert!(app.setup_links.inspect(&token).await.unwrap().is_none(), "the link is of no use any more");
        let elsewhere = crate::accounts::SignInRequest { client: testing::client("192.0.2.99"), ..testing::attempt("ann", NEW) };
        assert!(app.accounts.sign_in(elsewhere).await.is_ok());
    }

    async fn what_comes_twice_does_not_undo_a_password_that_was_chosen_since(db: TestDb) {
        let app = testing::app(&db).await;
        let (ann, credential) = (id(&app), id(&app));
        put(&app, credential, ann, NEW).await;
        arrive(&app, ann, 1, Some(credential)).await;
        let bcrypt = SecretString::from("$2b$04$5ujii9zMrP9QrISEOLTmUeE3aj7HB56COPvabyGOHWml9Pmr64LNS");
        app.credential_import.replace(ann, &bcrypt).await.unwrap();
        // The request arrives once more, and so does the state; later states name the credential still.
        put(&app, credential, ann, NEW).await;
        arrive(&app, ann, 1, Some(credential)).await;
        arrive(&app, ann, 2, Some(credential)).await;
        assert!(can_sign_in(&app, PASSWORD).await && !can_sign_in(&app, NEW).await);
    }

    async fn of_two_changes_the_later_one_wins_in_whichever_order_they_arrive(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let (second, third) = (id(&app), id(&app));
        put(&app, third, ann, OTHER).await;
        put(&app, second, ann, NEW).await;
        arrive(&app, ann, 3, Some(third)).await;
        arrive(&app, ann, 2, Some(second)).await;
        assert!(can_sign_in(&app, OTHER).await && !can_sign_in(&app, NEW).await);
    }

    async fn a_state_that_arrives_twice_at_once_sets_the_password_once(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let credential = id(&app);
        put(&app, credential, ann, NEW).await;
        let later = async {
            arrive(&app, ann, 3, Some(credential)).await;
        };
        tokio::join!(arrive(&app, ann, 2, Some(credential)), arrive(&app, ann, 2, Some(credential)), later);
        assert!(can_sign_in(&app, NEW).await);
        assert_eq!(added(&app).await, 1);
    }

    async fn a_weak_password_is_refused_with_the_reason_and_not_stored(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = id(&app);
        for (password, reason) in [
            ("short", Weakness::TooShort { min: 15 }),
            (&"é".repeat(600), Weakness::TooLong),
            ("passwordpassword", Weakness::Guessable),
            ("ann-archer-ann-archer", Weakness::Guessable),
        ] {
            let mut new = new_credential(ann, password);
            new.email = Some("ann.archer@example.org".parse().unwrap());
            match app.pending_credentials.put(id(&app), new).await {
                Err(PendingCredentialError::Weak(weakness)) => assert_eq!(weakness, reason, "{password}"),
                other => panic!("{password}: {other:?}"),
            }
        }
        assert_eq!(pending(&app).await, 0);
    }

    async fn an_erasure_takes_pending_credentials_along(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        put(&app, id(&app), ann, NEW).await;
        let mut tx = app.db.begin("test").await.unwrap();
        app.provisioning.erase(&mut tx, ann).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(pending(&app).await, 0);
    }
}

#[tokio::test]
async fn a_password_is_not_printed() {
    let shown = format!("{:?}", new_credential(Uuid::nil(), NEW));
    assert!(!shown.contains("plover"), "{shown}");
}

// SB-43
#[tokio::test]
async fn when_too_many_passwords_wait_the_next_one_is_refused() {
    let db = testkit::sqlite(&[&events::MIGRATIONS, &crate::MIGRATIONS]).await;
    let app = testing::app(&db).await;
    let threads = u32::try_from(app.hasher.threads()).unwrap();
    let permits = app.pending_credentials.permits.clone();
    let all = permits.acquire_many(threads).await.unwrap();
    let ann = id(&app);
    let refused = app
        .pending_credentials
        .put(id(&app), new_credential(ann, NEW))
        .await;
    assert!(
        matches!(refused, Err(PendingCredentialError::Busy { .. })),
        "{refused:?}"
    );
    drop(all);
    put(&app, id(&app), ann, NEW).await;
}
