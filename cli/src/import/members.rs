//! The members of the groups of a file, once all users and groups are there: the file is read a second time.

use uuid::Uuid;

use super::batch::MAX_BYTES;
use super::create::Creator;
use super::groups::{GroupPart, MAX_MEMBERS};
use super::journal::Journal;
use super::outputs::Outputs;
use super::report::RowRef;
use super::run::{next_row, not_written};
use super::{GroupRecord, Item, RowSource, identities};
use crate::error::CommandError;

/// Adds the members. A member that cannot be added gets a line in the report.
///
/// # Errors
/// When a file cannot be read or written, or `users` does not answer.
pub(super) async fn import(
    creator: &Creator<'_>,
    source: &RowSource,
    journal: &mut Journal,
    outputs: &mut Outputs,
) -> Result<(), CommandError> {
    if !outputs.has_members {
        return Ok(());
    }
    let mut rows = source.open()?;
    let (mut parts, mut bytes) = (Vec::new(), 0);
    while let Some(row) = next_row(&mut rows)? {
        let position = RowRef::from(&row);
        let Ok(Item::Group(group)) = row.item else {
            continue;
        };
        if row.number <= journal.members_done() || journal.is_refused_group(row.number) {
            continue;
        }
        for part in parts_of(group, position, journal) {
            bytes += part.bytes();
            parts.push(part);
        }
        if bytes > MAX_BYTES {
            send(creator, &parts, journal, outputs).await?;
            (parts, bytes) = (Vec::new(), 0);
        }
    }
    send(creator, &parts, journal, outputs).await
}

/// The parts of a group, each with some of its members.
fn parts_of(record: GroupRecord, row: RowRef, journal: &Journal) -> Vec<GroupPart> {
    let digest = journal.digest();
    let id = identities::wanted_id(digest, &record.group, &record.references);
    let id = id.map(|id| journal.resolve(id));
    let members: Vec<(Uuid, String, Option<&'static str>)> = record
        .members
        .into_iter()
        .map(|member| {
            let id = journal.resolve(identities::id_of(digest, &member.reference));
            (id, member.reference, member.kind)
        })
        .collect();
    members
        .chunks(MAX_MEMBERS)
        .map(|members| GroupPart::new(row, record.group.clone(), id, members.to_vec()))
        .collect()
}

async fn send(
    creator: &Creator<'_>,
    parts: &[GroupPart],
    journal: &mut Journal,
    outputs: &mut Outputs,
) -> Result<(), CommandError> {
    let parts: Vec<&GroupPart> = parts.iter().collect();
    let outcomes = creator.import_groups(&parts).await?;
    for (part, outcome) in parts.iter().zip(outcomes) {
        outputs.summary.members += outcome.added;
        if let Err(rejection) = &outcome.result {
            outputs.reject(part.row, rejection, None)?;
        }
        for rejection in &outcome.refused {
            outputs.reject(part.row, rejection, None)?;
        }
        outputs.show();
    }
    match parts.last() {
        Some(last) => journal
            .finish_members(last.row.number)
            .map_err(|error| not_written(&error)),
        None => Ok(()),
    }
}
