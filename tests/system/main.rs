//! System tests: the real programs with a real browser, client libraries of other authors and crashing services, and
//! the rules that hold between the crates.

// `cfg(test)` always holds here; it tells the lints that helpers, too, are test code and may panic.
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod asyncapi;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod chassis_words;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod consumers;
#[cfg(test)]
mod device_grant;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod end_to_end;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod faults;
mod first_lines;
#[cfg(test)]
mod forward_auth;
#[cfg(test)]
mod guides;
#[cfg(test)]
mod issuer_path;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod module_circles;
#[cfg(test)]
mod mutual_tls;
#[cfg(test)]
mod named_tests;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod provisioning;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod scim;
#[cfg(test)]
mod security_bar;
#[cfg(test)]
mod service_layers;
#[cfg(test)]
mod source;
#[cfg(test)]
mod tools;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod up;
#[cfg(test)]
mod walks;
#[cfg(test)]
mod words;
