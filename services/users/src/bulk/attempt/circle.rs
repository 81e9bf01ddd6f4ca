//! The operations on circles of references (RFC 7644 §3.7.1).

use chassis::db::DbError;
use scim::Error;
use scim::bulk::{BulkMethod, BulkOperation};
use serde_json::{Value, json};

use super::{Attempt, Work};
use crate::bulk::operation::{Done, Resolved, Stage};
use crate::bulk::progress::Progress;

impl Attempt<'_> {
    /// Gives a resource of a circle the rest of its values.
    pub(super) async fn complete(
        self,
        work: &mut Work,
        progress: &mut Progress,
        (index, rest): (usize, &Value),
    ) -> Result<(), DbError> {
        self.flush(work, progress).await?;
        let (Some(id), Some(operation)) = (
            progress.incomplete.remove(&index),
            self.run.request.operations.get(index),
        ) else {
            // It was not created.
            return Ok(());
        };
        let patch = BulkOperation {
            method: BulkMethod::Patch,
            version: None,
            target: operation.target.clone().map(|target| scim::bulk::Target {
                id: Some(id.to_string()),
                ..target
            }),
            data: json!({"schemas": [scim::patch::PATCH_URN], "Operations": rest}),
            ..operation.clone()
        };
        let outcome = match self.resolve(progress, &patch, None) {
            Ok(resolved) => {
                let rest = Resolved {
                    stage: Stage::SecondHalf,
                    ..resolved
                };
                self.apply(work, rest, None).await?
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(done) => {
                let done = Done { status: 201, ..done };
                self.succeed(work, progress, index, done);
            }
            Err(error) => {
                self.fail(progress, index, &error);
                work.broken.insert(index, error);
            }
        }
        Ok(())
    }
}

/// 409 for a circle of references that cannot be resolved (RFC 7644 §3.7.1).
pub(super) fn unresolved() -> Error {
    Error::new(
        409,
        "the operation is on a circle of references that cannot be resolved",
    )
}
