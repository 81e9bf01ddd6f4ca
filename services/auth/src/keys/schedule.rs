//! The rotation schedule: when a key is made, activated, retired and removed. It has no database and no
//! clock.

use std::time::Duration;

use chassis::clock::Timestamp;
use oidc::jose::Algorithm;

/// The algorithms of which there is always a key: ES256 for access tokens, RS256 as the default of ID tokens.
pub(super) const ALWAYS: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Rs256];

/// The algorithms that are in use: [`ALWAYS`], and each that has a key because a client was registered for it.
pub(super) fn in_use(keys: &[ScheduledKey]) -> Vec<Algorithm> {
    let registered = |algorithm: &Algorithm| {
        !ALWAYS.contains(algorithm)
            && keys
                .iter()
                .any(|key| key.algorithm == *algorithm && key.state != KeyState::Retired)
    };
    ALWAYS
        .into_iter()
        .chain(Algorithm::ALL.into_iter().filter(registered))
        .collect()
}

/// The state of a key (SB-37). A removed key has no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// It is in the key set and does not sign yet.
    Published,
    /// It signs.
    Active,
    /// It does not sign any more. What it signed can still be verified.
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

/// The rotation policy: how long a key is in each state.
#[derive(Clone, Copy, Debug)]
pub struct RotationPolicy {
    /// The time for which a key signs.
    pub rotate: Duration,
    /// The time for which a key is published before it signs.
    pub publish_ahead: Duration,
    /// The time for which a retired key is retained: the lifetime of a token and all delays.
    pub retain_retired: Duration,
    /// The time for which the public key of a removed key verifies hints: the lifetime of a session.
    pub retain_public: Duration,
}

/// The properties of a stored key that the schedule needs.
#[derive(Clone, Debug)]
pub(super) struct ScheduledKey {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) state: KeyState,
    pub(super) activates_at: Timestamp,
    pub(super) removes_at: Option<Timestamp>,
}

/// A key to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlannedKey {
    pub(super) algorithm: Algorithm,
    pub(super) state: KeyState,
    pub(super) published_at: Timestamp,
    pub(super) activates_at: Timestamp,
}

/// One step of the rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RotationStep {
    Make(PlannedKey),
    Retire { kid: String, removes_at: Timestamp },
    Activate { kid: String },
    Remove { kid: String },
}

/// The steps that are due at `now`, in their order.
pub(super) fn due(keys: &[ScheduledKey], now: Timestamp, policy: &RotationPolicy) -> Vec<RotationStep> {
    let mut steps = Vec::new();
    for algorithm in in_use(keys) {
        let of = |state| {
            keys.iter()
                .find(move |key| key.algorithm == algorithm && key.state == state)
        };
        match (of(KeyState::Active), of(KeyState::Published)) {
            // The first key signs at once, because no key set without it can be cached.
            (None, None) => steps.push(RotationStep::Make(PlannedKey {
                algorithm,
                state: KeyState::Active,
                published_at: now,
                activates_at: now,
            })),
            // Without a key of [`ALWAYS`] nothing can be signed. The first one of another algorithm is published first.
            (active, Some(next))
                if next.activates_at <= now || (active.is_none() && ALWAYS.contains(&algorithm)) =>
            {
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
