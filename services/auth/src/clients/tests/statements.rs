//! Tests of software statements: the stored one is the one that the metadata of the client come from (RFC 7591 §2.3).

use oidc::jose::{Algorithm, JwkSet, SigningKey};
use oidc::registration::RegistrationRequest;
use serde_json::{Value, json};
use testkit::TestDb;

use super::*;
use crate::clients::{RegisterClientError, RegisteredClient};

/// A service that trusts the statements of the issuer `house`, whose key this is.
struct House {
    app: TestApp,
    key: SigningKey,
}

impl House {
    async fn new(db: &TestDb) -> Self {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let keys = JwkSet {
            keys: vec![key.public().clone()],
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("house.json");
        std::fs::write(&path, serde_json::to_string(&keys).unwrap()).unwrap();
        let path = path.to_str().unwrap();
        let settings = [
            ("REGISTRATION__CLIENTS", "open"),
            ("REGISTRATION__SOFTWARE_STATEMENT_ISSUERS__HOUSE", path),
        ];
        Self {
            app: testing::app_set(db, &settings).await,
            key,
        }
    }

    /// A request with a statement of these claims, if there are any, or a change of the client `id`.
    fn request(&self, id: Option<&str>, claims: Option<Value>) -> RegistrationRequest {
        let mut body = json!({"redirect_uris": web().redirect_uris, "client_name": "Unsigned"});
        if let Some(id) = id {
            body["client_id"] = json!(id);
        }
        if let Some(mut claims) = claims {
            claims["iss"] = json!("house");
            body["software_statement"] = json!(self.key.sign("JWT", &claims).unwrap());
        }
        RegistrationRequest::parse(body.to_string().as_bytes()).unwrap()
    }

    /// A client that has registered itself with a statement.
    async fn register(&self) -> RegisteredClient {
        let request = self.request(None, Some(json!({"client_name": "Signed"})));
        let registration = &self.app.client_registration;
        registration.register(&request, None, None).await.unwrap()
    }

    /// The client as its own request finds it.
    async fn authorize(&self, client: &RegisteredClient) -> RegisteredClient {
        let token = client.registration_token.expose();
        let registration = &self.app.client_registration;
        registration
            .authorize(client.client.id.as_str(), Some(token))
            .await
            .unwrap()
    }

    async fn change(
        &self,
        client: RegisteredClient,
        claims: Option<Value>,
    ) -> Result<RegisteredClient, RegisterClientError> {
        let request = self.request(Some(client.client.id.as_str()), claims);
        self.app.client_registration.update(client, &request).await
    }
}

/// The `client_name` that the issuer has signed.
fn signed_name(client: &RegisteredClient) -> Value {
    testing::claim(client.statement.as_deref().unwrap(), "client_name")
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn of_many_changes_at_once_the_metadata_and_the_statement_of_one_are_stored(db: TestDb) {
        let house = House::new(&db).await;
        let client = house.register().await;
        for round in 0..4 {
            let changes = (0..5).map(async |index: usize| {
                let known = house.authorize(&client).await;
                let name = format!("Shop {round} {index}");
                house.change(known, Some(json!({"client_name": name}))).await
            });
            let outcomes = futures_util::future::join_all(changes).await;
            for outcome in &outcomes {
                let lost = matches!(outcome, Err(RegisterClientError::Client(ClientError::Changed) | RegisterClientError::TooMany { .. }));
                assert!(lost || outcome.is_ok(), "{outcome:?}");
            }
            let stored = house.authorize(&client).await;
            let name = json!(stored.client.metadata.client_name);
            assert_eq!(name, signed_name(&stored));
            // A change without a statement does not bring back an earlier one.
            house.app.wait(Duration::from_secs(3600));
            let changed = house.change(stored, None).await.unwrap();
            assert_eq!(json!(changed.client.metadata.client_name), name);
        }
    }

    async fn a_change_that_was_begun_with_an_earlier_statement_is_refused(db: TestDb) {
        let house = House::new(&db).await;
        let client = house.register().await;
        let (first, second) = (house.authorize(&client).await, house.authorize(&client).await);
        // The metadata are the same, but the statement says more.
        let newer = json!({"client_name": "Signed", "software_roles": "shop"});
        let changed = house.change(first, Some(newer.clone())).await.unwrap();
        assert_eq!(changed.client.version, 2);
        let late = house.change(second, None).await;
        assert!(matches!(late, Err(RegisterClientError::Client(ClientError::Changed))), "{late:?}");
        // The same statement again changes nothing.
        let known = house.authorize(&client).await;
        let statement = known.statement.clone().unwrap();
        let body = json!({"redirect_uris": web().redirect_uris, "client_id": known.client.id.as_str(),
            "software_statement": statement}).to_string();
        let request = RegistrationRequest::parse(body.as_bytes()).unwrap();
        let again = house.app.client_registration.update(known, &request).await.unwrap();
        assert_eq!((again.client.version, again.statement), (2, Some(statement)));
    }

    async fn a_statement_is_stored_with_the_change_or_not_at_all(db: TestDb) {
        let house = House::new(&db).await;
        let client = house.register().await;
        let stale = house.authorize(&client).await;
        let newest = house.authorize(&client).await;
        house.change(newest, Some(json!({"client_name": "Newest"}))).await.unwrap();
        let late = house.change(stale, Some(json!({"client_name": "Stale"}))).await;
        assert!(matches!(late, Err(RegisterClientError::Client(ClientError::Changed))), "{late:?}");
        let known = house.authorize(&client).await;
        assert_eq!(signed_name(&known), "Newest");
        assert!(house.app.clients.delete(known.client.id.as_str()).await.unwrap());
        let gone = house.change(known, Some(json!({"client_name": "Gone"}))).await;
        assert!(matches!(gone, Err(RegisterClientError::Refused(_))), "{gone:?}");
    }
}
