//! The data directory of `vestibule up`: configuration, secrets, databases and the lock.

mod addresses;
mod error;
mod files;
mod lock;
mod operator;
mod overlay;
mod secrets;
mod templates;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use chassis::random::SharedRandom;

pub(crate) use addresses::{Ports, ServiceAddresses, StackAddresses};
pub(crate) use error::DataDirError;
pub(crate) use lock::{Lock, lock_holder};
pub(crate) use operator::Operator;
pub(crate) use overlay::EnvVariable;
pub(crate) use secrets::Secrets;

/// The directory of one stack of services.
#[derive(Clone, Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// Creates the directory with mode 0700 if it is missing. An empty one gets that mode; one with content keeps its
    /// own.
    ///
    /// # Errors
    /// When the path is a file or cannot be written to.
    pub(crate) fn create(root: &Path) -> Result<Self, DataDirError> {
        files::create_private_directory(root)?;
        files::restrict_if_empty(root)?;
        Self::canonical(root)
    }

    /// Opens a directory on which `vestibule up` was started before.
    ///
    /// # Errors
    /// When the path is not such a directory.
    pub(crate) fn open(root: &Path) -> Result<Self, DataDirError> {
        if !root.join("operator.json").try_exists().unwrap_or(true) {
            return Err(DataDirError::Missing {
                root: root.to_owned(),
                missing: "operator.json",
            });
        }
        Self::canonical(root)
    }

    fn canonical(root: &Path) -> Result<Self, DataDirError> {
        let root = root.canonicalize().map_err(DataDirError::io("open", root))?;
        Ok(Self { root })
    }

    /// The absolute path.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The path of `auth.toml`.
    pub(crate) fn auth_file(&self) -> PathBuf {
        self.root.join("auth.toml")
    }

    /// The path of `users.toml`.
    pub(crate) fn users_file(&self) -> PathBuf {
        self.root.join("users.toml")
    }

    /// The folder `secrets/`.
    pub(crate) fn secrets(&self) -> Secrets {
        Secrets::new(&self.root)
    }

    /// Locks the directory for this process.
    ///
    /// # Errors
    /// [`DataDirError::Locked`] while another `vestibule up` runs on it.
    pub(crate) fn lock(&self) -> Result<Lock, DataDirError> {
        Lock::acquire(&self.root)
    }

    /// The addresses of the services, from command line, environment and files.
    ///
    /// # Errors
    /// When a file cannot be read, or an address in it is not valid.
    pub(crate) fn addresses(
        &self,
        ports: Ports,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<StackAddresses, DataDirError> {
        StackAddresses::resolve(&self.auth_file(), &self.users_file(), ports, env)
    }

    /// The environment variables that make both services use these addresses where files and environment differ.
    ///
    /// # Errors
    /// When a configured value cannot be overridden. The error says what to change.
    pub(crate) fn overlay(
        &self,
        addresses: &StackAddresses,
        ports: Ports,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<EnvVariable>, DataDirError> {
        addresses.overlay([&self.auth_file(), &self.users_file()], ports, env)
    }

    /// Writes the missing secrets and configuration files, and rewrites `operator.json`.
    ///
    /// # Errors
    /// When a file cannot be written. The files written so far are complete, and the next start goes on from them.
    pub(crate) fn prepare(
        &self,
        addresses: &StackAddresses,
        random: &SharedRandom,
    ) -> Result<(), DataDirError> {
        let secrets = self.secrets();
        secrets.prepare(random)?;
        // A data directory inside a working copy should not end in a commit.
        files::write_if_missing(&self.root.join(".gitignore"), b"*\n")?;
        files::write_if_missing(&self.auth_file(), templates::auth(addresses).as_bytes())?;
        files::write_if_missing(&self.users_file(), templates::users(addresses).as_bytes())?;
        Operator::new(addresses, secrets.client("vestibule-cli")?).write(&self.operator_file())
    }

    /// Reads the credential of the administrator's commands.
    ///
    /// # Errors
    /// [`DataDirError::Missing`] before the first start.
    pub(crate) fn operator(&self) -> Result<Operator, DataDirError> {
        Operator::read(&self.operator_file())?.ok_or_else(|| DataDirError::Missing {
            root: self.root.clone(),
            missing: "operator.json",
        })
    }

    fn operator_file(&self) -> PathBuf {
        self.root.join("operator.json")
    }
}
