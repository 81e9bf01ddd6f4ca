//! Accounts: who can sign in, and signing in with a user name and a password.

mod sign_in;

pub use sign_in::{SignIn, SignInError, SignedIn, sign_in};
