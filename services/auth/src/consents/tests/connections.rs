//! Tests of connections: the clients that have access for a person, with the scopes that each has at its services.

use super::*;

const WIKI: &str = "https://wiki.example";
const BANK: &str = "https://bank.example";

/// The access of Ann's only connection, as `openid email at https://wiki.example`.
async fn connected(app: &TestApp, subject: Uuid) -> Vec<String> {
    let mut found = app.consents.connections(subject).await.unwrap();
    let [connection] = found.as_mut_slice() else {
        panic!("{found:?}")
    };
    let texts = connection.access.iter().map(|access| {
        let audiences: Vec<_> = access.audiences.iter().map(String::as_str).collect();
        format!("{} at {}", access.scope, audiences.join(" "))
    });
    texts.collect()
}

/// Gives `shop` a grant of this access, as it got it in the past.
async fn granted(app: &TestApp, subject: Uuid, scope: &str, audiences: &[&str]) {
    let shop = app.clients.find("shop").await.unwrap().unwrap();
    let grant = Grant {
        audiences: resources(audiences),
        ..access(app, subject, scope)
    };
    let mut tx = app.db.begin("test").await.unwrap();
    app.tokens.issue(&mut tx, &shop, grant).await.unwrap();
    tx.commit().await.unwrap();
    app.wait(Duration::from_secs(1));
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn connections_are_consents_and_grants_since_the_first(db: TestDb) {
        let (app, ann) = shop(&db).await;
        let begin = app.clock.now();
        testing::persons_token(&app, ann, "other", "openid").await;
        app.wait(Duration::from_secs(60));
        allow(&app, ann, "shop", "openid").await;
        app.wait(Duration::from_secs(60));
        testing::persons_token(&app, ann, "shop", "email").await;
        let found = app.consents.connections(ann).await.unwrap();
        let of_grants: BTreeSet<_> = app.issuer.audiences().iter().map(Resource::as_str).collect();
        assert!(found.iter().all(|one| one.audiences() == of_grants), "{found:?}");
        let found: Vec<_> = found.iter().map(|one| (one.client_id.as_str(), one.scopes().join(" "), one.since)).collect();
        assert_eq!(found, [
            ("other", "openid".to_owned(), begin),
            ("shop", "openid email".to_owned(), begin + Duration::from_secs(60)),
        ]);
        app.consents.withdraw(ann, "other").await.unwrap();
        assert_eq!(app.consents.connections(ann).await.unwrap().len(), 1);
        let shop = app.clients.find("shop").await.unwrap().unwrap();
        let mut tx = app.db.begin("test").await.unwrap();
        let at = resources(&["https://wiki.example", "https://bank.example"]);
        assert!(grant_at(&app, &mut tx, ann, &shop, ("openid", &at)).await);
        tx.commit().await.unwrap();
        let found = app.consents.connections(ann).await.unwrap();
        assert!(at.iter().all(|one| found[0].audiences().contains(one.as_str())), "{found:?}");
        assert_eq!(found[0].audiences().len(), of_grants.len() + 2);
    }

    async fn a_scope_at_one_service_is_not_shown_at_another(db: TestDb) {
        // SB-29
        let (app, ann) = shop(&db).await;
        granted(&app, ann, "payments openid", &[BANK]).await;
        granted(&app, ann, "profile", &[WIKI]).await;
        let apart = [format!("payments openid at {BANK}"), format!("profile at {WIKI}")];
        assert_eq!(connected(&app, ann).await, apart);
        // Less at a service says nothing more, and more at the same services is one.
        granted(&app, ann, "openid", &[BANK]).await;
        assert_eq!(connected(&app, ann).await, apart);
        granted(&app, ann, "email", &[WIKI]).await;
        assert_eq!(connected(&app, ann).await, [apart[0].clone(), format!("profile email at {WIKI}")]);
        let shop = app.clients.find("shop").await.unwrap().unwrap();
        let mut tx = app.db.begin("test").await.unwrap();
        assert!(grant_at(&app, &mut tx, ann, &shop, ("openid", &[])).await);
        tx.commit().await.unwrap();
        let services: Vec<_> = connected(&app, ann).await;
        assert_eq!(services, ["openid at ".to_owned(), apart[0].clone(), format!("profile email at {WIKI}")]);
        let mut tx = app.db.begin("test").await.unwrap();
        let all = "openid payments profile email";
        assert!(grant_at(&app, &mut tx, ann, &shop, (all, &resources(&[WIKI, BANK]))).await);
        tx.commit().await.unwrap();
        assert_eq!(connected(&app, ann).await, [format!("{all} at {BANK} {WIKI}")]);
    }
}
