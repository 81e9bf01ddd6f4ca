//! Tests of the limits of fetches: of clients, of hosts and of callers (SB-43).

use super::*;
use crate::clients::fetches::counters::MAX_KEYS;

#[test]
fn clients_that_registered_themselves_use_up_no_fetches_of_the_others() {
    // SB-43
    for mut pools in [Pools::of_key_sets(), Pools::of_objects()] {
        let limit = (0..)
            .take_while(|index| {
                let key = key(&format!("app-{index}"), &format!("https://{index}.example/"));
                let source = index.to_string();
                pools.find(REGISTERED, &key, Some(&source), START) == Ok(Finding::New)
            })
            .count();
        assert!((1..100).contains(&limit), "{limit}");
        let ours = key("shop", "https://shop.example/");
        assert_eq!(pools.find(MANAGED, &ours, Some("ann"), START), Ok(Finding::New));
        drop(pools.held.pop());
        pools.held.remove(0);
        let another = key("another", "https://another.example/");
        assert_eq!(
            pools.find(REGISTERED, &another, Some("ann"), START),
            Ok(Finding::New)
        );
    }
}

#[test]
fn the_documents_of_clients_that_registered_themselves_take_no_place_of_the_others() {
    // SB-43
    for mut pools in [Pools::of_key_sets(), Pools::of_objects()] {
        let fill = |pools: &mut Pools, origin| {
            (0..)
                .take_while(|index: &u32| {
                    let key = key(&format!("app-{index}"), &format!("https://{index}.example/"));
                    let source = index.to_string();
                    pools.fetch(origin, &key, Some(&source), (START, &Ok(7))) == Ok(true)
                })
                .count()
        };
        let limit = fill(&mut pools, REGISTERED);
        assert!(limit == 1_000 || limit == 2_000, "{limit}");
        assert_eq!(fill(&mut pools, MANAGED), limit, "as if there were no others");
        let ours = key("shop", "https://shop.example/");
        let busy = Err(FetchError::Busy);
        assert_eq!(pools.find(REGISTERED, &ours, Some("ann"), START), busy);
        assert_eq!(
            pools.find(REGISTERED, &ours, Some("ann"), after(60)),
            Ok(Finding::New)
        );
    }
}

#[test]
fn callers_at_clients_that_registered_themselves_are_not_counted_with_the_others() {
    // SB-43
    let mut pools = Pools::of_objects();
    let ours = |index: usize| key("shop", &format!("https://{}.example/", index % 2));
    for source in 0..MAX_KEYS {
        // A document is fetched again after three seconds, and the window of the first source is not over at the end.
        let now = START + Duration::from_millis(5 * u64::try_from(source).unwrap());
        let of_source = key(
            &format!("app-{source}"),
            &format!("https://{}.example/", source % 500),
        );
        let source = source.to_string();
        assert_eq!(
            pools.fetch(REGISTERED, &of_source, Some(&source), (now, &Ok(7))),
            Ok(true),
            "{source}"
        );
    }
    let late = after(51);
    assert_eq!(
        pools.find(REGISTERED, &ours(0), Some("ann"), late),
        Err(FetchError::Busy)
    );
    assert_eq!(pools.find(MANAGED, &ours(0), Some("ann"), late), Ok(Finding::New));
}

#[test]
fn a_host_is_called_so_often_in_a_minute_for_clients_that_registered_themselves() {
    // SB-43
    for (mut pools, limit) in [(Pools::of_key_sets(), 30), (Pools::of_objects(), 120)] {
        let mut calls = |origin, host: &str, now| {
            (0..300)
                .filter(|index| {
                    let key = key(&format!("app-{index}"), &format!("https://{host}/{index}"));
                    let source = index.to_string();
                    pools.fetch(origin, &key, Some(&source), (now, &Ok(7))) == Ok(true)
                })
                .count()
        };
        assert_eq!(calls(REGISTERED, "victim.example", START), limit);
        assert_eq!(calls(REGISTERED, "victim.example", START), 0, "whatever the path");
        assert_eq!(calls(REGISTERED, "other.example", START), limit);
        assert_eq!(calls(MANAGED, "victim.example", START), 300);
        assert_eq!(calls(REGISTERED, "victim.example", after(660)), limit);
    }
}

#[test]
fn one_source_cannot_take_the_fetches_of_a_client() {
    // SB-43
    let mut pools = Pools::of_objects();
    let mut find = |path: u32, source| {
        let key = key("a", &format!("https://a.example/{path}"));
        pools.find(MANAGED, &key, Some(source), START)
    };
    assert_eq!(find(1, "attacker"), Ok(Finding::New));
    assert_eq!(find(2, "attacker"), Ok(Finding::New));
    for path in 3..30 {
        assert_eq!(find(path, "attacker"), Err(FetchError::Busy));
    }
    assert_eq!(find(2, "ann"), Ok(Finding::Shared), "it is fetched already");
    assert_eq!(find(3, "ann"), Ok(Finding::New));
}

#[test]
fn a_client_has_a_number_of_fetches_at_a_time() {
    let mut pools = Pools::of_objects();
    let mut find = |client: &str, path: u32| {
        let key = key(client, &format!("https://{client}.example/{path}"));
        pools.find(MANAGED, &key, Some(&format!("{client} {path}")), START)
    };
    for client in ["a", "b", "c"] {
        for path in 0..4 {
            assert_eq!(find(client, path), Ok(Finding::New));
        }
        assert_eq!(find(client, 4), Err(FetchError::Busy), "{client}");
    }
    assert_eq!(find("d", 0), Ok(Finding::New));
}

#[test]
fn a_source_causes_sixty_fetches_in_a_minute() {
    // SB-43
    let mut pools = Pools::of_objects();
    let mut fetch = |path: u64, source: &str, now| {
        let key = key("a", &format!("https://a.example/{path}"));
        pools.fetch(MANAGED, &key, Some(source), (now, &Ok(7)))
    };
    for path in 0..60 {
        assert_eq!(fetch(path, "attacker", after(10)), Ok(true));
    }
    assert_eq!(fetch(60, "attacker", after(69)), Err(FetchError::Busy));
    assert_eq!(fetch(60, "ann", after(69)), Ok(true));
    assert_eq!(fetch(61, "attacker", after(70)), Ok(true));
}
