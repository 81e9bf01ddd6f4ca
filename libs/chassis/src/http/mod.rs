//! HTTP for every service: problem details, strict extractors, and one layer with trace context, metrics, limits and
//! protective headers.

mod after_body;
mod base_path;
mod body;
mod budget;
mod budgeted_body;
mod client_info;
mod form;
pub mod header;
mod host;
mod json;
mod layers;
mod limit;
mod page_limit;
mod problem;
mod public_url;
mod redirect;

#[cfg(test)]
mod tests;

pub use after_body::AfterBody;
pub use base_path::serve_under;
pub use body::RawBody;
pub(crate) use budget::{BodyBudget, Reservation, SourceBytes};
pub(crate) use budgeted_body::{BodyRefused, BodyTerms};
pub(crate) use client_info::client_ip;
pub use client_info::{ClientInfo, Peer};
pub use form::{Form, Pairs, Path, Query};
pub use host::check_host;
pub use json::{Json, not_null, parse_json};
pub(crate) use layers::protected_response;
pub use layers::{PublicScheme, standard_layers};
pub use limit::{BodyLimit, UNAUTHENTICATED_BODY_BYTES};
pub use page_limit::page_limit;
pub use problem::{FieldError, PROBLEM_JSON, Problem};
pub use public_url::{PublicUrl, PublicUrlError, is_loopback};
pub use redirect::see_other;
