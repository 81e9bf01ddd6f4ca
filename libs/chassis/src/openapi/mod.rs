//! The description of an HTTP API (OpenAPI 3.1), made from the list of routes and the types of their handlers: the document
//! at `GET /openapi.json`, the page at `GET /docs`, and the tables of `docs/reference`.

mod described;
mod document;
mod error_type;
mod errors;
mod operation;
mod page;
mod published;
mod schemas;
mod security;
mod shared;
mod table;
#[cfg(test)]
mod tests;

pub use document::Api;
pub use error_type::{ErrorFormat, ErrorType};
pub use operation::{Operation, Response};
pub use published::{Published, PublishedPaths, published_operations};
pub use security::{ScopeMeaning, SecurityVocabulary};
pub use table::route_table;
