//! The schema of a type of authorization details: a small part of JSON Schema, without references and patterns.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use serde_json::{Map, Value};

/// The maximum number of levels of a schema.
const MAX_LEVELS: usize = 6;

/// A schema. A member of an object that is not among its `properties` is refused (RFC 9396 §5), unless the object has
/// `additionalProperties = true`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    kind: Option<Kind>,
    properties: BTreeMap<String, Schema>,
    required: BTreeSet<String>,
    is_open: bool,
    items: Option<Box<Schema>>,
    values: Option<Vec<Value>>,
    length: Bounds,
    count: Bounds,
    minimum: Option<f64>,
    maximum: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Object,
    Array,
    String,
    Number,
    Integer,
    Boolean,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bounds {
    least: Option<usize>,
    most: Option<usize>,
}

impl Bounds {
    fn contain(self, number: usize) -> bool {
        self.least.is_none_or(|least| number >= least) && self.most.is_none_or(|most| number <= most)
    }

    /// The bounds in words, as in `2 to 5 items`.
    fn of(self, unit: &str) -> String {
        format!("{} {unit}", range(self.least, self.most))
    }
}

/// A range in words.
fn range<T: Display + PartialEq>(least: Option<T>, most: Option<T>) -> String {
    match (least, most) {
        (Some(least), Some(most)) if least == most => format!("exactly {least}"),
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => "any number".to_owned(),
    }
}

/// A schema of the configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSchema(String);

fn invalid<T>(why: impl Into<String>) -> Result<T, InvalidSchema> {
    Err(InvalidSchema(why.into()))
}

impl Schema {
    /// Reads a schema: that of an object, the members of a detail.
    ///
    /// # Errors
    /// [`InvalidSchema`] names the keyword that is unknown or has a wrong value.
    pub fn parse(schema: &Value) -> Result<Self, InvalidSchema> {
        let mut schema = Self::read(schema, MAX_LEVELS)?;
        match schema.kind {
            None | Some(Kind::Object) => {
                schema.kind = Some(Kind::Object);
                Ok(schema)
            }
            Some(_) => invalid("type: expected object, because a detail is one"),
        }
    }

    fn read(schema: &Value, levels: usize) -> Result<Self, InvalidSchema> {
        let Some(below) = levels.checked_sub(1) else {
            return invalid("expected six levels at most");
        };
        let Some(keywords) = schema.as_object() else {
            return invalid("expected an object");
        };
        let mut read = Self::default();
        for (keyword, value) in keywords {
            read.set(keyword, value, below)?;
        }
        Ok(read)
    }

    fn set(&mut self, keyword: &str, value: &Value, below: usize) -> Result<(), InvalidSchema> {
        let number = || match value.as_f64() {
            Some(number) => Ok(Some(number)),
            None => invalid(format!("{keyword}: expected a number")),
        };
        let size = || match value.as_u64().and_then(|size| usize::try_from(size).ok()) {
            Some(size) => Ok(Some(size)),
            None => invalid(format!("{keyword}: expected a whole number")),
        };
        match keyword {
            "type" => self.kind = Some(Kind::parse(value)?),
            "properties" => self.properties = properties(value, below)?,
            "required" => self.required = names(keyword, value)?,
            "additionalProperties" => match value.as_bool() {
                Some(open) => self.is_open = open,
                None => return invalid("additionalProperties: expected true or false"),
            },
            "items" => self.items = Some(Box::new(Self::read(value, below)?)),
            "enum" => match value.as_array() {
                Some(values) if !values.is_empty() => self.values = Some(values.clone()),
                _ => return invalid("enum: expected an array of values"),
            },
            "const" => self.values = Some(vec![value.clone()]),
            "minLength" => self.length.least = size()?,
            "maxLength" => self.length.most = size()?,
            "minItems" => self.count.least = size()?,
            "maxItems" => self.count.most = size()?,
            "minimum" => self.minimum = number()?,
            "maximum" => self.maximum = number()?,
            "title" | "description" => {}
            _ => {
                return invalid(format!(
                    "{keyword}: expected type, properties, required, additionalProperties, items, enum, const, minLength, \
                     maxLength, minItems, maxItems, minimum, maximum, title or description"
                ));
            }
        }
        Ok(())
    }

    /// Checks a value.
    ///
    /// # Errors
    /// The member that does not fit, and what is expected.
    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
        self.check_at("", value)
    }

    fn check_at(&self, path: &str, value: &Value) -> Result<(), String> {
        let wrong = |expected: &str| {
            let member = if path.is_empty() { "the object" } else { path };
            Err(format!("{member}: expected {expected}"))
        };
        if let Some(kind) = self.kind.filter(|kind| !kind.fits(value)) {
            return wrong(kind.name());
        }
        if self.values.as_ref().is_some_and(|values| !values.contains(value)) {
            return wrong("one of the values of the schema");
        }
        match value {
            Value::Object(members) => self.check_members(path, members),
            Value::Array(items) => {
                if !self.count.contain(items.len()) {
                    return wrong(&self.count.of("items"));
                }
                let Some(schema) = &self.items else { return Ok(()) };
                items
                    .iter()
                    .try_for_each(|item| schema.check_at(&format!("{path}[]"), item))
            }
            Value::String(text) if !self.length.contain(text.chars().count()) => {
                wrong(&self.length.of("characters"))
            }
            Value::Number(number) => {
                let number = number.as_f64().unwrap_or(f64::NAN);
                let fits = self.minimum.is_none_or(|least| number >= least)
                    && self.maximum.is_none_or(|most| number <= most);
                if fits {
                    Ok(())
                } else {
                    wrong(&format!("a number: {}", range(self.minimum, self.maximum)))
                }
            }
            _ => Ok(()),
        }
    }

    fn check_members(&self, path: &str, members: &Map<String, Value>) -> Result<(), String> {
        let at = |name: &str| match path {
            "" => name.to_owned(),
            _ => format!("{path}.{name}"),
        };
        if let Some(missing) = self.required.iter().find(|name| !members.contains_key(*name)) {
            return Err(format!("{} is missing", at(missing)));
        }
        for (name, value) in members {
            match self.properties.get(name) {
                Some(schema) => schema.check_at(&at(name), value)?,
                None if self.is_open => {}
                None => return Err(format!("{}: the type has no such member", at(name))),
            }
        }
        Ok(())
    }
}

fn properties(value: &Value, below: usize) -> Result<BTreeMap<String, Schema>, InvalidSchema> {
    let Some(members) = value.as_object() else {
        return invalid("properties: expected an object with a schema for each member");
    };
    let mut schemas = BTreeMap::new();
    for (name, schema) in members {
        if name == "type" {
            return invalid("properties.type: every detail has it, and a schema must not");
        }
        let schema = Schema::read(schema, below)
            .map_err(|InvalidSchema(why)| InvalidSchema(format!("properties.{name}.{why}")))?;
        schemas.insert(name.clone(), schema);
    }
    Ok(schemas)
}

fn names(keyword: &str, value: &Value) -> Result<BTreeSet<String>, InvalidSchema> {
    let names = value.as_array().into_iter().flatten();
    let read: Option<BTreeSet<String>> = names.map(|name| name.as_str().map(str::to_owned)).collect();
    match read.filter(|_| value.is_array()) {
        Some(names) => Ok(names),
        None => invalid(format!("{keyword}: expected an array of names")),
    }
}

impl Kind {
    fn parse(name: &Value) -> Result<Self, InvalidSchema> {
        Ok(match name.as_str().unwrap_or_default() {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::String,
            "number" => Self::Number,
            "integer" => Self::Integer,
            "boolean" => Self::Boolean,
            _ => return invalid("type: expected object, array, string, number, integer or boolean"),
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a text",
            Self::Number => "a number",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Boolean => value.is_boolean(),
        }
    }
}
