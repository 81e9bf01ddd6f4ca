//! Tests of the import of password hashes, and of the first sign-in with one.

use std::time::Duration;

use chassis::db::count_statements;
use chassis::on_engine;

use super::*;
use crate::accounts::SignInError;
use crate::testing::{self, PASSWORD, TestApp, attempt, person_state};

// bcrypt 5.0.0 (Python), of PASSWORD and of another password.
const BCRYPT: &str = "$2b$04$5ujii9zMrP9QrISEOLTmUeE3aj7HB56COPvabyGOHWml9Pmr64LNS";
const BCRYPT_OF_ANOTHER: &str = "$2b$04$2dRU045FhDZTv4EO.EtWTeWu/S6xL.p9iEkK4bZaUJVMPcRBQQuxy";
// Django 5.2.19, of PASSWORD.
const DJANGO: &str = "pbkdf2_sha256$1000$oJItgXVxmJmGCejchVIxAR$JT5Ma5AFXDkgdHEO8LdCzbpOH609hLdvw6JutqQKowM=";

const ADDED: &str = "vestibule.credential.added.v1";

/// A person without a password.
async fn invited(app: &TestApp, name: &str) -> Uuid {
    let id = app.random.uuid(&*app.clock);
    app.change(&person_state(id, name)).await;
    id
}

fn row(id: impl ToString, hash: &str) -> NewCredential {
    NewCredential {
        id: id.to_string(),
        password_hash: SecretString::from(hash),
    }
}

async fn replace(app: &TestApp, id: Uuid, hash: &str) -> Result<(), ReplaceError> {
    app.credential_import.replace(id, &SecretString::from(hash)).await
}

async fn stored(app: &TestApp, id: Uuid) -> Option<String> {
    credentials::find_hash(&mut app.db.reader().await.unwrap(), id)
        .await
        .unwrap()
}

async fn added(app: &TestApp) -> usize {
    app.events().await.iter().filter(|kind| *kind == ADDED).count()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-5
    async fn a_person_signs_in_with_an_imported_hash_which_becomes_argon2id(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = invited(&app, "ann").await;
        for hash in [BCRYPT, DJANGO] {
            replace(&app, ann, hash).await.unwrap();
            assert!(stored(&app, ann).await.unwrap().starts_with(&hash[..1].replace('p', "$pbkdf2-sha256$i=1000$")));
            assert!(matches!(app.sign_in("ann", "gorse-tin-wrong").await, Err(SignInError::InvalidCredentials)));
            let before = stored(&app, ann).await;
            app.wait(Duration::from_secs(60));
            let who = app.sign_in("ann", PASSWORD).await.unwrap();
            assert_eq!(who.account_id, ann);
            let after = stored(&app, ann).await.unwrap();
            assert!(after.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{before:?} became {after}");
            // The password is the same, so the session of this sign-in starts.
            app.start(&who).await.unwrap();
            assert!(app.sign_in("ann", PASSWORD).await.is_ok());
            assert_eq!(stored(&app, ann).await.unwrap(), after, "once");
        }
    }

    async fn of_two_sign_ins_at_once_that_upgrade_both_succeed(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = invited(&app, "ann").await;
        replace(&app, ann, BCRYPT).await.unwrap();
        let (one, other) = tokio::join!(app.sign_in("ann", PASSWORD), app.sign_in("ann", PASSWORD));
        assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
        assert!(stored(&app, ann).await.unwrap().starts_with("$argon2id$"));
        assert!(app.sign_in("ann", PASSWORD).await.is_ok());
    }

    async fn an_upgrade_does_not_undo_a_password_that_was_set_meanwhile(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = invited(&app, "ann").await;
        replace(&app, ann, BCRYPT_OF_ANOTHER).await.unwrap();
        let mut tx = db.begin("test").await.unwrap();
        assert!(!credentials::rehash(&mut tx, ann, BCRYPT, "$argon2id$of the old password").await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(stored(&app, ann).await.unwrap(), BCRYPT_OF_ANOTHER);
    }

    // SB-8
    async fn unknown_wrong_and_disabled_cost_the_same_with_an_imported_hash(db: TestDb) {
        let app = testing::app(&db).await;
        app.person("own").await;
        for (name, hash) in [("bcrypt", BCRYPT), ("django", DJANGO), ("off", BCRYPT)] {
            let id = invited(&app, name).await;
            replace(&app, id, hash).await.unwrap();
            if name == "off" {
                let mut state = person_state(id, name);
                (state.active, state.version) = (false, 2);
                app.change(&state).await;
            }
        }
        let mut works = Vec::new();
        for (name, password) in [
            ("own", "gorse-tin-wrong"), ("nobody", PASSWORD), ("bcrypt", "gorse-tin-wrong"), ("django", "gorse-tin-wrong"),
            ("off", "gorse-tin-wrong"), ("off", PASSWORD), ("bcrypt", &"x".repeat(2000)),
        ] {
            let hashed = app.hasher.completed();
            let (outcome, statements) = count_statements(app.sign_in(name, password)).await;
            assert!(matches!(outcome, Err(SignInError::InvalidCredentials)), "{name}: {outcome:?}");
            works.push((name, statements, app.hasher.completed() - hashed));
        }
        let (_, statements, hashed) = works[0];
        assert!(works.iter().all(|&(_, s, h)| (s, h) == (statements, hashed) && h == 1), "{works:?}");
    }

    // SB-8
    async fn a_hash_of_a_later_version_is_a_failed_sign_in(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let later = "$argon4$v=1$m=1$c2FsdA$aGFzaA";
        let mut tx = db.begin("test").await.unwrap();
        credentials::set_password(&mut tx, ann, later, testing::BEGINNING).await.unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(app.sign_in("ann", PASSWORD).await, Err(SignInError::InvalidCredentials)));
        assert_eq!(stored(&app, ann).await.unwrap(), later);
    }

    async fn another_hash_ends_sessions_and_the_same_one_changes_nothing(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = invited(&app, "ann").await;
        replace(&app, ann, BCRYPT).await.unwrap();
        replace(&app, ann, &format!("bcrypt${BCRYPT}")).await.unwrap();
        assert_eq!(added(&app).await, 1);
        let started = app.start(&app.sign_in("ann", PASSWORD).await.unwrap()).await.unwrap();
        let in_flight = app.sign_in("ann", PASSWORD).await.unwrap();
        app.wait(Duration::from_secs(1));
        replace(&app, ann, DJANGO).await.unwrap();
        assert!(app.sessions.find(&started.token).await.unwrap().is_none());
        assert!(app.start(&in_flight).await.is_err(), "its password was replaced");
        assert_eq!(app.events().await, [
            ADDED, "vestibule.session.started.v1", "vestibule.session.ended.v1", ADDED,
        ]);
    }

    async fn a_hash_is_refused_for_an_account_that_does_not_exist_and_when_it_is_wrong(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = invited(&app, "ann").await;
        let nobody = app.random.uuid(&*app.clock);
        assert!(matches!(replace(&app, nobody, BCRYPT).await, Err(ReplaceError::NotFound)));
        let too_costly = BCRYPT.replace("$04$", "$31$");
        for hash in ["", "gorse-tin-vivid", too_costly.as_str()] {
            assert!(matches!(replace(&app, ann, hash).await, Err(ReplaceError::Hash(_))), "{hash}");
        }
        assert_eq!(stored(&app, ann).await, None);
        assert_eq!(added(&app).await, 0);
    }

    async fn the_good_rows_of_a_batch_are_imported_and_the_bad_ones_named(db: TestDb) {
        let app = testing::app(&db).await;
        let (ann, bob) = (invited(&app, "ann").await, invited(&app, "bob").await);
        let cas = app.person("cas").await;
        let own = stored(&app, cas).await;
        let nobody = app.random.uuid(&*app.clock);
        let rows = [
            row(ann, BCRYPT), row("mallory", BCRYPT), row(bob, "plum"), row(nobody, BCRYPT),
            row(cas, BCRYPT), row(ann, DJANGO), row(bob, DJANGO),
        ];
        let outcomes = app.credential_import.import(&rows, false).await.unwrap();
        let rejected = RowOutcome::Rejected;
        assert_eq!(outcomes, [
            RowOutcome::Imported,
            rejected(RowError::InvalidId),
            rejected(RowError::Hash(ImportError::UnknownScheme)),
            rejected(RowError::NotFound),
            RowOutcome::Unchanged,
            rejected(RowError::DuplicateId),
            RowOutcome::Imported,
        ]);
        assert_eq!(stored(&app, ann).await.as_deref(), Some(BCRYPT));
        assert_eq!(stored(&app, cas).await, own, "it has a password, which stays");
        assert_eq!(app.events().await, [ADDED, ADDED]);
        for name in ["ann", "bob", "cas"] {
            assert!(app.sign_in(name, PASSWORD).await.is_ok(), "{name}");
        }
        // The same batch again: what was upgraded meanwhile stays.
        let outcomes = app.credential_import.import(&rows, false).await.unwrap();
        assert_eq!((outcomes[0], outcomes[6]), (RowOutcome::Unchanged, RowOutcome::Unchanged));
        assert!(stored(&app, ann).await.unwrap().starts_with("$argon2id$"));
        assert_eq!(added(&app).await, 2);
    }

    async fn a_batch_that_replaces_ends_the_sessions_of_those_whose_hash_is_another(db: TestDb) {
        let app = testing::app(&db).await;
        let (ann, bob) = (app.person("ann").await, invited(&app, "bob").await);
        replace(&app, bob, BCRYPT).await.unwrap();
        let anns = app.start(&app.sign_in("ann", PASSWORD).await.unwrap()).await.unwrap();
        let rows = [row(ann, BCRYPT_OF_ANOTHER), row(bob, BCRYPT)];
        let outcomes = app.credential_import.import(&rows, true).await.unwrap();
        assert_eq!(outcomes, [RowOutcome::Imported, RowOutcome::Unchanged]);
        assert!(app.sessions.find(&anns.token).await.unwrap().is_none());
        assert!(app.sign_in("ann", PASSWORD).await.is_err());
        assert!(app.sign_in("ann", "Zażółć gęślą 🪿").await.is_ok());
        assert!(app.sign_in("bob", PASSWORD).await.is_ok());
    }

    async fn a_batch_has_a_fixed_number_of_statements(db: TestDb) {
        let app = testing::app(&db).await;
        let mut counts = Vec::new();
        for size in [1, 60] {
            let mut rows = Vec::new();
            for number in 0..size {
                rows.push(row(invited(&app, &format!("a{size}-{number}")).await, BCRYPT));
            }
            let (outcomes, statements) = count_statements(app.credential_import.import(&rows, false)).await;
            assert!(outcomes.unwrap().iter().all(|outcome| *outcome == RowOutcome::Imported));
            counts.push(statements);
        }
        assert_eq!(counts[0], counts[1]);
    }

    async fn batches_of_the_same_people_at_once_do_not_wait_for_each_other_for_ever(db: TestDb) {
        let app = testing::app(&db).await;
        let mut people = Vec::new();
        for number in 0..30 {
            people.push(invited(&app, &format!("ann{number}")).await);
        }
        let rows: Vec<_> = people.iter().map(|id| row(id, BCRYPT)).collect();
        let reversed: Vec<_> = people.iter().rev().map(|id| row(id, DJANGO)).collect();
        let (one, other) = tokio::join!(
            app.credential_import.import(&rows, true),
            app.credential_import.import(&reversed, true),
        );
        assert!(one.unwrap().iter().chain(&other.unwrap()).all(|outcome| *outcome == RowOutcome::Imported));
        assert_eq!(added(&app).await, 60);
        assert!(app.accounts.sign_in(attempt("ann7", PASSWORD)).await.is_ok());
    }

    async fn the_versions_of_accounts_have_no_gap_after_a_batch(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = invited(&app, "ann").await;
        app.credential_import.import(&[row(ann, BCRYPT)], false).await.unwrap();
        app.credential_import.import(&[row(ann, DJANGO)], true).await.unwrap();
        let mut reader = app.db.reader().await.unwrap();
        let sequences: Vec<i64> = on_engine!(&mut reader, c => sqlx::query_scalar("SELECT sequence FROM outbox ORDER BY number")
            .fetch_all(c).await.unwrap());
        assert_eq!(sequences, [1, 2]);
    }
}
