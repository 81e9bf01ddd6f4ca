//! The parser of filters (RFC 7644 §3.4.2.2, figure 1). It reads each byte once; its recursion is bounded by [`MAX_DEPTH`].

use serde_json::Value;

use super::check::comparison;
use super::resolve::{Operand, Scope, locate, resolve};
use super::{Filter, MAX_BYTES, MAX_DEPTH, MAX_TERMS, Operator};
use crate::Error;
use crate::schema::{Attribute, AttributeType, ResourceType};

/// Parses a whole filter.
pub(super) fn filter(text: &str, of: &[&ResourceType]) -> Result<Filter, Error> {
    let mut parser = Parser::new(text)?;
    let filter = parser.or(Scope::Resources(of), 0)?;
    parser.skip_spaces();
    match parser.rest().is_empty() {
        true => Ok(filter),
        false => Err(parser.expected("\"and\", \"or\" or the end")),
    }
}

/// Parses the filter of a value path after its opening bracket (RFC 7644 §3.5.2): the filter, and the text after the closing
/// bracket.
///
/// # Errors
/// `invalidFilter`.
pub(crate) fn values<'t>(text: &'t str, attribute: &Attribute) -> Result<(Filter, &'t str), Error> {
    let mut parser = Parser::new(text)?;
    let filter = parser.values(attribute, 0)?;
    Ok((filter, parser.rest()))
}

pub(super) fn too_deep() -> Error {
    Error::invalid_filter(format!("more than {MAX_DEPTH} levels of brackets"))
}

/// True if a character belongs to a name: `ATTRNAME` of RFC 7643 §2.1, which has `$`, or a URN (RFC 8141 §2) and a dot.
pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '$' | '-' | '_' | '.' | ':')
}

struct Parser<'t> {
    text: &'t str,
    /// A byte position at the boundary of a character.
    at: usize,
    terms: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Result<Self, Error> {
        // SB-35: checked before anything is spent on it.
        if text.len() > MAX_BYTES {
            return Err(Error::invalid_filter(format!("longer than {MAX_BYTES} bytes")));
        }
        Ok(Self {
            text,
            at: 0,
            terms: 0,
        })
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn expected(&self, what: &str) -> Error {
        Error::invalid_filter(format!("expected {what} at position {}", self.at + 1))
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(' ').len();
    }

    /// Consumes `byte`, if it is next.
    fn accept(&mut self, byte: char) -> bool {
        let next = self.rest().starts_with(byte);
        self.at += usize::from(next);
        next
    }

    /// The longest text of characters that `belongs` has, which may be empty.
    fn word(&mut self, belongs: fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// Consumes ` word ` between two filters, if it is next.
    fn accept_word(&mut self, word: &str) -> bool {
        let start = self.at;
        self.skip_spaces();
        if self.word(is_name_char).eq_ignore_ascii_case(word) {
            return true;
        }
        self.at = start;
        false
    }

    fn or(&mut self, scope: Scope<'_>, depth: usize) -> Result<Filter, Error> {
        let mut all = vec![self.and(scope, depth)?];
        while self.accept_word("or") {
            all.push(self.and(scope, depth)?);
        }
        Ok(joined(all, Filter::Or))
    }

    fn and(&mut self, scope: Scope<'_>, depth: usize) -> Result<Filter, Error> {
        let mut all = vec![self.term(scope, depth)?];
        while self.accept_word("and") {
            all.push(self.term(scope, depth)?);
        }
        Ok(joined(all, Filter::And))
    }

    fn term(&mut self, scope: Scope<'_>, depth: usize) -> Result<Filter, Error> {
        self.skip_spaces();
        if self.accept('(') {
            return self.group(scope, depth);
        }
        let name = self.word(is_name_char);
        if name.eq_ignore_ascii_case("not") {
            let start = self.at;
            self.skip_spaces();
            if self.accept('(') {
                return Ok(Filter::Not(Box::new(self.group(scope, depth)?)));
            }
            self.at = start;
        }
        if name.is_empty() {
            return Err(self.expected("an attribute"));
        }
        if self.accept('[') {
            return self.value_path(name, scope, depth);
        }
        self.comparison(&resolve(name, scope)?)
    }

    /// The filter of a group, after its opening bracket.
    fn group(&mut self, scope: Scope<'_>, depth: usize) -> Result<Filter, Error> {
        if depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        let filter = self.or(scope, depth + 1)?;
        self.skip_spaces();
        match self.accept(')') {
            true => Ok(filter),
            false => Err(self.expected("\"and\", \"or\" or \")\"")),
        }
    }

    /// A value path, after its opening bracket. Entra ID compares a sub-attribute after it:
    /// `emails[type eq "work"].value eq "a@example.com"`.
    fn value_path(&mut self, name: &str, scope: Scope<'_>, depth: usize) -> Result<Filter, Error> {
        let Scope::Resources(of) = scope else {
            return Err(self.expected("no value path within a value path"));
        };
        let location = locate(name, of)?;
        let attribute = location.attribute;
        if location.sub.is_some() || location.member.is_some() || attribute.data_type == AttributeType::Any {
            return Err(Error::invalid_filter(format!("{name}: has no values to select")));
        }
        let mut filter = self.values(attribute, depth)?;
        if self.accept('.') {
            let sub = self.word(is_name_char);
            let last = self.comparison(&resolve(sub, Scope::Values(attribute))?)?;
            filter = match filter {
                Filter::And(mut all) => {
                    all.push(last);
                    Filter::And(all)
                }
                one => Filter::And(vec![one, last]),
            };
        }
        Ok(Filter::Values(location.to_ref(), Box::new(filter)))
    }

    /// The filter of a value path, up to its closing bracket.
    fn values(&mut self, attribute: &Attribute, depth: usize) -> Result<Filter, Error> {
        if depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        let filter = self.or(Scope::Values(attribute), depth + 1)?;
        self.skip_spaces();
        match self.accept(']') {
            true => Ok(filter),
            false => Err(self.expected("\"and\", \"or\" or \"]\"")),
        }
    }

    /// `pr`, or an operator and a value, after the attribute.
    fn comparison(&mut self, of: &Operand) -> Result<Filter, Error> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(Error::invalid_filter(format!(
                "more than {MAX_TERMS} comparisons"
            )));
        }
        self.skip_spaces();
        let start = self.at;
        let word = self.word(is_name_char);
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(of.attribute.clone()));
        }
        let Some(operator) = Operator::find(word) else {
            self.at = start;
            return Err(self.expected("an operator: eq, ne, co, sw, ew, gt, ge, lt, le or pr"));
        };
        self.skip_spaces();
        let value = self.value()?;
        match &of.compared {
            Some(attribute) => comparison(attribute.clone(), operator, value),
            None => Err(Error::invalid_filter(format!(
                "{}: name a sub-attribute of it, or use pr",
                of.attribute
            ))),
        }
    }

    /// A value of JSON that is no list and no object. Truth values may be in capitals.
    fn value(&mut self) -> Result<Value, Error> {
        let rest = self.rest();
        let expected =
            |parser: &Self| parser.expected("a value: a text in quotes, a number, true, false or null");
        if !rest.starts_with('"') {
            let start = self.at;
            let word = self.word(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.'));
            let lower = word.to_ascii_lowercase();
            return match serde_json::from_str::<Value>(&lower) {
                Ok(value) => Ok(value),
                Err(_) => {
                    self.at = start;
                    Err(expected(self))
                }
            };
        }
        let Some(end) = string_end(rest) else {
            return Err(expected(self));
        };
        let quoted = rest.get(..end).unwrap_or_default();
        let value = serde_json::from_str::<Value>(quoted).map_err(|_| expected(self))?;
        self.at += end;
        Ok(value)
    }
}

/// The length of the JSON string at the start of `text`, quotes included.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index + 1),
            _ => {}
        }
    }
    None
}

fn joined(mut all: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match (all.len(), all.pop()) {
        (1, Some(one)) => one,
        (_, last) => {
            all.extend(last);
            join(all)
        }
    }
}
