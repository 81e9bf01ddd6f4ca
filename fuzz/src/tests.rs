//! Tests of the fuzz targets without a fuzzer: seeds, mutated seeds, random bytes, and linear time for the worst input.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use rustix::time::{ClockId, clock_gettime};

use crate::{FuzzTarget, TARGETS, provisioning};

fn seeds_of(name: &str) -> Vec<Vec<u8>> {
    let files = |folder: PathBuf| {
        std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path())
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    files(folder).map(|file| std::fs::read(file).unwrap()).collect()
}

#[test]
fn every_target_has_seeds_and_every_seed_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let folders: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(folders, targets);
    for target in &TARGETS {
        let seeds = seeds_of(target.name);
        assert!(seeds.len() >= 2, "{} has {} seeds", target.name, seeds.len());
        for seed in seeds {
            (target.run)(&seed);
        }
    }
}

/// A seed with some of it repeated, cut out or replaced: long inputs that are nearly right.
fn mutated_seeds() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let seeds: Vec<(usize, Vec<u8>)> = TARGETS
        .iter()
        .enumerate()
        .flat_map(|(index, target)| seeds_of(target.name).into_iter().map(move |seed| (index, seed)))
        .collect();
    let change = (
        any::<Index>(),
        1..64_usize,
        0..64_usize,
        proptest::collection::vec(any::<u8>(), 0..4),
    );
    (select(seeds), proptest::collection::vec(change, 0..6)).prop_map(|((target, mut input), changes)| {
        for (place, length, times, bytes) in changes {
            let start = place.index(input.len() + 1);
            let end = (start + length).min(input.len());
            let repeated = [input[start..end].repeat(times), bytes].concat();
            input.splice(start..end, repeated);
        }
        (target, input)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    // SB-42
    #[test]
    fn what_is_nearly_right_is_read_or_refused((target, input) in mutated_seeds()) {
        (TARGETS[target].run)(&input);
    }

    // SB-42
    #[test]
    fn any_bytes_are_read_or_refused(input in proptest::collection::vec(any::<u8>(), 0..4_096)) {
        for target in &TARGETS {
            (target.run)(&input);
        }
    }
}

/// The processor time that `target` takes for `input`; what else the machine does is not in it.
fn cost(target: &FuzzTarget, input: &[u8]) -> Duration {
    let now = || clock_gettime(ClockId::ThreadCPUTime);
    let began = now();
    (target.run)(input);
    let ended = now();
    let nanos = |time: rustix::time::Timespec| time.tv_sec * 1_000_000_000 + time.tv_nsec;
    Duration::from_nanos(u64::try_from(nanos(ended) - nanos(began)).unwrap())
}

/// Checks that four times the input costs about four times as much. Squared, it costs sixteen times as much.
/// Of several measurements the least counts: the machine can add to the cost, and never takes from it.
fn is_linear(target: &FuzzTarget, short: &[u8], long: &[u8]) -> Result<(), String> {
    let (mut least, mut most) = (Duration::MAX, Duration::MAX);
    for round in 0..12 {
        least = least.min(cost(target, short));
        most = most.min(cost(target, long));
        // The first measurements are of cold caches.
        if round >= 3 && most <= least * 8 + Duration::from_millis(1) {
            return Ok(());
        }
    }
    Err(format!("{least:?}, then {most:?}"))
}

// SB-43
#[test]
fn the_worst_input_costs_linear_time() {
    // As much as a known sender may send, and a quarter of it.
    const LONG: usize = 256 * 1024;
    let mut wrong = Vec::new();
    for target in &TARGETS {
        let (short, long) = ((target.worst)(LONG / 4), (target.worst)(LONG));
        for (index, (short, long)) in short.iter().zip(&long).enumerate() {
            assert!(
                long.len() > 2 * short.len(),
                "{} {index}: the sizes differ",
                target.name
            );
            if let Err(costs) = is_linear(target, short, long) {
                wrong.push(format!("{} {index}: {costs}", target.name));
            }
        }
    }
    assert!(wrong.is_empty(), "not linear:\n{}", wrong.join("\n"));
}

/// An input that is refused at once measures nothing: those of SCIM's changes are applied and planned.
#[test]
fn the_worst_changes_are_read() {
    let arbitrary = crate::json_texts(0).len();
    for length in [64 * 1024, 256 * 1024] {
        for (target, is_read) in [
            (
                provisioning::SCIM_PATCH,
                provisioning::scim_patch as fn(&[u8]) -> bool,
            ),
            (provisioning::SCIM_BULK, provisioning::scim_bulk),
        ] {
            for (index, input) in (target.worst)(length).iter().enumerate().skip(arbitrary) {
                assert!(is_read(input), "{} {index}, {length} bytes", target.name);
            }
        }
    }
}

/// The measure itself: it finds the decoder that compared every name with every other.
#[test]
fn a_squared_cost_is_found() {
    let quadratic = FuzzTarget {
        name: "quadratic",
        run: |input| {
            let mut seen: Vec<&[u8]> = Vec::new();
            for name in input.split(|byte| *byte == b'&') {
                if !seen.contains(&name) {
                    seen.push(name);
                }
            }
            assert!(!seen.is_empty());
        },
        worst: |length| vec![crate::repeat_pieces(length, |index| format!("{index:x}&")).into_bytes()],
    };
    let input = |length| (quadratic.worst)(length).remove(0);
    assert!(is_linear(&quadratic, &input(4_096), &input(16_384)).is_err());
}
