//! Tests of set-up links and invitations.

use std::time::Duration;

use chassis::clock::Clock;
use chassis::secret::SecretString;

use super::*;
use crate::registration::{RegistrationState, Rejection};
use crate::setup_links::{INVITATION_LIFETIME, SETUP_LINK_LIFETIME};
use crate::testing::{self, Behaviour, PASSWORD, TestApp, person_state};

const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));

fn token(link: &Url) -> Token {
    let (_, token) = link.query_pairs().find(|(name, _)| name == "token").unwrap();
    Token::new(token.into_owned())
}

fn boss(name: &str) -> NewAccount {
    NewAccount {
        user_name: name.to_owned(),
        password: Some(SecretString::from(PASSWORD)),
        ..NewAccount::default()
    }
}

async fn invitation(app: &TestApp, id: Uuid) -> Token {
    let mut tx = app.db.begin("test").await.unwrap();
    let link = app.setup_links.issue_invitation(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
    token(&link)
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-11
    async fn the_first_administrator_is_made_with_a_link_that_works_once(db: TestDb) {
        let app = testing::app(&db).await;
        let link = app.setup_links.issue_setup_link().await.unwrap().unwrap();
        assert!(link.as_str().starts_with("https://id.example.org/setup?token="), "{link}");
        let token = token(&link);
        assert_eq!(app.setup_links.inspect(&token).await.unwrap(), Some(Purpose::Administrator));
        let done = app.setup.make_administrator(&token, boss("boss"), HERE).await.unwrap();
        assert_eq!(done.state, RegistrationState::Active);
        let mut reader = db.reader().await.unwrap();
        assert!(subjects::find(&mut reader, done.id).await.unwrap().unwrap().is_administrator());
        assert_eq!(app.setup_links.inspect(&token).await.unwrap(), None);
        assert!(matches!(app.setup.make_administrator(&token, boss("thief"), HERE).await, Err(SetupError::NotValid)));
        assert_eq!(app.setup_links.issue_setup_link().await.unwrap(), None, "somebody administers");
    }

    async fn with_a_link_an_imported_hash_is_replaced_though_the_password_stays(db: TestDb) {
        // SB-5
        let app = testing::app(&db).await;
        let id = app.person("ann").await;
        // bcrypt 5.0.0 (Python), of PASSWORD.
        let hash = SecretString::from("$2b$04$5ujii9zMrP9QrISEOLTmUeE3aj7HB56COPvabyGOHWml9Pmr64LNS");
        app.credential_import.replace(id, &hash).await.unwrap();
        let link = invitation(&app, id).await;
        assert_eq!(app.setup.choose_password(&link, SecretString::from(PASSWORD), HERE).await.unwrap(), id);
        let stored = crate::credentials::find_hash(&mut app.db.reader().await.unwrap(), id).await.unwrap();
        assert!(stored.unwrap().starts_with("$argon2id$"));
        assert!(app.sign_in("ann", PASSWORD).await.is_ok());
    }

    // SB-15
    async fn a_sign_in_with_the_old_password_does_not_outlast_the_choice_of_a_new_one(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        app.wait(Duration::from_secs(60));
        let checked = app.sign_in("ann", PASSWORD).await.unwrap();
        let link = invitation(&app, ann).await;
        app.setup.choose_password(&link, SecretString::from("gorse-tin-placid"), HERE).await.unwrap();
        let outcome = app.start(&checked).await;
        assert!(matches!(outcome, Err(crate::sessions::StartError::Refused)), "{outcome:?}");
        let again = app.sign_in("ann", "gorse-tin-placid").await.unwrap();
        assert!(app.start(&again).await.is_ok());
    }

    // SB-11
    async fn two_who_use_the_link_at_once_are_one(db: TestDb) {
        let app = testing::app(&db).await;
        let token = token(&app.setup_links.issue_setup_link().await.unwrap().unwrap());
        let outcomes = tokio::join!(
            app.setup.make_administrator(&token, boss("one"), HERE),
            app.setup.make_administrator(&token, boss("two"), HERE),
            app.setup.make_administrator(&token, boss("three"), HERE),
            app.setup.make_administrator(&token, boss("four"), HERE),
        );
        let made = [outcomes.0.is_ok(), outcomes.1.is_ok(), outcomes.2.is_ok(), outcomes.3.is_ok()];
        assert_eq!(made.iter().filter(|made| **made).count(), 1, "{made:?}");
        assert_eq!(app.count("SELECT COUNT(*) FROM subjects").await, 1);
    }

    // SB-11
    async fn a_link_expires_and_a_restart_makes_a_new_one(db: TestDb) {
        let app = testing::app(&db).await;
        let first = token(&app.setup_links.issue_setup_link().await.unwrap().unwrap());
        let second = token(&app.setup_links.issue_setup_link().await.unwrap().unwrap());
        assert_eq!(app.setup_links.inspect(&first).await.unwrap(), None, "the earlier one is worthless");
        app.wait(SETUP_LINK_LIFETIME);
        assert_eq!(app.setup_links.inspect(&second).await.unwrap(), None);
        assert!(matches!(app.setup.make_administrator(&second, boss("late"), HERE).await, Err(SetupError::NotValid)));
    }

    // SB-11
    async fn of_the_links_of_replicas_that_start_at_once_one_is_good(db: TestDb) {
        let app = testing::app(&db).await;
        for round in 0..8 {
            let starts = futures_util::future::join_all((0..8).map(|_| app.setup_links.issue_setup_link())).await;
            let mut good = 0;
            for link in starts.into_iter().filter_map(Result::unwrap) {
                good += usize::from(app.setup_links.inspect(&token(&link)).await.unwrap().is_some());
            }
            assert_eq!(good, 1, "round {round}");
            assert_eq!(app.count("SELECT COUNT(*) FROM setup_links").await, 1);
        }
    }

    async fn choosing_a_password_and_being_erased_never_wait_for_each_other(db: TestDb) {
        let app = testing::app(&db).await;
        for round in 0..8 {
            let id = app.person(&format!("ann{round}")).await;
            let link = invitation(&app, id).await;
            let erasing = async {
                let mut tx = app.db.begin("test").await.unwrap();
                app.provisioning.erase(&mut tx, id).await.unwrap();
                tx.commit().await.unwrap();
            };
            let choosing = app.setup.choose_password(&link, SecretString::from("gorse-tin-placid"), HERE);
            let (chosen, ()) = tokio::join!(choosing, erasing);
            assert!(matches!(chosen, Ok(_) | Err(SetupError::NotValid)), "round {round}: {chosen:?}");
            assert!(!accounts::exists(&mut db.reader().await.unwrap(), id).await.unwrap());
        }
    }

    async fn a_refused_registration_gives_the_link_back(db: TestDb) {
        let app = testing::app(&db).await;
        let token = token(&app.setup_links.issue_setup_link().await.unwrap().unwrap());
        let weak = NewAccount { password: Some(SecretString::from("short")), ..boss("boss") };
        assert!(matches!(app.setup.make_administrator(&token, weak, HERE).await, Err(SetupError::Register(_))));
        app.users.behave(Behaviour::Reject(Rejection::UserNameTaken));
        let done = app.setup.make_administrator(&token, boss("taken"), HERE).await.unwrap();
        assert_eq!(done.state, RegistrationState::Rejected(Rejection::UserNameTaken));
        app.users.behave(Behaviour::Down);
        assert_eq!(app.setup.make_administrator(&token, boss("boss"), HERE).await.unwrap().state, RegistrationState::Pending);
        assert_eq!(app.setup_links.issue_setup_link().await.unwrap(), None, "one is on the way");
    }

    // SB-11
    async fn an_invited_person_chooses_a_password_once(db: TestDb) {
        let app = testing::app(&db).await;
        let id = app.random.uuid(&*app.clock);
        app.change(&person_state(id, "ann")).await;
        let (old, new) = (invitation(&app, id).await, invitation(&app, id).await);
        assert_eq!(app.setup_links.inspect(&old).await.unwrap(), None, "the newest one counts");
        let purpose = Purpose::Invitation { user_name: Some("ann".to_owned()) };
        assert_eq!(app.setup_links.inspect(&new).await.unwrap(), Some(purpose));
        let choose = |password: &'static str| app.setup.choose_password(&new, SecretString::from(password), HERE);
        assert!(matches!(choose("short").await, Err(SetupError::Register(_))), "a weak one leaves the link good");
        let outcomes = tokio::join!(choose(PASSWORD), choose(PASSWORD), choose(PASSWORD));
        let made = [outcomes.0.is_ok(), outcomes.1.is_ok(), outcomes.2.is_ok()];
        assert_eq!(made.iter().filter(|made| **made).count(), 1, "{made:?}");
        assert_eq!(app.sign_in("ann", PASSWORD).await.unwrap().account_id, id);
    }

    // SB-15
    async fn a_new_password_ends_what_was_open_and_lifts_the_delay(db: TestDb) {
        let app = testing::app(&db).await;
        let id = app.person("ann").await;
        let started = app.start(&app.sign_in("ann", PASSWORD).await.unwrap()).await.unwrap();
        for _ in 0..5 {
            let _ = app.sign_in("ann", "gorse-tin-wrong").await;
        }
        let token = invitation(&app, id).await;
        app.setup.choose_password(&token, SecretString::from("another-gorse-tin"), HERE).await.unwrap();
        assert!(app.sessions.find(&started.token).await.unwrap().is_none());
        assert!(app.sign_in("ann", "another-gorse-tin").await.is_ok());
        let mut elsewhere = testing::attempt("ann", PASSWORD);
        elsewhere.client = testing::client("203.0.113.9");
        assert!(app.accounts.sign_in(elsewhere).await.is_err());
    }

    // SB-7, SB-46
    async fn with_a_link_the_owner_keeps_the_password_and_the_failures_are_forgotten(db: TestDb) {
        let app = testing::app(&db).await;
        let id = app.person("ann").await;
        let started = app.start(&app.sign_in("ann", PASSWORD).await.unwrap()).await.unwrap();
        let account = Key::account("ann");
        let mut tx = app.db.begin("test").await.unwrap();
        for _ in 0..throttle::MAX_FAILURES {
            throttle::count(&mut tx, &account, throttle::Limit::ACCOUNT, app.clock.now()).await.unwrap();
        }
        let device = app.accounts.remember_device(&mut tx, id).await.unwrap();
        tx.commit().await.unwrap();
        assert!(app.sign_in("ann", "gorse-tin-wrong").await.is_err(), "the guess of the day");
        assert!(matches!(app.sign_in("ann", PASSWORD).await, Err(crate::accounts::SignInError::Throttled { .. })));
        let link = invitation(&app, id).await;
        let events = app.events().await.len();
        assert_eq!(app.setup.choose_password(&link, SecretString::from(PASSWORD), HERE).await.unwrap(), id);
        assert_eq!(app.events().await.len(), events, "nothing has changed");
        let mut known = testing::attempt("ann", PASSWORD);
        known.device = Some(device);
        assert!(app.accounts.sign_in(known).await.unwrap().known_device);
        assert!(app.sign_in("ann", PASSWORD).await.is_ok());
        assert!(app.sessions.find(&started.token).await.unwrap().is_some());
        assert!(app.setup_links.inspect(&link).await.unwrap().is_none(), "it works once");
    }

    // SB-15
    async fn a_new_password_forgets_the_known_devices(db: TestDb) {
        let app = testing::app(&db).await;
        let id = app.person("ann").await;
        let mut tx = app.db.begin("test").await.unwrap();
        let device = app.accounts.remember_device(&mut tx, id).await.unwrap();
        tx.commit().await.unwrap();
        let link = invitation(&app, id).await;
        app.setup.choose_password(&link, SecretString::from("another-gorse-tin"), HERE).await.unwrap();
        let mut stolen = testing::attempt("ann", "another-gorse-tin");
        stolen.device = Some(device);
        assert!(!app.accounts.sign_in(stolen).await.unwrap().known_device);
        assert_eq!(app.count("SELECT COUNT(*) FROM devices").await, 0);
    }

    // SB-43
    async fn passwords_that_are_judged_are_counted_for_their_source(db: TestDb) {
        let test = testing::app(&db).await;
        let settings = testing::settings_with(&[("THROTTLE__SOURCE_FAILURES", "2")]);
        let (app, _clock) = testing::app_with(&db, settings, test.users.clone()).await;
        let id = test.person("ann").await;
        let link = invitation(&test, id).await;
        for _ in 0..3 {
            let weak = app.setup.choose_password(&link, SecretString::from("passwordpassword"), HERE).await;
            assert!(matches!(weak, Err(SetupError::Register(RegisterError::Invalid(_)))), "{weak:?}");
        }
        let hashed = app.hasher.completed();
        let refused = app.setup.choose_password(&link, SecretString::from("passwordpassword"), HERE).await;
        assert!(matches!(refused, Err(SetupError::Register(RegisterError::Throttled { .. }))), "{refused:?}");
        assert_eq!(app.hasher.completed(), hashed);
    }

    async fn an_invitation_expires_and_goes_with_the_account(db: TestDb) {
        let app = testing::app(&db).await;
        let id = app.person("ann").await;
        let token = invitation(&app, id).await;
        app.wait(INVITATION_LIFETIME + Duration::from_secs(1));
        let outcome = app.setup.choose_password(&token, SecretString::from("another-gorse-tin"), HERE).await;
        assert!(matches!(outcome, Err(SetupError::NotValid)));
        app.wait(SETUP_LINK_LIFETIME);
        app.sweeper.sweep().await.unwrap();
        assert_eq!(app.count("SELECT COUNT(*) FROM setup_links").await, 0);
    }

    // SB-11, SB-50
    async fn a_link_ends_after_its_time_although_the_clock_went_back(db: TestDb) {
        let app = testing::app(&db).await;
        let link = token(&app.setup_links.issue_setup_link().await.unwrap().unwrap());
        app.clock.set(app.clock.now() - Duration::from_secs(2 * 86_400));
        assert!(app.setup_links.inspect(&link).await.unwrap().is_some(), "whoever has just got it is not turned away");
        app.sweeper.sweep().await.unwrap();
        assert!(app.setup_links.inspect(&link).await.unwrap().is_some());
        app.wait(SETUP_LINK_LIFETIME);
        assert!(app.setup_links.inspect(&link).await.unwrap().is_none());
    }
}
