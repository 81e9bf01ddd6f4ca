//! The test data of the event measurement: people and their states.

use std::collections::BTreeMap;

use anyhow::Result;
use chassis::clock::{Clock, SystemClock, Timestamp};
use chassis::db::{Db, DbConfig, Migrations, Reader};
use contract::{Email, PersonName, UserState};
use events::reconcile::{Held, Holdings};
use events::{SnapshotFuture, Span};
use uuid::Uuid;

static PEOPLE: Migrations = Migrations {
    name: "bench",
    sqlite: sqlx_macros::migrate!("migrations/sqlite"),
    postgres: sqlx_macros::migrate!("migrations/postgres"),
};

/// A database with the tables of the events and of the people.
pub(super) async fn open(url: &str) -> Result<Db> {
    let db = DbConfig::new(url).open().await?;
    db.migrate("the database of the bench", &[&events::MIGRATIONS, &PEOPLE])
        .await?;
    Ok(db)
}

pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

/// Person `number`: the same id every time.
pub(super) fn id(number: u32) -> Uuid {
    // Ids of real people end in random digits, of which the partition is made.
    let mixed = u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    Uuid::from_u128(mixed & !(0xF << 76) & !(0x3 << 62) | (7 << 76) | (2 << 62))
}

/// A person with the usual fields, about 600 bytes of JSON.
pub(super) fn person(number: u32, version: i64) -> Result<UserState> {
    let name = format!("person{number}");
    Ok(UserState {
        id: id(number),
        user_name: name.parse()?,
        name: PersonName {
            given_name: Some("Ann".to_owned()),
            family_name: Some("Archer".to_owned()),
            formatted: Some("Ann Archer".to_owned()),
            ..PersonName::default()
        },
        emails: vec![Email {
            value: format!("{name}@example.org").parse()?,
            kind: Some("home".to_owned()),
            primary: true,
            verified: false,
        }],
        locale: Some("fr-CH".to_owned()),
        zoneinfo: Some("Europe/Zurich".to_owned()),
        active: true,
        attributes: BTreeMap::from([("department".to_owned(), "archery".into())]),
        groups: vec!["archers".to_owned(), "everybody".to_owned()],
        group_ids: None,
        external_ids: Default::default(),
        credential_id: None,
        deleted_at: None,
        version,
        created_at: now(),
        updated_at: now(),
    })
}

/// Nothing is compared: the bench checks by itself what took effect.
pub(super) struct NoHoldings;

impl Holdings for NoHoldings {
    fn versions<'a>(&'a self, _: &'a mut Reader, _: Span, _: i64) -> SnapshotFuture<'a, Vec<Held>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn of<'a>(&'a self, _: &'a mut Reader, _: &'a [Uuid]) -> SnapshotFuture<'a, Vec<Held>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
