//! Everything that can happen, once each and then at random, on every transport and both engines. The long form is
//! `make faults`.

// `cfg(test)` always holds here; it tells the lints that helpers, too, are test code and may panic.
#[cfg(test)]
mod every_transport;
