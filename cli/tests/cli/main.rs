//! Tests of the command-line tool: the real program, on free ports, in a directory of its own.

// `cfg(test)` always holds here; it tells the lints that helpers, too, are test code and may panic.
#[cfg(test)]
mod administration;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod breach_list;
#[cfg(test)]
mod export;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod import;
mod import_formats;
#[cfg(test)]
mod other_ports;
#[cfg(test)]
mod people;
#[cfg(test)]
mod provisioning;
#[cfg(test)]
mod stack;
#[cfg(test)]
mod supervision;
#[cfg(test)]
mod webhooks;
