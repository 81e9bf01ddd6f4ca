//! The checker of one run. It is a pure function, so tests can give it broken runs.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use uuid::Uuid;

use crate::history::HistoryEntry;

/// A change as the source's outbox holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The person that it changed.
    pub person: Uuid,
    /// The version that the person has after it.
    pub version: i64,
    /// The event of the change.
    pub event: Uuid,
    /// The transaction that made it.
    pub nonce: Uuid,
}

/// A person as one side holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// The version.
    pub version: i64,
    /// The transaction that made it.
    pub nonce: Uuid,
    /// True if they are deleted.
    pub deleted: bool,
}

/// The complete record of a run, taken when the world is quiescent.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The history that the workers recorded.
    pub history: Vec<HistoryEntry>,
    /// The source's outbox: which transactions were committed in truth.
    pub committed: Vec<Change>,
    /// The source's people.
    pub source: BTreeMap<Uuid, Person>,
    /// Every effect that the follower had, in order.
    pub applied: Vec<Change>,
    /// The follower's people.
    pub follower: BTreeMap<Uuid, Person>,
}

/// A guarantee that a run breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Violation {
    /// Acknowledged and gone, or committed and never applied.
    Lost,
    /// Applied more than once.
    Doubled,
    /// Applied after a later one of the same person.
    Reordered,
    /// The follower's person is older than the last applied change, or differs from the source.
    Regressed,
    /// Published or applied, and never committed.
    Phantom,
}

/// One violation in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The promise that is broken.
    pub wrong: Violation,
    /// The person whose events it is about.
    pub person: Uuid,
    /// The version of the person.
    pub version: i64,
    /// The finding in words.
    pub why: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?}: version {} of {} {}",
            self.wrong, self.version, self.person, self.why
        )
    }
}

/// All violations in `run`.
///
/// - Every acknowledged change is in the source, and every change of the source was applied, unless a snapshot state of
///   a later version came before it.
/// - Nothing was applied twice.
/// - The versions of a person were applied in rising order.
/// - The follower holds everybody as the source does.
/// - Nothing was published or applied that was not committed.
pub fn check(run: &Run) -> Vec<Finding> {
    let mut findings = source(run);
    let mut order: HashMap<Uuid, Vec<&Change>> = HashMap::new();
    for change in &run.applied {
        order.entry(change.person).or_default().push(change);
    }
    let mut committed: HashMap<Uuid, BTreeMap<i64, &Change>> = HashMap::new();
    for change in &run.committed {
        committed
            .entry(change.person)
            .or_default()
            .insert(change.version, change);
    }
    let people: BTreeSet<Uuid> = order.keys().chain(committed.keys()).copied().collect();
    for person in people {
        let told = committed.remove(&person).unwrap_or_default();
        let applied = order.remove(&person).unwrap_or_default();
        effects(person, &told, &applied, &mut findings);
        state(run, person, &applied, &mut findings);
    }
    findings.extend(unknown_people(run));
    findings
}

/// Compares the acknowledgements of the writers with the source.
fn source(run: &Run) -> Vec<Finding> {
    let committed: HashMap<Uuid, &Change> = run
        .committed
        .iter()
        .map(|change| (change.nonce, change))
        .collect();
    let mut intents = HashSet::new();
    let mut findings = Vec::new();
    for entry in &run.history {
        match entry {
            HistoryEntry::Intent { nonce, .. } => {
                intents.insert(*nonce);
            }
            HistoryEntry::Acknowledged {
                nonce,
                person,
                version,
            } => {
                let kept = committed.get(nonce);
                if kept.is_none_or(|change| (change.person, change.version) != (*person, *version)) {
                    findings.push(Finding {
                        wrong: Violation::Lost,
                        person: *person,
                        version: *version,
                        why: "was acknowledged, and the source does not have it",
                    });
                }
            }
            HistoryEntry::RolledBack { nonce } => {
                if let Some(change) = committed.get(nonce) {
                    findings.push(change.is(Violation::Phantom, "was rolled back, and the source has it"));
                }
            }
            HistoryEntry::Sent { .. } | HistoryEntry::Died { .. } => {}
        }
    }
    let unknown = run
        .committed
        .iter()
        .filter(|change| !intents.contains(&change.nonce));
    findings.extend(unknown.map(|change| change.is(Violation::Phantom, "was written by nobody")));
    findings
}

/// Checks the changes of one person that were applied, in order.
fn effects(person: Uuid, told: &BTreeMap<i64, &Change>, applied: &[&Change], findings: &mut Vec<Finding>) {
    let published: HashSet<Uuid> = told.values().map(|change| change.event).collect();
    let mut seen = HashSet::new();
    let mut last = 0;
    for change in applied {
        let of_stream = published.contains(&change.event);
        match told.get(&change.version) {
            Some(truth) if truth.nonce == change.nonce && (!of_stream || truth.event == change.event) => {}
            _ => findings.push(change.is(Violation::Phantom, "was applied, and never committed so")),
        }
        if !seen.insert(change.version) {
            findings.push(change.is(Violation::Doubled, "was applied again"));
            continue;
        }
        if change.version < last {
            findings.push(change.is(Violation::Reordered, "was applied after a later one"));
            continue;
        }
        // A snapshot leaps; an event follows the one before it.
        if of_stream {
            let skipped = told.range(last + 1..change.version).map(|(version, _)| *version);
            findings.extend(skipped.map(|version| Finding {
                wrong: Violation::Lost,
                person,
                version,
                why: "was passed over",
            }));
        }
        last = change.version;
    }
    let missing = told.range(last + 1..).map(|(version, _)| *version);
    findings.extend(missing.map(|version| Finding {
        wrong: Violation::Lost,
        person,
        version,
        why: "was never applied",
    }));
}

/// Checks the final state of one person.
fn state(run: &Run, person: Uuid, applied: &[&Change], findings: &mut Vec<Finding>) {
    let newest = applied.iter().map(|change| change.version).max();
    let here = run.follower.get(&person);
    let finding = |version, why| Finding {
        wrong: Violation::Regressed,
        person,
        version,
        why,
    };
    if let Some(newest) = newest
        && here.is_none_or(|here| here.version < newest)
    {
        findings.push(finding(
            newest,
            "was applied, and the follower is back at an older one",
        ));
    } else if here != run.source.get(&person) {
        let version = here.map_or(0, |here| here.version);
        findings.push(finding(
            version,
            "is at the follower and is not what the source has",
        ));
    }
}

/// People of whom nothing was ever committed or applied.
fn unknown_people(run: &Run) -> Vec<Finding> {
    let known: HashSet<Uuid> = run
        .committed
        .iter()
        .chain(&run.applied)
        .map(|change| change.person)
        .collect();
    let sides = [&run.source, &run.follower];
    let strangers = sides
        .into_iter()
        .flatten()
        .filter(|(person, _)| !known.contains(*person));
    strangers
        .map(|(person, state)| Finding {
            wrong: Violation::Phantom,
            person: *person,
            version: state.version,
            why: "is of a person who never was",
        })
        .collect()
}

impl Change {
    fn is(&self, wrong: Violation, why: &'static str) -> Finding {
        Finding {
            wrong,
            person: self.person,
            version: self.version,
            why,
        }
    }
}
