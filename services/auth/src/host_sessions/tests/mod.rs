//! Tests of sessions at protected hosts, and of the tickets that they begin with.

use std::time::Duration;

use chassis::clock::Clock;
use chassis::secret::Token;
use forward_auth::{AccessRules, Origin, ReturnPath};
use uuid::Uuid;

use super::*;
use crate::protected_hosts::HostSettings;
use crate::sessions::{SessionEnd, StartedSession};
use crate::testing::{self, PASSWORD, TestApp, person_state};

/// Ann, who is signed in, and two protected hosts.
struct World {
    app: TestApp,
    ann: Uuid,
    session: StartedSession,
    wiki: Origin,
    shop: Origin,
    nonce: Token,
}

impl World {
    async fn new(db: &Db) -> Self {
        let app = testing::app(db).await;
        let ann = app.person("ann").await;
        let session = app
            .start(&app.sign_in("ann", PASSWORD).await.unwrap())
            .await
            .unwrap();
        let origin = |host: &str| Origin::parse(host).unwrap();
        let (wiki, shop) = (origin("wiki.example.org"), origin("shop.example.org"));
        for host in [&wiki, &shop] {
            let settings = HostSettings {
                name: "A host".to_owned(),
                rules: AccessRules {
                    everybody: true,
                    ..AccessRules::default()
                },
            };
            app.protected_hosts.create(host.clone(), settings).await.unwrap();
        }
        Self {
            app,
            ann,
            session,
            wiki,
            shop,
            nonce: Token::new("a nonce"),
        }
    }

    async fn ticket(&self) -> Option<Token> {
        let hash = self.nonce.hash();
        let return_path = ReturnPath::parse("/page?x=1");
        let new = NewTicket {
            origin: &self.wiki,
            session_id: self.session.session.id,
            nonce: hash.as_bytes(),
            return_path: &return_path,
        };
        self.app.host_sessions.issue_ticket(new).await.unwrap()
    }

    async fn redeem(&self, ticket: &Token, nonce: &Token, origin: &Origin) -> Option<RedeemedTicket> {
        let sent = HostSignIn {
            origin,
            ticket,
            nonce,
            before: None,
        };
        self.app.host_sessions.redeem_ticket(sent).await.unwrap()
    }

    /// The token of a session at the wiki.
    async fn signed_in(&self) -> Token {
        let ticket = self.ticket().await.unwrap();
        self.redeem(&ticket, &self.nonce, &self.wiki).await.unwrap().token
    }

    async fn is_signed_in(&self, token: &Token) -> bool {
        self.app
            .host_sessions
            .find(token, &self.wiki)
            .await
            .unwrap()
            .is_some()
    }

    async fn rows(&self) -> i64 {
        self.app
            .count("SELECT (SELECT COUNT(*) FROM host_sessions) + (SELECT COUNT(*) FROM host_tickets)")
            .await
    }
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-13
    async fn a_ticket_gives_one_session_at_its_host_and_only_hashes_are_stored(db: TestDb) {
        let world = World::new(&db).await;
        let ticket = world.ticket().await.unwrap();
        let redeemed = world.redeem(&ticket, &world.nonce, &world.wiki).await.unwrap();
        assert_eq!((redeemed.account_id, redeemed.return_path.as_str()), (world.ann, "/page?x=1"));
        assert_eq!(redeemed.token.expose().len(), 43, "256 bits");
        let user = world.app.host_sessions.find(&redeemed.token, &world.wiki).await.unwrap().unwrap();
        assert_eq!((user.session_id, user.subject.user_name.as_str()), (world.session.session.id, "ann"));
        assert!(world.redeem(&ticket, &world.nonce, &world.wiki).await.is_none(), "once");
        // The session of one host is worth nothing at another, also while it is cached.
        assert!(world.app.host_sessions.find(&redeemed.token, &world.shop).await.unwrap().is_none());
        assert!(world.app.host_sessions.find(&Token::new("x"), &world.wiki).await.unwrap().is_none());
    }
    async fn a_ticket_is_for_one_host_one_browser_and_a_minute(db: TestDb) {
        let world = World::new(&db).await;
        let ticket = world.ticket().await.unwrap();
        assert!(world.redeem(&ticket, &world.nonce, &world.shop).await.is_none(), "another host");
        assert!(world.redeem(&ticket, &Token::new("mallory"), &world.wiki).await.is_none(), "another browser");
        assert!(world.redeem(&Token::new("x"), &world.nonce, &world.wiki).await.is_none());
        world.app.wait(Duration::from_secs(60));
        assert!(world.redeem(&ticket, &world.nonce, &world.wiki).await.is_none(), "too late");
        let ticket = world.ticket().await.unwrap();
        world.app.wait(Duration::from_secs(59));
        assert!(world.redeem(&ticket, &world.nonce, &world.wiki).await.is_some());
        // SB-50
        let ticket = world.ticket().await.unwrap();
        world.app.clock.set(world.app.clock.now() - Duration::from_secs(3600));
        assert!(world.redeem(&ticket, &world.nonce, &world.wiki).await.is_none(), "written by a clock that was ahead");
        world.app.sweeper.sweep().await.unwrap();
        assert_eq!(world.app.count("SELECT COUNT(*) FROM host_tickets").await, 0);
    }
    async fn of_many_who_redeem_a_ticket_at_once_one_gets_a_session(db: TestDb) {
        let world = World::new(&db).await;
        for _ in 0..5 {
            let ticket = world.ticket().await.unwrap();
            let attempts = (0..20).map(|_| world.redeem(&ticket, &world.nonce, &world.wiki));
            let redeemed = futures_util::future::join_all(attempts).await;
            assert_eq!(redeemed.iter().flatten().count(), 1);
        }
        assert_eq!(world.app.count("SELECT COUNT(*) FROM host_sessions").await, 5);
    }

    // SB-15, SB-47
    async fn a_session_at_a_host_ends_with_the_sign_in_session(db: TestDb) {
        let world = World::new(&db).await;
        let token = world.signed_in().await;
        let waiting = world.ticket().await.unwrap();
        assert!(world.is_signed_in(&token).await);
        let mut tx = db.begin("test").await.unwrap();
        world.app.sessions.end(&mut tx, world.session.session.id, SessionEnd::SignedOut).await.unwrap();
        tx.commit().await.unwrap();
        world.app.wait(Duration::from_secs(2));
        assert!(!world.is_signed_in(&token).await);
        assert!(world.redeem(&waiting, &world.nonce, &world.wiki).await.is_none());
        assert!(world.ticket().await.is_none(), "an ended session gets no ticket");
        assert_eq!(world.rows().await, 0);
    }

    // SB-15, SB-47
    async fn a_suspension_and_the_loss_of_a_group_are_seen_within_two_seconds(db: TestDb) {
        let world = World::new(&db).await;
        let token = world.signed_in().await;
        let groups = async || {
            let user = world.app.host_sessions.find(&token, &world.wiki).await.unwrap();
            user.map(|user| user.subject.groups.clone())
        };
        let mut state = person_state(world.ann, "ann");
        (state.groups, state.version) = (vec!["staff".to_owned()], 2);
        world.app.change(&state).await;
        assert_eq!(groups().await.unwrap(), ["staff"]);
        (state.groups, state.version) = (Vec::new(), 3);
        world.app.change(&state).await;
        world.app.wait(Duration::from_secs(2));
        assert!(groups().await.unwrap().is_empty());
        (state.active, state.version) = (false, 4);
        world.app.change(&state).await;
        world.app.wait(Duration::from_secs(2));
        assert!(groups().await.is_none());
        assert_eq!(world.rows().await, 0);
    }

    async fn a_host_that_is_deleted_has_no_sessions_and_no_tickets(db: TestDb) {
        let world = World::new(&db).await;
        world.signed_in().await;
        world.ticket().await.unwrap();
        world.app.protected_hosts.delete(&world.wiki.host()).await.unwrap();
        assert_eq!(world.rows().await, 0);
    }

    async fn an_erased_person_leaves_nothing_at_the_hosts(db: TestDb) {
        let world = World::new(&db).await;
        world.signed_in().await;
        world.ticket().await.unwrap();
        let data = crate::personal_data::find(&db, world.ann).await.unwrap().unwrap();
        let data = serde_json::to_value(data).unwrap();
        assert_eq!(data["host_sessions"][0]["host"], "wiki.example.org", "{data}");
        let mut tx = db.begin("test").await.unwrap();
        world.app.provisioning.erase(&mut tx, world.ann).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(world.rows().await, 0);
    }

    // SB-15
    async fn a_session_at_a_host_in_use_keeps_the_sign_in_session_and_both_end_in_the_end(db: TestDb) {
        let world = World::new(&db).await;
        let token = world.signed_in().await;
        let (idle, absolute) = (world.app.settings.sessions.idle(), world.app.settings.sessions.absolute());
        let mut waited = Duration::ZERO;
        while waited + idle / 2 < absolute {
            world.app.wait(idle / 2);
            waited += idle / 2;
            assert!(world.is_signed_in(&token).await, "after {waited:?}");
        }
        world.app.wait(absolute - waited);
        assert!(!world.is_signed_in(&token).await);
        world.app.sweeper.sweep().await.unwrap();
        assert_eq!(world.rows().await, 0);
    }

    async fn signing_out_of_a_host_leaves_the_sign_in_session(db: TestDb) {
        let world = World::new(&db).await;
        let (token, other) = (world.signed_in().await, world.signed_in().await);
        world.app.host_sessions.end(&token, &world.shop).await.unwrap();
        assert_eq!(world.app.count("SELECT COUNT(*) FROM host_sessions").await, 2, "of another host");
        assert!(world.is_signed_in(&token).await);
        world.app.host_sessions.end(&token, &world.wiki).await.unwrap();
        assert!(!world.is_signed_in(&token).await && world.is_signed_in(&other).await);
        assert!(world.app.sessions.find(&world.session.token).await.unwrap().is_some());
    }

    // SB-16
    async fn a_session_has_few_tickets_and_few_sessions_at_hosts(db: TestDb) {
        let world = World::new(&db).await;
        for _ in 0..store::MAX_TICKETS {
            world.ticket().await.unwrap();
        }
        assert!(world.ticket().await.is_none());
        world.app.wait(Duration::from_secs(60));
        let first = world.signed_in().await;
        world.app.wait(Duration::from_secs(1));
        for _ in 0..store::MAX_SESSIONS {
            world.signed_in().await;
        }
        assert_eq!(world.app.count("SELECT COUNT(*) FROM host_sessions").await, store::MAX_SESSIONS);
        assert!(!world.is_signed_in(&first).await, "the oldest has ended");
    }

    // SB-15
    async fn a_ticket_that_is_redeemed_while_the_session_ends_leaves_nothing(db: TestDb) {
        let world = World::new(&db).await;
        for _ in 0..10 {
            let started = world.app.start(&world.app.sign_in("ann", PASSWORD).await.unwrap()).await.unwrap();
            let hash = world.nonce.hash();
            let new = NewTicket {
                origin: &world.wiki,
                session_id: started.session.id,
                nonce: hash.as_bytes(),
                return_path: &ReturnPath::root(),
            };
            let ticket = world.app.host_sessions.issue_ticket(new).await.unwrap().unwrap();
            let ending = async {
                let mut tx = db.begin("test").await.unwrap();
                world.app.sessions.end(&mut tx, started.session.id, SessionEnd::SignedOut).await.unwrap();
                tx.commit().await.unwrap();
            };
            tokio::join!(world.redeem(&ticket, &world.nonce, &world.wiki), ending);
            assert_eq!(world.rows().await, 0);
        }
    }
}
