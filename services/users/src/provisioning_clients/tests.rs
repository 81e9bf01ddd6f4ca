//! Tests of provisioning clients and their tokens.

use chassis::clock::ManualClock;
use chassis::random::SystemRandom;
use tokio::task::JoinSet;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);
const LIMITS: TokenLimits = TokenLimits {
    max_days: 90,
    warn_days: 30,
};

fn clients(db: &Db) -> (ProvisioningClients, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(NOW));
    let random: SharedRandom = Arc::new(SystemRandom::default());
    let shared: SharedClock = Arc::<ManualClock>::clone(&clock);
    (
        ProvisioningClients::new(db.clone(), (shared, random), LIMITS),
        clock,
    )
}

fn desired(name: &str) -> DesiredClient {
    DesiredClient {
        id: None,
        name: name.to_owned(),
        scopes: vec!["users:write".to_owned(), "users:read".to_owned()],
        networks: Vec::new(),
        expires_in_days: None,
    }
}

async fn rejected(clients: &ProvisioningClients, token: &Token) -> Option<&'static str> {
    match clients.authenticate(token.expose(), None).await {
        Ok(_) => None,
        Err(TokenRejected::NotFound) => Some("unknown"),
        Err(TokenRejected::Expired) => Some("expired"),
        Err(TokenRejected::Source) => Some("source"),
        Err(TokenRejected::Db(error)) => panic!("{error}"),
    }
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS];

    // SB-47
    async fn a_token_is_valid_until_it_expires_or_is_revoked_in_every_replica(db: TestDb) {
        let ((here, clock), (elsewhere, _)) = (clients(&db), clients(&db));
        let (entra, first) = here.create(desired(" Entra ID ")).await.unwrap();
        assert_eq!((entra.name.as_str(), entra.scopes.join(" ").as_str()), ("Entra ID", "users:read users:write"));
        assert_eq!(entra.tokens[0].expires_at, NOW + 90 * DAY);
        let found = elsewhere.authenticate(first.expose(), None).await.unwrap();
        assert!(found.id == entra.id && found.allows("users:read") && !found.allows("groups:read") && !found.allows("admin"));
        let (row, second) = here.issue_token(entra.id, Some(7)).await.unwrap();
        assert_eq!((rejected(&elsewhere, &first).await, rejected(&elsewhere, &second).await), (None, None));
        here.revoke_token(entra.id, entra.tokens[0].id).await.unwrap();
        assert_eq!((rejected(&elsewhere, &first).await, rejected(&elsewhere, &second).await), (Some("unknown"), None));
        clock.set(row.expires_at);
        assert_eq!(rejected(&here, &second).await, Some("expired"));
        let (_, third) = here.issue_token(entra.id, Some(1)).await.unwrap();
        assert_eq!(here.find(entra.id).await.unwrap().tokens.len(), 1, "the expired one is gone");
        here.delete(entra.id).await.unwrap();
        assert_eq!(rejected(&here, &third).await, Some("unknown"));
        assert!(matches!(here.find(entra.id).await, Err(ProvisioningError::NotFound)));
    }

    async fn two_tokens_at_most_are_valid_when_many_are_asked_for_at_the_same_moment(db: TestDb) {
        let (clients, _) = clients(&db);
        let (client, _) = clients.create(desired("Okta")).await.unwrap();
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let clients = clients.clone();
            tasks.spawn(async move { clients.issue_token(client.id, None).await });
        }
        let results = tasks.join_all().await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert!(results.iter().all(|result| matches!(result, Ok(_) | Err(ProvisioningError::TooManyTokens))));
        assert_eq!(clients.find(client.id).await.unwrap().tokens.len(), 2);
    }

    async fn a_client_calls_from_its_networks_alone(db: TestDb) {
        let (clients, _) = clients(&db);
        let networks = vec!["192.0.2.0/24".to_owned(), "2001:db8::1".to_owned()];
        let (client, token) = clients.create(DesiredClient { networks, ..desired("Okta") }).await.unwrap();
        for (source, allowed) in [("192.0.2.9", true), ("::ffff:192.0.2.9", true), ("2001:db8::1", true), ("192.0.3.9", false), ("2001:db8::2", false)] {
            let result = clients.authenticate(token.expose(), Some(source.parse().unwrap())).await;
            assert_eq!(result.is_ok(), allowed, "{source}");
        }
        assert_eq!(rejected(&clients, &token).await, Some("source"), "an unknown address");
        clients.change(client.id, ClientEdit { networks: Some(Vec::new()), ..ClientEdit::default() }).await.unwrap();
        assert_eq!(rejected(&clients, &token).await, None);
    }

    async fn bad_values_are_named_and_nothing_is_written(db: TestDb) {
        let (clients, _) = clients(&db);
        let list = |text: &str| vec![text.to_owned()];
        clients.create(desired("Okta")).await.unwrap();
        for (bad, field) in [
            (desired(" "), "name"),
            (desired("a\nb"), "name"),
            (desired(&"x".repeat(101)), "name"),
            (DesiredClient { scopes: Vec::new(), ..desired("a") }, "scopes"),
            (DesiredClient { scopes: list("admin"), ..desired("a") }, "scopes"),
            (DesiredClient { scopes: list("users:read groups:read"), ..desired("a") }, "scopes"),
            (DesiredClient { networks: list("10.0.0.0/33"), ..desired("a") }, "networks"),
            (DesiredClient { expires_in_days: Some(91), ..desired("a") }, "expires_in_days"),
            (DesiredClient { expires_in_days: Some(0), ..desired("a") }, "expires_in_days"),
        ] {
            match clients.create(bad.clone()).await {
                Err(ProvisioningError::Invalid { field: named, .. }) => assert_eq!(named, field, "{bad:?}"),
                other => panic!("{bad:?}: {other:?}"),
            }
        }
        assert!(matches!(clients.create(desired("OKTA")).await, Err(ProvisioningError::NameTaken)));
        let (other, _) = clients.create(desired("Entra ID")).await.unwrap();
        let edit = ClientEdit { name: Some("okta".to_owned()), ..ClientEdit::default() };
        assert!(matches!(clients.change(other.id, edit).await, Err(ProvisioningError::NameTaken)));
        assert_eq!(clients.page(Uuid::nil(), 10).await.unwrap().len(), 2);
        assert_eq!(clients.page(Uuid::nil(), 1).await.unwrap().len(), 1);
    }

    async fn the_last_use_is_written_by_the_minute_and_beside_the_requests(db: TestDb) {
        let (clients, clock) = clients(&db);
        let (client, token) = clients.create(desired("Okta")).await.unwrap();
        let last_used = async || clients.find(client.id).await.unwrap().tokens[0].last_used_at;
        let (_, statements) = chassis::db::count_statements(clients.authenticate(token.expose(), None)).await;
        assert_eq!((statements, last_used().await), (1, None));
        clients.write_uses().await.unwrap();
        let minute = last_used().await.unwrap();
        assert!(minute <= NOW && NOW.since(minute) < Duration::from_secs(60) && minute.as_secs() % 60 == 0);
        clients.authenticate(token.expose(), None).await.unwrap();
        assert!(clients.uses.lock().unwrap().is_empty(), "the minute is known");
        clock.advance(Duration::from_secs(3600));
        clients.authenticate(token.expose(), None).await.unwrap();
        clients.write_uses().await.unwrap();
        assert_eq!(last_used().await.unwrap(), minute + Duration::from_secs(3600));
    }

    async fn an_expiry_is_announced_once_a_day_until_another_token_is_there(db: TestDb) {
        let (clients, clock) = clients(&db);
        let (client, _) = clients.create(DesiredClient { expires_in_days: Some(31), ..desired("Okta") }).await.unwrap();
        let mut warned = HashMap::new();
        clients.check_expiries(&mut warned).await.unwrap();
        assert!(warned.is_empty());
        clock.advance(DAY);
        clients.check_expiries(&mut warned).await.unwrap();
        assert_eq!(warned.get(&client.id), Some(&(NOW + DAY)));
        clock.advance(Duration::from_secs(60));
        clients.check_expiries(&mut warned).await.unwrap();
        assert_eq!(warned.get(&client.id), Some(&(NOW + DAY)), "once a day");
        clients.issue_token(client.id, None).await.unwrap();
        clock.advance(DAY);
        clients.check_expiries(&mut warned).await.unwrap();
        assert_eq!(warned.get(&client.id), Some(&(NOW + DAY)), "the new token lasts");
        clients.delete(client.id).await.unwrap();
        clients.check_expiries(&mut warned).await.unwrap();
        assert!(warned.is_empty());
    }
}
