//! Tests of the documents of clients and of their fetches (SB-32, SB-43).

mod limits;

use chassis::clock::{ManualClock, Timestamp};
use chassis::outbound::Policy;
use futures_util::FutureExt;
use uuid::Uuid;

use super::*;
use crate::clients::{ClientMetadata, Origin, key_sets, request_documents};

const START: Timestamp = Timestamp::from_secs(1_000_000);

fn after(seconds: u64) -> Timestamp {
    START + Duration::from_secs(seconds)
}

/// The pools of a kind of documents, each of which is a number here.
struct Pools {
    pools: ByOrigin<Mutex<Pool<u32>>>,
    fresh: Duration,
    /// Fetches that do not end.
    held: Vec<tokio::sync::watch::Sender<Option<Outcome<u32>>>>,
}

/// The outcome that a request finds.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    Known(u32),
    Shared,
    /// A new fetch, which stays under way.
    New,
}

fn key(client_id: &str, url: &str) -> Key {
    Key {
        client_id: client_id.to_owned(),
        url: url.parse().unwrap(),
    }
}

impl Pools {
    fn new(limits: &ByOrigin<Limits>, fresh: u64) -> Self {
        Self {
            pools: limits.map(|limits| Mutex::new(Pool::new(*limits))),
            fresh: Duration::from_secs(fresh),
            held: Vec::new(),
        }
    }

    fn of_key_sets() -> Self {
        Self::new(&key_sets::LIMITS, 600)
    }

    fn of_objects() -> Self {
        Self::new(&request_documents::LIMITS, 3)
    }

    fn find(
        &mut self,
        origin: Origin,
        key: &Key,
        source: Option<&str>,
        now: Timestamp,
    ) -> Result<Finding, FetchError> {
        Ok(
            match lock(self.pools.of(origin)).find(key, self.fresh, source, now)? {
                Found::Known(value) => Finding::Known(value),
                Found::Shared(..) => Finding::Shared,
                Found::New(sender, _) => {
                    self.held.push(sender);
                    Finding::New
                }
            },
        )
    }

    /// A request whose fetch, if it needs one, ends at once with `outcome`. Returns whether it needed one.
    fn fetch(
        &mut self,
        origin: Origin,
        key: &Key,
        source: Option<&str>,
        (now, outcome): (Timestamp, &Outcome<u32>),
    ) -> Result<bool, FetchError> {
        let mut pool = lock(self.pools.of(origin));
        match pool.find(key, self.fresh, source, now)? {
            Found::New(sender, _) => {
                pool.finish(key, now, outcome);
                sender.send_replace(Some(outcome.clone()));
                Ok(true)
            }
            Found::Known(_) | Found::Shared(..) => Ok(false),
        }
    }
}

const MANAGED: Origin = Origin::Administrator;
const REGISTERED: Origin = Origin::Registration;

#[test]
fn an_outcome_is_shared_for_three_seconds_also_a_failure_or_none() {
    let mut pools = Pools::of_objects();
    let document = key("a", "https://a.example/");
    let status = FetchError::Status(StatusCode::NOT_FOUND);
    let failure = (START, &Err(status.clone()));
    assert_eq!(pools.fetch(MANAGED, &document, None, failure), Ok(true));
    assert_eq!(pools.find(MANAGED, &document, None, after(2)), Err(status));
    assert_eq!(
        pools.fetch(MANAGED, &document, None, (after(3), &Ok(7))),
        Ok(true)
    );
    assert_eq!(
        pools.find(MANAGED, &document, None, after(5)),
        Ok(Finding::Known(7))
    );
    assert_eq!(pools.find(MANAGED, &document, None, after(6)), Ok(Finding::New));
    assert_eq!(
        pools.find(MANAGED, &document, None, after(60)),
        Ok(Finding::Shared)
    );
    // The task of the fetch is lost.
    pools.held.clear();
    assert_eq!(
        pools.find(MANAGED, &document, None, after(7)),
        Err(FetchError::Recent)
    );
    assert_eq!(pools.find(MANAGED, &document, None, after(60)), Ok(Finding::New));
}

#[test]
fn a_key_set_is_used_while_its_address_does_not_answer() {
    let mut pools = Pools::of_key_sets();
    let keys = key("a", "https://a.example/");
    let failed = &Err(FetchError::Malformed("nonsense"));
    assert_eq!(pools.fetch(MANAGED, &keys, None, (START, &Ok(7))), Ok(true));
    assert_eq!(pools.fetch(MANAGED, &keys, None, (after(599), failed)), Ok(false));
    assert_eq!(pools.fetch(MANAGED, &keys, None, (after(600), failed)), Ok(true));
    let last = after(600 + 59);
    assert_eq!(pools.find(MANAGED, &keys, None, last), Ok(Finding::Known(7)));
    assert_eq!(
        pools.fetch(MANAGED, &keys, None, (after(3_599), failed)),
        Ok(true)
    );
    let gone = pools.find(MANAGED, &keys, None, after(3_600));
    assert_eq!(gone, Err(FetchError::Malformed("nonsense")));
}

#[test]
fn a_full_pool_loses_the_document_that_was_not_used_for_the_longest_time() {
    let mut pools = Pools::of_key_sets();
    let mut is_new = |client: usize, now| {
        let key = key(&format!("app-{client}"), &format!("https://{client}.example/"));
        pools.fetch(REGISTERED, &key, None, (now, &Ok(7)))
    };
    for client in 0..2_000 {
        assert_eq!(is_new(client, START), Ok(true));
    }
    assert_eq!(
        is_new(2_000, after(59)),
        Err(FetchError::Busy),
        "or their addresses would be called again"
    );
    assert_eq!(is_new(0, after(61)), Ok(false));
    for client in 2_000..3_999 {
        assert_eq!(is_new(client, after(62)), Ok(true), "{client}");
    }
    assert_eq!(is_new(0, after(63)), Ok(false));
    assert_eq!(is_new(1, after(130)), Ok(true));
}

#[test]
fn a_client_has_one_line_of_the_log_in_a_minute() {
    let mut failures = Counters::default();
    assert_eq!(failures.count("a", START), Some(1));
    for second in 0..60 {
        assert_eq!(failures.count("a", after(second)), None);
    }
    assert_eq!(failures.count("b", after(59)), Some(1));
    assert_eq!(failures.count("a", after(60)), Some(61));
    assert_eq!(failures.count("a", after(61)), None);
}

/// A client whose addresses a party of this origin chose.
fn client(id: &str, origin: Origin) -> Client {
    Client {
        id: id.parse().unwrap(),
        aggregate_id: Uuid::nil(),
        secrets: Vec::new(),
        registration_token_hash: None,
        administrator_addresses: Default::default(),
        is_unused: false,
        tokens_void_until: None,
        metadata: ClientMetadata::default(),
        origin,
        version: 1,
        created_at: START,
        updated_at: START,
    }
}

#[test]
fn fetches_that_do_not_end_hold_up_those_of_the_same_origin_alone() {
    // SB-43
    testkit::block_on(async {
        let policy = Policy {
            allow: Vec::new(),
            ports: vec![443],
        };
        let parts = (
            ClientOutbound::new(policy, Duration::from_secs(1)).unwrap(),
            Arc::new(ManualClock::new(START)) as SharedClock,
            Shutdown::new(),
        );
        let fetches: SharedFetches<u32> = SharedFetches::new(parts, "test", &request_documents::LIMITS);
        let get = async |client: &Client, source: &str, ends: bool| {
            let wanted = Wanted {
                client,
                url: &format!("https://{}.example/", client.id.as_str())
                    .parse()
                    .unwrap(),
                fresh: Duration::from_secs(3),
                source: Some(source),
            };
            let fetch = async move |_: Outbound| match ends {
                true => Ok(7),
                false => std::future::pending().await,
            };
            fetches.get(&wanted, fetch).await
        };
        for index in 0..16 {
            let stranger = client(&format!("app-{index}"), Origin::Registration);
            let source = format!("mallory-{index}");
            assert_eq!(get(&stranger, &source, false).now_or_never(), None);
        }
        let busy = Err(FetchError::Busy);
        let other = client("other", Origin::Registration);
        assert_eq!(get(&other, "ann", true).await, busy);
        let ours = client("shop", Origin::Configuration);
        assert_eq!(get(&ours, "ann", true).await, Ok(7));
        // An administrator has changed the client, and left the address that it chose itself.
        let changed = Client {
            registration_token_hash: Some(Vec::new()),
            ..client("changed", Origin::Administrator)
        };
        assert_eq!(get(&changed, "ann", true).await, busy);
        let chosen = Client {
            administrator_addresses: ["https://changed.example/".to_owned()].into(),
            ..changed
        };
        assert_eq!(get(&chosen, "ann", true).await, Ok(7));
    });
}
