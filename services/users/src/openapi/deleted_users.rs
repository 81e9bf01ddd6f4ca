//! The descriptions of `/admin/v1/deleted-users`.

use chassis::openapi::{ErrorType, Operation, Response};
use contract::UserState;
use contract::paths::users::{DELETED_USER, DELETED_USERS, RESTORE_USER};
use http::Method;

use crate::http::deleted_users::{DeletedUserPage, DeletedUserView, DeletedUsersQuery, Restoration};

pub(super) fn operations() -> Vec<Operation> {
    let all = vec![
        Operation::new(
            Method::GET,
            DELETED_USERS,
            "listDeletedUsers",
            "Lists users who were deleted and can be restored",
        )
        .query::<DeletedUsersQuery>()
        .response(Response::new(200, "A page, the last deleted first.").json::<DeletedUserPage>()),
        Operation::new(
            Method::GET,
            DELETED_USER,
            "readDeletedUser",
            "Returns a user who was deleted and can be restored",
        )
        .response(Response::new(200, "The user.").json::<DeletedUserView>()),
        Operation::new(Method::POST, RESTORE_USER, "restoreUser", "Restores a deleted user")
            .description(
                "The user is as before the deletion, with the password and the groups that are still there. If somebody has \
                 the name, give another one.",
            )
            .json::<Restoration>()
            .response(Response::new(200, "The user.").json::<UserState>())
            .error(ErrorType::problem(
                409,
                "user-name-taken",
                "somebody has the user name, or one that looks like it",
            ))
            .error(ErrorType::problem(
                409,
                "conflict",
                "somebody has another value that is unique; `detail` names the attribute",
            )),
        Operation::new(
            Method::DELETE,
            DELETED_USER,
            "eraseUser",
            "Erases a deleted user at once",
        )
        .description(
            "This cannot be undone. Delete a user over SCIM first. With the token of a person, the person has to have signed in within \
             the last 15 minutes; otherwise the answer is 401 with the error `insufficient_user_authentication` and `max_age` (RFC 9470).",
        )
        .response(Response::new(204, "The user is erased.")),
    ];
    let tagged = all.into_iter().map(|operation| operation.tag("Administration"));
    tagged.collect()
}
