//! Tests of assignments: what is stored, what a withdrawal ends, and races.

use oidc::client::RoleDefinition;
use testkit::TestDb;

use super::*;
use crate::clients::ClientMetadata;
use crate::testing::{self, TestApp};

const ASSIGNED: &str = "SELECT COUNT(*) FROM outbox WHERE type = 'vestibule.role.assigned.v1'";
const WITHDRAWN: &str = "SELECT COUNT(*) FROM outbox WHERE type = 'vestibule.role.withdrawn.v1'";
const STORED: &str = "SELECT COUNT(*) FROM role_assignments";
const LIVE: &str = "SELECT COUNT(*) FROM grants WHERE revoked_at IS NULL";

fn wiki(roles: &[&str]) -> ClientMetadata {
    ClientMetadata {
        redirect_uris: vec!["https://wiki.example/cb".parse().unwrap()],
        roles: roles
            .iter()
            .map(|role| ((*role).to_owned(), RoleDefinition::default()))
            .collect(),
        ..ClientMetadata::default()
    }
}

/// A service with Ann and the clients `wiki` and `other`, each with the roles `editor` and `reader`.
async fn world(db: &TestDb) -> (TestApp, Uuid) {
    let app = testing::app(db).await;
    let ann = app.person("ann").await;
    for id in ["wiki", "other"] {
        let id = id.parse().unwrap();
        app.clients
            .create(Some(id), wiki(&["editor", "reader"]))
            .await
            .unwrap();
    }
    (app, ann)
}

async fn assign(app: &TestApp, client: &str, subject: Uuid, role: &str) -> Result<bool, AssignError> {
    let client = app.clients.find_newest(client).await.unwrap().unwrap();
    app.assignments
        .assign((client.registered(), client.version), subject, role)
        .await
}

/// The roles of a subject at a client now.
async fn roles(app: &TestApp, client: &str, subject: Uuid) -> Vec<String> {
    let client = app.clients.find_newest(client).await.unwrap().unwrap();
    let mut reader = app.db.reader().await.unwrap();
    let subject = subjects::find(&mut reader, subject).await.unwrap().unwrap();
    of_subject(&mut reader, client.registered(), &subject)
        .await
        .unwrap()
        .roles
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_role_is_given_once_for_one_client(db: TestDb) {
        // SB-48
        let (app, ann) = world(&db).await;
        assert!(assign(&app, "wiki", ann, "reader").await.unwrap());
        assert!(assign(&app, "wiki", ann, "editor").await.unwrap());
        assert!(!assign(&app, "wiki", ann, "editor").await.unwrap(), "she has it");
        assert_eq!(roles(&app, "wiki", ann).await, ["editor", "reader"]);
        assert!(roles(&app, "other", ann).await.is_empty());
        assert_eq!(app.count(ASSIGNED).await, 2);
        assert!(matches!(assign(&app, "wiki", ann, "owner").await, Err(AssignError::NoRole)));
        let nobody = Uuid::from_u128(7);
        assert!(matches!(assign(&app, "wiki", nobody, "editor").await, Err(AssignError::NoPerson)));
        let first = app.assignments.list("wiki", (Uuid::nil(), ""), 1).await.unwrap();
        let second = app.assignments.list("wiki", (ann, "editor"), 9).await.unwrap();
        assert_eq!([first, second].concat().iter().map(|given| given.role.as_str()).collect::<Vec<_>>(), ["editor", "reader"]);
    }

    async fn a_withdrawal_ends_what_the_client_has_and_nothing_else(db: TestDb) {
        // SB-47
        let (app, ann) = world(&db).await;
        let bob = app.person("bob").await;
        for (client, person) in [("wiki", ann), ("other", ann), ("wiki", bob)] {
            assign(&app, client, person, "editor").await.unwrap();
            testing::persons_token(&app, person, client, "openid offline_access").await;
        }
        assert!(app.assignments.withdraw("wiki", ann, "editor").await.unwrap());
        assert_eq!((app.count(LIVE).await, app.count(STORED).await), (2, 2));
        assert_eq!(app.grants.revocations(None).await.unwrap().grants.len(), 1, "resource servers hear of it");
        assert!(!app.assignments.withdraw("wiki", ann, "editor").await.unwrap(), "she does not have it");
        assert!(!app.assignments.withdraw("wiki", Uuid::from_u128(7), "editor").await.unwrap());
        assert_eq!(app.count(WITHDRAWN).await, 1);
    }

    async fn fifty_at_once_give_it_once(db: TestDb) {
        let (app, ann) = world(&db).await;
        let all = (0..50).map(|_| assign(&app, "wiki", ann, "editor"));
        let outcomes = futures_util::future::join_all(all).await;
        assert_eq!(outcomes.into_iter().filter(|outcome| *outcome.as_ref().unwrap()).count(), 1);
        assert_eq!((app.count(ASSIGNED).await, app.count(STORED).await), (1, 1));
        let all = (0..50).map(|_| app.assignments.withdraw("wiki", ann, "editor"));
        let outcomes = futures_util::future::join_all(all).await;
        assert_eq!(outcomes.into_iter().filter(|outcome| *outcome.as_ref().unwrap()).count(), 1);
        assert_eq!((app.count(WITHDRAWN).await, app.count(STORED).await), (1, 0));
    }

    async fn what_was_given_goes_with_the_role_the_client_and_the_person(db: TestDb) {
        // SB-48
        let (app, ann) = world(&db).await;
        let bob = app.person("bob").await;
        for (client, person, role) in [
            ("wiki", ann, "editor"), ("wiki", ann, "reader"), ("other", ann, "reader"), ("other", bob, "reader"),
        ] {
            assign(&app, client, person, role).await.unwrap();
        }
        let stale = app.clients.find_newest("wiki").await.unwrap().unwrap();
        app.clients.update("wiki", None, wiki(&["reader"]), true).await.unwrap();
        assert_eq!(app.count(STORED).await, 3);
        let late = app.assignments.assign((stale.registered(), stale.version), bob, "editor").await;
        assert!(matches!(late, Err(AssignError::Changed)), "the role is not defined any more");
        app.clients.update("wiki", None, wiki(&["editor", "reader"]), true).await.unwrap();
        assert_eq!(roles(&app, "wiki", ann).await, ["reader"], "a later role of this name is another one");
        assert!(app.clients.delete("wiki").await.unwrap());
        assert_eq!(app.count(STORED).await, 2, "a later client of this id is another one");
        let mut tx = db.begin("test").await.unwrap();
        app.provisioning.erase(&mut tx, ann).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(app.count(STORED).await, 1);
        assert_eq!(roles(&app, "other", bob).await, ["reader"]);
    }
}
