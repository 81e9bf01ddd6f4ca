//! Claims of OpenID Connect Core §5.1 and of the configuration: which attribute carries each, and their values.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Attribute, AttributeLocation, AttributeRef, Instant, InvalidSchema, Registry, Schema};

/// The claims of OpenID Connect Core §5.1, table 1.
pub const STANDARD_CLAIMS: [&str; 20] = [
    "sub",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
];

/// Claims that a token server sets itself, which no attribute may carry (RFC 7519 §4.1, RFC 9068 §2.2, OpenID Connect Core §2).
const RESERVED: [&str; 23] = [
    "iss",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "azp",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "gid",
    "cnf",
    "act",
    "may_act",
    "client_id",
    "scope",
    "events",
    "groups",
];

/// A claim and the attribute that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimSource {
    /// The name of the claim.
    pub claim: String,
    /// The attribute. Of a multi-valued one the primary value counts, or the first.
    pub attribute: AttributeRef,
}

impl Registry {
    /// The claims about a user, each with its attribute: those of [`STANDARD_CLAIMS`] and of the configuration.
    pub fn claims(&self) -> Vec<ClaimSource> {
        let users = self.users();
        let mut claims = Vec::new();
        collect(&mut claims, None, &users.common);
        for schema in users.schemas() {
            let extension = (schema.id != users.schema.id).then_some(schema);
            collect(&mut claims, extension, &schema.attributes);
        }
        claims
    }

    /// The values of all claims about the user `resource`, which has canonical names. A claim without a value is left out
    /// (OpenID Connect Core §5.3.2).
    pub fn claims_of(&self, resource: &Map<String, Value>) -> Map<String, Value> {
        self.claims()
            .into_iter()
            .filter_map(|source| Some((source.claim.clone(), value_of(&source, resource)?)))
            .collect()
    }

    /// True if the claims of the configuration are free.
    pub(super) fn check_claims(&self) -> Result<(), InvalidSchema> {
        let mut seen = BTreeSet::new();
        for source in self.claims() {
            let key = || format!("the attribute {}: claim", source.attribute);
            if RESERVED.contains(&source.claim.as_str()) {
                return Err(InvalidSchema::new(key(), "is set by the server"));
            }
            if source.claim.is_empty() || source.claim.len() > 255 {
                return Err(InvalidSchema::new(key(), "expected the name of a claim"));
            }
            if !seen.insert(source.claim.clone()) {
                return Err(InvalidSchema::new(key(), "is carried by another attribute"));
            }
        }
        Ok(())
    }
}

fn collect(claims: &mut Vec<ClaimSource>, extension: Option<&Schema>, attributes: &[Attribute]) {
    for attribute in attributes {
        let location = |sub| AttributeLocation {
            extension,
            attribute,
            sub,
            member: None,
        };
        let mut add = |claim: &Option<String>, sub| {
            if let Some(claim) = claim {
                claims.push(ClaimSource {
                    claim: claim.clone(),
                    attribute: location(sub).to_ref(),
                });
            }
        };
        add(&attribute.claim, None);
        for sub in &attribute.sub {
            add(&sub.claim, Some(sub));
        }
    }
}

fn value_of(source: &ClaimSource, resource: &Map<String, Value>) -> Option<Value> {
    let attribute = &source.attribute;
    let members = match &attribute.schema {
        Some(urn) => resource.get(urn)?.as_object()?,
        None => resource,
    };
    let mut value = members.get(&attribute.name)?;
    // The claims of the standard have one value; a list of the configuration is a list.
    let standard = STANDARD_CLAIMS.contains(&source.claim.as_str());
    if let (true, Value::Array(items)) = (standard, value) {
        value = preferred(items)?;
    }
    if let Some(sub) = &attribute.sub {
        value = value.get(sub)?;
    }
    match source.claim.as_str() {
        "address" => address(value),
        // OpenID Connect Core §5.1: seconds since 1970.
        "updated_at" => Some(Instant::parse(value.as_str()?)?.seconds().into()),
        _ => Some(value.clone()),
    }
}

/// The primary value, or the first (RFC 7643 §2.4).
pub(crate) fn preferred(items: &[Value]) -> Option<&Value> {
    let primary = |item: &&Value| item.get("primary") == Some(&Value::Bool(true));
    items.iter().find(primary).or_else(|| items.first())
}

/// The claim `address` (OpenID Connect Core §5.1.1).
fn address(value: &Value) -> Option<Value> {
    let mut claim = Map::new();
    for (member, sub) in [
        ("formatted", "formatted"),
        ("street_address", "streetAddress"),
        ("locality", "locality"),
        ("region", "region"),
        ("postal_code", "postalCode"),
        ("country", "country"),
    ] {
        if let Some(part) = value.get(sub) {
            claim.insert(member.to_owned(), json!(part));
        }
    }
    (!claim.is_empty()).then_some(Value::Object(claim))
}
