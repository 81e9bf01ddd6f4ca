//! The secrets that `vestibule up` creates: an encryption key for each service, and a client secret for each service
//! and for the operator.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chassis::random::SharedRandom;
use secrecy::SecretString;

use super::{DataDirError, files};

/// The encryption keys of `auth` and `users`: 32 bytes in base64, one key for each service.
pub(crate) const ENCRYPTION_KEYS: [&str; 2] = ["encryption-k1", "users-encryption-k1"];
/// The clients of the data directory. Each is also the name of its secret's file.
pub(crate) const CLIENTS: [&str; 3] = ["vestibule-auth", "vestibule-users", "vestibule-cli"];

/// The folder `secrets/` of a data directory.
#[derive(Debug)]
pub(crate) struct Secrets(PathBuf);

impl Secrets {
    pub(super) fn new(root: &Path) -> Self {
        Self(root.join("secrets"))
    }

    /// Creates the missing secrets. Existing ones are not changed.
    pub(super) fn prepare(&self, random: &SharedRandom) -> Result<(), DataDirError> {
        files::create_private_directory(&self.0)?;
        for name in ENCRYPTION_KEYS {
            let mut key = [0; 32];
            random.fill(&mut key);
            files::write_if_missing(&self.file(name), STANDARD.encode(key).as_bytes())?;
        }
        for client in CLIENTS {
            files::write_if_missing(&self.file(client), random.token().expose().as_bytes())?;
        }
        Ok(())
    }

    /// Reads the secret of a client.
    pub(super) fn client(&self, name: &str) -> Result<SecretString, DataDirError> {
        let path = self.file(name);
        match files::read(&path)? {
            Some(text) => Ok(SecretString::from(text.trim().to_owned())),
            None => Err(DataDirError::io("read", &path)(
                std::io::ErrorKind::NotFound.into(),
            )),
        }
    }

    /// The path of the folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}
