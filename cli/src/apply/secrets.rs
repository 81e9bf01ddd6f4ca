//! The secrets that a declarative file refers to. They are read, or made in files, and never printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Read as _, Write};
use std::ops::RangeInclusive;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use chassis::random::{SharedRandom, SystemRandom};
use chassis::secret::TokenHash;
use contract::paths;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::current::Current;
use super::file::{Declared, SecretSource};
use super::metadata::client_metadata;
use crate::api::{ApiClient, RemoteService, text_at};
use crate::error::{CommandError, ErrorCode};

/// The lengths of the secrets that the service takes, in bytes.
const SECRET_BYTES: RangeInclusive<usize> = 32..=256;
/// The most that is read of a file with a secret, in bytes.
const MAX_FILE: u64 = 4096;
/// The most secrets of a client. A further one ends the oldest.
const MAX_SECRETS: usize = 2;

/// The secrets of an existing client whose file names a reference.
#[derive(Clone, Debug)]
pub(crate) struct KnownSecrets {
    pub(super) reference: Reference,
    /// The time at which the secret was made that a further one would end.
    pub(super) ended: Option<String>,
}

/// The secret of a reference, compared with those that the client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// It cannot be read.
    Unread,
    /// Its file does not exist.
    Missing,
    /// The client has it.
    Same,
    /// The client has others.
    Other,
}

/// Reads the secret to which the file refers for the client `id`.
///
/// # Errors
/// When the file or the variable is missing or empty. The error names the key of the reference.
pub(super) fn read(id: &str, source: &SecretSource) -> Result<SecretString, CommandError> {
    let key = source.key(id);
    let wrong = |problem: String| CommandError::new(ErrorCode::Usage, format!("{key}: {problem}"));
    let (text, empty) = match source {
        SecretSource::File(path) => {
            let mut text = String::new();
            let read = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_string(&mut text));
            read.map_err(|error| wrong(format!("cannot read the file: {error}")))?;
            (text, "the file is empty")
        }
        SecretSource::Variable(name) => {
            let text = std::env::var(name).unwrap_or_default();
            (text, "the environment variable is not set")
        }
    };
    match text.trim() {
        "" => Err(wrong(empty.to_owned())),
        secret => Ok(SecretString::from(secret.to_owned())),
    }
}

/// Makes a secret.
pub(super) fn new() -> SecretString {
    let random: SharedRandom = Arc::new(SystemRandom::default());
    SecretString::from(random.token().expose().to_owned())
}

/// Reads the secret of a reference. A file that does not exist is made with a new secret, which only its owner can read.
///
/// # Errors
/// As [`read`], and when the file cannot be written.
pub(super) fn read_or_make(id: &str, source: &SecretSource) -> Result<SecretString, CommandError> {
    if let SecretSource::File(path) = source {
        make_file(path).map_err(|error| {
            let key = source.key(id);
            CommandError::new(ErrorCode::Failed, format!("{key}: cannot make the file: {error}"))
        })?;
    }
    read(id, source)
}

/// Checks that a reference can be read, before anything is changed. A file may be missing if it is to be made.
///
/// # Errors
/// As [`read`], and when the service would not take the secret.
pub(super) fn check(id: &str, source: &SecretSource, makes_files: bool) -> Result<(), CommandError> {
    let key = source.key(id);
    if let SecretSource::File(path) = source
        && makes_files
        && !path.exists()
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        return match folder.is_none_or(Path::is_dir) {
            true => Ok(()),
            false => Err(CommandError::new(
                ErrorCode::Usage,
                format!("{key}: the folder of the file does not exist"),
            )),
        };
    }
    let secret = read(id, source).map_err(|error| match source {
        SecretSource::File(path) if !path.exists() => error.hint("--make-secret-files makes it."),
        _ => error,
    })?;
    let secret = secret.expose_secret();
    let is_readable = secret.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    match is_readable && SECRET_BYTES.contains(&secret.len()) {
        false => Err(CommandError::new(
            ErrorCode::Usage,
            format!("{key}: expected a secret of 32 to 256 printable ASCII characters"),
        )),
        true => Ok(()),
    }
}

/// Makes a file with a new secret, unless it exists. It has its whole content from the beginning: one that was cut off would be in the
/// way of every later run.
fn make_file(path: &Path) -> io::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    writeln!(file, "{}", new().expose_secret())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(taken) if taken.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(failed) => Err(failed.error),
        // The service gets the secret next, so its name has to survive a power cut as well.
        Ok(_) => File::open(folder)?.sync_all(),
    }
}

/// Compares the secrets of existing clients with what their references have. A reference that cannot be read is no error here: a
/// comparison for a review needs no secret.
///
/// # Errors
/// Those of the calls.
pub(super) async fn compare(
    api: &ApiClient,
    declared: &Declared,
    current: &Current,
) -> Result<BTreeMap<String, KnownSecrets>, CommandError> {
    let mut known = BTreeMap::new();
    for (id, client) in &declared.clients {
        let (Some(source), Some(object)) = (&client.secret, current.clients.get(id)) else {
            continue;
        };
        if !client_metadata(&object.settings)
            .token_endpoint_auth_method
            .uses_secret()
        {
            continue;
        }
        let secret = read(id, source).ok();
        let is_missing = matches!(source, SecretSource::File(path) if !path.exists());
        let list = match secret.is_some() || is_missing {
            true => {
                let path = paths::fill(paths::auth::CLIENT_SECRETS, &[id]);
                api.call(RemoteService::Auth, Method::GET, &path).await?
            }
            false => Value::Null,
        };
        known.insert(id.clone(), compare_one(secret.as_ref(), is_missing, &list));
    }
    Ok(known)
}

/// Compares a reference with the list of the secrets of a client, of which the newest is the first.
pub(super) fn compare_one(secret: Option<&SecretString>, is_missing: bool, list: &Value) -> KnownSecrets {
    let secrets = list.get("secrets").and_then(Value::as_array);
    let secrets = secrets.map(Vec::as_slice).unwrap_or_default();
    let own = secret.map(|secret| id_of(secret.expose_secret()));
    let reference = match own {
        Some(own) if secrets.iter().any(|secret| text_at(secret, "/id") == own) => Reference::Same,
        Some(_) => Reference::Other,
        None if is_missing => Reference::Missing,
        None => Reference::Unread,
    };
    let oldest = secrets.last().filter(|_| secrets.len() >= MAX_SECRETS);
    KnownSecrets {
        reference,
        ended: oldest.map(|secret| text_at(secret, "/created_at")),
    }
}

/// The id under which the service lists a secret: the beginning of a hash of its hash.
pub(super) fn id_of(secret: &str) -> String {
    let mut id = hexadecimal(TokenHash::of(&hexadecimal(TokenHash::of(secret).as_bytes())).as_bytes());
    id.truncate(16);
    id
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
