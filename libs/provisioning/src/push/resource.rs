//! The steps of a push that users and groups share: to find a resource at the target, create it, change it, delete it.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::ownership::{Ownership, name_attribute};
use super::{Attempt, Planned, PushError, digest_of};
use crate::compare::{Difference, differences, get, patch_of, replacement};
use crate::mapping::DesiredResource;
use crate::remote::{Kind, RemoteError, RemoteResource};

impl Attempt<'_> {
    /// Has the target hold a resource with these attributes; without `create` only if it has one. Returns true if it has one
    /// in the end.
    pub(super) async fn ensure(
        &mut self,
        kind: Kind,
        desired: &DesiredResource,
        create: bool,
    ) -> Result<bool, PushError> {
        let digest = digest_of(&(&desired.attributes, &desired.absent));
        if self.remote_id.is_some() && self.pushed.as_ref() == Some(&digest) {
            return Ok(true);
        }
        let name = name_of(kind, desired).filter(|_| create);
        let found = match self.locate(kind, name, create || self.may_be_there()).await? {
            Some(found) => {
                self.update(kind, desired, &found).await?;
                Some(found)
            }
            None if create => self.create(kind, desired).await?,
            None => return Ok(false),
        };
        if let Some(found) = found {
            self.note(kind, name_of(kind, desired), &found).await?;
        }
        self.pushed = Some(digest);
        Ok(true)
    }

    /// Finds the resource at the target: that with the id that is known, or else, if one is known or `search`, by a search. The
    /// known id is forgotten only when the target has shown that it answers: 404 alone may be that of a proxy without its route.
    ///
    /// # Errors
    /// [`PushError::Unrecognised`] for one with the known id of which nothing shows whose it is, unless a search by `name` may settle
    /// that: to take it for gone would leave an account active.
    async fn locate(
        &mut self,
        kind: Kind,
        name: Option<&str>,
        search: bool,
    ) -> Result<Option<RemoteResource>, PushError> {
        let known = self.remote_id.clone();
        let mut unrecognised = None;
        if let Some(id) = &known
            && let Some(found) = self.remote.read(kind, id).await?
        {
            match self.ownership(kind, &found).await? {
                Ownership::Ours => return Ok(Some(found)),
                Ownership::Other => {}
                Ownership::Unknown => unrecognised = Some(found.id),
            }
        }
        if known.is_none() && !search {
            return Ok(None);
        }
        let (found, answered) = self.find(kind, name).await?;
        if found.is_none() {
            if let (Some(remote_id), None) = (unrecognised, name) {
                return Err(PushError::Unrecognised { remote_id });
            }
            if known.is_some() && !answered {
                self.remote.probe(kind).await?;
            }
            (self.remote_id, self.remote_name) = (None, None);
        }
        self.pushed = None;
        Ok(found)
    }

    /// True if an earlier push may have created the resource without that this is known: it was claimed before.
    fn may_be_there(&self) -> bool {
        self.job.due.claims > 0
    }

    /// Searches the resource at the target: by our id, which it has as `externalId`, then by `name`. Also returns true if the target
    /// has answered a search.
    async fn find(
        &mut self,
        kind: Kind,
        name: Option<&str>,
    ) -> Result<(Option<RemoteResource>, bool), PushError> {
        let id = self.job.id().to_string();
        let searches = [
            Some(("externalId", id.as_str())),
            name.map(|name| (name_attribute(kind), name)),
        ];
        let mut answered = false;
        for (attribute, value) in searches.into_iter().flatten() {
            let Some(found) = self.remote.find(kind, attribute, value).await? else {
                continue;
            };
            answered = true;
            if let count @ 2.. = found.len() {
                return Err(PushError::Ambiguous { attribute, count });
            }
            if let Some(found) = found.into_iter().next() {
                let found = self.accept(kind, found, attribute == "externalId").await?;
                return Ok((Some(found), true));
            }
        }
        Ok((None, answered))
    }

    /// Creates the resource, and returns it as the target has it; nothing in a dry run.
    async fn create(
        &mut self,
        kind: Kind,
        desired: &DesiredResource,
    ) -> Result<Option<RemoteResource>, PushError> {
        if self.is_dry {
            self.plan("create", None, desired.attributes.keys().cloned().collect());
            return Ok(None);
        }
        let body = Value::Object(desired.attributes.clone());
        match self.remote.create(kind, &body).await {
            Ok(created) => {
                self.remote_id = Some(created.id.clone());
                (self.created, self.written) = (true, true);
                Ok(Some(created))
            }
            // RFC 7644 §3.3: somebody has the name. It may be the resource that an earlier request created.
            Err(error) if error.status() == Some(StatusCode::CONFLICT) => {
                let Some(found) = self.find(kind, name_of(kind, desired)).await?.0 else {
                    return Err(error.into());
                };
                self.update(kind, desired, &found).await?;
                Ok(Some(found))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Has a resource differ no more.
    async fn update(
        &mut self,
        kind: Kind,
        desired: &DesiredResource,
        found: &RemoteResource,
    ) -> Result<(), PushError> {
        let differences = differences(desired, &found.attributes);
        if differences.is_empty() {
            return Ok(());
        }
        let body = || replacement(desired, &found.attributes);
        self.write(kind, found, &differences, body).await
    }

    /// Writes differences, by PATCH if the target understands it, or else by PUT.
    async fn write(
        &mut self,
        kind: Kind,
        found: &RemoteResource,
        differences: &[Difference],
        body: impl Fn() -> Map<String, Value>,
    ) -> Result<(), PushError> {
        if self.is_dry {
            let paths = differences.iter().map(|difference| difference.path.clone());
            let action = if self.adopted { "adopt" } else { "change" };
            self.plan(action, Some(found.id.clone()), paths.collect());
            return Ok(());
        }
        let etag = found.etag.as_deref().filter(|_| self.features.etag);
        let mut patch = self.features.patch;
        if patch {
            let written = self
                .remote
                .patch(kind, &found.id, &patch_of(differences), etag)
                .await;
            patch = match written {
                Ok(()) => true,
                Err(RemoteError::Refused { status, .. })
                    if [StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED].contains(&status) =>
                {
                    false
                }
                Err(error) => return Err(error.into()),
            };
        }
        if !patch {
            let mut body = body();
            if kind == Kind::Group {
                body.insert("members".to_owned(), self.all_members(None).await?);
            }
            self.remote
                .replace(kind, &found.id, &Value::Object(body), etag)
                .await?;
        }
        self.written = true;
        Ok(())
    }

    /// Has the account of a user inactive; `false` without one.
    pub(super) async fn deactivate(&mut self) -> Result<bool, PushError> {
        let inactive = DesiredResource {
            attributes: Map::from_iter([("active".to_owned(), Value::Bool(false))]),
            absent: Vec::new(),
        };
        let digest = digest_of(&json!({ "active": false }));
        if self.remote_id.is_some() && self.pushed.as_ref() == Some(&digest) {
            return Ok(true);
        }
        let Some(found) = self.locate(Kind::User, None, self.may_be_there()).await? else {
            return Ok(false);
        };
        self.update(Kind::User, &inactive, &found).await?;
        if let Some(planned) = &mut self.planned {
            planned.action = "deactivate";
        }
        self.note(Kind::User, None, &found).await?;
        self.pushed = Some(digest);
        Ok(true)
    }

    /// Notes what a push would write.
    fn plan(&mut self, action: &'static str, remote_id: Option<String>, attributes: Vec<String>) {
        let names = attributes.into_iter().filter(|name| name != "schemas");
        self.planned = Some(Planned {
            action,
            remote_id,
            attributes: names.collect(),
        });
    }

    /// Has the target without the resource.
    pub(super) async fn delete(&mut self, kind: Kind) -> Result<(), PushError> {
        let search = self.may_be_there();
        let Some(found) = self.locate(kind, None, search).await? else {
            return Ok(());
        };
        if self.is_dry {
            self.plan("delete", Some(found.id), Vec::new());
            return Ok(());
        }
        self.remote.delete(kind, &found.id).await?;
        self.written = true;
        (self.remote_id, self.remote_name, self.pushed) = (None, None, None);
        Ok(())
    }
}

/// The name that a resource should have.
fn name_of(kind: Kind, desired: &DesiredResource) -> Option<&str> {
    get(&desired.attributes, name_attribute(kind)).and_then(Value::as_str)
}
