//! `/scim/v2`: SCIM 2.0 service provider (RFC 7644). [`scim`] has the rules of the protocol.

mod body;
pub(crate) mod bulk;
pub(crate) mod discovery;
pub(crate) mod groups;
pub(crate) mod me;
pub(crate) mod refusal;
pub(crate) mod resources;
pub(crate) mod root;
pub(crate) mod search;
pub(crate) mod users;
