//! Use cases of administrators: targets are created, changed, deleted, synced and retried.

use chassis::db::{DbError, Reader};
use chassis::outbound::OutboundError;
use url::Url;
use uuid::Uuid;

use super::credentials::Credentials;
use super::invalid::InvalidRule;
use super::rules::Rules;
use super::store::{self, Change, Target, TargetRow, marks, resources, sweeps};
use super::{Provisioning, ProvisioningError};

const MAX_NAME: usize = 100;
const MAX_URL: usize = 2048;
/// The most targets: each one reads every event.
const MAX_TARGETS: i64 = 200;

/// A target to be created.
#[derive(Debug)]
pub(crate) struct TargetSpec {
    pub(crate) name: String,
    pub(crate) base_url: String,
    pub(crate) credentials: Credentials,
    pub(crate) rules: Rules,
    pub(crate) enabled: bool,
}

/// The changes to a target; fields that are not named stay.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    pub(crate) name: Option<String>,
    pub(crate) base_url: Option<String>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) rules: Option<Rules>,
    pub(crate) enabled: Option<bool>,
}

impl Edit {
    /// True if nothing is to be different.
    pub(crate) fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.base_url.is_none()
            && self.credentials.is_none()
            && self.rules.is_none()
            && self.enabled.is_none()
    }
}

impl Provisioning {
    /// Creates a target, and begins to push to it what is there already.
    pub(crate) async fn create(&self, spec: TargetSpec) -> Result<Target, ProvisioningError> {
        let cipher = self.cipher()?;
        let name = name(&spec.name)?;
        self.check_credentials(&spec.credentials).await?;
        let base_url = self.callable("base_url", &spec.base_url).await?;
        self.check_rules(&spec.rules).await?;
        let id = self.random().uuid(&*self.shared.clock);
        let sealed = spec.credentials.seal(cipher, self.random(), id)?;
        let now = self.now();
        let row = TargetRow {
            id,
            name,
            base_url: &base_url,
            rules: &spec.rules,
            credentials: &sealed,
            credentials_type: spec.credentials.kind(),
            paused: (!spec.enabled).then_some("operator"),
            now,
        };
        let mut tx = self.shared.db.begin("provisioning_target_create").await?;
        if store::count(&mut tx).await? >= MAX_TARGETS {
            return Err(ProvisioningError::TooMany);
        }
        store::insert(&mut tx, &row).await.map_err(name_taken)?;
        sweeps::begin_all(&mut tx, id, false, now).await?;
        let created = store::find(&mut tx, id)
            .await?
            .ok_or(ProvisioningError::NotFound)?;
        tx.wake_on_commit(&self.shared.wake);
        tx.commit().await?;
        tracing::info!(event.action = "provisioning-target-created", event.outcome = "success", provisioning.target.id = %id, "provisioning target created");
        Ok(created)
    }

    /// Changes a target. What its rules bring about is pushed.
    pub(crate) async fn change(&self, id: Uuid, edit: Edit) -> Result<Target, ProvisioningError> {
        if let Some(text) = &edit.name {
            name(text)?;
        }
        if let Some(credentials) = &edit.credentials {
            self.check_credentials(credentials).await?;
        }
        let base_url = match &edit.base_url {
            Some(url) => Some(self.callable("base_url", url).await?),
            None => None,
        };
        if let Some(rules) = &edit.rules {
            self.check_rules(rules).await?;
        }
        let sealed = match &edit.credentials {
            Some(credentials) => Some(credentials.seal(self.cipher()?, self.random(), id)?),
            None => None,
        };
        let now = self.now();
        let mut tx = self.shared.db.begin("provisioning_target_change").await?;
        let old = store::lock(&mut tx, id)
            .await?
            .ok_or(ProvisioningError::NotFound)?;
        if let (Some(base_url), None) = (&base_url, &edit.credentials)
            && !is_same_origin(base_url, &old.base_url)
        {
            // Or the stored ones would be sent to a host that they are not for.
            let detail =
                "Required together with a base_url on another host: the stored ones are not sent there.";
            return Err(InvalidRule::new("credentials", detail).into());
        }
        let paused = old.paused_at.zip(old.paused_reason.as_deref());
        let kept = old.credentials();
        let change = Change {
            name: edit.name.as_deref().unwrap_or(&old.name),
            base_url: base_url.as_deref().unwrap_or(&old.base_url),
            rules: edit.rules.as_ref().unwrap_or(&old.rules),
            credentials: sealed.as_ref().unwrap_or(&kept),
            credentials_type: edit
                .credentials
                .as_ref()
                .map_or(old.credentials_type.as_str(), |credentials| credentials.kind()),
            paused: match (edit.enabled, &edit.credentials) {
                (Some(true), _) => None,
                (Some(false), _) => paused.or(Some((now, "operator"))),
                // New credentials are what a target waits for that refused the old ones.
                (None, Some(_)) => paused.filter(|(_, reason)| *reason == "operator"),
                (None, None) => paused,
            },
        };
        store::update(&mut tx, id, &change, now)
            .await
            .map_err(name_taken)?;
        let moved = change.base_url != old.base_url;
        if moved {
            // The ids are those of another application.
            marks::forget_remote(&mut tx, id).await?;
        }
        if moved || *change.rules != *old.rules {
            sweeps::begin_all(&mut tx, id, false, now).await?;
        }
        let changed = store::find(&mut tx, id)
            .await?
            .ok_or(ProvisioningError::NotFound)?;
        tx.wake_on_commit(&self.shared.wake);
        tx.commit().await?;
        tracing::info!(event.action = "provisioning-target-changed", event.outcome = "success", provisioning.target.id = %id, "provisioning target changed");
        Ok(changed)
    }

    /// Deletes a target. What it holds stays there.
    pub(crate) async fn delete(&self, id: Uuid) -> Result<(), ProvisioningError> {
        let mut tx = self.shared.db.begin("provisioning_target_delete").await?;
        if !store::delete(&mut tx, id).await? {
            return Err(ProvisioningError::NotFound);
        }
        tx.commit().await?;
        tracing::info!(event.action = "provisioning-target-deleted", event.outcome = "success", provisioning.target.id = %id, "provisioning target deleted");
        Ok(())
    }

    /// Compares the whole directory with what was pushed to a target, and pushes what differs; with `verify`, with what the
    /// target has.
    pub(crate) async fn sync(&self, id: Uuid, verify: bool) -> Result<(), ProvisioningError> {
        let mut tx = self.shared.db.begin("provisioning_sync").await?;
        store::lock(&mut tx, id)
            .await?
            .ok_or(ProvisioningError::NotFound)?;
        sweeps::begin_all(&mut tx, id, verify, self.now()).await?;
        tx.wake_on_commit(&self.shared.wake);
        tx.commit().await?;
        tracing::info!(event.action = "provisioning-synced", event.outcome = "success", provisioning.target.id = %id, "sync of a provisioning target begun");
        Ok(())
    }

    /// Pushes once more what was given up, and returns how much that is.
    pub(crate) async fn retry_dead(&self, id: Uuid) -> Result<u64, ProvisioningError> {
        let mut tx = self.shared.db.begin("provisioning_retry").await?;
        store::lock(&mut tx, id)
            .await?
            .ok_or(ProvisioningError::NotFound)?;
        let count = marks::retry_dead(&mut tx, id, self.now()).await?;
        tx.wake_on_commit(&self.shared.wake);
        tx.commit().await?;
        tracing::info!(event.action = "provisioning-retried", event.outcome = "success", provisioning.target.id = %id, count, "dead-lettered pushes retried");
        Ok(count)
    }

    /// Pushes one resource at once, whatever became of it before.
    pub(crate) async fn retry(&self, id: Uuid, resource: Uuid) -> Result<(), ProvisioningError> {
        let mut tx = self.shared.db.begin("provisioning_retry").await?;
        store::lock(&mut tx, id)
            .await?
            .ok_or(ProvisioningError::NotFound)?;
        let now = self.now();
        resources::find(&mut tx, id, resource)
            .await?
            .ok_or(ProvisioningError::NotFound)?;
        marks::distrust(&mut tx, id, &[resource], now).await?;
        tx.wake_on_commit(&self.shared.wake);
        tx.commit().await?;
        tracing::info!(event.action = "provisioning-retried", event.outcome = "success", provisioning.target.id = %id, provisioning.resource.id = %resource, "push retried");
        Ok(())
    }

    /// Checks rules, and that the groups are there that they name.
    pub(crate) async fn check_rules(&self, rules: &Rules) -> Result<(), ProvisioningError> {
        rules.check(self.shared.registry.users())?;
        let named = rules.named_groups();
        let ids: Vec<Uuid> = named.iter().map(|(_, id)| *id).collect();
        let mut reader: Reader = self.shared.db.reader().await?;
        let there = self.shared.directory.groups(&mut reader, &ids).await?;
        match named
            .iter()
            .find(|(_, id)| !there.iter().any(|group| group.id == *id))
        {
            Some((field, id)) => Err(InvalidRule::new(*field, format!("No group has the id {id}.")).into()),
            None => Ok(()),
        }
    }

    async fn check_credentials(&self, credentials: &Credentials) -> Result<(), ProvisioningError> {
        credentials.check()?;
        if let Credentials::ClientCredentials { token_url, .. } = credentials {
            self.callable("credentials.token_url", token_url.as_str()).await?;
        }
        Ok(())
    }

    /// A URL that may be called at this moment; every call checks again.
    async fn callable(&self, field: &str, text: &str) -> Result<String, ProvisioningError> {
        let wrong = |detail: String| ProvisioningError::from(InvalidRule::new(field, detail));
        if text.len() > MAX_URL {
            return Err(wrong(format!("Expected {MAX_URL} characters at most.")));
        }
        let url: Url = text
            .parse()
            .map_err(|_| wrong("Expected an https:// URL.".to_owned()))?;
        if url.query().is_some() {
            return Err(wrong("Expected a URL without a query.".to_owned()));
        }
        match self.shared.outbound.check(&url).await {
            Ok(()) => Ok(url.into()),
            Err(error @ OutboundError::Refused(_)) => Err(wrong(format!("Refused: {error}."))),
            Err(error) => Err(wrong(format!("Not reachable: {error}."))),
        }
    }
}

/// True if both URLs are of one scheme, host and port.
fn is_same_origin(one: &str, other: &str) -> bool {
    let origin = |text: &str| text.parse::<Url>().ok().map(|url| url.origin());
    origin(one) == origin(other)
}

fn name(text: &str) -> Result<&str, InvalidRule> {
    let fits = !text.trim().is_empty()
        && text.trim() == text
        && text.chars().count() <= MAX_NAME
        && !text.chars().any(char::is_control);
    match fits {
        true => Ok(text),
        false => Err(InvalidRule::new(
            "name",
            format!("Expected 1 to {MAX_NAME} characters in one line, without spaces at the ends."),
        )),
    }
}

fn name_taken(error: DbError) -> ProvisioningError {
    match error {
        DbError::Unique { .. } => ProvisioningError::NameTaken,
        error => error.into(),
    }
}
