//! The OAuth endpoints as clients and browsers meet them.

mod world;

mod admin;
mod authenticate;
mod authorize;
mod hints;
mod logout;
mod public;
mod restore;
mod token;
mod waiting;
