//! The bodies of answers. The members of a group, of which there may be very many, are never held as a tree.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The body of an answer.
pub(super) trait Body: DeserializeOwned + Default {}

/// A JSON object without `members`, in it and in its `Resources`.
#[derive(Debug, Default)]
pub(super) struct Lean(pub(super) Map<String, Value>);

impl Body for Lean {}

impl<'de> Deserialize<'de> for Lean {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LeanVisitor)
    }
}

struct LeanVisitor;

impl<'de> Visitor<'de> for LeanVisitor {
    type Value = Lean;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lean, A::Error> {
        let mut kept = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if name.eq_ignore_ascii_case("members") {
                map.next_value::<IgnoredAny>()?;
            } else if name == "Resources" {
                let resources = map.next_value::<Option<Vec<Option<Lean>>>>()?.unwrap_or_default();
                kept.insert(
                    name,
                    resources
                        .into_iter()
                        .flatten()
                        .map(|Lean(resource)| resource)
                        .collect(),
                );
            } else {
                kept.insert(name, map.next_value()?);
            }
        }
        Ok(Lean(kept))
    }
}

/// The members of a group, by their ids.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Members {
    /// Some targets have `null` for no members.
    #[serde(default, alias = "Members")]
    members: Option<Vec<Option<Member>>>,
}

impl Body for Members {}

#[derive(Debug, Deserialize)]
struct Member {
    #[serde(default, alias = "Value")]
    value: Value,
}

impl Members {
    /// The ids at the target.
    pub(super) fn ids(self) -> BTreeSet<String> {
        let members = self.members.unwrap_or_default().into_iter().flatten();
        let ids = members.filter_map(|member| match member.value {
            Value::String(id) => Some(id),
            _ => None,
        });
        ids.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_passed_over_or_read_by_their_ids() {
        let group = r#"{ "id": "1", "Members": [{ "value": "a", "display": "A" }, { "value": 7 }, {}] }"#;
        let list = format!(r#"{{ "totalResults": 1, "Resources": [{group}] }}"#);
        let Lean(lean) = serde_json::from_str(&list).unwrap();
        assert_eq!(lean["Resources"], serde_json::json!([{ "id": "1" }]));
        let Lean(none) = serde_json::from_str(r#"{ "Resources": null }"#).unwrap();
        assert_eq!(none["Resources"], serde_json::json!([]));
        assert!(serde_json::from_str::<Lean>("[]").is_err());
        let members: Members = serde_json::from_str(group).unwrap();
        assert_eq!(members.ids(), BTreeSet::from(["a".to_owned()]));
        for none in [r#"{ "members": null }"#, r#"{ "members": [null] }"#, "{}"] {
            let members: Members = serde_json::from_str(none).unwrap();
            assert_eq!(members.ids(), BTreeSet::new(), "{none}");
        }
        let Lean(lean) = serde_json::from_str(r#"{ "Resources": [null, { "id": "1" }] }"#).unwrap();
        assert_eq!(lean["Resources"], serde_json::json!([{ "id": "1" }]));
    }
}
