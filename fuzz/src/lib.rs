//! The fuzz targets: every parser of untrusted input, as a function that takes any bytes and must not panic or break
//! its guarantees.
//!
//! Ordinary tests run each target over its seeds, over random bytes, and over its worst input in two sizes. `make fuzz`
//! runs the targets under a fuzzer that coverage guides.
#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

mod directory;
mod forward_auth;
mod http_input;
mod password_hash;
mod protocol;
mod provisioning;

#[cfg(test)]
mod tests;

/// A fuzz target: a parser, its name and its worst inputs.
#[derive(Clone, Copy, Debug)]
pub struct FuzzTarget {
    /// The name, and the folder of its seeds under `fuzz/seeds`.
    pub name: &'static str,
    /// Reads any bytes. Panics when the parser breaks a promise.
    pub run: fn(&[u8]),
    /// Makes inputs of about that many bytes, each as expensive as can be for its length.
    pub worst: fn(usize) -> Vec<Vec<u8>>,
}

/// All of them.
pub static TARGETS: [FuzzTarget; 16] = [
    http_input::FORM,
    http_input::JSON,
    http_input::COOKIE,
    http_input::HEADERS,
    protocol::JWT,
    protocol::DPOP,
    protocol::REDIRECT_URI,
    protocol::AUTHORIZE,
    directory::SCIM_FILTER,
    directory::SCIM_PATH,
    directory::SCIM_USER,
    provisioning::SCIM_PATCH,
    provisioning::SCIM_BULK,
    directory::CLOUD_EVENT,
    password_hash::PASSWORD_HASH,
    forward_auth::FORWARD_AUTH,
];

/// `piece(0)piece(1)…`, about `length` bytes long.
fn repeat_pieces(length: usize, mut piece: impl FnMut(usize) -> String) -> String {
    let mut text = String::with_capacity(length + 64);
    for index in 0.. {
        if text.len() >= length {
            break;
        }
        text.push_str(&piece(index));
    }
    text
}

/// JSON texts that are long, wide, deep or full of escapes.
fn json_texts(length: usize) -> Vec<Vec<u8>> {
    let members = repeat_pieces(length, |index| format!("\"{index:x}\":{index},"));
    let escapes = repeat_pieces(length, |_| "\\u00e9\\\\".to_owned());
    let deep = "[".repeat(length);
    // At the deepest level that is read, so that the path to each item is long.
    let (open, close) = ("{\"aaaaaaaaaaaaaaaa\":".repeat(100), "}".repeat(100));
    let items = repeat_pieces(length, |_| "0,".to_owned());
    [
        format!("{{{members}\"z\":0}}"),
        format!("{{{members}\"0\":0}}"),
        format!("{{\"a\":\"{escapes}\"}}"),
        format!("{open}[{items}0]{close}"),
        format!("{{\"a\":{}}}", "9".repeat(length)),
        deep,
    ]
    .map(String::into_bytes)
    .to_vec()
}
