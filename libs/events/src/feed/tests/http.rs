//! Tests of the feed over HTTP.

use ::http::StatusCode;
use futures_util::StreamExt;
use serde_json::Value;

use super::*;
use crate::testing::{THINGS, changed, new_id};
use contract::{EventData, SubjectErased};

struct Client<'a> {
    service: &'a Service,
    http: reqwest::Client,
}

impl<'a> Client<'a> {
    fn of(service: &'a Service) -> Self {
        Self {
            service,
            http: reqwest::Client::new(),
        }
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        let url = self.service.url.join(path).unwrap();
        self.http
            .get(url)
            .bearer_auth(self.service.token("events:read").expose())
    }

    async fn json(&self, path: &str) -> (StatusCode, Value) {
        let response = self.get(path).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &THINGS];

    async fn a_batch_is_cloudevents_in_the_order_of_positions(db: TestDb) {
        let service = Service::start(&db).await;
        let client = Client::of(&service);
        let id = new_id();
        for _ in 0..3 {
            changed(&db, &service.outbox, id).await;
        }
        service.published(3).await;
        let response = client.get("events?after=1&limit=1").send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/cloudevents-batch+json");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let events: Value = response.json().await.unwrap();
        assert_eq!(events.as_array().unwrap().len(), 1);
        let event = &events[0];
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["type"], SubjectErased::TYPE);
        assert_eq!(event["source"], "http://things.test");
        assert_eq!((&event["subject"], &event["partitionkey"]), (&json!(id), &json!(id)));
        assert_eq!((&event["sequence"], &event["position"]), (&json!("00000000000000000002"), &json!("2")));
        assert_eq!(event["data"], json!({ "id": id, "version": 2, "erased_at": "1970-01-01T00:00:02.000000Z" }));
        assert_eq!(client.json("events").await.1.as_array().unwrap().len(), 3);
        assert_eq!(client.json("events?after=end").await.1, json!([]));
        service.stop().await;
    }

    async fn only_tokens_with_the_scope_read_the_feed(db: TestDb) {
        // SB-38: services authenticate each other.
        let service = Service::start(&db).await;
        let http = reqwest::Client::new();
        for path in ["events", "events/snapshot"] {
            let url = service.url.join(path).unwrap();
            let anonymous = http.get(url.clone()).send().await.unwrap();
            assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
            let wrong = http.get(url).bearer_auth(service.token("users:read").expose()).send().await.unwrap();
            assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
            assert!(wrong.headers()["www-authenticate"].to_str().unwrap().contains("insufficient_scope"));
        }
        service.stop().await;
    }

    async fn bad_questions_name_the_parameter(db: TestDb) {
        let service = Service::start(&db).await;
        let client = Client::of(&service);
        for (question, field) in [
            ("after=-1", "after"), ("after=x", "after"), ("after=99999999999999999999", "after"),
            ("limit=0", "limit"), ("limit=1001", "limit"), ("wait=26", "wait"), ("limit=x", "limit"),
            ("colour=red", "colour"), ("after=1&after=2", "after"),
        ] {
            let (status, problem) = client.json(&format!("events?{question}")).await;
            assert!(status.is_client_error(), "{question}: {status}");
            assert!(problem.to_string().contains(field), "{question}: {problem}");
        }
        for question in ["after=", "limit=0", "colour=red"] {
            let (status, problem) = client.json(&format!("events/snapshot?{question}")).await;
            assert!(status.is_client_error(), "{question}: {status} {problem}");
        }
        // A position from the future was never given: the database was restored, or it is another one.
        let (status, problem) = client.json("events?after=7").await;
        assert_eq!((status, &problem["last"]), (StatusCode::GONE, &json!(0)));
        service.stop().await;
    }

    async fn a_waiting_request_is_answered_by_the_next_commit(db: TestDb) {
        let service = Service::start(&db).await;
        let client = Client::of(&service);
        let (waiting, ()) = tokio::join!(client.json("events?wait=20"), async {
            changed(&db, &service.outbox, new_id()).await;
        });
        assert_eq!(waiting.1.as_array().unwrap().len(), 1);
        let started = std::time::Instant::now();
        assert_eq!(client.json("events?after=1&wait=1").await.1, json!([]));
        assert!(started.elapsed() >= Duration::from_millis(900), "it did wait");
        // At the end nobody is kept waiting.
        let (last, ()) = tokio::join!(service.feed.read(1, 1, Duration::from_secs(25)), async {
            service.shutdown.advance(chassis::shutdown::Phase::Closing);
        });
        assert!(last.unwrap().is_empty());
        assert!(started.elapsed() < Duration::from_secs(20));
        service.stop().await;
    }

    async fn a_stream_goes_on_where_it_was_cut_off(db: TestDb) {
        let service = Service::start(&db).await;
        let client = Client::of(&service);
        let id = new_id();
        for _ in 0..2 {
            changed(&db, &service.outbox, id).await;
        }
        let read = async |from: &str, count: usize| {
            let request = client.get("events").header("accept", "text/event-stream").header("last-event-id", from);
            let response = request.send().await.unwrap();
            assert_eq!(response.headers()["content-type"], "text/event-stream");
            let (mut body, mut text) = (response.bytes_stream(), String::new());
            while text.matches("\n\n").count() < count {
                text.push_str(std::str::from_utf8(&body.next().await.unwrap().unwrap()).unwrap());
            }
            text
        };
        let first = read("0", 2).await;
        assert!(first.contains("id: 1\n") && first.contains("id: 2\n"), "{first}");
        let (second, _) = tokio::join!(read("2", 1), changed(&db, &service.outbox, id));
        assert!(!second.contains("id: 2\n") && second.contains("id: 3\n"), "{second}");
        let event: contract::Envelope = serde_json::from_str(
            second.lines().find_map(|line| line.strip_prefix("data: ")).unwrap(),
        ).unwrap();
        assert_eq!((event.subject, event.sequence, event.position), (id, 3, Some(3)));
        service.stop().await;
    }

    async fn a_stream_ends_with_the_token_that_opened_it(db: TestDb) {
        let service = Service::start(&db).await;
        changed(&db, &service.outbox, new_id()).await;
        service.published(1).await;
        let stream = reqwest::Client::new()
            .get(service.url.join("events").unwrap())
            .bearer_auth(service.token_for(2, "events:read").expose())
            .header("accept", "text/event-stream");
        let text = stream.send().await.unwrap().text();
        let text = tokio::time::timeout(Duration::from_secs(20), text).await.expect("it ends").unwrap();
        assert!(text.contains("id: 1\n"), "{text}");
        service.stop().await;
    }

    async fn open_requests_end_when_their_token_is_revoked(db: TestDb) {
        // SB-47
        let service = Service::start(&db).await;
        let client = Client::of(&service);
        changed(&db, &service.outbox, new_id()).await;
        service.published(1).await;
        let response = client.get("events").header("accept", "text/event-stream").send().await.unwrap();
        let mut stream = response.bytes_stream();
        let first = stream.next().await.unwrap().unwrap();
        assert!(std::str::from_utf8(&first).unwrap().contains("id: 1\n"));
        let (waiting, ()) = tokio::join!(client.json("events?after=1&wait=25"), async {
            service.revoked.store(true, Ordering::Relaxed);
        });
        assert_eq!(waiting.0, StatusCode::UNAUTHORIZED, "{}", waiting.1);
        changed(&db, &service.outbox, new_id()).await;
        let rest = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("it ends");
        assert!(rest.is_none(), "nothing more is told: {rest:?}");
        service.stop().await;
    }

    async fn what_was_pruned_is_gone_and_the_rest_stays(db: TestDb) {
        let service = Service::start(&db).await;
        let client = Client::of(&service);
        for _ in 0..3 {
            changed(&db, &service.outbox, new_id()).await;
        }
        service.published(3).await;
        let later = clock().now() + Duration::from_secs(1);
        let mut tx = db.begin("test").await.unwrap();
        assert_eq!(prune(&mut tx, later - Duration::from_secs(3600), 100).await.unwrap(), 0);
        assert_eq!(prune(&mut tx, later, 2).await.unwrap(), 2);
        assert_eq!(prune(&mut tx, later, 100).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let (status, problem) = client.json("events?after=2").await;
        assert_eq!((status, &problem["oldest"]), (StatusCode::GONE, &json!(4)));
        assert_eq!(problem["type"], "https://vestibule.dev/problems/position-gone");
        assert_eq!(client.json("events?after=0").await.0, StatusCode::GONE);
        assert_eq!(client.json("events").await, (StatusCode::OK, json!([])), "the oldest that there is");
        changed(&db, &service.outbox, new_id()).await;
        let (_, events) = client.json("events?after=3&wait=20").await;
        assert_eq!(events[0]["position"], "4");
        service.stop().await;
    }
}
