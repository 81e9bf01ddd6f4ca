//! The schemas of a document. What a request may hold and what a response does hold differ (`default`,
//! `skip_serializing_if`), so each direction has a generator of its own.

use schemars::SchemaGenerator;
use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value, json};

use super::operation::SchemaSource;

/// The path of the schema components in a document.
const COMPONENTS: &str = "/components/schemas";

/// The generators of one document.
pub(super) struct Schemas {
    requests: SchemaGenerator,
    responses: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let generator = |contract| {
            let settings = SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = COMPONENTS.into();
                settings.meta_schema = None;
                settings.contract = contract;
            });
            SchemaGenerator::new(settings)
        };
        Self {
            requests: generator(Contract::Deserialize),
            responses: generator(Contract::Serialize),
        }
    }

    /// The schema of a request's body or query.
    pub(super) fn of_request(&mut self, source: &SchemaSource) -> Value {
        made(source, &mut self.requests)
    }

    /// The schema of a response's body.
    pub(super) fn of_response(&mut self, source: &SchemaSource) -> Value {
        made(source, &mut self.responses)
    }

    /// Adds the components to `document`. A type that looks different in a request is `…Input` there.
    pub(super) fn finish(mut self, mut document: Value) -> Value {
        let mut components = self.responses.take_definitions(true);
        let requests = self.requests.take_definitions(true);
        let renamed: Vec<String> = requests
            .iter()
            .filter(|(name, schema)| components.get(*name).is_some_and(|known| known != *schema))
            .map(|(name, _)| name.clone())
            .collect();
        let rename = |value: &mut Value| {
            for name in &renamed {
                rename_references(value, name);
            }
        };
        for (name, mut schema) in requests {
            rename(&mut schema);
            let name = if renamed.contains(&name) {
                format!("{name}Input")
            } else {
                name
            };
            components.insert(name, schema);
        }
        for_each_request(&mut document, &rename);
        if let Some(known) = document
            .pointer_mut("/components/schemas")
            .and_then(Value::as_object_mut)
        {
            known.append(&mut components);
        }
        document
    }
}

fn made(source: &SchemaSource, generator: &mut SchemaGenerator) -> Value {
    match source {
        SchemaSource::Type(make) => make(generator).to_value(),
        SchemaSource::Value(value) => value.clone(),
    }
}

fn rename_references(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => {
            let from = format!("#{COMPONENTS}/{name}");
            if members.get("$ref").and_then(Value::as_str) == Some(from.as_str()) {
                members.insert("$ref".to_owned(), json!(format!("{from}Input")));
            }
            members
                .values_mut()
                .for_each(|member| rename_references(member, name));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename_references(item, name)),
        _ => {}
    }
}

/// Calls `change` for everything in the document that describes a request.
fn for_each_request(document: &mut Value, change: &impl Fn(&mut Value)) {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    let operations = paths
        .into_iter()
        .flat_map(Map::values_mut)
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut);
    for operation in operations {
        for part in ["parameters", "requestBody"] {
            operation.get_mut(part).into_iter().for_each(change);
        }
    }
}
