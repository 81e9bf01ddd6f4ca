//! `acr`: authentication context class reference, the level of an authentication (OpenID Connect Core §2, §3.1.2.1).

/// The class of an authentication with one factor, such as a password. Higher numbers are for stronger ones.
pub const ONE_FACTOR: &str = "1";

/// The classes that this server can give, as metadata lists them (OpenID Connect Discovery §3).
pub const SUPPORTED: [&str; 1] = [ONE_FACTOR];

/// The class of an authentication with these methods (RFC 8176).
pub fn of_methods(amr: &[String]) -> Option<&'static str> {
    (!amr.is_empty()).then_some(ONE_FACTOR)
}
