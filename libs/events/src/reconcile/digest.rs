//! Digests of what there is: a few bytes that tell whether two services know the same versions of a thousand
//! aggregates.

use aws_lc_rs::digest::{SHA256, digest};
use chassis::db::{DbError, Reader, next_cursor};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::snapshot::{Snapshot, Span, Version};

/// Aggregates in one range.
pub(crate) const PER_RANGE: i64 = 1024;

/// Some aggregates whose ids follow each other, and their digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Range {
    /// Not part of it.
    pub(crate) after: Uuid,
    /// Part of it.
    pub(crate) through: Uuid,
    #[serde(flatten)]
    pub(crate) tally: Tally,
}

impl Range {
    pub(crate) fn span(&self) -> Span {
        Span {
            after: self.after,
            through: self.through,
        }
    }
}

/// The number of versions, and a digest that does not depend on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Tally {
    count: u64,
    #[serde(with = "hexadecimal")]
    #[schemars(with = "String", regex(pattern = "^[0-9a-f]{32}$"))]
    digest: u128,
}

impl Tally {
    pub(crate) fn of(versions: &[Version]) -> Self {
        let mut tally = Self::default();
        for version in versions {
            tally.add(version);
        }
        tally
    }

    /// The sum, not the exclusive or: the same version twice would cancel itself out.
    pub(crate) fn add(&mut self, version: &Version) {
        let mut bytes = [0; 24];
        let (id, number) = bytes.split_at_mut(16);
        id.copy_from_slice(version.id.as_bytes());
        number.copy_from_slice(&version.version.to_be_bytes());
        let hash = digest(&SHA256, &bytes);
        let first = hash.as_ref().first_chunk().copied().unwrap_or_default();
        self.digest = self.digest.wrapping_add(u128::from_be_bytes(first));
        self.count += 1;
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}

/// At most `count` ranges behind `after`, and where the next begins, unless this was the last. The last range has no
/// end: a follower finds there what only it knows.
pub(crate) async fn ranges(
    snapshot: &dyn Snapshot,
    reader: &mut Reader,
    mut after: Uuid,
    count: u32,
) -> Result<(Vec<Range>, Option<Uuid>), DbError> {
    let mut ranges = Vec::new();
    for _ in 0..count {
        let rest = Span {
            after,
            through: Uuid::max(),
        };
        let versions = snapshot.versions(reader, rest, PER_RANGE).await?;
        let last = next_cursor(&versions, PER_RANGE, |version| version.id);
        ranges.push(Range {
            after,
            through: last.unwrap_or(Uuid::max()),
            tally: Tally::of(&versions),
        });
        match last {
            Some(last) => after = last,
            None => return Ok((ranges, None)),
        }
    }
    Ok((ranges, Some(after)))
}

mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(number: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{number:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map_err(|_| de::Error::custom("expected a digest in hexadecimal"))
    }
}
