//! The encryption of credentials under the active key, so that an old one can leave the configuration.

use chassis::db::DbError;
use uuid::Uuid;

use super::super::Provisioning;
use super::super::credentials::Credentials;
use super::super::store;

/// Targets read at a time.
const PAGE: i64 = 100;

/// Encrypts all credentials under the active key. Those that cannot be read stay as they are.
pub(super) async fn reseal(provisioning: &Provisioning) -> Result<(), DbError> {
    let Some(cipher) = &provisioning.shared.cipher else {
        return Ok(());
    };
    let mut after = Uuid::nil();
    loop {
        let mut reader = provisioning.shared.db.reader().await?;
        let page = store::list(&mut reader, after, PAGE).await?;
        drop(reader);
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
        for target in &page {
            let sealed = target.credentials();
            if sealed.key == cipher.active() {
                continue;
            }
            let anew = Credentials::open(cipher, target.id, &sealed)
                .and_then(|credentials| credentials.seal(cipher, provisioning.random(), target.id));
            match anew {
                Ok(anew) => {
                    let mut tx = provisioning.shared.db.begin("provisioning_reseal").await?;
                    store::reseal(&mut tx, target, &anew).await?;
                    tx.commit().await?;
                }
                Err(error) => tracing::error!(
                    provisioning.target.id = %target.id,
                    provisioning.key = sealed.key,
                    error = &error as &dyn std::error::Error,
                    "credentials of a provisioning target cannot be decrypted: add their key again, or give new credentials"
                ),
            }
        }
    }
}
