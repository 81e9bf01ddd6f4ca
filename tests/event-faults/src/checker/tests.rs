//! Tests of the checker with runs that break each guarantee.

use proptest::prelude::*;

use super::*;
use crate::seeded::SeededRandom;

/// A run in which the promise was kept: some people, each with some versions, all told, all applied, in an order that
/// mixes the people.
fn good(seed: u64) -> Run {
    let mut random = SeededRandom::new(seed);
    let people: Vec<Uuid> = (0..random.between(1, 5)).map(|_| random.uuid()).collect();
    let mut run = Run::default();
    let mut versions: BTreeMap<Uuid, i64> = BTreeMap::new();
    for step in 0..random.between(6, 40) {
        // Everybody changes at least once.
        let index = usize::try_from(step).unwrap();
        let person = *people.get(index).unwrap_or(&people[random.index(people.len())]);
        let nonce = random.uuid();
        run.history.push(HistoryEntry::Intent { nonce, person });
        if random.chance(20) && index >= people.len() {
            run.history.push(HistoryEntry::RolledBack { nonce });
            continue;
        }
        let version = versions.entry(person).or_default();
        *version += 1;
        let change = Change {
            person,
            version: *version,
            event: random.uuid(),
            nonce,
        };
        // One in ten is never answered, as when the process dies at the commit.
        if random.chance(90) {
            run.history.push(HistoryEntry::Acknowledged {
                nonce,
                person,
                version: *version,
            });
        }
        run.committed.push(change);
        run.applied.push(change);
        let state = Person {
            version: *version,
            nonce,
            deleted: random.chance(10),
        };
        run.source.insert(person, state);
        run.follower.insert(person, state);
    }
    run
}

fn kinds(run: &Run) -> BTreeSet<Violation> {
    check(run).into_iter().map(|finding| finding.wrong).collect()
}

/// The place of a change that has a later one of the same person, and of that later one.
fn two_of_one(run: &Run, random: &mut SeededRandom) -> Option<(usize, usize)> {
    let start = random.index(run.applied.len());
    (0..run.applied.len())
        .map(|n| (n + start) % run.applied.len())
        .find_map(|one| {
            let person = run.applied[one].person;
            let later = (one + 1..run.applied.len()).find(|other| run.applied[*other].person == person)?;
            Some((one, later))
        })
}

proptest! {
    #[test]
    fn a_good_run_passes(seed: u64) {
        prop_assert_eq!(check(&good(seed)), vec![]);
    }

    #[test]
    fn an_effect_that_is_missing_is_lost(seed: u64) {
        let (mut run, mut random) = (good(seed), SeededRandom::new(seed).part(1));
        let index = random.index(run.applied.len());
        run.applied.remove(index);
        prop_assert!(kinds(&run).contains(&Violation::Lost));
    }

    #[test]
    fn an_acknowledged_change_that_the_source_forgot_is_lost(seed: u64) {
        let mut run = good(seed);
        let acknowledged = run.history.iter().find_map(|entry| match entry {
            HistoryEntry::Acknowledged { nonce, .. } => Some(*nonce),
            _ => None,
        });
        prop_assume!(acknowledged.is_some());
        // Gone without a trace, on both sides: only the log remembers.
        run.committed.retain(|change| Some(change.nonce) != acknowledged);
        run.applied.retain(|change| Some(change.nonce) != acknowledged);
        prop_assert!(kinds(&run).contains(&Violation::Lost));
    }

    #[test]
    fn an_effect_that_comes_twice_is_doubled(seed: u64, at_once: bool) {
        let (mut run, mut random) = (good(seed), SeededRandom::new(seed).part(2));
        let index = random.index(run.applied.len());
        let again = run.applied[index];
        run.applied.insert(if at_once { index + 1 } else { run.applied.len() }, again);
        prop_assert!(kinds(&run).contains(&Violation::Doubled));
    }

    #[test]
    fn effects_of_one_person_that_change_places_are_reordered(seed: u64) {
        let (mut run, mut random) = (good(seed), SeededRandom::new(seed).part(3));
        let pair = two_of_one(&run, &mut random);
        prop_assume!(pair.is_some());
        let (one, other) = pair.unwrap();
        run.applied.swap(one, other);
        prop_assert!(kinds(&run).contains(&Violation::Reordered));
    }

    #[test]
    fn effects_of_two_people_may_change_places(seed: u64) {
        let mut run = good(seed);
        run.applied.sort_by_key(|change| change.person);
        prop_assert_eq!(check(&run), vec![]);
    }

    #[test]
    fn a_person_who_is_older_than_the_last_effect_is_regressed(seed: u64) {
        let mut run = good(seed);
        let old = run.committed.iter().find(|change| run.source[&change.person].version > change.version).copied();
        prop_assume!(old.is_some());
        let old = old.unwrap();
        let state = Person { version: old.version, nonce: old.nonce, deleted: false };
        run.follower.insert(old.person, state);
        prop_assert_eq!(kinds(&run), BTreeSet::from([Violation::Regressed]));
    }

    #[test]
    fn a_follower_that_differs_from_the_source_is_found(seed: u64) {
        let mut run = good(seed);
        let state = run.follower.values_mut().next().unwrap();
        state.deleted = !state.deleted;
        prop_assert_eq!(kinds(&run), BTreeSet::from([Violation::Regressed]));
        run = good(seed);
        run.follower.pop_first();
        prop_assert_eq!(kinds(&run), BTreeSet::from([Violation::Regressed]));
    }

    #[test]
    fn what_was_rolled_back_is_a_phantom_wherever_it_shows(seed: u64) {
        let run = good(seed);
        let nonce = run.history.iter().find_map(|entry| match entry {
            HistoryEntry::RolledBack { nonce } => Some(*nonce),
            _ => None,
        });
        prop_assume!(nonce.is_some());
        let nonce = nonce.unwrap();
        // Published and applied in the place of the change that took the version in truth.
        let mut published = run.clone();
        let last = published.committed.len() - 1;
        published.committed[last].nonce = nonce;
        published.applied[last].nonce = nonce;
        prop_assert!(kinds(&published).contains(&Violation::Phantom));
        // Applied only.
        let mut applied = run;
        let index = SeededRandom::new(seed).part(4).index(applied.applied.len());
        applied.applied[index].nonce = nonce;
        prop_assert!(kinds(&applied).contains(&Violation::Phantom));
    }

    #[test]
    fn what_nobody_wrote_is_a_phantom(seed: u64) {
        let (mut run, mut random) = (good(seed), SeededRandom::new(seed).part(5));
        let person = *run.source.keys().next().unwrap();
        let version = run.source[&person].version + 1;
        let made_up = Change { person, version, event: random.uuid(), nonce: random.uuid() };
        run.applied.push(made_up);
        prop_assert!(kinds(&run).contains(&Violation::Phantom));
        run = good(seed);
        let nobody = Person { version: 1, nonce: random.uuid(), deleted: false };
        run.follower.insert(random.uuid(), nobody);
        prop_assert!(kinds(&run).contains(&Violation::Phantom));
    }

    #[test]
    fn a_snapshot_may_leap_and_an_event_may_not(seed: u64) {
        let (mut run, mut random) = (good(seed), SeededRandom::new(seed).part(6));
        let pair = two_of_one(&run, &mut random);
        prop_assume!(pair.is_some());
        let (one, later) = pair.unwrap();
        run.applied.remove(one);
        prop_assert_eq!(kinds(&run), BTreeSet::from([Violation::Lost]));
        run.applied[later - 1].event = random.uuid();
        prop_assert_eq!(check(&run), vec![]);
    }
}

#[test]
fn a_run_without_effects_is_no_good_run() {
    let mut run = good(7);
    run.applied.clear();
    run.follower.clear();
    assert!(kinds(&run).contains(&Violation::Lost));
}
