//! The description of one operation (OpenAPI 3.1 §4.8.10).

use ::http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::error_type::{ErrorFormat, ErrorType};

/// The source of a schema.
#[derive(Clone, Debug)]
pub(super) enum SchemaSource {
    /// From a type.
    Type(fn(&mut SchemaGenerator) -> Schema),
    /// By hand, for what is no type of ours.
    Value(Value),
}

/// A body of a request or a response.
#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) media_type: &'static str,
    pub(super) schema: SchemaSource,
}

/// A parameter in the path or a header.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) location: &'static str,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) schema: Value,
}

/// A response that is not an error.
#[derive(Clone, Debug)]
pub struct Response {
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) content: Vec<Content>,
    pub(super) headers: Vec<(&'static str, &'static str)>,
}

impl Response {
    /// A response without a body.
    pub fn new(status: u16, description: &'static str) -> Self {
        Self {
            status,
            description,
            content: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// With a JSON body of the type `T`.
    #[must_use]
    pub fn json<T: JsonSchema>(self) -> Self {
        self.body(
            "application/json",
            SchemaSource::Type(SchemaGenerator::subschema_for::<T>),
        )
    }

    /// With a body of the type `T` and another media type.
    #[must_use]
    pub fn typed<T: JsonSchema>(self, media_type: &'static str) -> Self {
        self.body(
            media_type,
            SchemaSource::Type(SchemaGenerator::subschema_for::<T>),
        )
    }

    /// With a body whose schema is written by hand.
    #[must_use]
    pub fn value(self, media_type: &'static str, schema: Value) -> Self {
        self.body(media_type, SchemaSource::Value(schema))
    }

    /// With a page.
    #[must_use]
    pub fn html(self) -> Self {
        self.value("text/html", serde_json::json!({ "type": "string" }))
    }

    /// With a header, which is always there.
    #[must_use]
    pub fn header(mut self, name: &'static str, description: &'static str) -> Self {
        self.headers.push((name, description));
        self
    }

    fn body(mut self, media_type: &'static str, schema: SchemaSource) -> Self {
        self.content.push(Content { media_type, schema });
        self
    }
}

/// The description of an operation.
#[derive(Clone, Debug)]
pub struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: Option<&'static str>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) query: Option<SchemaSource>,
    pub(super) body: Vec<Content>,
    pub(super) body_required: bool,
    pub(super) responses: Vec<Response>,
    pub(super) errors: Vec<ErrorType>,
    pub(super) format: ErrorFormat,
    pub(super) unreadable: Option<u16>,
}

impl Operation {
    /// The operation that answers `method` at `path`.
    pub fn new(method: Method, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            id,
            tag: "",
            summary,
            description: None,
            parameters: Vec::new(),
            query: None,
            body: Vec::new(),
            body_required: true,
            responses: Vec::new(),
            errors: Vec::new(),
            format: ErrorFormat::Problem,
            unreadable: None,
        }
    }

    /// In the group `tag`.
    #[must_use]
    pub fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    /// With more than a summary.
    #[must_use]
    pub fn description(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    /// With a parameter of the path. One that is not described is a UUID.
    #[must_use]
    pub fn path_parameter(mut self, name: &'static str, description: &'static str, schema: Value) -> Self {
        self.parameters.push(Parameter {
            location: "path",
            name,
            description,
            schema,
        });
        self
    }

    /// With an optional header.
    #[must_use]
    pub fn header(mut self, name: &'static str, description: &'static str) -> Self {
        self.parameters.push(Parameter {
            location: "header",
            name,
            description,
            schema: serde_json::json!({ "type": "string" }),
        });
        self
    }

    /// With the query parameters that the type `Q` reads.
    #[must_use]
    pub fn query<Q: JsonSchema>(mut self) -> Self {
        self.query = Some(SchemaSource::Type(Q::json_schema));
        self
    }

    /// With query parameters whose schema is written by hand: an object.
    #[must_use]
    pub fn query_value(mut self, schema: Value) -> Self {
        self.query = Some(SchemaSource::Value(schema));
        self
    }

    /// With a JSON body of the type `T`.
    #[must_use]
    pub fn json<T: JsonSchema>(self) -> Self {
        self.typed::<T>("application/json")
    }

    /// With a form of the type `T`.
    #[must_use]
    pub fn form<T: JsonSchema>(self) -> Self {
        self.typed::<T>("application/x-www-form-urlencoded")
    }

    /// With a body of the type `T` and another media type.
    #[must_use]
    pub fn typed<T: JsonSchema>(mut self, media_type: &'static str) -> Self {
        let schema = SchemaSource::Type(SchemaGenerator::subschema_for::<T>);
        self.body.push(Content { media_type, schema });
        self
    }

    /// With a body whose schema is written by hand.
    #[must_use]
    pub fn value(mut self, media_type: &'static str, schema: Value) -> Self {
        let schema = SchemaSource::Value(schema);
        self.body.push(Content { media_type, schema });
        self
    }

    /// The body may be left out.
    #[must_use]
    pub fn optional_body(mut self) -> Self {
        self.body_required = false;
        self
    }

    /// With a response that is not an error.
    #[must_use]
    pub fn response(mut self, response: Response) -> Self {
        self.responses.push(response);
        self
    }

    /// With an error of its own, beside those that follow from the permission and from what it reads.
    #[must_use]
    pub fn error(mut self, error: ErrorType) -> Self {
        self.errors.push(error);
        self
    }

    /// With errors in another format than problem details.
    #[must_use]
    pub fn format(mut self, format: ErrorFormat) -> Self {
        self.format = format;
        self
    }

    /// Whatever is wrong with the query or the body is answered with this status, which is one of the
    /// operation's own errors, and not with a status for each reason.
    #[must_use]
    pub fn unreadable_is(mut self, status: u16) -> Self {
        self.unreadable = Some(status);
        self
    }
}
