//! One operation as it stands in the document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::error_type::ErrorType;
use super::errors::{errors_of, in_words, schema_of};
use super::operation::{Content, Operation, Parameter, Response};
use super::schemas::Schemas;
use super::security;
use crate::routes::Permission;

/// The operation object.
pub(super) fn describe(
    operation: &Operation,
    permission: Permission,
    example: &Value,
    schemas: &mut Schemas,
) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "security": security::requirement(permission),
        "x-permission": security::in_words(permission),
        "responses": responses(operation, permission, example, schemas),
    });
    let request = example.get("request").unwrap_or(&Value::Null);
    let parameters = parameters(operation, request, schemas);
    if let Some(members) = described.as_object_mut() {
        if let Some(description) = operation.description {
            members.insert("description".to_owned(), json!(description));
        }
        if !parameters.is_empty() {
            members.insert("parameters".to_owned(), json!(parameters));
        }
        if !operation.body.is_empty() {
            let content: Map<String, Value> = operation
                .body
                .iter()
                .map(|body| {
                    let schema = schemas.of_request(&body.schema);
                    (body.media_type.to_owned(), media(schema, request.get("body")))
                })
                .collect();
            let body = json!({ "required": operation.body_required, "content": content });
            members.insert("requestBody".to_owned(), body);
        }
    }
    described
}

/// A media type object.
fn media(schema: Value, example: Option<&Value>) -> Value {
    match example {
        Some(example) => json!({ "schema": schema, "example": example }),
        None => json!({ "schema": schema }),
    }
}

/// The parameters of the path, of the query and in headers.
fn parameters(operation: &Operation, request: &Value, schemas: &mut Schemas) -> Vec<Value> {
    let mut parameters: Vec<Value> = path_names(operation.path)
        .filter(|name| !operation.parameters.iter().any(|known| known.name == *name))
        .map(|name| {
            let schema = json!({ "type": "string", "format": "uuid" });
            parameter(
                "path",
                name,
                None,
                schema,
                request.pointer(&format!("/path/{name}")),
            )
        })
        .collect();
    parameters.extend(operation.parameters.iter().map(|known: &Parameter| {
        let example = request.pointer(&format!("/{}/{}", known.location, known.name));
        parameter(
            known.location,
            known.name,
            Some(known.description),
            known.schema.clone(),
            example,
        )
    }));
    let Some(query) = &operation.query else {
        return parameters;
    };
    let schema = schemas.of_request(query);
    let required: BTreeSet<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, schema) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let mut schema = schema.clone();
        let description = schema
            .as_object_mut()
            .and_then(|members| members.remove("description"));
        remove_null(&mut schema);
        let example = request.pointer(&format!("/query/{name}"));
        let mut described = parameter(
            "query",
            name,
            description.as_ref().and_then(Value::as_str),
            schema,
            example,
        );
        if let Some(members) = described.as_object_mut() {
            members.insert("required".to_owned(), json!(required.contains(name.as_str())));
        }
        parameters.push(described);
    }
    parameters
}

/// The names in braces of a path.
fn path_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

fn parameter(
    location: &str,
    name: &str,
    description: Option<&str>,
    schema: Value,
    example: Option<&Value>,
) -> Value {
    let mut described = json!({
        "name": name,
        "in": location,
        "required": location == "path",
        "schema": schema,
    });
    if let Some(members) = described.as_object_mut() {
        if let Some(description) = description {
            members.insert("description".to_owned(), json!(description));
        }
        if let Some(example) = example {
            members.insert("example".to_owned(), example.clone());
        }
    }
    described
}

/// A parameter that is left out is not `null`.
fn remove_null(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    if let Some(types) = members.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            members.insert("type".to_owned(), only);
        }
    }
    if let Some(choices) = members.get_mut("anyOf").and_then(Value::as_array_mut) {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
    }
    if members.get("default").is_some_and(Value::is_null) {
        members.remove("default");
    }
}

/// The responses, by their status.
fn responses(operation: &Operation, permission: Permission, example: &Value, schemas: &mut Schemas) -> Value {
    let mut responses: BTreeMap<u16, Value> = BTreeMap::new();
    for answer in &operation.responses {
        let example = response_of(example, answer.status);
        responses.insert(answer.status, success(answer, example, schemas));
    }
    let errors = errors_of(operation, permission);
    let statuses: BTreeSet<u16> = errors.iter().map(|error| error.status).collect();
    for status in statuses {
        let errors: Vec<ErrorType> = errors
            .iter()
            .copied()
            .filter(|error| error.status == status)
            .collect();
        let bearer = permission.scope_name().is_some();
        let example = response_of(example, status);
        responses.insert(status, failure(status, &errors, example, bearer));
    }
    json!(
        responses
            .into_iter()
            .map(|(status, response)| (status.to_string(), response))
            .collect::<Map<String, Value>>()
    )
}

/// The response of an example, if it has this status.
fn response_of(example: &Value, status: u16) -> Option<&Value> {
    let response = example.get("response")?;
    let same = response.get("status").and_then(Value::as_u64) == Some(u64::from(status));
    same.then_some(response)
}

/// The body of an example's response, if it has this media type.
fn body_of<'a>(response: Option<&'a Value>, media_type: &str) -> Option<&'a Value> {
    let response = response?;
    let same = response.get("content_type").and_then(Value::as_str) == Some(media_type);
    response.get("body").filter(|_| same)
}

fn success(answer: &Response, example: Option<&Value>, schemas: &mut Schemas) -> Value {
    let content: Map<String, Value> = answer
        .content
        .iter()
        .map(|Content { media_type, schema }| {
            let body = body_of(example, media_type);
            ((*media_type).to_owned(), media(schemas.of_response(schema), body))
        })
        .collect();
    let mut response = json!({ "description": answer.description });
    if let Some(members) = response.as_object_mut() {
        if !content.is_empty() {
            members.insert("content".to_owned(), json!(content));
        }
        if !answer.headers.is_empty() {
            let headers: Map<String, Value> = answer
                .headers
                .iter()
                .map(|(name, description)| header(name, description))
                .collect();
            members.insert("headers".to_owned(), json!(headers));
        }
    }
    response
}

fn header(name: &str, description: &str) -> (String, Value) {
    let described = json!({ "description": description, "required": true, "schema": { "type": "string" } });
    (name.to_owned(), described)
}

/// The response of the errors that have one status.
fn failure(status: u16, errors: &[ErrorType], example: Option<&Value>, bearer: bool) -> Value {
    let mut content = Map::new();
    let formats: BTreeSet<_> = errors.iter().map(|error| error.format).collect();
    for format in formats {
        let names = errors
            .iter()
            .filter(|error| error.format == format)
            .map(|error| error.name)
            .collect();
        let schema = schema_of(status, format, &names);
        let media_type = format.media_type();
        content.insert(media_type.to_owned(), media(schema, body_of(example, media_type)));
    }
    let mut response = json!({ "description": in_words(errors), "content": content });
    if status == 401 && bearer {
        let headers = Map::from_iter([header("WWW-Authenticate", "The challenge (RFC 6750 §3).")]);
        if let Some(members) = response.as_object_mut() {
            members.insert("headers".to_owned(), json!(headers));
        }
    }
    response
}
