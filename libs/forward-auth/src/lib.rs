//! Forward authentication: a reverse proxy asks about every request to a protected host whether it may pass. This crate has the
//! decisions alone: the request as the proxy describes it, its path, the rules of the host, and the address to go back to. It does no
//! I/O.
#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

mod display_name;
mod origin;
mod path;
mod request;
mod return_path;
mod rules;

pub use display_name::is_display_name;
pub use origin::{Origin, OriginError};
pub use path::{PathError, RequestPath};
pub use request::{
    DeniedStyle, ProxiedRequest, RequestError, host_origin, proxied_request, proxied_request_of_path,
};
pub use return_path::{ReturnPath, VESTIBULE_PATHS};
pub use rules::{
    AccessRules, InvalidRules, MethodError, Methods, PathPattern, PatternError, PublicPath, Requirement,
    RestrictedPath,
};
