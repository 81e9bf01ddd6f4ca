//! Checks that run when the body of a request was read.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use ::http::Extensions;

use super::Problem;

type Check = dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), Problem>> + Send>> + Send + Sync;

/// A check of the caller, which every body extractor runs once the body was read to its end: a body may take long, and the permission of
/// its sender may end meanwhile (SB-47). An extractor of the caller inserts it into the extensions of the request.
#[derive(Clone)]
pub struct AfterBody(Arc<Check>);

impl AfterBody {
    /// A check. Its problem is the response in place of that of the handler.
    pub fn new<F>(check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), Problem>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(check())))
    }

    /// Runs the check in the extensions of a request, if there is one.
    pub(super) async fn run(extensions: &Extensions) -> Result<(), Problem> {
        let check = extensions.get::<Self>().cloned();
        match check {
            Some(Self(check)) => check().await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for AfterBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AfterBody")
    }
}
