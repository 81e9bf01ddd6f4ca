//! Password hashes that other systems made: their text forms, the bounds of their cost, and their verification. This crate
//! does no I/O.
//!
//! A text is parsed once, at import, into an [`ImportedHash`]. [`ImportedHash::import`] refuses what would cost more time or
//! memory than [`limits`] allow. The `Display` form of a hash is its canonical text, which is stored: forms that differ only in
//! their notation (Django, Keycloak, ASP.NET Identity and passlib for PBKDF2) have the same canonical text.

pub mod argon2;
mod aspnet;
mod bcrypt;
mod cost;
mod encoding;
mod error;
mod firebase;
mod imported;
mod keycloak;
pub mod limits;
mod pbkdf2;
mod phc;
mod phpass;
mod scheme;
mod scrypt;
mod sha_crypt;
mod ssha;

pub use cost::Cost;
pub use error::ImportError;
pub use imported::ImportedHash;
pub use scheme::Scheme;

#[cfg(test)]
mod tests;
