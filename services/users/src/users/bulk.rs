//! The rows of users for programs that fill a database in bulk, as the benchmark does.

use std::collections::BTreeSet;

use contract::UserState;
use scim::schema::Registry;

use super::values::IndexedAttributes;
use super::values::words::UserWords;

/// The rows of `user_values` of a user, without attributes of a configuration: attribute and key.
pub fn indexed_rows(state: &UserState) -> BTreeSet<(String, String)> {
    let registry = Registry::standard();
    IndexedAttributes::new(registry.users()).rows_of(state, registry.users())
}

/// The keys of the rows by which text searches find a user.
pub fn word_keys(state: &UserState) -> Vec<String> {
    UserWords::of(state).keys()
}
