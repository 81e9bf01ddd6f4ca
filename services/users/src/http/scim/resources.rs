//! Users as resources in a response: as the caller may read them, with the attributes that the request asks for.

use std::sync::Arc;

use axum::extract::FromRef;
use contract::UserState;
use http::StatusCode;
use scim::Error;
use scim::projection::Projection;
use scim::query::QueryParameters;
use scim::schema::{Accessor, Registry, ResourceType};
use serde::Deserialize;
use serde_json::Value;

use super::body::ScimResponse;
use crate::app::{ScimBase, SharedApp};
use crate::users::{location, to_resource};

/// The parameters of a request for one resource (RFC 7644 §3.9). Others are refused rather than passed over.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ResourceQuery {
    /// The attributes of the response, separated by commas: `userName,emails.value`.
    attributes: Option<String>,
    /// The attributes that the response does not need, separated by commas.
    excluded_attributes: Option<String>,
}

/// The part of a resource that a response has.
#[derive(Clone, Debug)]
pub(super) struct View {
    accessor: Accessor,
    projection: Projection,
}

impl View {
    pub(super) fn new(accessor: Accessor, projection: Projection) -> Self {
        Self { accessor, projection }
    }
}

/// The attribute registry and the URL of `/scim/v2`, with which resources are made.
#[derive(Clone, Debug)]
pub(crate) struct Resources {
    registry: Arc<Registry>,
    base: ScimBase,
}

impl FromRef<SharedApp> for Resources {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            registry: Arc::clone(&app.registry),
            base: app.scim_base.clone(),
        }
    }
}

impl Resources {
    /// The resource type `User`.
    pub(super) fn users(&self) -> &ResourceType {
        self.registry.users()
    }

    /// The part of a user that a response to `accessor` has.
    ///
    /// # Errors
    /// `invalidValue` for both parameters at once, or too many names.
    pub(super) fn view(&self, accessor: Accessor, query: &ResourceQuery) -> Result<View, Error> {
        let names = |text: &Option<String>| text.as_deref().map(QueryParameters::names);
        let projection = Projection::parse(
            names(&query.attributes).as_deref(),
            names(&query.excluded_attributes).as_deref(),
            &[self.users()],
        )?;
        Ok(View::new(accessor, projection))
    }

    /// The resource of a user.
    pub(super) fn resource(&self, state: &UserState, view: &View) -> Value {
        let mut resource = to_resource(state, self.users(), self.base.as_str());
        if let Value::Object(members) = &mut resource {
            self.users().hide_from(view.accessor, members);
            view.projection.apply(members, self.users());
        }
        resource
    }

    /// The response with the resource of a user.
    pub(super) fn response(&self, status: StatusCode, state: &UserState, view: &View) -> ScimResponse {
        let location = location(state, self.base.as_str());
        ScimResponse::resource(status, self.resource(state, view), state.version, location)
    }
}
