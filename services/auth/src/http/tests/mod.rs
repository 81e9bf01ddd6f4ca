//! Tests of the HTTP endpoints, through the router of the service.

mod world;

mod admin;
mod authenticate;
mod authorize;
mod credentials;
mod hints;
mod logout;
mod public;
mod restore;
mod routes;
mod token;
mod waiting;
