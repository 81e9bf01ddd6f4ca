//! The table of every attribute of a user, a value for it, and the callers who may set it.

use scim::schema::{CONFIGURED_USER, CORE_USER, CUSTOM_USER, ENTERPRISE_USER, PROFILE_USER};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::config::ScimConfig;

/// The callers of SCIM who may set an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    /// Each of them.
    All,
    /// Clients that provision.
    Clients,
    /// People who administer, all users or those who were delegated to them.
    Administrators,
    /// None: the request is refused.
    Nobody,
    /// None: the server alone sets it. A body may have it without effect (RFC 7644 §3.3, §3.5.1), a PATCH may not.
    Server,
}

/// The way in which a person sets an attribute of their own record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    No,
    /// It is among the `attributes` of `PATCH /user`.
    Attribute,
    /// It is a field of `PATCH /user`.
    Field(&'static str),
}

/// An attribute, a value for it, and those to whom it is open.
pub(super) struct Row {
    pub(super) schema: &'static str,
    pub(super) name: &'static str,
    pub(super) value: Value,
    pub(super) open: Open,
    pub(super) own: Own,
}

fn row(schema: &'static str, name: &'static str, value: Value, open: Open, own: Own) -> Row {
    Row {
        schema,
        name,
        value,
        open,
        own,
    }
}

/// Every attribute of the registry but `schemas`, which says what the others are.
pub(super) fn table() -> Vec<Row> {
    use Open::{Administrators, All, Clients, Nobody, Server};
    use Own::{Attribute, Field, No};
    let core = |name, value, open, own| row(CORE_USER, name, value, open, own);
    vec![
        core("id", json!(Uuid::from_u128(7)), Server, No),
        core("externalId", json!("e-7"), All, No),
        core("meta", json!({ "version": "W/\"99\"" }), Server, No),
        core("userName", json!("m-renamed"), All, No),
        core(
            "name",
            json!({ "familyName": "Example" }),
            All,
            Field(r#"{"name":{"family_name":"Example"}}"#),
        ),
        core("displayName", json!("M"), All, Attribute),
        core("nickName", json!("Em"), All, Attribute),
        core("profileUrl", json!("https://m.example/"), All, Attribute),
        core("title", json!("Director"), All, No),
        core("userType", json!("Employee"), All, No),
        core("preferredLanguage", json!("de"), All, Attribute),
        core("locale", json!("de-DE"), All, Field(r#"{"locale":"de-DE"}"#)),
        core(
            "timezone",
            json!("Europe/Berlin"),
            All,
            Field(r#"{"zoneinfo":"Europe/Berlin"}"#),
        ),
        core("active", json!(false), All, No),
        // This installation takes none; others have tests of their own.
        core("password", json!("plover-quilt-anvil"), Nobody, No),
        core("emails", json!([{ "value": "root@example.com" }]), All, No),
        core(
            "phoneNumbers",
            json!([{ "value": "+49 228 1", "type": "work" }]),
            All,
            Attribute,
        ),
        core("ims", json!([{ "value": "m", "type": "xmpp" }]), All, Attribute),
        core(
            "photos",
            json!([{ "value": "https://m.example/m.png", "type": "photo" }]),
            All,
            Attribute,
        ),
        core(
            "addresses",
            json!([{ "locality": "Bonn", "type": "work" }]),
            All,
            Attribute,
        ),
        core(
            "groups",
            json!([{ "value": contract::ADMINISTRATORS_ID }]),
            Server,
            No,
        ),
        core("entitlements", json!([{ "value": "all" }]), All, No),
        core("roles", json!([{ "value": "admin" }]), All, No),
        core("x509Certificates", json!([{ "value": "MA==" }]), All, No),
        row(ENTERPRISE_USER, "employeeNumber", json!("7"), All, No),
        row(ENTERPRISE_USER, "costCenter", json!("7"), All, No),
        row(ENTERPRISE_USER, "organization", json!("Example"), All, No),
        row(ENTERPRISE_USER, "division", json!("North"), All, No),
        row(ENTERPRISE_USER, "department", json!("Board"), All, No),
        row(
            ENTERPRISE_USER,
            "manager",
            json!({ "value": Uuid::from_u128(7) }),
            All,
            No,
        ),
        row(
            PROFILE_USER,
            "website",
            json!("https://m.example/"),
            All,
            Attribute,
        ),
        row(PROFILE_USER, "gender", json!("other"), All, Attribute),
        row(PROFILE_USER, "birthdate", json!("1990-01-02"), All, Attribute),
        row(PROFILE_USER, "emailVerified", json!(true), Server, No),
        row(PROFILE_USER, "phoneNumberVerified", json!(true), Server, No),
        row(
            CUSTOM_USER,
            "values",
            json!({ "team": "red" }),
            All,
            Field(r#"{"attributes":{"team":"red"}}"#),
        ),
        row(CONFIGURED_USER, "badgeNumber", json!(7), All, No),
        row(CONFIGURED_USER, "motto", json!("semper apertus"), All, Attribute),
        row(CONFIGURED_USER, "riskScore", json!(0.5), Clients, No),
        row(CONFIGURED_USER, "remark", json!("late"), Administrators, No),
        row(
            CONFIGURED_USER,
            "startDate",
            json!("2026-01-02T00:00:00Z"),
            All,
            No,
        ),
    ]
}

pub(super) fn configured() -> ScimConfig {
    let config = json!({ "attributes": [
        { "name": "badgeNumber", "type": "integer" },
        { "name": "motto", "write": ["self", "administrator", "client"] },
        { "name": "riskScore", "type": "decimal", "read": ["client"], "write": ["client"] },
        { "name": "remark", "read": ["administrator"], "write": ["administrator"] },
        { "name": "startDate", "type": "dateTime", "mutability": "immutable" },
    ] });
    serde_json::from_value(config).unwrap()
}

impl Row {
    /// The members of a body that set the attribute.
    pub(super) fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        match self.schema {
            CORE_USER => members.insert(self.name.to_owned(), self.value.clone()),
            urn => members.insert(urn.to_owned(), json!({ self.name: self.value })),
        };
        members
    }

    pub(super) fn path(&self) -> String {
        match self.schema {
            CORE_USER => self.name.to_owned(),
            urn => format!("{urn}:{}", self.name),
        }
    }

    /// True if a resource has the value.
    pub(super) fn is_in(&self, resource: &Value) -> bool {
        let found = match self.schema {
            CORE_USER => &resource[self.name],
            urn => &resource[urn][self.name],
        };
        has(found, &self.value)
    }

    pub(super) fn is_open_to(&self, kind: &str) -> bool {
        match self.open {
            Open::All => true,
            Open::Clients => kind == "client",
            Open::Administrators => kind != "client",
            Open::Nobody | Open::Server => false,
        }
    }
}

/// True if a value has all that is wanted, and maybe more.
fn has(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, wanted)| value.get(name).is_some_and(|value| has(value, wanted))),
        (Value::Array(value), Value::Array(wanted)) => {
            value.len() == wanted.len() && value.iter().zip(wanted).all(|(value, wanted)| has(value, wanted))
        }
        _ => value == wanted,
    }
}
