//! Paths of attributes at a target, whose schemas are not known here.

use serde_json::{Map, Value};

use super::MAX_TEXT;

/// `[URN:]name`, `[URN:]name.sub`, or `name[sub eq "value"].sub`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TargetPath {
    urn: Option<String>,
    name: String,
    /// The sub-attribute and the value by which one of several is found.
    selected: Option<(String, String)>,
    sub: Option<String>,
}

/// Attributes that a server writes, and one that is never pushed.
const NOT_MAPPED: [&str; 6] = ["id", "meta", "groups", "schemas", "externalId", "password"];

/// True if a name is the URN of an extension.
pub(super) fn is_urn(name: &str) -> bool {
    name.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '$')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || "-_$".contains(letter))
}

impl TargetPath {
    /// Reads a path.
    ///
    /// # Errors
    /// What was expected.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let malformed = || {
            "Expected an attribute such as `title`, `name.givenName`, `emails[type eq \"work\"].value`, or one of an \
             extension after its URN and a colon."
                .to_owned()
        };
        if text.len() > MAX_TEXT {
            return Err(malformed());
        }
        let (urn, rest) = match is_urn(text) {
            true => {
                let (urn, rest) = text.rsplit_once(':').ok_or_else(malformed)?;
                (Some(urn.to_owned()), rest)
            }
            false => (None, text),
        };
        let (name, selected, rest) = match rest.split_once('[') {
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                let (name, rest) = rest.split_at_checked(end).ok_or_else(malformed)?;
                (name, None, rest)
            }
            Some((name, rest)) => {
                let (filter, rest) = rest.split_once(']').ok_or_else(malformed)?;
                (name, Some(selection(filter).ok_or_else(malformed)?), rest)
            }
        };
        let sub = match rest.strip_prefix('.') {
            None if rest.is_empty() => None,
            Some(sub) if is_name(sub) => Some(sub.to_owned()),
            _ => return Err(malformed()),
        };
        if !is_name(name) || selected.is_some() != (selected.is_some() && sub.is_some()) {
            return Err(malformed());
        }
        if urn.is_none() && NOT_MAPPED.iter().any(|fixed| fixed.eq_ignore_ascii_case(name)) {
            return Err(format!("`{name}` is not mapped."));
        }
        Ok(Self {
            urn,
            name: name.to_owned(),
            selected,
            sub,
        })
    }

    /// True if both are about the same value, or one is a part of the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let same = |one: &Option<String>, two: &Option<String>| match (one, two) {
            (Some(one), Some(two)) => one.eq_ignore_ascii_case(two),
            (None, _) | (_, None) => true,
        };
        let same_urn = self.urn.is_some() == other.urn.is_some() && same(&self.urn, &other.urn);
        let same_value = match (&self.selected, &other.selected) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        same_urn && self.name.eq_ignore_ascii_case(&other.name) && same_value && same(&self.sub, &other.sub)
    }

    pub(super) fn is_user_name(&self) -> bool {
        self.urn.is_none() && self.name == "userName" && self.sub.is_none() && self.selected.is_none()
    }

    /// True if it is no value of several.
    pub(super) fn is_whole(&self) -> bool {
        self.selected.is_none()
    }

    /// The path of the attribute, without the selection of one of its values.
    pub(super) fn list(&self) -> String {
        match &self.urn {
            Some(urn) => format!("{urn}:{}", self.name),
            None => self.name.clone(),
        }
    }

    /// True if the attribute has a value.
    pub(super) fn is_in(&self, attributes: &Map<String, Value>) -> bool {
        let holder = match &self.urn {
            Some(urn) => attributes.get(urn).and_then(Value::as_object),
            None => Some(attributes),
        };
        holder.is_some_and(|holder| holder.contains_key(&self.name))
    }

    /// Puts a value at the path.
    pub(super) fn put(&self, attributes: &mut Map<String, Value>, value: Value) {
        let holder = match &self.urn {
            None => attributes,
            Some(urn) => match object_at(attributes, urn) {
                Some(extension) => extension,
                None => return,
            },
        };
        match (&self.selected, &self.sub) {
            (None, None) => {
                holder.insert(self.name.clone(), value);
            }
            (None, Some(sub)) => {
                if let Some(complex) = object_at(holder, &self.name) {
                    complex.insert(sub.clone(), value);
                }
            }
            (Some((by, wanted)), sub) => {
                let all = holder
                    .entry(self.name.clone())
                    .or_insert_with(|| Value::Array(Vec::new()));
                let Value::Array(all) = all else { return };
                let found = all
                    .iter_mut()
                    .find(|item| item.get(by).and_then(Value::as_str) == Some(wanted));
                let sub = sub.as_deref().unwrap_or("value").to_owned();
                if let Some(Value::Object(item)) = found {
                    item.insert(sub, value);
                } else {
                    let item = [(by.clone(), wanted.as_str().into()), (sub, value)];
                    all.push(Value::Object(Map::from_iter(item)));
                }
            }
        }
    }
}

/// `sub eq "value"`
fn selection(filter: &str) -> Option<(String, String)> {
    let mut words = filter.trim().splitn(3, ' ');
    let (sub, operator, value) = (words.next()?, words.next()?, words.next()?);
    let value: String = serde_json::from_str(value.trim()).ok()?;
    (is_name(sub) && operator.eq_ignore_ascii_case("eq")).then(|| (sub.to_owned(), value))
}

fn object_at<'a>(holder: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Map<String, Value>> {
    holder
        .entry(name.to_owned())
        .or_insert_with(|| Value::Object(Map::new()))
        .as_object_mut()
}
