//! One batch of an import: its rows become users and groups.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt};
use serde_json::Value;
use uuid::Uuid;

use super::not_written;
use crate::error::CommandError;
use crate::import::batch::{self, Prepared};
use crate::import::create::{Creator, Outcome};
use crate::import::credentials::PendingHash;
use crate::import::groups::{GroupPart, Membership};
use crate::import::identities;
use crate::import::journal::Journal;
use crate::import::outputs::Outputs;
use crate::import::report::RowRef;
use crate::import::{GroupRecord, Item, Record, Row};

/// The work that is left for the users of a batch.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) hashes: Vec<PendingHash>,
    pub(super) memberships: Vec<Membership>,
}

/// Creates the users and the groups of a batch, and returns what is left to do for the users.
pub(super) async fn create_batch(
    creator: &Creator<'_>,
    batch: Vec<Row>,
    journal: &mut Journal,
    outputs: &mut Outputs,
    concurrency: usize,
) -> Result<Pending, CommandError> {
    let digest = journal.digest().to_owned();
    let (mut prepared, mut places) = (Vec::new(), Vec::new());
    for row in &batch {
        outputs.note_members(row);
        if let Ok(Item::User(record)) = &row.item
            && journal.user(row.number).is_none()
        {
            let id = identities::wanted_id(&digest, &record.user, &record.references);
            prepared.push(Prepared::new(record, id));
            places.push(row.number);
        }
    }
    let mut outcomes = BTreeMap::new();
    let mut created = stream::iter(batch::requests(&prepared))
        .map(|request| creator.create_all(request))
        .buffered(concurrency);
    let mut places = places.into_iter();
    while let Some(some) = created.next().await {
        // What is created is noted at once: an interruption comes at any time.
        let some: Vec<(u64, Outcome)> = some?
            .into_iter()
            .filter_map(|outcome| Some((places.next()?, outcome)))
            .collect();
        let ids = some
            .iter()
            .filter_map(|(row, outcome)| Some((*row, outcome.id()?)));
        journal.users_exist(ids).map_err(|error| not_written(&error))?;
        outcomes.extend(some);
    }
    drop(created);
    let mut parts = Vec::new();
    let mut pending = Pending::default();
    for row in batch {
        let position = RowRef::from(&row);
        outputs.summary.rows += 1;
        match row.item {
            Err(rejection) => outputs.reject(position, &rejection, None)?,
            Ok(Item::Group(group)) => parts.push(group_part(&digest, position, group)),
            Ok(Item::User(record)) => {
                let outcome = match journal.user(row.number) {
                    Some(id) => Outcome::Exists(id.to_owned()),
                    None => match outcomes.remove(&row.number) {
                        Some(outcome) => outcome,
                        None => continue,
                    },
                };
                finish_user(record, position, &outcome, journal, outputs, &mut pending)?;
            }
        }
        outputs.show();
    }
    create_groups(creator, &parts, journal, outputs).await?;
    Ok(pending)
}

/// Counts the outcome of a user, and notes what is left to do for them.
fn finish_user(
    record: Record,
    row: RowRef,
    outcome: &Outcome,
    journal: &mut Journal,
    outputs: &mut Outputs,
    pending: &mut Pending,
) -> Result<(), CommandError> {
    outputs.summary.count(outcome);
    if let Outcome::Rejected(rejection) = outcome {
        outputs.reject(row, rejection, None)?;
    }
    let Some(id) = outcome.id() else { return Ok(()) };
    if let Ok(id) = id.parse() {
        let digest = journal.digest().to_owned();
        let own = record.user.get("id").and_then(Value::as_str).map(str::to_owned);
        for reference in own.iter().chain(&record.references) {
            let reference = identities::id_of(&digest, reference);
            journal
                .alias(reference, id)
                .map_err(|error| not_written(&error))?;
        }
    }
    let user_name = record.user_name().to_owned();
    pending
        .memberships
        .extend(record.groups.into_iter().map(|group| Membership {
            row,
            user_name: user_name.clone(),
            id: id.to_owned(),
            group,
        }));
    pending
        .hashes
        .extend(record.password_hash.map(|hash| PendingHash {
            row,
            user_name,
            id: id.to_owned(),
            hash,
        }));
    Ok(())
}

/// A group without its members.
fn group_part(digest: &str, row: RowRef, record: GroupRecord) -> (GroupPart, Vec<Uuid>) {
    let id = identities::wanted_id(digest, &record.group, &record.references);
    let own = record.group.get("id").and_then(Value::as_str).map(str::to_owned);
    let references = own.iter().chain(&record.references);
    let references = references
        .map(|reference| identities::id_of(digest, reference))
        .collect();
    (GroupPart::new(row, record.group, id, Vec::new()), references)
}

/// Creates the groups of a batch without their members, who may stand behind them in the file.
async fn create_groups(
    creator: &Creator<'_>,
    parts: &[(GroupPart, Vec<Uuid>)],
    journal: &mut Journal,
    outputs: &mut Outputs,
) -> Result<(), CommandError> {
    let (parts, references): (Vec<&GroupPart>, Vec<&Vec<Uuid>>) =
        parts.iter().map(|(part, references)| (part, references)).unzip();
    let outcomes = creator.import_groups(&parts).await?;
    for ((part, references), outcome) in parts.into_iter().zip(references).zip(outcomes) {
        match outcome.result {
            Ok(id) => {
                outputs.summary.groups_created += u64::from(outcome.created);
                outputs.summary.groups_existing += u64::from(!outcome.created);
                for reference in references {
                    journal
                        .alias(*reference, id)
                        .map_err(|error| not_written(&error))?;
                }
            }
            Err(rejection) => {
                let row = part.row.number;
                journal.refuse_group(row).map_err(|error| not_written(&error))?;
                outputs.reject(part.row, &rejection, None)?;
            }
        }
    }
    Ok(())
}
