//! Tests of device authorizations: answers of people, guesses, limits and races, on both engines.

use std::sync::Arc;

use futures_util::future::join_all;
use oidc::client::{AuthMethod, GrantType};
use oidc::error::ErrorCode;
use oidc::token::TokenResponse;

use super::*;
use crate::clients::ClientMetadata;
use crate::grants::devices::DEVICE_CODE_LIFETIME;
use crate::row_counts::MAX_AGE;
use crate::sessions::SessionEnd;
use crate::testing::{self, BEGINNING, NOTHING, PASSWORD, TestApp};
use crate::tokens::{DeviceRedemption, GrantError, subject_scope};

const INTERVAL: Duration = Duration::from_secs(5);

/// A television without a secret, and Ann, who is signed in at her telephone.
struct World {
    app: TestApp,
    tv: Arc<Client>,
    ann: Session,
}

/// An address: 10.0.0.`host`.
fn at(host: u8) -> Option<IpAddr> {
    Some(IpAddr::from([10, 0, 0, host]))
}

impl World {
    async fn new(db: &testkit::TestDb) -> Self {
        Self::with(db, &[]).await
    }

    async fn with(db: &testkit::TestDb, settings: &[(&str, &str)]) -> Self {
        let app = testing::app_set(db, settings).await;
        app.person("ann").await;
        let who = app.sign_in("ann", PASSWORD).await.unwrap();
        let ann = app.start(&who).await.unwrap().session;
        let tv = device_client(&app, "tv").await;
        Self { app, tv, ann }
    }

    fn devices(&self) -> &DeviceAuthorizations {
        &self.app.device_authorizations
    }

    async fn request_from(&self, host: u8) -> Result<DeviceAuthorizationResponse, RequestError> {
        let new = NewDevice {
            client: &self.tv,
            ip: at(host),
            scope: &"openid offline_access".parse().unwrap(),
            audiences: self.app.issuer.audiences(),
        };
        self.devices().request(new).await
    }

    async fn request(&self) -> DeviceAuthorizationResponse {
        self.request_from(1).await.unwrap()
    }

    async fn find(&self, typed: &str) -> Result<FoundDevice, LookUpError> {
        self.devices().find(&self.ann, at(2), typed).await
    }

    async fn pending(&self, typed: &str) -> Device {
        match self.find(typed).await.unwrap() {
            FoundDevice::Pending(device) => device,
            FoundDevice::Answered(answer) => panic!("answered: {answer:?}"),
        }
    }

    async fn allow(&self, typed: &str) {
        let device = self.pending(typed).await;
        let subject = subject(&self.app, self.ann.account_id).await;
        let scope = subject_scope(&self.tv, &subject, &device.scope).unwrap();
        self.devices()
            .allow(&self.ann, (&device, &self.tv), &scope)
            .await
            .unwrap();
    }

    async fn redeem(&self, code: &str) -> Result<TokenResponse, ErrorCode> {
        self.redeem_as(&self.tv, code).await
    }

    async fn redeem_as(&self, client: &Client, code: &str) -> Result<TokenResponse, ErrorCode> {
        let redeem = DeviceRedemption {
            code,
            resources: &[],
            confirmation: &NOTHING,
        };
        match self.app.tokens.redeem_device_code(client, &redeem).await {
            Ok(tokens) => Ok(tokens),
            Err(GrantError::OAuth(error)) => Err(error.error),
            Err(error) => panic!("{error}"),
        }
    }

    async fn live_grants(&self) -> i64 {
        self.app
            .count("SELECT COUNT(*) FROM grants WHERE revoked_at IS NULL")
            .await
    }
}

async fn subject(app: &TestApp, id: uuid::Uuid) -> crate::subjects::Subject {
    let mut reader = app.db.reader().await.unwrap();
    crate::subjects::find(&mut reader, id).await.unwrap().unwrap()
}

async fn device_client(app: &TestApp, id: &str) -> Arc<Client> {
    let metadata = ClientMetadata {
        grant_types: [GrantType::DeviceCode, GrantType::RefreshToken].into(),
        token_endpoint_auth_method: AuthMethod::None,
        ..ClientMetadata::default()
    };
    let created = app
        .clients
        .create(Some(id.parse().unwrap()), metadata)
        .await
        .unwrap();
    Arc::new(created.client)
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_device_waits_until_the_person_allows_it_and_gets_tokens_once(db: TestDb) {
        // RFC 8628 §3.5
        let world = World::new(&db).await;
        let device = world.request().await;
        assert_eq!(device.verification_uri, "https://id.example.org/device");
        assert_eq!(world.redeem(&device.device_code).await.unwrap_err(), ErrorCode::AuthorizationPending);
        world.app.wait(INTERVAL);
        assert_eq!(world.redeem(&device.device_code).await.unwrap_err(), ErrorCode::AuthorizationPending);
        world.allow(&device.user_code.to_lowercase().replace('-', " ")).await;
        let other = device_client(&world.app, "other").await;
        assert_eq!(world.redeem_as(&other, &device.device_code).await.unwrap_err(), ErrorCode::InvalidGrant);
        let tokens = world.redeem(&device.device_code).await.unwrap();
        assert_eq!(testing::claim(&tokens.access_token, "sub"), world.ann.account_id.to_string());
        assert_eq!(testing::claim(&tokens.access_token, "sid"), world.ann.id.to_string());
        assert_eq!(tokens.scope.to_string(), "openid offline_access");
        assert!(tokens.id_token.is_some() && tokens.refresh_token.is_some());
        // SB-21: what comes twice has a copy somewhere.
        assert_eq!(world.live_grants().await, 1);
        assert_eq!(world.redeem(&device.device_code).await.unwrap_err(), ErrorCode::InvalidGrant);
        assert_eq!(world.live_grants().await, 0);
        assert!(world.app.events().await.contains(&"vestibule.token.reuse_detected.v1".to_owned()));
    }

    async fn of_many_requests_at_once_one_gets_tokens(db: TestDb) {
        // SB-21
        let world = World::new(&db).await;
        let device = world.request().await;
        world.allow(&device.user_code).await;
        let answers = join_all((0..20).map(|_| world.redeem(&device.device_code))).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for error in answers.into_iter().filter_map(Result::err) {
            assert_eq!(error, ErrorCode::InvalidGrant);
        }
        assert_eq!(world.app.count("SELECT COUNT(*) FROM grants").await, 1);
    }

    async fn of_many_answers_at_once_one_counts(db: TestDb) {
        let world = World::new(&db).await;
        let response = world.request().await;
        let device = world.pending(&response.user_code).await;
        let scope = "openid".parse().unwrap();
        let allowing = join_all((0..10).map(|_| world.devices().allow(&world.ann, (&device, &world.tv), &scope)));
        let denying = join_all((0..10).map(|_| world.devices().deny(&world.ann, &device)));
        let (allowed, denied) = tokio::join!(allowing, denying);
        let stored = |answers: &[Result<(), LookUpError>]| answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(stored(&allowed) + stored(&denied), 1);
        let given = world.redeem(&response.device_code).await;
        assert_eq!(given.is_ok(), stored(&allowed) == 1, "{given:?}");
    }

    async fn a_device_that_asks_too_often_has_to_wait_longer_each_time(db: TestDb) {
        // RFC 8628 §3.5
        let world = World::new(&db).await;
        let device = world.request().await;
        let code = &device.device_code;
        assert_eq!(world.redeem(code).await.unwrap_err(), ErrorCode::AuthorizationPending);
        assert_eq!(world.redeem(code).await.unwrap_err(), ErrorCode::SlowDown);
        world.app.wait(INTERVAL);
        assert_eq!(world.redeem(code).await.unwrap_err(), ErrorCode::SlowDown, "10 seconds now");
        world.app.wait(3 * INTERVAL);
        assert_eq!(world.redeem(code).await.unwrap_err(), ErrorCode::AuthorizationPending, "15 seconds now");
        // A flood grows the interval to its end, and then writes nothing.
        for _ in 0..30 {
            world.redeem(code).await.unwrap_err();
        }
        assert_eq!(world.app.count("SELECT polling_interval FROM device_authorizations").await, 120);
        world.allow(&device.user_code).await;
        assert!(world.redeem(code).await.is_ok(), "an answer is told at once");
    }

    async fn what_was_denied_or_has_expired_gives_nothing(db: TestDb) {
        // RFC 8628 §3.5
        let world = World::new(&db).await;
        let denied = world.request().await;
        let device = world.pending(&denied.user_code).await;
        world.devices().deny(&world.ann, &device).await.unwrap();
        assert_eq!(world.redeem(&denied.device_code).await.unwrap_err(), ErrorCode::AccessDenied);
        assert!(matches!(world.find(&denied.user_code).await, Ok(FoundDevice::Answered(DeviceAnswer::Denied))));

        let (late, slow) = (world.request().await, world.request().await);
        world.allow(&slow.user_code).await;
        world.app.wait(DEVICE_CODE_LIFETIME);
        assert!(matches!(world.find(&late.user_code).await, Err(LookUpError::Unknown)));
        for device in [&late, &slow] {
            assert_eq!(world.redeem(&device.device_code).await.unwrap_err(), ErrorCode::ExpiredToken);
        }
        assert_eq!(world.redeem("unknown").await.unwrap_err(), ErrorCode::InvalidGrant);
        world.app.wait(Duration::from_secs(61));
        world.app.sweeper.sweep().await.unwrap();
        assert_eq!(world.app.count("SELECT COUNT(*) FROM device_authorizations").await, 0);
    }

    async fn what_a_session_allowed_ends_with_it_and_with_the_person_and_the_client(db: TestDb) {
        // SB-15, SB-47
        let world = World::new(&db).await;
        let first = world.request().await;
        world.allow(&first.user_code).await;
        let mut tx = db.begin("test").await.unwrap();
        world.app.sessions.end(&mut tx, world.ann.id, SessionEnd::SignedOut).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(world.redeem(&first.device_code).await.unwrap_err(), ErrorCode::InvalidGrant);
        // A session that has ended allows nothing.
        let second = world.request().await;
        let device = world.pending(&second.user_code).await;
        let scope = "openid".parse().unwrap();
        assert!(matches!(world.devices().allow(&world.ann, (&device, &world.tv), &scope).await, Err(LookUpError::Unknown)));

        let who = world.app.sign_in("ann", PASSWORD).await.unwrap();
        let ann = world.app.start(&who).await.unwrap().session;
        let world = World { ann, ..world };
        world.allow(&second.user_code).await;
        let mut state = testing::person_state(world.ann.account_id, "ann");
        (state.active, state.version) = (false, 2);
        world.app.change(&state).await;
        assert_eq!(world.redeem(&second.device_code).await.unwrap_err(), ErrorCode::InvalidGrant);

        let third = world.request().await;
        world.app.clients.delete("tv").await.unwrap();
        assert_eq!(world.redeem(&third.device_code).await.unwrap_err(), ErrorCode::InvalidGrant);
        // A replica that knows the client for three seconds more gives no code that a later client of this id could use.
        assert!(matches!(world.request_from(1).await, Err(RequestError::Full)));
        device_client(&world.app, "tv").await;
        assert!(matches!(world.request_from(1).await, Err(RequestError::Full)));
    }

    async fn a_code_is_not_redeemed_after_its_session_whoever_ended_that(db: TestDb) {
        // SB-47: a replica of the release before the device grant ends sessions without their codes.
        let world = World::new(&db).await;
        let device = world.request().await;
        world.allow(&device.user_code).await;
        world.app.run("DELETE FROM sessions").await;
        assert_eq!(world.redeem(&device.device_code).await.unwrap_err(), ErrorCode::InvalidGrant);
        assert_eq!(world.live_grants().await, 0);
    }

    async fn a_withdrawal_ends_codes_that_were_allowed(db: TestDb) {
        // SB-47
        let world = World::new(&db).await;
        let codes = world.request().await;
        world.allow(&codes.user_code).await;
        // A code that a replica of the release before allowed has no consent. Its withdrawal counts all the same.
        world.app.run("DELETE FROM consents").await;
        let ann = world.ann.account_id;
        assert!(world.app.consents.withdraw(ann, "tv").await.unwrap());
        assert_eq!(world.redeem(&codes.device_code).await.unwrap_err(), ErrorCode::InvalidGrant);
        assert!(!world.app.consents.withdraw(ann, "tv").await.unwrap(), "there is nothing left");
    }

    async fn withdrawals_and_devices_at_once_leave_no_grant_without_a_consent(db: TestDb) {
        // SB-47
        let world = World::new(&db).await;
        let ann = world.ann.account_id;
        for _ in 0..10 {
            let codes = world.request().await;
            world.allow(&codes.user_code).await;
            let (_, withdrawn) = tokio::join!(world.redeem(&codes.device_code), world.app.consents.withdraw(ann, "tv"));
            assert!(withdrawn.unwrap());
            assert_eq!(world.live_grants().await, 0);
            assert_eq!(world.redeem(&codes.device_code).await.unwrap_err(), ErrorCode::InvalidGrant);
        }
    }

    async fn user_codes_are_not_guessed(db: TestDb) {
        // RFC 8628 §5.1, SB-46
        let world = World::new(&db).await;
        let device = world.request().await;
        for _ in 0..10 {
            world.pending(&device.user_code).await;
        }
        let mut tried = 0;
        let wait = loop {
            match world.find("BBBB-BBBB").await {
                Err(LookUpError::Unknown) => tried += 1,
                Err(LookUpError::Throttled { retry_after }) => break retry_after,
                other => panic!("{other:?}"),
            }
        };
        assert!((1..=5).contains(&tried), "{tried} guesses");
        // The right code has to wait as well, and so does one in another session of the person, at another address.
        assert!(matches!(world.find(&device.user_code).await, Err(LookUpError::Throttled { .. })));
        let who = world.app.sign_in("ann", PASSWORD).await.unwrap();
        let other = world.app.start(&who).await.unwrap().session;
        assert!(matches!(world.devices().find(&other, at(9), "x").await, Err(LookUpError::Throttled { .. })));
        world.app.wait(wait);
        world.pending(&device.user_code).await;
        // SB-50: the counter ends by itself.
        world.app.wait(Duration::from_secs(3600));
        assert!(matches!(world.find("BBBB-BBBB").await, Err(LookUpError::Unknown)));
    }

    async fn many_people_at_one_address_do_not_guess_more_together(db: TestDb) {
        // RFC 8628 §5.1
        let world = World::with(&db, &[("THROTTLE__SOURCE_FAILURES", "3")]).await;
        let mut sessions = Vec::new();
        for name in ["bob", "cas", "dot", "eve", "fay"] {
            world.app.person(name).await;
            let who = world.app.sign_in(name, PASSWORD).await.unwrap();
            sessions.push(world.app.start(&who).await.unwrap().session);
        }
        let mut answers = Vec::new();
        for session in &sessions {
            answers.push(world.devices().find(session, at(7), "BBBBBBBB").await);
        }
        assert!(matches!(answers.last(), Some(Err(LookUpError::Throttled { .. }))), "{answers:?}");
        world.app.wait(Duration::from_secs(5));
        assert!(matches!(world.devices().find(&sessions[0], at(8), "BBBBBBBB").await, Err(LookUpError::Unknown)));
    }

    async fn neither_code_stands_in_the_database(db: TestDb) {
        // SB-13
        let world = World::new(&db).await;
        let device = world.request().await;
        let hash = chassis::secret::TokenHash::of(&device.device_code);
        let mut reader = db.reader().await.unwrap();
        assert!(devices::find(&mut reader, &hash).await.unwrap().is_some());
        let plain = [chassis::secret::TokenHash::of(&device.user_code).as_bytes().to_vec(),
            chassis::secret::TokenHash::of(&device.user_code.replace('-', "")).as_bytes().to_vec()];
        assert!(devices::find_by_user_code(&mut reader, &plain, BEGINNING).await.unwrap().is_none());
        drop(reader);
        assert!(world.find(&device.user_code).await.is_ok());
    }

    async fn places_are_limited_and_no_address_takes_those_of_others(db: TestDb) {
        // SB-43: anybody can ask in the name of a public client.
        let settings = [("AUTHORIZATION__WAITING_PER_SOURCE", "40"), ("AUTHORIZATION__DEVICES_PER_CLIENT", "80")];
        let world = World::with(&db, &settings).await;
        for _ in 0..40 {
            world.request_from(1).await.unwrap();
        }
        assert!(matches!(world.request_from(1).await, Err(RequestError::Full)));
        // The last quarter of the places of a client is not for addresses that have many.
        let mut taken = 0;
        while world.request_from(2).await.is_ok() {
            taken += 1;
        }
        assert_eq!(taken, 20);
        world.request_from(3).await.unwrap();
        world.app.wait(DEVICE_CODE_LIFETIME);
        world.request_from(1).await.unwrap();
    }

    async fn places_are_limited_in_all_and_swept_after_a_clock_was_ahead(db: TestDb) {
        // SB-43, SB-50
        let world = World::with(&db, &[("AUTHORIZATION__DEVICES_IN_ALL", "4")]).await;
        world.app.wait(Duration::from_secs(2 * 86_400));
        let ahead = world.request().await;
        world.app.clock.set(BEGINNING);
        assert!(matches!(world.find(&ahead.user_code).await, Err(LookUpError::Unknown)));
        assert_eq!(world.redeem(&ahead.device_code).await.unwrap_err(), ErrorCode::ExpiredToken);
        for _ in 0..3 {
            world.request().await;
        }
        assert!(matches!(world.request_from(1).await, Err(RequestError::Full)));
        world.app.sweeper.sweep().await.unwrap();
        world.app.wait(MAX_AGE);
        world.request().await;
    }
}
