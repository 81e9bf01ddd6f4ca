//! The description as a page, without a script.

use askama::Template;
use serde_json::Value;

use super::shared::resolve;
use super::table::{operations, text_of};

#[derive(Template)]
#[template(path = "docs.html")]
struct Page<'a> {
    title: &'a str,
    version: &'a str,
    description: Vec<&'a str>,
    server: &'a str,
    base: &'a str,
    sections: Vec<Section<'a>>,
    schemas: Vec<Schema<'a>>,
}

struct Section<'a> {
    name: &'a str,
    description: &'a str,
    operations: Vec<Entry<'a>>,
}

struct Entry<'a> {
    id: &'a str,
    method: String,
    path: &'a str,
    summary: &'a str,
    description: &'a str,
    permission: &'a str,
    parameters: Vec<Field<'a>>,
    bodies: Vec<Body<'a>>,
    responses: Vec<Response<'a>>,
}

struct Field<'a> {
    name: &'a str,
    location: &'a str,
    kind: Kind<'a>,
    required: bool,
    description: &'a str,
}

/// The type of a field: words, and the schema that they lead to.
struct Kind<'a> {
    words: String,
    schema: Option<&'a str>,
}

struct Body<'a> {
    media_type: &'a str,
    kind: Kind<'a>,
    example: String,
}

struct Response<'a> {
    status: &'a str,
    description: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    bodies: Vec<Body<'a>>,
}

struct Schema<'a> {
    name: &'a str,
    description: &'a str,
    kind: Kind<'a>,
    fields: Vec<Field<'a>>,
}

/// The page of a document.
pub(super) fn render(document: &Value) -> Result<String, askama::Error> {
    let info = document.get("info").unwrap_or(&Value::Null);
    let server = document
        .pointer("/servers/0/url")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let path = server
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').map(|at| rest.split_at(at).1));
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    Page {
        title: text_of(info, "title"),
        version: text_of(info, "version"),
        description: text_of(info, "description").split("\n\n").collect(),
        server,
        base: path.unwrap_or_default().trim_end_matches('/'),
        sections: list(document, "tags").map(|tag| section(document, tag)).collect(),
        schemas: schemas
            .into_iter()
            .flatten()
            .map(|(name, schema)| schema_entry(name, schema))
            .collect(),
    }
    .render()
}

fn list<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    value.get(member).and_then(Value::as_array).into_iter().flatten()
}

fn members<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let found = value.get(member).and_then(Value::as_object).into_iter().flatten();
    found.map(|(name, value)| (name.as_str(), value))
}

fn section<'a>(document: &'a Value, tag: &'a Value) -> Section<'a> {
    let name = text_of(tag, "name");
    let entries = operations(document)
        .filter(|(_, _, operation)| list(operation, "tags").any(|known| known.as_str() == Some(name)))
        .map(|(path, method, operation)| entry(document, path, method, operation));
    Section {
        name,
        description: text_of(tag, "description"),
        operations: entries.collect(),
    }
}

fn entry<'a>(document: &'a Value, path: &'a str, method: &str, operation: &'a Value) -> Entry<'a> {
    let parameters = list(operation, "parameters").map(|parameter| Field {
        name: text_of(parameter, "name"),
        location: text_of(parameter, "in"),
        kind: kind(parameter.get("schema")),
        required: parameter
            .get("required")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
        description: text_of(parameter, "description"),
    });
    let responses = members(operation, "responses").map(|(status, response)| {
        let response = resolve(document, response);
        Response {
            status,
            description: text_of(response, "description"),
            headers: members(response, "headers")
                .map(|(name, header)| (name, text_of(header, "description")))
                .collect(),
            bodies: bodies(response),
        }
    });
    Entry {
        id: text_of(operation, "operationId"),
        method: method.to_ascii_uppercase(),
        path,
        summary: text_of(operation, "summary"),
        description: text_of(operation, "description"),
        permission: text_of(operation, "x-permission"),
        parameters: parameters.collect(),
        bodies: operation.get("requestBody").map(bodies).unwrap_or_default(),
        responses: responses.collect(),
    }
}

fn bodies(holder: &Value) -> Vec<Body<'_>> {
    members(holder, "content")
        .map(|(media_type, media)| Body {
            media_type,
            kind: kind(media.get("schema")),
            example: media.get("example").map(readable).unwrap_or_default(),
        })
        .collect()
}

/// A text as it is; anything else as JSON.
fn readable(example: &Value) -> String {
    match example {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

fn schema_entry<'a>(name: &'a str, schema: &'a Value) -> Schema<'a> {
    let required: Vec<&str> = list(schema, "required").filter_map(Value::as_str).collect();
    let fields = members(schema, "properties").map(|(name, field)| Field {
        name,
        location: "",
        kind: kind(Some(field)),
        required: required.contains(&name),
        description: text_of(field, "description"),
    });
    Schema {
        name,
        description: text_of(schema, "description"),
        kind: kind(Some(schema)),
        fields: fields.collect(),
    }
}

/// The type that a schema describes, in a few words.
fn kind(schema: Option<&Value>) -> Kind<'_> {
    let plain = |words: String| Kind { words, schema: None };
    let Some(schema) = schema else {
        return plain(String::new());
    };
    if let Some(name) = text_of(schema, "$ref")
        .rsplit('/')
        .next()
        .filter(|name| !name.is_empty())
    {
        return Kind {
            words: name.to_owned(),
            schema: Some(name),
        };
    }
    for combined in ["anyOf", "oneOf", "allOf"] {
        let kinds: Vec<Kind<'_>> = list(schema, combined).map(|part| kind(Some(part))).collect();
        if !kinds.is_empty() {
            let first = kinds.iter().find_map(|kind| kind.schema);
            let words: Vec<String> = kinds
                .into_iter()
                .map(|kind| kind.words)
                .filter(|words| !words.is_empty())
                .collect();
            return Kind {
                words: words.join(if combined == "allOf" { ", " } else { " or " }),
                schema: first,
            };
        }
    }
    if let Some(constant) = schema.get("const") {
        return plain(constant.to_string());
    }
    let choices: Vec<String> = list(schema, "enum").map(Value::to_string).collect();
    if !choices.is_empty() {
        return plain(choices.join(" or "));
    }
    let of_items = schema.get("items").map(|items| kind(Some(items)));
    let types: Vec<String> = match schema.get("type") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    let mut words = types.join(" or ");
    if let Some(format) = schema.get("format").and_then(Value::as_str) {
        words = format!("{words} ({format})");
    }
    match of_items {
        Some(items) => Kind {
            words: format!("{words} of {}", items.words),
            schema: items.schema,
        },
        None => plain(words),
    }
}
