//! The decision whether a resource at the target is the one that is pushed, and what is written down of it.

use chassis::db::{DbError, Reader};
use uuid::Uuid;

use super::{Attempt, PushError};
use crate::remote::{Kind, RemoteResource};
use crate::rules::Adopt;
use crate::store::{marks, members, queue, resources};

/// The relation of a resource at the target to the one that is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ownership {
    /// It was pushed from here for this resource.
    Ours,
    /// It has the id of another user or group as its `externalId`, who is here or still followed at the target.
    Other,
    /// Nothing shows for whom it is. An id that is nobody's here may have been written by another system.
    Unknown,
}

impl Attempt<'_> {
    /// Decides for whom a resource at the target is: by its `externalId`, which is the id here. At a target that has not shown our
    /// `externalId` it is ours only with the id that is known and the name that was pushed last: an application that was set up
    /// anew counts its ids from the beginning.
    pub(super) async fn ownership(&self, kind: Kind, found: &RemoteResource) -> Result<Ownership, DbError> {
        if self.is_ours(kind, found) {
            return Ok(Ownership::Ours);
        }
        let shared = &self.job.provisioning.shared;
        let mut reader = shared.db.reader().await?;
        if self.named_owner(&mut reader, kind, found).await?.is_some() {
            return Ok(Ownership::Other);
        }
        let named = external_id(found).filter(|id| *id != self.job.id());
        let followed = resources::known(&mut reader, self.job.target.id, named.as_slice()).await?;
        match followed.is_empty() {
            true => Ok(Ownership::Unknown),
            false => Ok(Ownership::Other),
        }
    }

    /// True if a resource at the target was pushed from here for this resource, as its `externalId` or its id and name show.
    fn is_ours(&self, kind: Kind, found: &RemoteResource) -> bool {
        if self.has_our_id(found) {
            return true;
        }
        let is_known = self.job.due.remote_id.as_ref() == Some(&found.id);
        let name = found.text(name_attribute(kind)).map(str::to_lowercase);
        let pushed_last = self.job.due.remote_name.as_deref().map(str::to_lowercase);
        is_known && name.is_some() && name == pushed_last
    }

    fn has_our_id(&self, found: &RemoteResource) -> bool {
        external_id(found) == Some(self.job.id())
    }

    /// Accepts what a search has found, if it is nobody else's here, and it is ours or the rules allow to adopt it.
    pub(super) async fn accept(
        &mut self,
        kind: Kind,
        found: RemoteResource,
        is_ours: bool,
    ) -> Result<RemoteResource, PushError> {
        if let Some(owner) = self.owner(kind, &found).await? {
            return Err(PushError::Held {
                remote_id: found.id,
                owner,
            });
        }
        if !is_ours && !self.is_ours(kind, &found) {
            if self.job.target.rules.adopt == Adopt::Never {
                return Err(PushError::NotManaged {
                    kind: kind.name(),
                    remote_id: found.id,
                });
            }
            self.adopted = true;
        } else {
            self.remote_id = Some(found.id.clone());
        }
        Ok(found)
    }

    /// The other user or group here that a resource at the target belongs to.
    async fn owner(&self, kind: Kind, found: &RemoteResource) -> Result<Option<Uuid>, PushError> {
        let shared = &self.job.provisioning.shared;
        let mut reader = shared.db.reader().await?;
        let owner = resources::owner_of(&mut reader, self.job.target.id, kind, &found.id).await?;
        if let Some(owner) = owner.filter(|owner| *owner != self.job.id()) {
            return Ok(Some(owner));
        }
        Ok(self.named_owner(&mut reader, kind, found).await?)
    }

    /// The other user or group here whose id a resource at the target has as its `externalId`.
    async fn named_owner(
        &self,
        reader: &mut Reader,
        kind: Kind,
        found: &RemoteResource,
    ) -> Result<Option<Uuid>, DbError> {
        let directory = &self.job.provisioning.shared.directory;
        let Some(named) = external_id(found).filter(|id| *id != self.job.id()) else {
            return Ok(None);
        };
        let is_here = match kind {
            Kind::User => !directory.users(reader, &[named]).await?.is_empty(),
            Kind::Group => !directory.groups(reader, &[named]).await?.is_empty(),
        };
        Ok(is_here.then_some(named))
    }

    /// Notes the resource at the target that was pushed. If its id is another one than before, it is written down at once, so that
    /// no crash loses it, and the memberships that the resource had under its old id are pushed once more. `name` is the one that
    /// was pushed.
    ///
    /// # Errors
    /// [`PushError::Lost`] when another replica has claimed the resource meanwhile.
    pub(super) async fn note(
        &mut self,
        kind: Kind,
        name: Option<&str>,
        found: &RemoteResource,
    ) -> Result<(), PushError> {
        if self.is_dry {
            return Ok(());
        }
        self.remote_id = Some(found.id.clone());
        self.remote_name = match (self.has_our_id(found), name) {
            (true, _) => None,
            (false, Some(name)) => Some(name.to_owned()),
            (false, None) => self.job.due.remote_name.clone(),
        };
        if self.remote_id == self.job.due.remote_id {
            return Ok(());
        }
        let (target, id, now) = (self.job.target.id, self.job.id(), self.job.provisioning.now());
        let mut tx = self.job.provisioning.shared.db.begin("provisioning_note").await?;
        let groups = members::add_once_more(&mut tx, target, id).await?;
        if kind == Kind::Group {
            members::add_all_once_more(&mut tx, target, id, self.created).await?;
        }
        let mut touched = groups.clone();
        touched.push(id);
        marks::lock(&mut tx, target, &touched).await?;
        if !queue::note(&mut tx, self.job.claim, &found.id, self.remote_name.as_deref()).await? {
            return Err(PushError::Lost);
        }
        for group in groups {
            marks::track(&mut tx, target, (Kind::Group, group), now).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// The id that a resource at the target has as its `externalId`, if it has the form of one of ours.
fn external_id(found: &RemoteResource) -> Option<Uuid> {
    found.text("externalId")?.parse().ok()
}

/// The attribute that names a resource.
pub(super) fn name_attribute(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "userName",
        Kind::Group => "displayName",
    }
}
