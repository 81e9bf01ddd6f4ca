//! Tests of addresses that are never called (SB-32), and of hostile responses.

use std::io;
use std::net::IpAddr;
use std::sync::Mutex;

use chassis::access::BoxFuture;

use super::receiver::status;
use super::*;
use events::testing::{THINGS, new_id};

/// A name whose address the test changes.
#[derive(Debug)]
struct Name(Mutex<IpAddr>);

impl Resolver for Name {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let address = *self.0.lock().unwrap();
        Box::pin(async move { Ok(vec![address]) })
    }
}

fn field(result: Result<Webhook, WebhookError>) -> (String, String) {
    match result {
        Err(WebhookError::Invalid { field, detail }) => (field, detail),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &THINGS];

    // SB-32
    async fn a_url_that_leads_inside_is_refused_when_it_is_given(db: TestDb) {
        let (world, receiver) = (World::on(&db), Receiver::start().await);
        let inside = [
            "http://10.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/", "https://[::1]/", "http://hooks.example/",
            "https://ann:secret@hooks.example/", "https://127.0.0.2/", "nonsense", "https:///", "gopher://127.0.0.1/",
        ];
        for url in inside {
            assert_eq!(field(world.subscribe_to(url, &["*"]).await).0, "url", "{url}");
        }
        let webhook = world.subscribe(&receiver.url).await;
        let edit = Edit { url: Some("https://10.0.0.1/".to_owned()), ..Edit::default() };
        assert_eq!(field(world.webhooks.change(webhook.id, edit).await).0, "url");
        assert_eq!(world.stored(webhook.id).await.url, receiver.url);
    }

    // SB-32: DNS rebinding.
    async fn a_name_that_leads_inside_later_is_refused_when_it_is_called(db: TestDb) {
        let receiver = Receiver::start().await;
        let name = Arc::new(Name(Mutex::new("127.0.0.1".parse().unwrap())));
        let clock = Arc::new(ManualClock::new(BEGINNING));
        let mut world = replica(&db, &clock, Some(cipher("k1")), name.clone());
        let webhook = world.subscribe(&receiver.url.replace("127.0.0.1", "hooks.example")).await;
        world.happen(new_id()).await;
        world.deliver().await;
        assert_eq!(receiver.received().len(), 1);
        *name.0.lock().unwrap() = "127.0.0.2".parse().unwrap();
        world.happen(new_id()).await;
        world.deliver().await;
        assert_eq!(receiver.received().len(), 1);
        let (state, _, _, error) = world.log(webhook.id).await[1].clone();
        assert_eq!(state, "pending");
        assert!(error.contains("127.0.0.2 is not a public address"), "{error}");
    }

    // SB-32
    async fn a_redirect_is_a_failure_and_not_followed(db: TestDb) {
        let (mut world, receiver, inside) = (World::on(&db), Receiver::start().await, Receiver::start().await);
        let webhook = world.subscribe(&receiver.url).await;
        let location = inside.url.clone();
        receiver.behave(move |_| {
            let mut answer = status(308);
            answer.headers_mut().insert("location", location.parse().unwrap());
            Some(answer)
        });
        world.happen(new_id()).await;
        world.deliver().await;
        assert!(inside.received().is_empty());
        assert_eq!(world.log(webhook.id).await[0].2, Some(308));
        assert_eq!(world.log(webhook.id).await[0].0, "pending");
    }

    // SB-32
    async fn an_answer_without_an_end_costs_nothing(db: TestDb) {
        let (mut world, receiver) = (World::on(&db), Receiver::start().await);
        let webhook = world.subscribe(&receiver.url).await;
        receiver.behave(|_| {
            let chunks = futures_util::stream::repeat_with(|| Ok::<_, io::Error>(vec![b'x'; 64 * 1024]));
            Some(axum::response::Response::new(axum::body::Body::from_stream(chunks)))
        });
        world.happen(new_id()).await;
        world.deliver().await;
        assert_eq!(world.log(webhook.id).await, [("delivered".to_owned(), 1, Some(200), String::new())]);
    }

    async fn without_an_encryption_key_nothing_can_be_subscribed_to(db: TestDb) {
        let clock = Arc::new(ManualClock::new(BEGINNING));
        let receiver = Receiver::start().await;
        let mut bare = replica(&db, &clock, None, Arc::new(SystemResolver));
        assert!(matches!(bare.subscribe_to(&receiver.url, &["*"]).await, Err(WebhookError::NoEncryption)));
        // A key that was taken away again: what is there waits.
        let world = replica(&db, &clock, Some(cipher("k1")), Arc::new(SystemResolver));
        let webhook = world.subscribe(&receiver.url).await;
        world.happen(new_id()).await;
        bare.deliver().await;
        assert_eq!(bare.log(webhook.id).await[0].0, "pending");
        assert!(receiver.received().is_empty());
    }

    async fn what_nobody_can_read_is_refused_by_the_name_of_its_field(db: TestDb) {
        let (world, receiver) = (World::on(&db), Receiver::start().await);
        let new = |types: &[&str], description: &str, secret: &str| NewWebhook {
            url: receiver.url.clone(),
            types: types.iter().map(|kind| (*kind).to_owned()).collect(),
            description: description.to_owned(),
            secret: Some(secret.into()),
        };
        let cases = [
            ("types", new(&[], "", SECRET)),
            ("types[1]", new(&["*", "vestibule.user.created.v1"], "", SECRET)),
            ("description", new(&["*"], "two\nlines", SECRET)),
            ("secret", new(&["*"], "", "whsec_short")),
        ];
        for (expected, new) in cases {
            let refused = field(world.webhooks.create(new).await.map(|(webhook, _)| webhook));
            assert_eq!(refused.0, expected);
            assert!(!refused.1.contains("short"), "a secret is not repeated");
        }
    }
}
