//! Tests of the documents of sectors (OpenID Connect Registration §5): which of them are read, when, and what they have to list.

use std::sync::{Arc, Mutex};

use axum::Router;
use chassis::shutdown::Shutdown;
use http::StatusCode;
use oidc::client::SubjectType;
use serde_json::{Value, json};

use super::register::with;
use crate::clients::{ClientError, ClientMetadata};

const SHOP: &str = "https://shop.example/cb";
const TWIN: &str = "https://shop.example/twin";
const BANK: &str = "https://bank.example/cb";

/// A document of a sector at `url`, and the number of times that it was read.
struct Document {
    url: String,
    body: Arc<Mutex<(StatusCode, String)>>,
    reads: Arc<Mutex<usize>>,
}

impl Document {
    async fn start(body: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let document = Self {
            url: format!("http://{}/uris.json", listener.local_addr().unwrap()),
            body: Arc::new(Mutex::new((StatusCode::OK, body.to_owned()))),
            reads: Arc::default(),
        };
        let (body, reads) = (Arc::clone(&document.body), Arc::clone(&document.reads));
        let app = Router::new().fallback(move || {
            *reads.lock().unwrap() += 1;
            let answer = body.lock().unwrap().clone();
            async move { answer }
        });
        Shutdown::new().spawn("document", async move {
            axum::serve(listener, app).await.unwrap();
        });
        document
    }

    fn answer(&self, status: StatusCode, body: &str) {
        *self.body.lock().unwrap() = (status, body.to_owned());
    }

    fn reads(&self) -> usize {
        *self.reads.lock().unwrap()
    }

    fn metadata(&self, redirect_uris: &[&str]) -> ClientMetadata {
        ClientMetadata {
            redirect_uris: redirect_uris.iter().map(|uri| uri.parse().unwrap()).collect(),
            subject_type: SubjectType::Pairwise,
            sector_identifier_uri: Some(self.url.parse().unwrap()),
            ..ClientMetadata::default()
        }
    }
}

#[test]
fn a_document_of_a_sector_has_to_list_every_redirect_uri() {
    // OpenID Connect Registration §5; SB-32
    with(&[("WEBHOOKS__ALLOW", "127.0.0.1/32")], async |world| {
        let document = Document::start(&json!([SHOP, BANK]).to_string()).await;
        let clients = &world.app.clients;
        let refused = async |metadata| match clients.create(None, metadata).await {
            Err(ClientError::Invalid(invalid)) => invalid.field,
            other => panic!("{other:?}"),
        };
        let made = clients
            .create(None, document.metadata(&[SHOP, BANK]))
            .await
            .unwrap()
            .client;
        assert_eq!(
            refused(document.metadata(&[SHOP, TWIN])).await,
            "sector_identifier_uri"
        );
        for (status, body) in [
            (StatusCode::NOT_FOUND, json!([SHOP]).to_string()),
            (StatusCode::OK, "<html>".to_owned()),
            (StatusCode::OK, format!("[\"{SHOP}\"{}]", " ".repeat(70_000))),
        ] {
            document.answer(status, &body);
            assert_eq!(refused(document.metadata(&[SHOP])).await, "sector_identifier_uri");
        }
        // What was checked is not read again; what is new is.
        let (id, before) = (made.id.as_str(), document.reads());
        clients
            .update(id, None, document.metadata(&[SHOP]), true)
            .await
            .unwrap();
        assert_eq!(document.reads(), before);
        document.answer(StatusCode::OK, &json!([SHOP]).to_string());
        // Nobody is called for a change that is refused anyway.
        let invalid = ClientMetadata {
            require_assignment: true,
            ..document.metadata(&[SHOP, TWIN])
        };
        let refused = clients.update(id, None, invalid, true).await;
        assert!(matches!(refused, Err(ClientError::Invalid(_))), "{refused:?}");
        let refused = clients
            .update(id, Some(made.version), document.metadata(&[SHOP, TWIN]), true)
            .await;
        assert!(matches!(refused, Err(ClientError::Changed)), "{refused:?}");
        assert_eq!(document.reads(), before);
        let more = clients
            .update(id, None, document.metadata(&[SHOP, BANK]), true)
            .await;
        assert!(matches!(more, Err(ClientError::Invalid(_))), "{more:?}");
        assert_eq!(document.reads(), before + 1);
    });
}

#[test]
fn a_client_that_registers_itself_names_no_address_of_the_inside() {
    // SB-32: the exceptions are the operator's, and do not hold for such clients.
    let settings = [
        ("REGISTRATION__CLIENTS", "open"),
        ("WEBHOOKS__ALLOW", "127.0.0.1/32"),
    ];
    with(&settings, async |world| {
        let document = Document::start(&json!([SHOP]).to_string()).await;
        let register = async |more: Value| {
            let mut body = json!({ "redirect_uris": [SHOP], "subject_type": "pairwise" });
            body.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            world.register("", &body).await
        };
        let own = register(json!({})).await;
        assert_eq!(
            (own.status, &own.json()["subject_type"]),
            (StatusCode::CREATED, &json!("pairwise")),
            "{}",
            own.body
        );
        let several = register(json!({ "redirect_uris": [SHOP, BANK] })).await;
        assert_eq!(several.error(), "invalid_client_metadata", "{}", several.body);
        let inside = register(json!({ "sector_identifier_uri": document.url })).await;
        assert_eq!(inside.error(), "invalid_client_metadata", "{}", inside.body);
        assert!(inside.body.contains("sector_identifier_uri"), "{}", inside.body);
        assert_eq!(document.reads(), 0);
        // A stranger has this server call others only so often (SB-43).
        for _ in 0..19 {
            register(json!({ "sector_identifier_uri": document.url })).await;
        }
        let often = register(json!({ "sector_identifier_uri": document.url })).await;
        assert_eq!(often.status, StatusCode::TOO_MANY_REQUESTS, "{}", often.body);
    });
}
