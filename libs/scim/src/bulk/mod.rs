//! Bulk requests (RFC 7644 §3.7).

/// The limits of a bulk request, which `/ServiceProviderConfig` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkLimits {
    /// `maxOperations`.
    pub max_operations: usize,
    /// `maxPayloadSize`, in bytes.
    pub max_payload_size: usize,
}
