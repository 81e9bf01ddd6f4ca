//! Comparisons as ranges of the index of values.

use contract::UserName;
use scim::filter::{CompareValue, Comparison, Operator};
use scim::schema::AttributeRef;

use super::{IndexedAttribute, IndexedAttributes, KeyForm, MAX_KEY_CHARS, integer_key, micros, shorten};

/// Greater than every key.
pub(in crate::users) const TOP: char = '\u{10FFFF}';
/// Less than every character of a key: control characters are in no value (SB-34), and PostgreSQL has no NUL.
pub(in crate::users) const BOTTOM: char = '\u{1}';

/// The keys of an attribute from one, up to another one that is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::users) struct Range {
    pub(in crate::users) attribute: String,
    pub(in crate::users) from: String,
    pub(in crate::users) below: String,
    /// True if every user with a key in the range matches the comparison. Otherwise more may be in it.
    pub(in crate::users) exact: bool,
    /// True if few users are expected to be in it.
    pub(in crate::users) narrow: bool,
}

impl Range {
    fn new(indexed: &IndexedAttribute, from: String, below: String, exact: bool) -> Self {
        Self {
            attribute: indexed.name.clone(),
            from,
            below,
            exact,
            narrow: false,
        }
    }

    /// The keys of an attribute from one, up to another one.
    pub(in crate::users) fn of_keys(attribute: &str, from: String, below: String) -> Self {
        Self {
            attribute: attribute.to_owned(),
            from,
            below,
            exact: false,
            narrow: false,
        }
    }

    /// Every value of an attribute.
    pub(in crate::users) fn whole(indexed: &IndexedAttribute) -> Self {
        Self::new(indexed, String::new(), TOP.to_string(), true)
    }

    /// True if a key is in the range.
    pub(in crate::users) fn has(&self, key: &str) -> bool {
        self.from.as_str() <= key && key < self.below.as_str()
    }
}

impl IndexedAttributes {
    /// The range of the values of an attribute (`pr`).
    pub(in crate::users) fn present(&self, attribute: &AttributeRef) -> Option<Range> {
        self.find(attribute).map(Range::whole)
    }

    /// The range of a comparison, if an index serves it.
    pub(in crate::users) fn range(&self, comparison: &Comparison) -> Option<Range> {
        let indexed = self.find(&comparison.attribute)?;
        let operator = comparison.operator;
        let mut range = match (&comparison.value, indexed.form) {
            (CompareValue::Text(text), KeyForm::UserName) => indexed.user_names(operator, text),
            (CompareValue::Text(text), KeyForm::Text) => indexed.texts(operator, text),
            (CompareValue::Number(number), KeyForm::Integer) => {
                indexed.compared(operator, &integer_key(number.as_i64()?), true)
            }
            (CompareValue::Time(time, _), KeyForm::Time) => {
                indexed.compared(operator, &integer_key(micros(*time)?), time.0 % 1000 == 0)
            }
            _ => None,
        }?;
        range.narrow = operator == Operator::Eq;
        Some(range)
    }
}

impl IndexedAttribute {
    /// No user name that is not one is anybody's.
    fn user_names(&self, operator: Operator, text: &str) -> Option<Range> {
        match (operator, text.parse::<UserName>()) {
            (Operator::Eq, Ok(name)) => self.compared(operator, name.key(), true),
            (Operator::Eq, Err(_)) => Some(self.nothing()),
            _ => self.texts(operator, text),
        }
    }

    fn texts(&self, operator: Operator, text: &str) -> Option<Range> {
        if text.contains('\0') {
            return None;
        }
        let folded = self.folded(text);
        let key = shorten(&folded);
        let whole = key.chars().count() < MAX_KEY_CHARS;
        match operator {
            Operator::Sw => Some(Range::new(self, key.to_owned(), format!("{key}{TOP}"), whole)),
            _ => self.compared(operator, key, whole),
        }
    }

    /// The range of an operator and a key. `whole`: the key is the value itself, not only near to it.
    fn compared(&self, operator: Operator, key: &str, whole: bool) -> Option<Range> {
        let beyond = match whole {
            true => format!("{key}{BOTTOM}"),
            // What is as near is in the range, to be looked at.
            false => format!("{key}{TOP}"),
        };
        let (from, below) = match operator {
            Operator::Eq => (key.to_owned(), beyond),
            Operator::Gt if whole => (beyond, TOP.to_string()),
            Operator::Gt | Operator::Ge => (key.to_owned(), TOP.to_string()),
            Operator::Lt if whole => (String::new(), key.to_owned()),
            Operator::Lt | Operator::Le => (String::new(), beyond),
            Operator::Ne | Operator::Co | Operator::Sw | Operator::Ew => return None,
        };
        Some(Range::new(self, from, below, whole))
    }

    fn nothing(&self) -> Range {
        Range::new(self, TOP.to_string(), TOP.to_string(), true)
    }
}
