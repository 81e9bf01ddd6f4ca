//! The secrets that `vestibule up` makes: an encryption key for each service, and a client secret for each and the
//! operator.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chassis::random::SharedRandom;
use secrecy::SecretString;

use super::{DataDirError, files};

/// The keys under which `auth` and `users` encrypt what they must read back: 32 bytes in base64, of their own.
pub(crate) const ENCRYPTION_KEYS: [&str; 2] = ["encryption-k1", "users-encryption-k1"];
/// The clients that the data directory knows, by the name of their secret's file.
pub(crate) const CLIENTS: [&str; 3] = ["vestibule-auth", "vestibule-users", "vestibule-cli"];

/// The folder `secrets/` of a data directory.
#[derive(Debug)]
pub(crate) struct Secrets(PathBuf);

impl Secrets {
    pub(super) fn new(root: &Path) -> Self {
        Self(root.join("secrets"))
    }

    /// Makes what is missing and leaves what is there.
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

    /// The secret of a client.
    pub(super) fn client(&self, name: &str) -> Result<SecretString, DataDirError> {
        let path = self.file(name);
        match files::read(&path)? {
            Some(text) => Ok(SecretString::from(text.trim().to_owned())),
            None => Err(DataDirError::io("read", &path)(
                std::io::ErrorKind::NotFound.into(),
            )),
        }
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}
