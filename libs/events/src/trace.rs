//! The W3C trace context of the work at hand, as it travels through rows.

/// The `traceparent` of the current span, when it is traced.
pub(crate) fn current() -> Option<String> {
    None
}
