//! When a key is made, used, put aside and forgotten. Decided here, without a database or a clock.

use std::time::Duration;

use chassis::clock::Timestamp;
use oidc::jose::Algorithm;

/// The algorithms that Vestibule signs with: ES256 for access tokens, RS256 as the default of ID tokens.
pub(super) const SIGNING: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Rs256];

/// The life of a key (SB-37). A removed one has no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Everybody can fetch it, nothing is signed with it yet.
    Published,
    /// Signs.
    Active,
    /// Signs no more; what it signed can still be verified.
    Retired,
}

impl KeyState {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Published, Self::Active, Self::Retired]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// How long each state lasts.
#[derive(Clone, Copy, Debug)]
pub struct RotationPolicy {
    /// How long a key signs.
    pub rotate: Duration,
    /// How long it is published before.
    pub publish_ahead: Duration,
    /// How long a token can live, with everything that delays it: how long a retired key is kept.
    pub retain_retired: Duration,
    /// How long a session can live: how long an ID token that a key signed may serve as a hint.
    pub retain_public: Duration,
}

/// What matters of a key that exists.
#[derive(Clone, Debug)]
pub(super) struct ScheduledKey {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) state: KeyState,
    pub(super) activates_at: Timestamp,
    pub(super) removes_at: Option<Timestamp>,
}

/// A key to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlannedKey {
    pub(super) algorithm: Algorithm,
    pub(super) state: KeyState,
    pub(super) published_at: Timestamp,
    pub(super) activates_at: Timestamp,
}

/// One change to the ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RotationStep {
    Make(PlannedKey),
    Retire { kid: String, removes_at: Timestamp },
    Activate { kid: String },
    Remove { kid: String },
}

/// What is due at `now`, in the order in which to do it.
pub(super) fn due(keys: &[ScheduledKey], now: Timestamp, policy: &RotationPolicy) -> Vec<RotationStep> {
    let mut steps = Vec::new();
    for algorithm in SIGNING {
        let of = |state| {
            keys.iter()
                .find(move |key| key.algorithm == algorithm && key.state == state)
        };
        match (of(KeyState::Active), of(KeyState::Published)) {
            // The very first key: nobody can have cached a set without it.
            (None, None) => steps.push(RotationStep::Make(PlannedKey {
                algorithm,
                state: KeyState::Active,
                published_at: now,
                activates_at: now,
            })),
            (active, Some(next)) if active.is_none() || next.activates_at <= now => {
                if let Some(active) = active {
                    steps.push(RotationStep::Retire {
                        kid: active.kid.clone(),
                        removes_at: now + policy.retain_retired,
                    });
                }
                steps.push(RotationStep::Activate {
                    kid: next.kid.clone(),
                });
            }
            (Some(active), None) => {
                let ends = active.activates_at + policy.rotate;
                if ends - policy.publish_ahead <= now {
                    steps.push(RotationStep::Make(PlannedKey {
                        algorithm,
                        state: KeyState::Published,
                        published_at: now,
                        activates_at: ends.max(now + policy.publish_ahead),
                    }));
                }
            }
            _ => {}
        }
    }
    for key in keys {
        if key.removes_at.is_some_and(|at| at <= now) {
            steps.push(RotationStep::Remove { kid: key.kid.clone() });
        }
    }
    steps
}
