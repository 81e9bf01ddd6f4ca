//! Comparisons against the types of their attributes (RFC 7644 §3.4.2.2, table 3).

use serde_json::Value;

use super::{CompareValue, Comparison, Filter, Operator};
use crate::Error;
use crate::schema::{AttributeRef, AttributeType, Instant};

/// A comparison with a value.
///
/// # Errors
/// `invalidFilter` when the operator or the value does not fit the attribute.
pub(super) fn comparison(attribute: AttributeRef, operator: Operator, value: Value) -> Result<Filter, Error> {
    let value = compare_value(&attribute, operator, value)?;
    Ok(Filter::Compare(Comparison {
        attribute,
        operator,
        value,
    }))
}

fn compare_value(attribute: &AttributeRef, operator: Operator, value: Value) -> Result<CompareValue, Error> {
    use Operator::{Co, Eq, Ew, Ne, Sw};
    let refused = |reason: &str| Err(Error::invalid_filter(format!("{attribute}: {reason}")));
    let equality = matches!(operator, Eq | Ne);
    let textual = matches!(operator, Co | Sw | Ew);
    match (attribute.data_type, value) {
        (_, Value::Null) if equality => Ok(CompareValue::Null),
        (_, Value::Null) => refused("null is compared with eq and ne only"),
        // No attribute has it (SB-34), and no database takes it.
        (_, Value::String(text)) if text.contains('\0') => {
            refused("is compared with no text that has U+0000")
        }
        (AttributeType::Boolean | AttributeType::Binary, _) if !equality => {
            refused("is compared with eq, ne and pr only")
        }
        (AttributeType::Boolean, value) => match crate::schema::boolean(&value) {
            Some(value) => Ok(CompareValue::Boolean(value)),
            None => refused("is compared with true or false"),
        },
        (AttributeType::Integer | AttributeType::Decimal | AttributeType::DateTime, _) if textual => {
            refused("is not compared with co, sw and ew")
        }
        (AttributeType::Integer | AttributeType::Decimal, Value::Number(number)) => {
            Ok(CompareValue::Number(number))
        }
        (AttributeType::Integer | AttributeType::Decimal, _) => refused("is compared with a number"),
        (AttributeType::DateTime, Value::String(text)) => match Instant::parse(&text) {
            Some(time) => Ok(CompareValue::Time(time, text)),
            None => refused("is compared with a time such as \"2008-01-23T04:56:22Z\""),
        },
        (AttributeType::DateTime, _) => refused("is compared with a time in quotes"),
        (AttributeType::String | AttributeType::Reference | AttributeType::Binary, Value::String(text)) => {
            Ok(CompareValue::Text(text))
        }
        (AttributeType::String | AttributeType::Reference | AttributeType::Binary, _) => {
            refused("is compared with a text in quotes")
        }
        (AttributeType::Any, Value::String(text)) => Ok(CompareValue::Text(text)),
        (AttributeType::Any, Value::Number(number)) if !textual => Ok(CompareValue::Number(number)),
        (AttributeType::Any, Value::Bool(value)) if equality => Ok(CompareValue::Boolean(value)),
        (AttributeType::Any | AttributeType::Complex, _) => refused("cannot be compared with this value"),
    }
}
