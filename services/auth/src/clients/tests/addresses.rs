//! Tests of the addresses that a client chose when it registered itself, and that an administrator left as they were (SB-32).

use std::collections::BTreeSet;

use chassis::db::count_statements;
use oidc::registration::RegistrationRequest;
use serde_json::json;

use super::*;
use crate::clients::addresses::called_addresses;
use crate::clients::change::ClientChange;
use crate::clients::key_sets::Freshness;
use crate::testing::image_server::ImageServer;

const SETTINGS: [(&str, &str); 2] = [
    ("WEBHOOKS__ALLOW", "127.0.0.1/32"),
    ("REGISTRATION__CLIENTS", "open"),
];

/// An answer that is no image, key set, request object or document of a sector.
const NO_DOCUMENT: &[u8] = &[0xff];

/// Metadata with an address of each member that this server fetches from.
fn with_addresses(url: &str, name: &str) -> ClientMetadata {
    let at = |member: &str| format!("{url}?{member}");
    ClientMetadata {
        client_name: Some(name.to_owned()),
        logo_uri: Some(at("logo").parse().unwrap()),
        jwks_uri: Some(at("keys").parse().unwrap()),
        request_uris: vec![at("object").parse().unwrap()],
        sector_identifier_uri: Some(at("sector").parse().unwrap()),
        ..web()
    }
}

/// Has this server fetch from each address of the client `id`. Returns the members whose address was called.
async fn called(app: &TestApp, id: &str, server: &ImageServer) -> Vec<&'static str> {
    app.wait(Duration::from_secs(30 * 24 * 3600));
    let client = app.clients.find_newest(id).await.unwrap().unwrap();
    let metadata = &client.metadata;
    let (mut known, mut called) = (server.calls(), Vec::new());
    let mut note = |member| {
        if std::mem::replace(&mut known, server.calls()) < server.calls() {
            called.push(member);
        }
    };
    app.client_logos.fetch_due().await.unwrap();
    note("logo_uri");
    let keys = app.clients.assertions.key_sets();
    let url = metadata.jwks_uri.as_ref().unwrap();
    assert!(keys.get(&client, url, Freshness::Newest).await.is_err());
    note("jwks_uri");
    let documents = &app.clients.request_documents;
    documents
        .fetch(&client, &metadata.request_uris[0], None)
        .await
        .unwrap_err();
    note("request_uris");
    // With another redirect URI the document of the sector has to be read.
    let mut more = metadata.clone();
    let other = format!("https://app.example.org/{}", client.version);
    more.redirect_uris.push(other.parse().unwrap());
    let updated = app.clients.update(id, Some(client.version), more, true).await;
    assert_eq!(updated.is_err(), metadata.sector_identifier_uri.is_some());
    note("sector_identifier_uri");
    called
}

/// Has an administrator change the client, for the version that it has.
async fn change(
    app: &TestApp,
    id: &str,
    metadata: ClientMetadata,
) -> Result<Option<CreatedClient>, ClientError> {
    let version = app.clients.find_newest(id).await.unwrap().unwrap().version;
    app.clients.update(id, Some(version), metadata, true).await
}

/// A client that has just registered itself.
async fn registered(app: &TestApp) -> String {
    let request = json!({"redirect_uris": web().redirect_uris}).to_string();
    let request = RegistrationRequest::parse(request.as_bytes()).unwrap();
    let registered = app.client_registration.register(&request, None, None).await;
    registered.unwrap().client.id.to_string()
}

#[test]
fn every_address_of_the_metadata_is_known_to_be_called_or_not() {
    // SB-32: one that is forgotten would be called without a check at the registration.
    let (called, not_called) = (
        [
            "backchannel_logout_uri",
            "jwks_uri",
            "logo_uri",
            "request_uris",
            "sector_identifier_uri",
        ],
        [
            "client_uri",
            "frontchannel_logout_uri",
            "policy_uri",
            "post_logout_redirect_uris",
            "redirect_uris",
            "tls_client_auth_san_uri",
            "tos_uri",
        ],
    );
    let schema = schemars::schema_for!(ClientMetadata);
    let properties = schema
        .get("properties")
        .and_then(serde_json::Value::as_object)
        .unwrap();
    let addresses: BTreeSet<&str> = properties
        .keys()
        .map(String::as_str)
        .filter(|name| name.ends_with("_uri") || name.ends_with("_uris"))
        .collect();
    assert_eq!(addresses, called.into_iter().chain(not_called).collect());
    let metadata = ClientMetadata {
        backchannel_logout_uri: Some("https://app.example.org/logout".parse().unwrap()),
        ..with_addresses("https://app.example.org/", "Shop")
    };
    let listed: BTreeSet<&str> = called_addresses(&metadata).map(|(member, _)| member).collect();
    assert_eq!(listed, called.into());
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn an_address_that_a_client_chose_itself_is_called_as_such_after_an_administrator_has_changed_the_client(db: TestDb) {
        // SB-32
        let app = testing::app_set(&db, &SETTINGS).await;
        let server = ImageServer::start(NO_DOCUMENT.to_vec()).await;
        let id = registered(&app).await;
        // The names were public when they were checked, and lead inside by now.
        let chosen = ClientChange {
            origin: Origin::Registration,
            metadata: with_addresses(&server.url, "Shop"),
            says_consent: true,
            statement: None,
        };
        app.clients.update_as(&id, None, chosen).await.unwrap().unwrap();
        for name in ["The shop", "Shop"] {
            let renamed = with_addresses(&server.url, name);
            let changed = change(&app, &id, renamed).await.unwrap().unwrap();
            assert_eq!(changed.client.origin, Origin::Administrator);
            let called = called(&app, &id, &server).await;
            assert!(called.is_empty(), "{called:?}");
        }
        assert_eq!(server.calls(), 0);
        // An administrator who takes an address away and sets it again has chosen it.
        let bare = ClientMetadata { client_name: Some("Shop".to_owned()), ..web() };
        change(&app, &id, bare).await.unwrap().unwrap();
        let set = ClientMetadata { sector_identifier_uri: None, ..with_addresses(&server.url, "Shop") };
        change(&app, &id, set).await.unwrap().unwrap();
        assert_eq!(called(&app, &id, &server).await, ["logo_uri", "jwks_uri", "request_uris"]);
    }

    async fn an_old_copy_that_an_administrator_writes_back_vouches_for_nothing(db: TestDb) {
        // SB-32
        let app = testing::app_set(&db, &SETTINGS).await;
        let server = ImageServer::start(NO_DOCUMENT.to_vec()).await;
        let id = registered(&app).await;
        let copy = ClientMetadata { sector_identifier_uri: None, ..with_addresses(&server.url, "Shop") };
        // The client has other addresses by now. The copy comes without the version that it was read with.
        let changed = app.clients.update(&id, None, copy.clone(), true).await.unwrap().unwrap();
        assert_eq!(changed.client.metadata.logo_uri, copy.logo_uri);
        assert!(called(&app, &id, &server).await.is_empty());
        let with_sector = with_addresses(&server.url, "Shop");
        assert!(app.clients.update(&id, None, with_sector, true).await.is_err());
        assert_eq!(server.calls(), 0);
    }

    async fn an_address_that_an_administrator_chose_is_called_under_the_exceptions_of_the_operator(db: TestDb) {
        let app = testing::app_set(&db, &SETTINGS).await;
        let server = ImageServer::start(NO_DOCUMENT.to_vec()).await;
        let id = registered(&app).await;
        for name in ["Shop", "The shop"] {
            let chosen = ClientMetadata { sector_identifier_uri: None, ..with_addresses(&server.url, name) };
            change(&app, &id, chosen).await.unwrap().unwrap();
            app.clients.add_secret(&id).await.unwrap().unwrap();
            assert_eq!(called(&app, &id, &server).await, ["logo_uri", "jwks_uri", "request_uris"]);
            let secrets = app.clients.find_newest(&id).await.unwrap().unwrap().secrets;
            app.clients.delete_secret(&id, &secrets[0].id()).await.unwrap();
        }
        let chosen = change(&app, &id, with_addresses(&server.url, "Shop")).await;
        assert!(chosen.is_err(), "it is no document of a sector");
        assert_eq!(called(&app, &id, &server).await.len(), 3);
    }

    async fn what_administrators_chose_is_stored_for_clients_that_registered_themselves_alone(db: TestDb) {
        const ROWS: &str = "SELECT COUNT(*) FROM client_administrator_addresses";
        let app = testing::app_set(&db, &SETTINGS).await;
        let id = registered(&app).await;
        app.clients.create(Some("made".parse().unwrap()), web()).await.unwrap();
        let addresses = || ClientMetadata { sector_identifier_uri: None, ..with_addresses("https://app.example.org/", "Shop") };
        change(&app, &id, addresses()).await.unwrap().unwrap();
        change(&app, "made", addresses()).await.unwrap().unwrap();
        assert_eq!(app.count(ROWS).await, 1);
        change(&app, &id, web()).await.unwrap().unwrap();
        assert_eq!(app.count(ROWS).await, 0);
        // The other client costs no statement for them.
        change(&app, "made", web()).await.unwrap().unwrap();
        let renamed = || ClientMetadata { client_name: Some("New".to_owned()), ..web() };
        let (changed, of_registered) = count_statements(change(&app, &id, renamed())).await;
        changed.unwrap().unwrap();
        let (changed, of_made) = count_statements(change(&app, "made", renamed())).await;
        changed.unwrap().unwrap();
        assert_eq!(of_made + 1, of_registered);
        // Nor is a row left when the configuration takes the client over.
        change(&app, &id, addresses()).await.unwrap().unwrap();
        app.bootstrap(&settings(&ROBOT.replace("robot", &id))).await.unwrap();
        assert_eq!(app.count(ROWS).await, 0);
    }
}
