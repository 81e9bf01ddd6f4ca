//! Users as resources in a response: as the caller may read them, with the attributes that the request asks for.

use std::sync::Arc;

use axum::extract::FromRef;
use chassis::db::{Db, DbError, Reader};
use contract::UserState;
use http::StatusCode;
use scim::Error;
use scim::projection::{Projection, Written};
use scim::query::QueryParameters;
use scim::schema::{Registry, ResourceType};
use serde::Deserialize;
use serde_json::Value;

use super::body::ScimResponse;
use super::refusal::Refusal;
use crate::app::{ScimBase, SharedApp};
use crate::authority::Right;
use crate::memberships::{GroupsOfUsers, groups_of};
use crate::users::{Managers, Writer, location, managers_of, seen_by, show_manager, to_resource};

/// The parameters of a request for one resource (RFC 7644 §3.9). Others are ignored (§3.4.2); flags of Entra ID stand in the URL
/// that it is given, for example.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceQuery {
    /// The attributes of the response, separated by commas: `userName,emails.value`.
    pub(super) attributes: Option<String>,
    /// The attributes that the response does not need, separated by commas.
    pub(super) excluded_attributes: Option<String>,
}

/// The part of a resource that a response has.
#[derive(Clone, Debug)]
pub(super) struct View {
    caller: Writer,
    projection: Projection,
    written: Written,
}

impl View {
    pub(super) fn new(caller: Writer, projection: Projection) -> Self {
        Self {
            caller,
            projection,
            written: Written::default(),
        }
    }

    /// The same of a write, which returns what it names.
    pub(super) fn after(self, written: Written) -> Self {
        Self { written, ..self }
    }
}

/// The attribute registry and the URL of `/scim/v2`, with which resources are made.
#[derive(Clone, Debug)]
pub(crate) struct Resources {
    db: Db,
    registry: Arc<Registry>,
    base: ScimBase,
}

impl FromRef<SharedApp> for Resources {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            db: app.db.clone(),
            registry: Arc::clone(&app.registry),
            base: app.scim_base.clone(),
        }
    }
}

impl Resources {
    /// The resource type `User`.
    pub(in crate::http) fn users(&self) -> &ResourceType {
        self.registry.users()
    }

    /// The part of a user that a response to `caller` has.
    ///
    /// # Errors
    /// `invalidValue` for both parameters at once, or too many names.
    pub(super) fn view(&self, caller: &Writer, query: &ResourceQuery) -> Result<View, Error> {
        let names = |text: &Option<String>| text.as_deref().map(QueryParameters::names);
        let projection = Projection::parse(
            names(&query.attributes).as_deref(),
            names(&query.excluded_attributes).as_deref(),
            &[self.users()],
        )?;
        Ok(View::new(caller.clone(), projection))
    }

    /// The resources of users.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn all(
        &self,
        reader: &mut Reader,
        states: &[UserState],
        view: &View,
    ) -> Result<Vec<Value>, DbError> {
        let authority = &view.caller.authority;
        let ids: Vec<_> = states.iter().map(|state| state.id).collect();
        let groups = match view.projection.has("groups", self.users()) {
            true => groups_of(reader, &ids, authority, self.base.as_str()).await?,
            false => GroupsOfUsers::new(),
        };
        let is_visible = |manager: &UserState| {
            let rights = authority.rights_over(manager, || to_resource(manager, self.users(), ""));
            rights.has(Right::Read)
        };
        let managers = managers_of(reader, states, is_visible).await?;
        let shown = states
            .iter()
            .map(|state| self.resource(state, view, (&groups, &managers)));
        Ok(shown.collect())
    }

    fn resource(
        &self,
        state: &UserState,
        view: &View,
        (groups, managers): (&GroupsOfUsers, &Managers),
    ) -> Value {
        let seen = seen_by(state, view.caller.client.as_deref());
        let mut resource = to_resource(&seen, self.users(), self.base.as_str());
        if let Value::Object(members) = &mut resource {
            self.users().show_primary(members);
            if let Some(groups) = groups.get(&state.id) {
                members.insert("groups".to_owned(), groups.clone().into());
            }
            show_manager(members, managers, self.base.as_str());
            self.users().hide_from(view.caller.accessor, members);
            view.projection.apply(members, self.users(), &view.written);
        }
        resource
    }

    /// The response with the resource of a user.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn response(
        &self,
        status: StatusCode,
        state: &UserState,
        view: &View,
    ) -> Result<ScimResponse, Refusal> {
        let mut reader = self.db.reader().await?;
        let mut shown = self.all(&mut reader, std::slice::from_ref(state), view).await?;
        let location = location(state, self.base.as_str());
        let body = shown.pop().unwrap_or_default();
        Ok(ScimResponse::resource(status, body, state.version, location))
    }
}
