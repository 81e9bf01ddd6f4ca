//! The dispatcher of logout tokens (OpenID Connect Back-Channel Logout 1.0): sends what is due, with retries. Every replica runs one.
//! [`crate::logouts`] has what is due.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chassis::backoff::{Backoff, exponential_pause, jittered};
use chassis::clock::SharedClock;
use chassis::db::{Db, DbError};
use chassis::random::SharedRandom;
use chassis::shutdown::Shutdown;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use oidc::jose::TYP_LOGOUT_TOKEN;
use oidc::logout::{LogoutTokenClaims, logout_request_body};
use tokio::task::{Id, JoinError, JoinSet};
use url::Url;

use crate::clients::{Client, ClientOutbound, Clients, Origin};
use crate::keys::KeyRing;
use crate::logouts::{self, DeliveryRow, Shares};

/// The interval of the checks for due deliveries.
const INTERVAL: Duration = Duration::from_secs(1);
/// Deliveries under way at a time, of all clients and of each. One that does not answer fills its own share and no more.
const SHARES: Shares = Shares { overall: 64, each: 8 };
/// The time for which a delivery belongs to the replica that claimed it, longer than an attempt can take.
const LEASE: Duration = Duration::from_secs(60);
/// The pauses between attempts: the first, doubled each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// The attempts after which a delivery is given up, three quarters of an hour after the first.
const MAX_ATTEMPTS: i64 = 10;
/// The most bytes of an answer that are read. Nothing of them is kept.
const MAX_ANSWER: usize = 16 * 1024;

/// The collaborators of the dispatcher.
pub(crate) struct Parts {
    pub(crate) db: Db,
    pub(crate) clock: SharedClock,
    pub(crate) random: SharedRandom,
    pub(crate) clients: Clients,
    pub(crate) keys: KeyRing,
    /// `iss`: the URL of this server.
    pub(crate) issuer: String,
    /// The ways out to addresses that others chose (SB-32).
    pub(crate) outbound: ClientOutbound,
}

/// The deliveries of this replica that are under way: the clients of their tasks.
#[derive(Debug, Default)]
struct Busy(HashMap<Id, String>);

impl Busy {
    fn of(&self, client: &str) -> usize {
        self.0.values().filter(|busy| *busy == client).count()
    }

    /// Notes the end of a task. Returns whether it made place for another one.
    fn end(&mut self, task: Id) -> bool {
        let was_full = self.0.len() >= SHARES.overall;
        let client = self.0.remove(&task);
        was_full || client.is_some_and(|client| self.of(&client) + 1 >= SHARES.each)
    }

    /// The first of `rows` that may be sent beside the deliveries under way.
    fn admit(&self, rows: Vec<DeliveryRow>) -> Vec<DeliveryRow> {
        let mut counts: HashMap<String, usize> = HashMap::new();
        let admitted = rows.into_iter().filter(|row| {
            let id = &row.client_id;
            let count = counts.entry(id.clone()).or_insert_with(|| self.of(id));
            *count += 1;
            *count <= SHARES.each
        });
        admitted
            .take(SHARES.overall.saturating_sub(self.0.len()))
            .collect()
    }
}

/// The client of a delivery, its logout URI, and the party that chose the URI.
struct Destination {
    client: Arc<Client>,
    url: Url,
    origin: Origin,
}

/// Sends logout tokens to clients.
#[derive(Clone)]
pub(crate) struct LogoutDispatcher(Arc<Parts>);

impl LogoutDispatcher {
    /// A dispatcher.
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Sends until `shutdown`.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut failures = Backoff::new("logout tokens cannot be read from the database");
        let mut tick = tokio::time::interval(INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut busy, mut sending) = (Busy::default(), JoinSet::new());
        loop {
            let outcome = tokio::select! {
                _ = tick.tick() => Ok(()),
                Some(ended) = sending.join_next_with_id() => {
                    let (task, outcome) = ended.unwrap_or_else(|error| panicked(&error));
                    let made_place = busy.end(task);
                    if outcome.is_ok() && !made_place {
                        continue;
                    }
                    outcome
                }
                () = shutdown.cancelled() => break,
            };
            let claimed = match outcome {
                Ok(()) => self.claim_due(&busy).await,
                Err(error) => Err(error),
            };
            match claimed {
                Ok(rows) => {
                    failures.succeeded();
                    for row in rows {
                        let (dispatcher, client) = (self.clone(), row.client_id.clone());
                        let task = sending.spawn(async move { dispatcher.deliver(&row).await });
                        busy.0.insert(task.id(), client);
                    }
                }
                Err(error) => {
                    failures.failed(&error);
                }
            }
        }
        while sending.join_next().await.is_some() {}
    }

    /// Claims what is due, within the shares. What fails afterwards is sent again when its lease expires.
    ///
    /// # Errors
    /// When the database fails.
    async fn claim_due(&self, busy: &Busy) -> Result<Vec<DeliveryRow>, DbError> {
        if busy.0.len() >= SHARES.overall {
            return Ok(Vec::new());
        }
        let parts = &self.0;
        let now = parts.clock.now();
        let rows = logouts::due(&mut parts.db.reader().await?, now, LONGEST_PAUSE * 2, SHARES).await?;
        let rows = busy.admit(rows);
        if rows.is_empty() {
            return Ok(rows);
        }
        let mut claimed = Vec::new();
        let mut tx = parts.db.begin("claim_logouts").await?;
        for row in rows {
            if logouts::claim(&mut tx, &row, now + LEASE).await? {
                claimed.push(row);
            }
        }
        tx.commit().await?;
        Ok(claimed)
    }

    /// Sends one delivery and records the outcome.
    async fn deliver(&self, row: &DeliveryRow) -> Result<(), DbError> {
        let Some(destination) = self.destination(row).await? else {
            return self.finish(row).await;
        };
        match self.send(row, &destination).await {
            Ok(()) => {
                count("delivered");
                self.finish(row).await
            }
            Err(error) if row.attempts + 1 >= MAX_ATTEMPTS => {
                count("given_up");
                tracing::warn!(
                    client.id = row.client_id,
                    error.message = error,
                    "back-channel logout given up after {MAX_ATTEMPTS} attempts: the application was not told of the end of a session"
                );
                self.finish(row).await
            }
            Err(error) => {
                count("failed");
                tracing::debug!(
                    client.id = row.client_id,
                    error.message = error,
                    "back-channel logout failed and is retried"
                );
                let earlier = u32::try_from(row.attempts).unwrap_or(u32::MAX);
                let pause = exponential_pause(FIRST_PAUSE, LONGEST_PAUSE, earlier);
                let at = self.0.clock.now() + jittered(pause, &*self.0.random);
                let mut tx = self.0.db.begin("logout_put_off").await?;
                logouts::put_off(&mut tx, row, at).await?;
                tx.commit().await
            }
        }
    }

    /// The destination of a delivery; `None` when the client is gone or has no logout URI.
    async fn destination(&self, row: &DeliveryRow) -> Result<Option<Destination>, DbError> {
        let Some(client) = self.0.clients.find(&row.client_id).await? else {
            return Ok(None);
        };
        if client.check_proof_of_sector().is_err() {
            return Ok(None);
        }
        let Some(uri) = &client.metadata.backchannel_logout_uri else {
            return Ok(None);
        };
        let origin = client.address_origin(uri.as_str());
        let url = Url::parse(uri.as_str()).ok();
        Ok(url.map(|url| Destination { client, url, origin }))
    }

    /// `sub` and `sid` of a logout token, as the client knows them: before it was changed it may have known others.
    fn identifiers(&self, row: &DeliveryRow, client: &Client) -> (String, String) {
        let keys = &self.0.keys;
        let sector = match &row.sector {
            Some(former) => Some(former.clone()).filter(|sector| !sector.is_empty()),
            None => client.registered().identifier_sector(),
        };
        let sector = sector.as_deref();
        (
            keys.subject_in(sector, row.subject),
            keys.session_in(sector, row.session_id),
        )
    }

    /// Sends a logout token once (OpenID Connect Back-Channel Logout §2.5, §2.8).
    async fn send(&self, row: &DeliveryRow, destination: &Destination) -> Result<(), String> {
        let (parts, client) = (&self.0, &destination.client);
        let claims = LogoutTokenClaims::new(
            &parts.issuer,
            client.id.as_str(),
            self.identifiers(row, client),
            parts.random.uuid(&*parts.clock).simple().to_string(),
            parts.clock.now().as_secs(),
        );
        let algorithm = client.metadata.id_token_signed_response_alg;
        let token = parts.keys.sign(algorithm, TYP_LOGOUT_TOKEN, &claims);
        let token = token.map_err(|error| error.to_string())?;
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        let body = logout_request_body(&token).into_bytes();
        let answer = parts
            .outbound
            .of(destination.origin)
            .send(Method::POST, &destination.url, headers, body)
            .await;
        let answer = answer.map_err(|error| error.to_string())?;
        let status = answer.status;
        // The status has said it all: what follows may be too long, or never end.
        let _ = answer.read(MAX_ANSWER).await;
        match status.is_success() {
            true => Ok(()),
            false => Err(format!("the application answered {status}")),
        }
    }

    async fn finish(&self, row: &DeliveryRow) -> Result<(), DbError> {
        let mut tx = self.0.db.begin("logout_done").await?;
        logouts::delete(&mut tx, row).await?;
        tx.commit().await
    }
}

/// The outcome of a task that panicked: its delivery is sent again when its lease expires.
fn panicked(error: &JoinError) -> (Id, Result<(), DbError>) {
    tracing::error!(error.message = %error, "the delivery of a logout token panicked");
    (error.id(), Ok(()))
}

fn count(outcome: &'static str) {
    metrics::counter!("vestibule_logout_deliveries_total", "outcome" => outcome).increment(1);
}
