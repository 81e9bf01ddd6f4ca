//! The secret of pairwise subject identifiers (OpenID Connect Core §8.1). It is made once and never changed: applications know
//! people by what is derived from it. See `docs/decisions/0071-pairwise-subjects.md`.

use chassis::clock::Timestamp;
use chassis::db::Db;
use oidc::client::RegisteredClient;
use oidc::subject::{SECRET_BYTES, SubjectIdentifiers};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{KeyError, KeyRing, Tools, store};

/// The associated data with which the secret is encrypted.
const PURPOSE: &str = "secret of pairwise subjects";

impl KeyRing {
    /// `sub` of a user for a client (OpenID Connect Core §8).
    pub(crate) fn subject(&self, client: RegisteredClient<'_>, user: Uuid) -> String {
        self.0.subjects.subject(client, &user.to_string())
    }

    /// True if this start made the secret: identifiers of before are lost, if there were any.
    pub(crate) fn has_new_subjects(&self) -> bool {
        self.0.has_new_subjects
    }

    /// `sub` of a user in a sector, or the public one.
    pub(crate) fn subject_in(&self, sector: Option<&str>, user: Uuid) -> String {
        self.0.subjects.subject_in(sector, &user.to_string())
    }

    /// `sid` of a session in a sector, or the public one.
    pub(crate) fn session_in(&self, sector: Option<&str>, session: Uuid) -> String {
        self.0.subjects.session_in(sector, &session.to_string())
    }

    /// `sid` of a session for a client.
    pub(crate) fn session(&self, client: RegisteredClient<'_>, session: Uuid) -> String {
        self.0.subjects.session(client, &session.to_string())
    }
}

/// Reads the secret, makes it at the first start, and encrypts it again when its encryption key is no longer active. Returns
/// whether it was made.
pub(super) async fn open(
    db: &Db,
    now: Timestamp,
    (cipher, random): Tools<'_>,
) -> Result<(SubjectIdentifiers, bool), KeyError> {
    if let Some(stored) = store::subject_secret(&mut db.reader().await?).await?
        && stored.key == cipher.active()
    {
        return Ok((identifiers(&cipher.open(PURPOSE, &stored)?)?, false));
    }
    let mut made = Zeroizing::new([0; SECRET_BYTES]);
    random.fill(&mut *made);
    let mut tx = db.begin("subject_secret").await?;
    let is_new =
        store::insert_subject_secret(&mut tx, &cipher.seal(&**random, PURPOSE, &*made)?, now).await?;
    // Another replica may have made it before, or it was made under another encryption key.
    let stored = store::subject_secret(&mut tx).await?.ok_or_else(malformed)?;
    let secret = cipher.open(PURPOSE, &stored)?;
    if stored.key != cipher.active() {
        store::reseal_subject_secret(&mut tx, &cipher.seal(&**random, PURPOSE, &secret)?).await?;
    }
    tx.commit().await?;
    Ok((identifiers(&secret)?, is_new))
}

fn identifiers(secret: &[u8]) -> Result<SubjectIdentifiers, KeyError> {
    let secret: &[u8; SECRET_BYTES] = secret.try_into().map_err(|_| malformed())?;
    Ok(SubjectIdentifiers::new(secret))
}

fn malformed() -> KeyError {
    KeyError::Malformed("of pairwise subjects".to_owned())
}
