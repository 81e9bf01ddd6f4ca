//! Tests of sign-in: credentials, delays, known devices, and the renewal of hashes.

use std::time::Duration;

use chassis::db::count_statements;
use chassis::secret::{SecretString, Token};

use super::*;
use crate::credentials::{self, Cost, Hasher, HasherConfig, Password};
use crate::testing::{self, PASSWORD, TestApp, attempt, client, person_state};
use crate::throttle::MAX_FAILURES;

/// Fails `times` times in Ann's name, as soon as each try is looked at, from addresses that are used once.
async fn fail(app: &TestApp, times: i64) {
    fail_as(app, "ann", times).await;
}

/// Makes a device known to `account`.
async fn remembered(app: &TestApp, account: uuid::Uuid) -> Token {
    let mut tx = app.db.begin("test").await.unwrap();
    let device = app.accounts.remember_device(&mut tx, account).await.unwrap();
    tx.commit().await.unwrap();
    device
}

async fn fail_as(app: &TestApp, name: &str, times: i64) {
    for number in 0..times {
        loop {
            let mut request = attempt(name, "not the password at all");
            request.client = client(&format!("198.51.{}.{}", number / 250, number % 250 + 1));
            match app.accounts.sign_in(request).await {
                Err(SignInError::InvalidCredentials) => break,
                Err(SignInError::Throttled { retry_after }) => app.wait(retry_after),
                other => panic!("{other:?}"),
            }
        }
    }
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_person_signs_in_with_the_name_in_any_case(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("Ann").await;
        let who = app.sign_in("aNN ", PASSWORD).await.unwrap();
        assert_eq!((who.account_id, who.amr.as_slice()), (ann, ["pwd".to_owned()].as_slice()));
        assert!(matches!(app.sign_in("ann", "gorse-tin-vivie").await, Err(SignInError::InvalidCredentials)));
    }

    // SB-8
    async fn unknown_wrong_disabled_and_without_a_password_look_and_cost_the_same(db: TestDb) {
        let app = testing::app(&db).await;
        app.person("ann").await;
        let mut off = person_state(app.person("off").await, "off");
        (off.active, off.version) = (false, 2);
        app.change(&off).await;
        app.change(&person_state(app.random.uuid(&*app.clock), "invited")).await;
        let wrong = "gorse-tin-wrong";
        let too_long = "x".repeat(2000);
        let mut works = Vec::new();
        for (name, password) in [
            ("ann", wrong), ("nobody", wrong), ("off", wrong), ("invited", wrong), ("no name at all", wrong), ("", wrong),
            ("off", PASSWORD), ("nobody", too_long.as_str()), ("ann", too_long.as_str()),
        ] {
            let hashed = app.hasher.completed();
            let (outcome, statements) = count_statements(app.sign_in(name, password)).await;
            assert!(matches!(outcome, Err(SignInError::InvalidCredentials)), "{name}: {outcome:?}");
            works.push((name, statements, app.hasher.completed() - hashed));
        }
        let (_, statements, hashed) = works[0];
        assert!(statements > 5 && hashed == 1, "{works:?}");
        assert!(works.iter().all(|&(_, s, h)| (s, h) == (statements, hashed)), "{works:?}");
    }

    // SB-8
    async fn registering_the_name_of_somebody_without_a_password_opens_nothing_of_theirs(db: TestDb) {
        let app = testing::app(&db).await;
        app.change(&person_state(app.random.uuid(&*app.clock), "invited")).await;
        app.users.behave(testing::Behaviour::Down);
        let new = crate::sign_up::NewAccount {
            user_name: "Invited".to_owned(),
            password: Some(SecretString::from(PASSWORD)),
            ..crate::sign_up::NewAccount::default()
        };
        app.sign_up.register(new).await.unwrap();
        let outcome = app.sign_in("invited", PASSWORD).await;
        assert!(matches!(outcome, Err(SignInError::InvalidCredentials)), "{outcome:?}");
    }

    // SB-7
    async fn delays_grow_the_same_for_the_known_and_the_unknown(db: TestDb) {
        let app = testing::app(&db).await;
        app.person("ann").await;
        for name in ["ann", "nobody"] {
            for _ in 0..5 {
                assert!(matches!(app.sign_in(name, "wrong wrong wrong").await, Err(SignInError::InvalidCredentials)));
            }
            let hashed = app.hasher.completed();
            let outcome = app.sign_in(name, PASSWORD).await;
            assert!(
                matches!(outcome, Err(SignInError::Throttled { retry_after }) if retry_after == Duration::from_secs(1)),
                "{name}: {outcome:?}"
            );
            assert_eq!(app.hasher.completed(), hashed, "a try that comes too early costs nothing");
        }
        app.wait(Duration::from_secs(1));
        app.start(&app.sign_in("ann", PASSWORD).await.unwrap()).await.unwrap();
        assert_eq!(app.count("SELECT COUNT(*) FROM throttles").await, 2, "nobody's and the source's remain");
    }

    // SB-46
    async fn of_many_guesses_at_once_five_are_judged(db: TestDb) {
        let app = testing::app(&db).await;
        app.person("ann").await;
        let guesses = (0..66).map(|number| {
            let mut guess = attempt("ann", "gorse-tin-wrong");
            guess.client = client(&format!("198.51.100.{number}"));
            app.accounts.sign_in(guess)
        });
        let hashed = app.hasher.completed();
        let outcomes = futures_util::future::join_all(guesses).await;
        let wrong = outcomes.iter().filter(|outcome| matches!(outcome, Err(SignInError::InvalidCredentials)));
        assert_eq!((wrong.count(), app.hasher.completed() - hashed), (5, 5));
    }

    // SB-46
    async fn what_was_not_judged_is_given_back(db: TestDb) {
        let app = testing::app(&db).await;
        app.users.behave(testing::Behaviour::Down);
        let new = crate::sign_up::NewAccount {
            user_name: "ann".to_owned(),
            password: Some(SecretString::from(PASSWORD)),
            ..crate::sign_up::NewAccount::default()
        };
        app.sign_up.register(new).await.unwrap();
        for _ in 0..20 {
            let outcome = app.sign_in("ann", PASSWORD).await;
            assert!(matches!(outcome, Err(SignInError::Pending { .. })), "{outcome:?}");
        }
        assert_eq!(app.count("SELECT COUNT(*) FROM throttles WHERE failures > 0").await, 0);
    }

    // SB-46
    async fn people_who_sign_in_rightly_are_not_counted_for_their_source(db: TestDb) {
        let app = testing::app(&db).await;
        app.person("ann").await;
        for _ in 0..120 {
            app.start(&app.sign_in("ann", PASSWORD).await.unwrap()).await.unwrap();
        }
        assert_eq!(app.count("SELECT COUNT(*) FROM throttles WHERE failures > 0").await, 0);
    }

    // SB-7
    async fn a_hundred_failures_do_not_keep_out_a_known_device(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let device = remembered(&app, ann).await;
        fail(&app, MAX_FAILURES).await;
        let mut request = attempt("ann", PASSWORD);
        request.device = Some(device);
        let who = app.accounts.sign_in(request).await.unwrap();
        assert!(who.known_device);
        app.start(&who).await.unwrap();
        assert!(app.sign_in("ann", PASSWORD).await.is_ok(), "in a row: a success begins anew");
    }

    // SB-7, SB-46
    async fn after_a_hundred_failures_each_network_has_one_guess_a_day(db: TestDb) {
        let app = testing::app(&db).await;
        for name in ["ann", "nobody"] {
            if name == "ann" {
                app.person("ann").await;
            }
            fail_as(&app, name, MAX_FAILURES).await;
            let guess = |ip: &str, password: &str| {
                let mut guess = attempt(name, password);
                guess.client = client(ip);
                app.accounts.sign_in(guess)
            };
            for ip in ["203.0.113.7", "203.0.112.7", "2001:db8:7::1"] {
                assert!(matches!(guess(ip, "gorse-tin-wrong").await, Err(SignInError::InvalidCredentials)), "{name}: {ip}");
            }
            for ip in ["203.0.113.7", "203.0.113.250", "2001:db8:7:ffff::1"] {
                let refused = guess(ip, PASSWORD).await;
                assert!(
                    matches!(refused, Err(SignInError::Throttled { retry_after }) if retry_after == Duration::from_secs(24 * 3600)),
                    "{name}: {ip}: {refused:?}"
                );
            }
            app.wait(Duration::from_secs(24 * 3600));
            let guesses = futures_util::future::join_all((0..8).map(|_| guess("203.0.113.7", "gorse-tin-wrong"))).await;
            let judged = guesses.iter().filter(|outcome| matches!(outcome, Err(SignInError::InvalidCredentials)));
            assert_eq!(judged.count(), 1, "{name}: one of eight at once");
        }
        // Somebody who spent their own guesses has spent nobody else's.
        let mut owner = attempt("ann", PASSWORD);
        owner.client = client("192.0.2.77");
        let who = app.accounts.sign_in(owner).await.unwrap();
        app.start(&who).await.unwrap();
        assert!(app.sign_in("ann", PASSWORD).await.is_ok(), "a success begins anew");
    }

    // SB-46
    async fn a_device_token_gives_a_hundred_guesses_and_no_more(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let stolen = [remembered(&app, ann).await, remembered(&app, ann).await];
        let mut judged = 0;
        for number in 0..300 {
            let mut guess = attempt("ann", "gorse-tin-wrong");
            guess.device = Some(stolen[number % 2].clone());
            app.wait(Duration::from_secs(900));
            judged += i64::from(matches!(app.accounts.sign_in(guess).await, Err(SignInError::InvalidCredentials)));
            if judged >= MAX_FAILURES {
                break;
            }
        }
        assert_eq!(judged, MAX_FAILURES);
        assert_eq!(app.count("SELECT COUNT(*) FROM throttles WHERE failures >= 100").await, 2, "devices, and the source");
        // From now on it is as if they were unknown: the account's own counter admits or refuses.
        for _ in 0..5 {
            let mut guess = attempt("ann", "gorse-tin-wrong");
            guess.client = client("203.0.113.9");
            guess.device = Some(stolen[0].clone());
            assert!(matches!(app.accounts.sign_in(guess).await, Err(SignInError::InvalidCredentials)));
        }
        let mut guess = attempt("ann", PASSWORD);
        guess.client = client("203.0.113.9");
        guess.device = Some(stolen[1].clone());
        assert!(matches!(app.accounts.sign_in(guess).await, Err(SignInError::Throttled { .. })));
    }

    // SB-7
    async fn an_account_knows_the_ten_devices_that_were_used_last(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let mut devices = Vec::new();
        for number in 0..MAX_DEVICES {
            app.wait(Duration::from_secs(60));
            devices.push(remembered(&app, ann).await);
            let mut request = attempt("ann", PASSWORD);
            request.device = Some(devices[0].clone());
            let who = app.accounts.sign_in(request).await.unwrap();
            assert!(who.known_device, "{number}");
            app.start(&who).await.unwrap();
        }
        app.wait(Duration::from_secs(60));
        remembered(&app, ann).await;
        assert_eq!(app.count("SELECT COUNT(*) FROM devices").await, MAX_DEVICES);
        for (device, known) in [(&devices[0], true), (&devices[1], false), (&devices[2], true)] {
            let mut request = attempt("ann", PASSWORD);
            request.device = Some(device.clone());
            let who = app.accounts.sign_in(request).await.unwrap();
            assert_eq!(who.known_device, known);
            app.start(&who).await.unwrap();
        }
    }

    // SB-7
    async fn a_device_of_somebody_else_helps_nobody(db: TestDb) {
        let app = testing::app(&db).await;
        app.person("ann").await;
        let bob = app.person("bob").await;
        let device = remembered(&app, bob).await;
        fail(&app, 5).await;
        let mut request = attempt("ann", PASSWORD);
        request.device = Some(device);
        assert!(matches!(app.accounts.sign_in(request).await, Err(SignInError::Throttled { .. })));
    }

    // SB-7
    async fn one_source_is_slowed_down_over_all_accounts(db: TestDb) {
        let app = testing::app(&db).await;
        app.person("ann").await;
        for number in 0..101 {
            let outcome = app.sign_in(&format!("guess{number}"), "wrong wrong wrong").await;
            assert!(matches!(outcome, Err(SignInError::InvalidCredentials)), "{number}: {outcome:?}");
        }
        assert!(matches!(app.sign_in("ann", PASSWORD).await, Err(SignInError::Throttled { .. })));
        let mut elsewhere = attempt("ann", PASSWORD);
        elsewhere.client = client("203.0.113.9");
        assert!(app.accounts.sign_in(elsewhere).await.is_ok());
    }

    // SB-5
    async fn a_hash_of_another_cost_is_renewed_at_sign_in(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let dear = HasherConfig {
            cost: Cost { memory_kib: 128, iterations: 2, parallelism: 1 },
            threads: Some(1),
            queue: 4,
        };
        let old = Hasher::start(dear, std::sync::Arc::clone(&app.random)).unwrap();
        let hash = old.hash(Password::new(&SecretString::from(PASSWORD)).unwrap()).await.unwrap();
        let mut tx = db.begin("test").await.unwrap();
        credentials::set_password(&mut tx, ann, &hash, testing::BEGINNING).await.unwrap();
        tx.commit().await.unwrap();
        let outdated = "SELECT COUNT(*) FROM passwords WHERE hash LIKE '%m=128,t=2,p=1%'";
        assert_eq!(app.count(outdated).await, 1);
        app.sign_in("ann", PASSWORD).await.unwrap();
        assert_eq!(app.count(outdated).await, 0);
        assert!(app.sign_in("ann", PASSWORD).await.is_ok());
    }
}

#[tokio::test]
async fn sign_in_works_again_after_a_failover_without_a_restart() {
    let db = testkit::postgres(&[&events::MIGRATIONS, &crate::MIGRATIONS]).await;
    let app = testing::app(&db).await;
    app.person("ann").await;
    let sign_in = async || {
        // A guess whose session the database refused stays counted: the delay has to pass.
        app.wait(Duration::from_secs(900));
        let who = app.sign_in("ann", PASSWORD).await.ok()?;
        app.start(&who).await.ok()
    };
    assert!(sign_in().await.is_some());
    db.make_read_only().await;
    testkit::eventually("the database refuses to be written to", async || {
        let mut tx = db.begin("test").await.ok()?;
        write(&mut tx).await.is_err().then_some(())
    })
    .await;
    db.make_writable().await;
    // As many connections as the pool may have: none of them only reads any more.
    testkit::eventually("it may be written to over every connection", async || {
        may_be_written(&db, 8).await.then_some(())
    })
    .await;
    assert!(sign_in().await.is_some());
}

/// True if `transactions` transactions at once can each write.
async fn may_be_written(db: &chassis::db::Db, transactions: usize) -> bool {
    let begun = futures_util::future::join_all((0..transactions).map(|_| db.begin("test"))).await;
    let mut may = true;
    for tx in begun {
        let Ok(mut tx) = tx else { return false };
        may &= write(&mut tx).await.is_ok();
    }
    may
}

/// Any statement that writes.
async fn write(tx: &mut chassis::db::Tx) -> Result<(), chassis::db::DbError> {
    chassis::on_engine!(tx, c => {
        sqlx::query("UPDATE sessions SET id = id").execute(c).await?;
    });
    Ok(())
}
