//! Logos of clients: images that are fetched from `logo_uri` (RFC 7591 §2) and shown from our own origin.
//!
//! Each replica fetches what is due: a new address soon, a known one once a week. See `docs/decisions/0073-client-logos.md`.

mod image;
mod store;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use chassis::backoff::{Backoff, exponential_pause, jittered};
use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Db, DbError};
use chassis::random::SharedRandom;
use chassis::schedule::run_on_schedule;
use chassis::shutdown::Shutdown;
use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

pub(crate) use image::ImageFormat;
use image::{ImageError, ImageHeader, read_header};
use store::DueRow;
pub(super) use store::follow;

use super::fetches::{self, Counters, FetchError};
use super::model::{Client, Origin};
use super::outbound::ClientOutbound;
use super::store as clients;

/// The interval of the checks for due fetches.
const INTERVAL: Duration = Duration::from_secs(2);
/// Fetches at a time.
const BATCH: i64 = 8;
/// The time for which a fetch belongs to the replica that claimed it, longer than it can take.
const LEASE: Duration = Duration::from_secs(60);
/// The time after which an image is fetched again.
const REFRESH: Duration = Duration::from_secs(7 * 24 * 3600);
/// The pause after the first failure, doubled each time, up to [`REFRESH`].
const FIRST_PAUSE: Duration = Duration::from_secs(600);
/// The largest image in bytes, of a client of the configuration or of an administrator.
const MAX_BYTES: usize = 256 * 1024;
/// The largest image in bytes, of a client that registered itself. There may be many of them.
const MAX_BYTES_REGISTERED: usize = 64 * 1024;
/// The most fetches of one host in a minute for clients that registered themselves, which choose the host.
const MAX_OF_HOST: u32 = 30;

/// An image to send to a browser.
#[derive(Debug)]
pub(crate) struct Logo {
    /// Its format, which its bytes were checked for.
    pub(crate) format: ImageFormat,
    /// The bytes.
    pub(crate) image: Vec<u8>,
}

impl Logo {
    fn new(media_type: &str, image: Vec<u8>) -> Option<Self> {
        let format = ImageFormat::from_media_type(media_type)?;
        Some(Self { format, image })
    }
}

/// A fetched image.
#[derive(Debug)]
struct StoredLogo {
    header: ImageHeader,
    digest: String,
    image: Vec<u8>,
}

/// The logo of a client as an administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct LogoState {
    /// The address that it is fetched from.
    logo_uri: String,
    /// The keyed digest of the image, which is a part of its address here. Without it people see no logo.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// The media type of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    /// Its width in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<i64>,
    /// Its height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<i64>,
    /// The time of the fetch.
    #[serde(skip_serializing_if = "Option::is_none")]
    fetched_at: Option<Timestamp>,
    /// The reason why the last fetch failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The time of the next fetch.
    next_fetch_at: Timestamp,
}

/// There is no image.
#[derive(Debug, thiserror::Error)]
enum LogoError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error("the address is not a URL")]
    Url(#[from] url::ParseError),
}

/// The logos of clients. It is cheap to clone.
#[derive(Clone)]
pub(crate) struct ClientLogos {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    outbound: ClientOutbound,
    /// The key of the digests.
    key: hmac::Key,
    /// The fetches of each host for clients that registered themselves.
    hosts: Arc<Mutex<Counters>>,
}

impl ClientLogos {
    /// The logos of the clients in `db`, fetched through `outbound`. `secret` is the same on every replica.
    pub(crate) fn new(
        db: Db,
        (clock, random): (SharedClock, SharedRandom),
        outbound: ClientOutbound,
        secret: &[u8; 32],
    ) -> Self {
        Self {
            db,
            clock,
            random,
            outbound,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            hosts: Arc::default(),
        }
    }

    /// The digest of the image to show for a client, if there is one. A client without `logo_uri` costs no statement.
    pub(crate) async fn find_digest(&self, client: &Client) -> Result<Option<String>, DbError> {
        let Some(uri) = &client.metadata.logo_uri else {
            return Ok(None);
        };
        store::find_digest(&mut self.db.reader().await?, client.id.as_str(), uri.as_str()).await
    }

    /// True if there is an image with this digest. The image is not read.
    pub(crate) async fn has_image(&self, digest: &str) -> Result<bool, DbError> {
        store::has_image(&mut self.db.reader().await?, digest).await
    }

    /// The image with this digest.
    pub(crate) async fn find_image(&self, digest: &str) -> Result<Option<Logo>, DbError> {
        store::find_image(&mut self.db.reader().await?, digest).await
    }

    /// The state of the logo of a client, if it has a `logo_uri`.
    pub(crate) async fn find_state(&self, client_id: &str) -> Result<Option<LogoState>, DbError> {
        store::find_state(&mut self.db.reader().await?, client_id).await
    }

    /// Fetches what is due, until `shutdown`.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let failures = Backoff::new("logos of clients cannot be fetched, because the database fails");
        run_on_schedule(INTERVAL, failures, &shutdown, || self.fetch_due()).await;
    }

    /// Fetches some of what is due. What fails in the database is fetched again when its lease expires.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn fetch_due(&self) -> Result<(), DbError> {
        let rows = self.claim_due().await?;
        let fetches = rows.iter().map(|due| self.fetch_and_store(due));
        futures_util::future::join_all(fetches)
            .await
            .into_iter()
            .collect()
    }

    /// Claims some of what is due. Each comes with the party that chose its address. What a host is called too often for is claimed too,
    /// and the logo of a client that this release cannot read: they are due again when their lease expires.
    async fn claim_due(&self) -> Result<Vec<(DueRow, Origin)>, DbError> {
        let now = self.clock.now();
        let due = self.list_due(now).await?;
        let mut claimed = Vec::new();
        if due.is_empty() {
            return Ok(claimed);
        }
        let mut tx = self.db.begin("claim_client_logos").await?;
        for (row, origin) in due {
            let is_ours = store::claim(&mut tx, &row, now + LEASE).await?;
            if let Some(origin) = origin
                && is_ours
                && self.admits(&row, origin, now)
            {
                claimed.push((row, origin));
            }
        }
        tx.commit().await?;
        Ok(claimed)
    }

    /// Some of what is due, each with the party that chose its address, if the client can be read. The clients are read before the transaction that claims: an
    /// address that a client chose itself becomes that of an administrator with a change, and never the other way round.
    async fn list_due(&self, now: Timestamp) -> Result<Vec<(DueRow, Option<Origin>)>, DbError> {
        let mut reader = self.db.reader().await?;
        // A pause is at most half as long again as it is without jitter.
        let rows = store::list_due(&mut reader, now, REFRESH * 2, BATCH).await?;
        let mut due = Vec::new();
        for row in rows {
            let stored = clients::find_stored(&mut reader, &row.client_id).await?;
            let origin = stored.map(|stored| stored.client.address_origin(&row.logo_uri));
            due.push((row, origin));
        }
        Ok(due)
    }

    /// Counts a fetch. Returns false if its host is called too often for clients that registered themselves.
    fn admits(&self, row: &DueRow, origin: Origin, now: Timestamp) -> bool {
        let url = Url::parse(&row.logo_uri);
        let host = url.as_ref().ok().and_then(Url::host_str).unwrap_or_default();
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        origin != Origin::Registration || hosts.claim(host, MAX_OF_HOST, now)
    }

    async fn fetch_and_store(&self, (row, origin): &(DueRow, Origin)) -> Result<(), DbError> {
        let fetched = self.fetch(row, *origin).await;
        let now = self.clock.now();
        let next = |pause: Duration| now + jittered(pause, &*self.random);
        let mut tx = self.db.begin("store_client_logo").await?;
        match fetched {
            Ok(logo) => store::put_image(&mut tx, row, &logo, (now, next(REFRESH))).await?,
            Err(error) => {
                tracing::warn!(client.id = row.client_id, error.message = %error, "the logo of a client cannot be fetched");
                let earlier = u32::try_from(row.failures).unwrap_or(u32::MAX);
                let pause = exponential_pause(FIRST_PAUSE, REFRESH, earlier);
                store::put_failure(&mut tx, row, &error.to_string(), next(pause)).await?;
            }
        }
        tx.commit().await
    }

    /// The image at the address of `row`, which a party of this origin chose. What its server says of its type does not count.
    async fn fetch(&self, row: &DueRow, origin: Origin) -> Result<StoredLogo, LogoError> {
        let url = Url::parse(&row.logo_uri)?;
        let limit = match origin {
            Origin::Registration => MAX_BYTES_REGISTERED,
            Origin::Configuration | Origin::Administrator => MAX_BYTES,
        };
        let accept = "image/png, image/jpeg, image/webp, image/gif";
        let image = fetches::read(self.outbound.of(origin), &url, accept, limit).await?;
        Ok(StoredLogo {
            header: read_header(&image)?,
            digest: self.digest(&row.client_id, &image),
            image,
        })
    }

    /// The digest of the image of a client. Nobody can compute it who has the image alone, so that its address tells nobody which
    /// clients there are. Two clients with the same image have different ones.
    fn digest(&self, client_id: &str, image: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        // No `client_id` has a zero byte.
        for part in [client_id.as_bytes(), b"\0", image] {
            context.update(part);
        }
        hex(context.sign().as_ref())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
