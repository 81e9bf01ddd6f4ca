//! The `limit` of a page.

use std::fmt::Display;

use super::Problem;

/// Checks that the `limit` of a page is from 1 to `most`.
///
/// # Errors
/// 422 `invalid-input`, which names `limit`.
pub fn page_limit<T: PartialOrd + Display + From<u8>>(limit: T, most: T) -> Result<T, Problem> {
    match T::from(1) <= limit && limit <= most {
        true => Ok(limit),
        false => Err(Problem::invalid().field("limit", format!("Expected a number from 1 to {most}."))),
    }
}
