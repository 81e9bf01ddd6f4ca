//! The people of a generated directory: person `n` is the same in every run.

use std::collections::BTreeMap;

use anyhow::Result;
use chassis::clock::Timestamp;
use contract::{Email, PersonName, UserState};
use uuid::Uuid;

use super::names;

/// The time at which the first person was added: 2020-01-01. The others follow by a second.
const FIRST: i64 = 1_577_836_800;

/// Domains of addresses; half of all people have an address in the first quarter of them.
const DOMAINS: u64 = 2_000;

/// The id of a person (RFC 9562 §5.7): in the order of numbers.
pub(super) fn id(number: u64) -> Uuid {
    let millis = u128::from(FIRST.unsigned_abs() + number) * 1000;
    let random = u128::from(mixed(number)) << 11 | u128::from(mixed(number + 1) >> 53);
    Uuid::from_u128(
        millis << 80 | 7 << 76 | (random >> 62 & 0xFFF) << 64 | 2 << 62 | random & ((1 << 62) - 1),
    )
}

/// Numbers without a pattern (splitmix64).
pub(super) fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

/// The key of the time of a person's last change.
pub(super) fn modified_key(number: u64) -> String {
    let micros = (FIRST.unsigned_abs() + number) * 1_000_000;
    format!("{:016x}", micros ^ (1 << 63))
}

/// The names of a person.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) given: &'static str,
    pub(super) family: String,
    /// Unique.
    pub(super) user_name: String,
    /// Unique.
    pub(super) address: String,
    /// Unique.
    pub(super) external_id: String,
}

pub(super) fn names(number: u64) -> Names {
    let digits = mixed(number);
    let given = names::given(digits >> 7);
    let family = names::family(mixed(digits));
    // The dot keeps names apart of which digits look like letters.
    let plain = |text: &str| {
        text.chars()
            .filter(char::is_ascii_alphabetic)
            .collect::<String>()
            .to_lowercase()
    };
    let (short_given, short_family) = (plain(given), plain(&family));
    let initial: String = short_given.chars().take(1).collect();
    let domain = (digits >> 20) % DOMAINS * ((digits >> 40) % DOMAINS) / DOMAINS;
    Names {
        user_name: format!("{initial}{short_family}.{number}"),
        address: format!("{short_given}.{short_family}{number}@company{domain}.example"),
        external_id: format!("HR-{number:08}"),
        given,
        family,
    }
}

/// True if a person is active, as nineteen of twenty are.
pub(super) fn is_active(number: u64) -> bool {
    !mixed(number).is_multiple_of(20)
}

/// A person as most directories have them, about 700 bytes of JSON.
pub(super) fn person(number: u64) -> Result<UserState> {
    let Names {
        given,
        family,
        user_name,
        address,
        external_id,
    } = names(number);
    let digits = mixed(number);
    let at = Timestamp::from_secs(FIRST + i64::try_from(number)?);
    let departments = [
        "Sales",
        "Engineering",
        "Finance",
        "Support",
        "Operations",
        "Legal",
        "Research",
    ];
    let department = departments
        .into_iter()
        .cycle()
        .nth(usize::try_from(digits % 7)?)
        .unwrap_or_default();
    let attributes = BTreeMap::from([
        ("externalId".to_owned(), external_id.into()),
        ("title".to_owned(), format!("{department} assistant").into()),
        (
            "phoneNumbers".to_owned(),
            serde_json::json!([{ "value": format!("+49 30 {:07}", digits % 10_000_000), "type": "work" }]),
        ),
    ]);
    Ok(UserState {
        id: id(number),
        user_name: user_name.parse()?,
        name: PersonName {
            formatted: Some(format!("{given} {family}")),
            given_name: Some(given.to_owned()),
            family_name: Some(family),
            ..PersonName::default()
        },
        emails: vec![Email {
            value: address.parse()?,
            kind: Some("work".to_owned()),
            primary: true,
            verified: false,
        }],
        locale: Some("de-DE".to_owned()),
        zoneinfo: Some("Europe/Berlin".to_owned()),
        active: is_active(number),
        attributes,
        groups: Vec::new(),
        group_ids: Some(Vec::new()),
        external_ids: BTreeMap::new(),
        credential_id: None,
        deleted_at: None,
        version: 1,
        created_at: at,
        updated_at: at,
    })
}
