//! [`NamedCredentials`]: the credentials that the current states of users name, as the user service answers.

use std::collections::HashMap;
use std::future::Future;

use contract::Envelope;
use events::feed::{FeedError, FeedSource};
use events::reconcile::current_states;
use serde::Deserialize;
use uuid::Uuid;

/// The user service, as the sweeper of pending credentials needs it.
pub(crate) trait NamedCredentials: Send + Sync + 'static {
    /// The credentials that the current states of these users name, by user; up to [`events::reconcile::MAX_IDS`] users. A user who
    /// does not exist, or whose state names none, is left out.
    ///
    /// # Errors
    /// When the user service cannot be asked.
    fn named_credentials(
        &self,
        users: &[Uuid],
    ) -> impl Future<Output = Result<HashMap<Uuid, Uuid>, NamedCredentialsError>> + Send;
}

/// The reason why the user service did not say which credentials are named.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NamedCredentialsError {
    /// There was no answer.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The state of a user cannot be parsed.
    #[error("the state of a user cannot be parsed")]
    State(#[from] serde_json::Error),
}

impl NamedCredentials for FeedSource {
    async fn named_credentials(&self, users: &[Uuid]) -> Result<HashMap<Uuid, Uuid>, NamedCredentialsError> {
        Ok(parse(&current_states(self, users).await?)?)
    }
}

/// The one member of a state that is of interest. The others are not parsed: they may be what made the event a dead letter.
#[derive(Deserialize)]
struct Naming {
    #[serde(default)]
    credential_id: Option<Uuid>,
}

fn parse(states: &[Envelope]) -> serde_json::Result<HashMap<Uuid, Uuid>> {
    let mut named = HashMap::new();
    for state in states {
        let Naming { credential_id } = serde_json::from_str(state.data.get())?;
        named.extend(credential_id.map(|credential| (state.subject, credential)));
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use contract::{EventContext, EventData, UserCreated};

    use super::*;
    use crate::testing::{BEGINNING, person_state};

    fn event(credential: Option<Uuid>, user: Uuid) -> Envelope {
        let mut state = person_state(user, "ann");
        state.credential_id = credential;
        let context = EventContext {
            id: Uuid::from_u128(9),
            source: "https://users.example.org",
            kind: UserCreated::TYPE,
            subject: user,
            sequence: 1,
            time: BEGINNING,
        };
        Envelope::new(
            context,
            serde_json::value::to_raw_value(&UserCreated(state)).unwrap(),
        )
    }

    #[test]
    fn a_state_names_its_credential_by_the_id_of_the_user() {
        let (ann, bob, credential) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let named = parse(&[event(Some(credential), ann), event(None, bob)]).unwrap();
        assert_eq!(named, HashMap::from([(ann, credential)]));
    }
}
