//! The domain of the workers: changes of people at the source, their events, and their application at the follower.

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use chassis::on_engine;
use contract::EnvelopeError;
use contract::{Envelope, EventData};
use contract::{PersonName, UserCreated, UserDeleted, UserState, UserUpdated};
use events::{Outbox, OutboxError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// The kind of aggregate that this release does not know.
const UNKNOWN_AGGREGATE: &str = "badge";

/// The change of a person by one transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) person: Uuid,
    pub(super) version: i64,
    pub(super) nonce: Uuid,
    pub(super) deleted: bool,
}

/// The variant of an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventVariant {
    /// The follower refuses it while it may.
    pub(super) poison: bool,
    /// By the release after this one.
    pub(super) newer: bool,
    /// With the least that a release before this one said.
    pub(super) older: bool,
}

/// A state of the next release, with one more field.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct ForeignState {
    #[serde(flatten)]
    state: serde_json::Value,
}

macro_rules! told {
    ($($(#[$meta:meta])* $name:ident = $type:expr;)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        struct $name(ForeignState);

        impl EventData for $name {
            const TYPE: &'static str = $type;
            const SCHEMA_VERSION: i32 = 1;
        }
    )+};
}

told! {
    ToldCreated = UserCreated::TYPE;
    ToldUpdated = UserUpdated::TYPE;
    /// Of a type that this release has never heard of.
    Badge = "vestibule.user.promoted.v1";
}

/// Changes a person under their row lock. Nothing: they are gone, or it is of no use to delete who never was.
pub(super) async fn change(
    tx: &mut Tx,
    person: Uuid,
    nonce: Uuid,
    delete: bool,
) -> Result<Option<Change>, DbError> {
    let version: Option<i64> = on_engine!(tx, c => sqlx::query_scalar(
            "INSERT INTO people (id, version, nonce, deleted) VALUES ($1, 1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET version = people.version + 1, nonce = excluded.nonce, deleted = excluded.deleted
             WHERE NOT people.deleted RETURNING version")
        .bind(person)
        .bind(nonce)
        .bind(delete)
        .fetch_optional(c)
        .await?);
    Ok(version.map(|version| Change {
        person,
        version,
        nonce,
        deleted: delete,
    }))
}

/// The nonce of a deletion: the moment, which is all that such an event says beside who it was.
pub(super) fn moment(nonce: Uuid) -> Timestamp {
    Timestamp::from_micros(i64::try_from(nonce.as_u128() & 0x0007_ffff_ffff_ffff).unwrap_or(0))
}

fn nonce_of(moment: Timestamp) -> Uuid {
    Uuid::from_u128(u128::from(moment.as_micros().unsigned_abs()))
}

/// A nonce that a deletion can tell.
pub(super) fn truncate_nonce(nonce: Uuid) -> Uuid {
    nonce_of(moment(nonce))
}

pub(super) fn state(change: Change, manner: EventVariant) -> Result<UserState, serde_json::Error> {
    let named = format!("p{}", change.person.simple());
    let attributes = [("nonce", json!(change.nonce)), ("poison", json!(manner.poison))];
    Ok(UserState {
        id: change.person,
        user_name: serde_json::from_value(json!(named))?,
        name: PersonName {
            formatted: Some(named),
            ..PersonName::default()
        },
        emails: Vec::new(),
        locale: None,
        zoneinfo: None,
        active: true,
        attributes: attributes.map(|(name, value)| (name.to_owned(), value)).into(),
        groups: Vec::new(),
        group_ids: None,
        external_ids: Default::default(),
        credential_id: None,
        deleted_at: None,
        version: change.version,
        created_at: Timestamp::from_secs(0),
        updated_at: Timestamp::from_secs(change.version),
    })
}

/// The state in the form of another release.
fn foreign_state(change: Change, manner: EventVariant) -> Result<ForeignState, serde_json::Error> {
    let mut state = serde_json::to_value(state(change, manner)?)?;
    if let Some(fields) = state.as_object_mut() {
        if manner.newer {
            fields.insert("pronouns".to_owned(), json!({ "subject": "they" }));
        }
        if manner.older {
            for name in ["name", "emails", "groups", "locale", "zoneinfo"] {
                fields.remove(name);
            }
        }
    }
    Ok(ForeignState { state })
}

/// Writes the event of a change.
pub(super) async fn append_event(
    tx: &mut Tx,
    outbox: &Outbox,
    change: Change,
    manner: EventVariant,
) -> Result<(), OutboxError> {
    let unreadable = |source| OutboxError::Data {
        kind: "person",
        source,
    };
    let (person, version) = (change.person, change.version);
    if change.deleted {
        let data = UserDeleted {
            id: person,
            version,
            deleted_at: moment(change.nonce),
        };
        outbox.append(tx, "person", person, version, &data).await?;
    } else if manner.newer || manner.older {
        let told = foreign_state(change, manner).map_err(unreadable)?;
        if version == 1 {
            outbox
                .append(tx, "person", person, version, &ToldCreated(told))
                .await?;
        } else {
            outbox
                .append(tx, "person", person, version, &ToldUpdated(told))
                .await?;
        }
    } else {
        let state = state(change, manner).map_err(unreadable)?;
        if version == 1 {
            outbox
                .append(tx, "person", person, version, &UserCreated(state))
                .await?;
        } else {
            outbox
                .append(tx, "person", person, version, &UserUpdated(state))
                .await?;
        }
    }
    if manner.newer {
        let badge = Badge(ForeignState {
            state: json!({ "rank": version }),
        });
        outbox
            .append(tx, UNKNOWN_AGGREGATE, change.nonce, 1, &badge)
            .await?;
    }
    Ok(())
}

/// Reads the change in an event, if it is about a person, and whether it is marked.
pub(super) fn read(event: &Envelope) -> Result<Option<(Change, bool)>, EnvelopeError> {
    let state = match event.open::<UserCreated>()? {
        Some(UserCreated(state)) => Some(state),
        None => event.open::<UserUpdated>()?.map(|UserUpdated(state)| state),
    };
    if let Some(state) = state {
        let attribute = |name: &str| state.attributes.get(name).cloned().unwrap_or_default();
        let change = Change {
            person: state.id,
            version: state.version,
            nonce: serde_json::from_value(attribute("nonce")).unwrap_or_default(),
            deleted: false,
        };
        return Ok(Some((change, attribute("poison") == json!(true))));
    }
    Ok(event.open::<UserDeleted>()?.map(|gone| {
        let change = Change {
            person: gone.id,
            version: gone.version,
            nonce: nonce_of(gone.deleted_at),
            deleted: true,
        };
        (change, false)
    }))
}

/// Believes an event, and writes the effect down. Nothing here compares versions: that is the inbox's work.
pub(super) async fn apply(tx: &mut Tx, event: &Envelope, change: Change) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(
            "INSERT INTO people (id, version, nonce, deleted) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET version = excluded.version, nonce = excluded.nonce,
                 deleted = excluded.deleted")
            .bind(change.person)
            .bind(change.version)
            .bind(change.nonce)
            .bind(change.deleted)
            .execute(&mut *c)
            .await?;
        // After the row lock: the numbers of one person rise in the order of the commits.
        sqlx::query("INSERT INTO applied (person, version, event, nonce) VALUES ($1, $2, $3, $4)")
            .bind(change.person)
            .bind(change.version)
            .bind(event.id)
            .bind(change.nonce)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The transaction that wrote a payload.
///
/// # Errors
/// When it is the payload of no change.
pub fn nonce(payload: &str) -> anyhow::Result<Uuid> {
    let data: serde_json::Value = serde_json::from_str(payload)?;
    if let Some(nonce) = data.pointer("/attributes/nonce") {
        return Ok(serde_json::from_value(nonce.clone())?);
    }
    let gone: UserDeleted = serde_json::from_value(data)?;
    Ok(nonce_of(gone.deleted_at))
}
