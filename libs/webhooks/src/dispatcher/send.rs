//! One attempt to deliver one event.

use std::time::Duration;

use chassis::db::DbError;
use chassis::outbound::OutboundError;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::super::health::LONGEST_REST;
use super::super::message::{self, TEST_TYPE};
use super::super::secret::Secret;
use super::super::store::queue::{self, Attempt, Claim, Due};
use super::super::store::{self, Webhook};
use super::super::{WebhookError, Webhooks, metering, schedule};
use contract::Envelope;

/// As much of an answer is read, so that a receiver can finish its sentence. Nothing of it is kept.
const ANSWER: usize = 16 * 1024;
/// The time for which a receiver is left alone that let too many calls in a row wait in vain.
const UNANSWERED: Duration = Duration::from_secs(60);
/// The time for which a delivery waits that this service could not send by its own fault.
const OWN_FAULT: Duration = LONGEST_REST;

/// A delivery that this replica has claimed.
pub(crate) struct Job {
    pub(crate) webhooks: Webhooks,
    pub(crate) webhook: Webhook,
    pub(crate) claim: Claim,
    pub(crate) delivery: Due,
}

/// The outcome of an attempt: the receiver's answer, or the failure.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// 2xx
    Delivered(StatusCode),
    /// 410: there is nobody any more.
    Gone,
    /// Everything else.
    Failed {
        status: Option<StatusCode>,
        error: String,
        /// True if it took too long.
        late: bool,
        /// The time after which the receiver wants to be asked again.
        retry_after: Option<Duration>,
    },
}

impl Job {
    /// Sends, and writes down what became of it.
    pub(crate) async fn run(self) {
        let written = match self.attempt().await {
            Ok(outcome) => self.record(&outcome).await,
            Err(error) => self.put_off(&error).await,
        };
        if let Err(error) = written {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "outcome of a webhook delivery not stored: it is sent again when its lease expires"
            );
        }
    }

    /// Sends the event once. An error is our own, and no attempt: nothing was sent.
    pub(crate) async fn attempt(&self) -> Result<Outcome, WebhookError> {
        let now = self.webhooks.now();
        let event: Envelope = serde_json::from_str(&self.delivery.envelope)?;
        let cipher = self.webhooks.cipher()?;
        let sealed = [Some(self.webhook.secret()), self.webhook.previous_at(now)];
        let secrets = sealed
            .iter()
            .flatten()
            .map(|sealed| Secret::open(cipher, self.webhook.id, sealed))
            .collect::<Result<Vec<_>, _>>()?;
        let body = message::body(&event)?;
        let headers = message::headers(event.id, now, &body, &secrets);
        let url: Url = self.webhook.url.parse().map_err(|_| WebhookError::Invalid {
            field: "url".to_owned(),
            detail: "not a URL".to_owned(),
        })?;
        let call = self
            .webhooks
            .shared
            .outbound
            .send(Method::POST, &url, headers, body);
        let answer = match events::trace::within(&event, call).await {
            Ok(answer) => answer,
            Err(error) => {
                return Ok(Outcome::Failed {
                    status: None,
                    late: matches!(error, OutboundError::Timeout),
                    error: error.to_string(),
                    retry_after: None,
                });
            }
        };
        let (status, retry_after) = (answer.status, retry_after(&answer.headers));
        // The status has said it all: what follows may be too long, or never end.
        let _ = answer.read(ANSWER).await;
        Ok(match status {
            StatusCode::GONE => Outcome::Gone,
            status if status.is_success() => Outcome::Delivered(status),
            status => Outcome::Failed {
                status: Some(status),
                error: format!("the receiver answered {status}"),
                late: false,
                retry_after,
            },
        })
    }

    /// Gives the delivery back, for an attempt that does not count. A secret that cannot be read keeps this replica from
    /// all of the webhook; another may have the key for it.
    async fn put_off(&self, error: &WebhookError) -> Result<(), DbError> {
        tracing::error!(
            webhook.id = %self.webhook.id,
            event.id = %self.claim.event,
            error = error as &dyn std::error::Error,
            "webhook delivery cannot be prepared: no attempt is counted, and it is retried in a minute"
        );
        let until = self.webhooks.now() + OWN_FAULT;
        if matches!(error, WebhookError::Cipher(_)) {
            self.webhooks.shared.health.pause(self.webhook.id, until);
        }
        let mut tx = self.webhooks.shared.db.begin("webhook_put_off").await?;
        queue::put_off(&mut tx, self.claim, until).await?;
        tx.commit().await
    }

    /// Writes the outcome down, unless the delivery was taken by another replica meanwhile.
    pub(crate) async fn record(&self, outcome: &Outcome) -> Result<(), DbError> {
        let now = self.webhooks.now();
        let attempt = self.next_attempt(outcome);
        let unanswered = self.unanswered(outcome);
        let mut tx = self.webhooks.shared.db.begin("webhook_attempt").await?;
        if !queue::finish(&mut tx, self.claim, &attempt, now).await? {
            return Ok(());
        }
        if attempt.state == "pending" && attempt.next_attempt_at > now {
            queue::hold_back(&mut tx, self.claim, attempt.next_attempt_at).await?;
        }
        let gone = matches!(outcome, Outcome::Gone);
        if gone && store::disable_gone(&mut tx, self.webhook.id, &self.webhook.url, now).await? {
            tracing::warn!(event.action = "webhook-disabled", event.outcome = "failure", webhook.id = %self.webhook.id, "webhook disabled: its receiver answered 410 Gone");
        }
        let pause = match outcome {
            Outcome::Failed {
                retry_after: Some(after),
                ..
            } => Some(*after),
            Outcome::Failed { .. } if unanswered => Some(UNANSWERED),
            _ => None,
        };
        if let Some(pause) = pause {
            store::pause(&mut tx, self.webhook.id, now + pause).await?;
        }
        tx.commit().await?;
        self.log_outcome(outcome, &attempt);
        Ok(())
    }

    /// True if the receiver let too many calls in a row wait in vain.
    fn unanswered(&self, outcome: &Outcome) -> bool {
        let health = &self.webhooks.shared.health;
        if let Outcome::Failed { late: true, .. } = outcome {
            return health.unanswered(self.webhook.id);
        }
        health.answered(self.webhook.id);
        false
    }

    fn log_outcome(&self, outcome: &Outcome, attempt: &Attempt) {
        metering::attempted(match (outcome, attempt.state) {
            (Outcome::Delivered(_), _) => "delivered",
            (Outcome::Gone, _) => "gone",
            (Outcome::Failed { .. }, "dead") => "dead",
            (Outcome::Failed { .. }, _) => "failed",
        });
        if attempt.state == "dead" && self.delivery.kind != TEST_TYPE {
            tracing::error!(
                event.action = "delivery-dead-lettered",
                event.outcome = "failure",
                webhook.id = %self.webhook.id,
                event.id = %self.claim.event,
                "webhook delivery dead-lettered: it can be replayed"
            );
        }
    }

    fn next_attempt(&self, outcome: &Outcome) -> Attempt {
        let now = self.webhooks.now();
        let test = self.delivery.kind == TEST_TYPE;
        let pending = |next_attempt_at, status: Option<StatusCode>, error: &str| Attempt {
            state: "pending",
            next_attempt_at,
            status: status.map(|status| i32::from(status.as_u16())),
            error: Some(error.to_owned()),
            counts: true,
        };
        match outcome {
            Outcome::Delivered(status) => Attempt {
                state: "delivered",
                next_attempt_at: now,
                status: Some(i32::from(status.as_u16())),
                error: None,
                counts: true,
            },
            Outcome::Gone => {
                let gone = pending(now, Some(StatusCode::GONE), "the receiver is gone");
                match test {
                    true => Attempt {
                        state: "dead",
                        ..gone
                    },
                    // It waits for the webhook to be enabled again, with as many attempts left.
                    false => Attempt {
                        counts: false,
                        ..gone
                    },
                }
            }
            Outcome::Failed {
                status,
                error,
                retry_after,
                ..
            } => {
                let attempts = self.delivery.attempts.saturating_add(1);
                match schedule::pause(attempts, self.webhooks.random()).filter(|_| !test) {
                    Some(pause) => {
                        let pause = retry_after.map_or(pause, |after| pause.max(after));
                        pending(now + pause, *status, error)
                    }
                    None => Attempt {
                        state: "dead",
                        ..pending(now, *status, error)
                    },
                }
            }
        }
    }
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3), a day at most. As a date it is passed over: the schedule does.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(schedule::LONGEST_PAUSE))
}
