//! The permission of the caller of a bulk request, which is checked again while the request is run (SB-47).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chassis::access::BoxFuture;
use scim::Error;
use tokio::time::{Instant, sleep, timeout_at};

/// The interval at which the permission is checked during a transaction.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// The age of the last check that succeeded at which a request ends whose permission cannot be checked.
const CONFIRMED_FOR: Duration = Duration::from_secs(5);

/// The permission of a caller, which may end while the request is run.
pub(crate) trait Permission: Send + Sync {
    /// Checks that the caller may still do what it was allowed to do.
    ///
    /// # Errors
    /// See [`PermissionError`].
    fn check(&self) -> BoxFuture<'_, Result<(), PermissionError>>;
}

/// The reason why a permission is not confirmed, with the error of the operations that are not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PermissionError {
    /// The caller may not make the request any more.
    Lost(Error),
    /// The check could not be made.
    Unchecked(Error),
}

impl PermissionError {
    /// The error of the operations that are left.
    pub(super) fn error(&self) -> &Error {
        match self {
            Self::Lost(error) | Self::Unchecked(error) => error,
        }
    }
}

/// A permission with the time of the last check that succeeded.
pub(super) struct CheckedPermission<'a> {
    permission: &'a dyn Permission,
    confirmed_at: Mutex<Instant>,
}

impl<'a> CheckedPermission<'a> {
    /// A permission that was checked just now.
    pub(super) fn new(permission: &'a dyn Permission) -> Self {
        Self {
            permission,
            confirmed_at: Mutex::new(Instant::now()),
        }
    }

    /// Checks the permission once.
    ///
    /// # Errors
    /// See [`PermissionError`]; it is [`PermissionError::Unchecked`] only when the last check that succeeded is too old.
    pub(super) async fn check(&self) -> Result<(), PermissionError> {
        let began = Instant::now();
        match self.permission.check().await {
            Ok(()) => {
                self.confirm(began);
                Ok(())
            }
            Err(PermissionError::Unchecked(_)) if Instant::now() < self.end() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Waits until the permission is lost, or could not be checked for too long.
    pub(super) async fn ends(&self) -> PermissionError {
        loop {
            sleep(CHECK_EVERY).await;
            match timeout_at(self.end(), self.check()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return error,
                Err(_) => {
                    let error = Error::new(503, "the permission of the client could not be checked in time");
                    return PermissionError::Unchecked(error);
                }
            }
        }
    }

    /// The time at which the request ends if no check succeeds.
    fn end(&self) -> Instant {
        *self.confirmed_at.lock().unwrap_or_else(PoisonError::into_inner) + CONFIRMED_FOR
    }

    fn confirm(&self, at: Instant) {
        *self.confirmed_at.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}
