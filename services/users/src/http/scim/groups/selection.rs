//! The attributes of a group that a response has.

use std::sync::Arc;

use scim::Error;
use scim::patch::Operation;
use scim::projection::{Projection, Written};
use scim::query::QueryParameters;
use scim::schema::{Registry, ResourceType};
use serde_json::{Map, Value};

use crate::http::scim::resources::ResourceQuery;

/// The attributes that a request wants.
#[derive(Clone, Debug)]
pub(in crate::http::scim) struct Selection {
    projection: Projection,
    written: Written,
    registry: Arc<Registry>,
}

impl Selection {
    /// Parses `attributes` and `excludedAttributes`.
    ///
    /// # Errors
    /// `invalidValue` for both together.
    pub(super) fn parse(
        registry: &Arc<Registry>,
        (attributes, excluded): (Option<&str>, Option<&str>),
    ) -> Result<Self, Error> {
        let names = |text: Option<&str>| text.map(QueryParameters::names);
        let (attributes, excluded) = (names(attributes), names(excluded));
        let groups = &[registry.groups()];
        let projection = Projection::parse(attributes.as_deref(), excluded.as_deref(), groups)?;
        Ok(Self::of(registry, projection))
    }

    /// The attributes that the parameters of a request for one resource choose.
    ///
    /// # Errors
    /// See [`Self::parse`].
    pub(super) fn of_query(registry: &Arc<Registry>, query: &ResourceQuery) -> Result<Self, Error> {
        let names = (query.attributes.as_deref(), query.excluded_attributes.as_deref());
        Self::parse(registry, names)
    }

    pub(in crate::http::scim) fn of(registry: &Arc<Registry>, projection: Projection) -> Self {
        Self {
            projection,
            written: Written::default(),
            registry: Arc::clone(registry),
        }
    }

    /// The attributes of the response to a POST or PUT of `resource`, which returns what it names (RFC 7643 §7).
    pub(super) fn after_resource(self, resource: &Value) -> Self {
        let named = resource.as_object();
        let written = named.map(|resource| Written::of_resource(resource, self.groups()));
        Self {
            written: written.unwrap_or_default(),
            ..self
        }
    }

    /// The attributes of the response to a PATCH.
    pub(super) fn after_patch(self, operations: &[Operation]) -> Self {
        let written = Written::of_patch(operations, self.groups());
        Self { written, ..self }
    }

    /// The resource type `Group`.
    pub(super) fn groups(&self) -> &ResourceType {
        self.registry.groups()
    }

    /// True if the response has members, so that they are worth loading.
    pub(super) fn has_members(&self) -> bool {
        self.projection.has("members", self.groups())
    }

    /// The resource as the response has it.
    pub(super) fn apply(&self, mut resource: Map<String, Value>) -> Value {
        self.projection.apply(&mut resource, self.groups(), &self.written);
        Value::Object(resource)
    }
}
