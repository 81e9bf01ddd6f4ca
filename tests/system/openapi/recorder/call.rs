//! The request of an example.

use serde_json::{Value, json};

/// A request of an example.
#[derive(Clone, Debug, Default)]
pub(in crate::openapi) struct Call {
    pub(super) token: Option<String>,
    pub(super) basic: Option<(String, String)>,
    pub(super) path: Vec<(&'static str, String)>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) json: Option<Value>,
    pub(super) media_type: Option<&'static str>,
    pub(super) form: Option<Vec<(&'static str, String)>>,
}

impl Call {
    pub(in crate::openapi) fn new() -> Self {
        Self::default()
    }

    pub(in crate::openapi) fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub(in crate::openapi) fn basic(mut self, id: &str, secret: &str) -> Self {
        self.basic = Some((id.to_owned(), secret.to_owned()));
        self
    }

    pub(in crate::openapi) fn path(mut self, name: &'static str, value: &str) -> Self {
        self.path.push((name, value.to_owned()));
        self
    }

    pub(in crate::openapi) fn query(mut self, name: &'static str, value: &str) -> Self {
        self.query.push((name, value.to_owned()));
        self
    }

    pub(in crate::openapi) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(in crate::openapi) fn json(mut self, body: Value) -> Self {
        self.json = Some(body);
        self
    }

    pub(in crate::openapi) fn media_type(mut self, media_type: &'static str) -> Self {
        self.media_type = Some(media_type);
        self
    }

    pub(in crate::openapi) fn form(mut self, fields: &[(&'static str, &str)]) -> Self {
        self.form = Some(
            fields
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
        );
        self
    }
}

/// Numbers are numbers in examples, except where the parameter is a text.
pub(super) fn as_value(name: &str, value: &str) -> Value {
    match value.parse::<i64>() {
        Ok(number) if matches!(name, "limit" | "wait" | "older" | "count" | "startIndex") => json!(number),
        _ if name == "dry" => json!(value == "true"),
        _ => json!(value),
    }
}
