//! Tests of what counts as a refusal.

use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);
const ANN: UserId = Uuid::from_u128(1);

#[test]
fn attempts_that_end_well_or_are_given_up_do_not_count() {
    let refusals = UniquenessRefusals::default();
    for _ in 0..2 * MAX_REFUSALS {
        // Dropped without an outcome, as when the caller has gone.
        drop(refusals.reserve(ANN, NOW).unwrap());
    }
    for _ in 0..MAX_REFUSALS {
        refusals.reserve(ANN, NOW).unwrap().was_refused = true;
    }
    let later = Timestamp::from_secs(NOW.as_secs() + 600);
    let refused = refusals.reserve(ANN, later).map(drop);
    assert_eq!(refused, Err(WINDOW - Duration::from_secs(600)));
    // Others are not concerned, and everything ends.
    assert!(refusals.reserve(Uuid::from_u128(2), later).is_ok());
    assert!(
        refusals
            .reserve(ANN, Timestamp::from_secs(NOW.as_secs() + 3600))
            .is_ok()
    );
}

#[test]
fn attempts_at_the_same_time_count_until_they_end() {
    let refusals = UniquenessRefusals::default();
    let mut under_way = Vec::new();
    for _ in 0..MAX_REFUSALS {
        under_way.push(refusals.reserve(ANN, NOW).unwrap());
    }
    // Nobody was refused yet, so there is room in a moment.
    assert_eq!(refusals.reserve(ANN, NOW).map(drop), Err(Duration::from_secs(1)));
    under_way.pop();
    assert!(refusals.reserve(ANN, NOW).is_ok());
    // A refusal that ends in the next window counts there.
    let later = Timestamp::from_secs(NOW.as_secs() + 3600);
    under_way.iter_mut().for_each(|one| one.was_refused = true);
    drop(refusals.reserve(ANN, later));
    drop(under_way);
    assert!(refusals.reserve(ANN, later).is_ok(), "one less than too many");
    refusals.reserve(ANN, later).unwrap().was_refused = true;
    assert!(refusals.reserve(ANN, later).is_err());
}
