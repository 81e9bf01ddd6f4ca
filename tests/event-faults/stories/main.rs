//! Fault tests: every fault once and then random faults, on every transport and both engines. `make faults` runs the
//! long campaigns.

// `cfg(test)` always holds here; it tells the lints that helpers, too, are test code and may panic.
#[cfg(test)]
mod every_transport;
