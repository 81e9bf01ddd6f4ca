//! The description of `/admin/v1/users`.

use chassis::openapi::{Operation, Response};
use contract::paths::users::ADMIN_USERS;
use http::Method;

use crate::http::admin_users::{FoundUsers, TextQuery};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, ADMIN_USERS, "searchUsers", "Searches users by what an administrator types")
            .tag("User")
            .description(
                "Words are compared without accents and case, in any order. Exact matches come first, then beginnings, then words \
                 with a typo: one in words of three to five letters, two in longer ones. Only names, user names, e-mail addresses and \
                 ids are searched. A search shows its first 500 results.",
            )
            .query::<TextQuery>()
            .response(Response::new(200, "A page of users, the best match first.").json::<FoundUsers>()),
    ]
}
