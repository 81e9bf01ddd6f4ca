//! `primary` of the values of multi-valued attributes, as a response has it (RFC 7643 §2.4).

use serde_json::{Map, Value};

use super::{Attribute, ResourceType};

impl ResourceType {
    /// Says `"primary": false` of each value of `resource` that is not the primary one. A store leaves that out, so that there is one
    /// form of it; clients compare what they read with what they sent.
    pub fn show_primary(&self, resource: &mut Map<String, Value>) {
        for (name, value) in resource.iter_mut() {
            match (self.extension(name), value) {
                (Some(extension), Value::Object(members)) => {
                    for (name, value) in members.iter_mut() {
                        show(extension.find(name), value);
                    }
                }
                (_, value) => show(self.find(name), value),
            }
        }
    }
}

fn show(attribute: Option<&Attribute>, value: &mut Value) {
    let has_primary = attribute.is_some_and(|it| it.multi_valued && it.find_sub("primary").is_some());
    let Value::Array(items) = value else { return };
    for item in items.iter_mut().filter(|_| has_primary) {
        if let Value::Object(members) = item {
            members.entry("primary").or_insert(Value::Bool(false));
        }
    }
}
