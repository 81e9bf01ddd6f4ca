//! Keeping the events of one aggregate in order on a transport that confirms them one by one.
//!
//! A broker may refuse or lose one message and take the next. So an event is sent only when those before it of the
//! same aggregate are confirmed: first the first event of every aggregate, then the second of those whose first was
//! confirmed, and so on. In a usual batch every event is of another aggregate, and there is one batch.
//!
//! Many events of one aggregate are many batches. When they have taken half of what the relay has patience for, no further
//! one begins: what was confirmed by then is written down, and the rest comes again.

use std::collections::HashMap;
use std::future::Future;

use tokio::time::Instant;
use uuid::Uuid;

use contract::Envelope;
use events::transport::{PATIENCE, PublishError};

/// Sends `events` in batches with `send`, which gets events of different aggregates and answers one result for each, in
/// their order. Answers one result for each event; behind one that failed, those of its aggregate stay unsent.
pub(crate) async fn in_ordered_batches<'a, F, R>(
    events: &'a [Envelope],
    send: F,
) -> Vec<Result<(), PublishError>>
where
    F: FnMut(Vec<&'a Envelope>) -> R,
    R: Future<Output = Vec<Result<(), PublishError>>>,
{
    until(Instant::now() + PATIENCE / 2, events, send).await
}

async fn until<'a, F, R>(
    deadline: Instant,
    events: &'a [Envelope],
    mut send: F,
) -> Vec<Result<(), PublishError>>
where
    F: FnMut(Vec<&'a Envelope>) -> R,
    R: Future<Output = Vec<Result<(), PublishError>>>,
{
    let mut results = vec![Err(PublishError::Unsent); events.len()];
    for (number, batch) in batches(events).into_iter().enumerate() {
        if number > 0 && Instant::now() >= deadline {
            break;
        }
        let ready: Vec<(usize, &Envelope)> = batch
            .into_iter()
            .filter(|place| {
                place
                    .before
                    .is_none_or(|before| results.get(before).is_some_and(Result::is_ok))
            })
            .filter_map(|place| Some((place.index, events.get(place.index)?)))
            .collect();
        if ready.is_empty() {
            break;
        }
        let answers = send(ready.iter().map(|(_, event)| *event).collect()).await;
        for ((index, _), answer) in ready.iter().zip(answers) {
            if let Some(result) = results.get_mut(*index) {
                *result = answer;
            }
        }
    }
    results
}

/// The index of an event, and that of the event before it of the same aggregate.
#[derive(Clone, Copy, Debug)]
struct EventRank {
    index: usize,
    before: Option<usize>,
}

fn batches(events: &[Envelope]) -> Vec<Vec<EventRank>> {
    let mut last: HashMap<Uuid, (usize, usize)> = HashMap::new();
    let mut batches: Vec<Vec<EventRank>> = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let previous = last.get(&event.partitionkey).copied();
        let number = previous.map_or(0, |(batch, _)| batch + 1);
        last.insert(event.partitionkey, (number, index));
        if number == batches.len() {
            batches.push(Vec::new());
        }
        if let Some(batch) = batches.get_mut(number) {
            batch.push(EventRank {
                index,
                before: previous.map(|(_, index)| index),
            });
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use events::testing::{event, new_id};

    #[tokio::test]
    async fn an_event_is_sent_when_the_one_before_it_is_confirmed() {
        let (ann, bob) = (new_id(), new_id());
        let events = [event(ann, 1), event(bob, 1), event(ann, 2), event(ann, 3)];
        let sent = Mutex::new(Vec::new());
        let results = in_ordered_batches(&events, |batch| {
            sent.lock().unwrap().push(
                batch
                    .iter()
                    .map(|event| (event.subject, event.sequence))
                    .collect::<Vec<_>>(),
            );
            let answers = vec![Ok(()); batch.len()];
            async { answers }
        })
        .await;
        assert_eq!(results, vec![Ok(()); 4]);
        assert_eq!(
            *sent.lock().unwrap(),
            [vec![(ann, 1), (bob, 1)], vec![(ann, 2)], vec![(ann, 3)]]
        );
    }

    #[tokio::test]
    async fn behind_a_failure_nothing_of_the_aggregate_is_sent() {
        let (ann, bob) = (new_id(), new_id());
        let events = [
            event(ann, 1),
            event(ann, 2),
            event(ann, 3),
            event(bob, 1),
            event(bob, 2),
        ];
        let sent = Mutex::new(Vec::new());
        let results = in_ordered_batches(&events, |batch| {
            let answers: Vec<_> = batch
                .iter()
                .map(|event| match event.sequence {
                    2 if event.subject == ann => Err(PublishError::Refused("no".to_owned())),
                    _ => Ok(()),
                })
                .collect();
            sent.lock()
                .unwrap()
                .extend(batch.iter().map(|event| (event.subject, event.sequence)));
            async { answers }
        })
        .await;
        assert_eq!(results[0], Ok(()));
        assert_eq!(results[1], Err(PublishError::Refused("no".to_owned())));
        assert_eq!(results[2], Err(PublishError::Unsent));
        assert_eq!(results[3..], [Ok(()), Ok(())]);
        assert!(!sent.lock().unwrap().contains(&(ann, 3)));
    }

    #[tokio::test]
    async fn what_has_taken_long_leaves_the_rest_for_the_next_call() {
        let (ann, bob) = (new_id(), new_id());
        let events = [event(ann, 1), event(ann, 2), event(bob, 1), event(ann, 3)];
        let results = until(Instant::now(), &events, |batch| {
            let answers = vec![Ok(()); batch.len()];
            async { answers }
        })
        .await;
        let unsent = Err(PublishError::Unsent);
        assert_eq!(results, [Ok(()), unsent.clone(), Ok(()), unsent]);
    }
}
