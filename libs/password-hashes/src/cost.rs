//! `Cost`: the time and the memory of one check, compared with the limits.

use crate::limits::MAX_MEMORY_BYTES;
use crate::{ImportError, Scheme};

/// A parameter that makes a check take time, and its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeParameter {
    pub(crate) name: &'static str,
    pub(crate) value: u64,
    pub(crate) limit: u64,
}

/// The cost of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub(crate) scheme: Scheme,
    pub(crate) time: Option<TimeParameter>,
    pub(crate) memory_bytes: u64,
}

impl Cost {
    /// The memory that one check needs, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Checks that one check stays within the limits. `memory_bytes` is the memory that this process has for one check.
    ///
    /// # Errors
    /// [`ImportError::TooCostly`] and [`ImportError::TooMuchMemory`].
    pub fn check(&self, memory_bytes: u64) -> Result<(), ImportError> {
        if let Some(time) = self.time
            && time.value > time.limit
        {
            return Err(ImportError::TooCostly {
                scheme: self.scheme,
                parameter: time.name,
                limit: time.limit,
            });
        }
        let limit_bytes = memory_bytes.min(MAX_MEMORY_BYTES);
        if self.memory_bytes > limit_bytes {
            return Err(ImportError::TooMuchMemory {
                scheme: self.scheme,
                limit_bytes,
            });
        }
        Ok(())
    }
}
