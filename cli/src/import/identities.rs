//! The ids of users and groups that an import chooses.

use aws_lc_rs::digest;
use serde_json::{Map, Value};
use uuid::Uuid;

/// The id of what a file refers to by a text: the text itself if it is a UUID, else one that is made of the text and of the
/// file's digest, the same in every run of the import. So a group can name a member without a table of all users in memory,
/// and a request whose response was lost finds again what it made.
pub(super) fn id_of(file_digest: &str, reference: &str) -> Uuid {
    if let Ok(id) = Uuid::try_parse(reference) {
        return id;
    }
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(file_digest.as_bytes());
    context.update(b"\n");
    context.update(reference.as_bytes());
    let mut bytes = [0; 16];
    for (byte, digested) in bytes.iter_mut().zip(context.finish().as_ref()) {
        *byte = *digested;
    }
    // RFC 9562 §5.8: a UUID whose bits are the application's own.
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// The id that a resource of the file is to have: its own, else one made of the first text that refers to it, else none.
pub(super) fn wanted_id(
    file_digest: &str,
    resource: &Map<String, Value>,
    references: &[String],
) -> Option<Uuid> {
    let own = resource.get("id").and_then(Value::as_str);
    let own = own.and_then(|id| Uuid::try_parse(id).ok());
    own.or_else(|| references.first().map(|reference| id_of(file_digest, reference)))
}
