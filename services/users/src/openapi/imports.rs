//! The descriptions of `/admin/v1/import` and `/admin/v1/export`.

use chassis::openapi::{Operation, Response};
use contract::paths::users::{EXPORT_GROUPS, EXPORT_USERS, IMPORT_GROUPS, IMPORT_USERS};
use http::Method;

use crate::http::exports::{ExportQuery, ExportedGroups, ExportedUsers};
use crate::http::imports::{GroupBatch, ImportResult, UserBatch};

pub(super) fn operations() -> Vec<Operation> {
    let mut all = imports();
    all.extend(exports());
    all.into_iter().map(|operation| operation.tag("Import")).collect()
}

fn exports() -> [Operation; 2] {
    let users = Operation::new(
        Method::GET,
        EXPORT_USERS,
        "exportUsers",
        "Lists users with everything that an import takes back",
    )
    .description(
        "Every attribute, those too that are returned on request or never, that clients may not read, or that are a person's own to \
         write; and in `external_ids` the `externalId` of each provisioning client. Passwords are not attributes: `auth` exports \
         their hashes.",
    )
    .query::<ExportQuery>()
    .response(Response::new(200, "A page of users.").json::<ExportedUsers>());
    let groups = Operation::new(
        Method::GET,
        EXPORT_GROUPS,
        "exportGroups",
        "Lists groups with everything that an import takes back, but their members",
    )
    .description("As the users. The members of a group are at `/scim/v2/Groups/{id}`, page by page.")
    .query::<ExportQuery>()
    .response(Response::new(200, "A page of groups.").json::<ExportedGroups>());
    [users, groups]
}

fn imports() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::POST,
            IMPORT_USERS,
            "importUsers",
            "Imports users with their ids and the times of their creation",
        )
        .description(
            "At most 1000 users, in one transaction. Each is accepted or refused for itself; `detail` names the attribute. Who \
             has the id and the user name already stays as they are, so an import whose response was lost can be sent again. Every \
             attribute may be written, those too that are a person's own. A provisioning client that `external_ids` names has to be \
             there; one that is an OAuth client need not.",
        )
        .json::<UserBatch>(),
        Operation::new(
            Method::POST,
            IMPORT_GROUPS,
            "importGroups",
            "Imports groups with their ids, and adds members",
        )
        .description(
            "At most 100 groups, each in a transaction of its own. A group that has the id or the name already gets the \
             members that it lacks. A member that does not exist, or that would make a circle, is refused, and the others are \
             added. A group may have 10,000 members in one request, and come several times.",
        )
        .json::<GroupBatch>(),
    ]
    .into_iter()
    .map(|operation| {
        operation.response(Response::new(200, "What became of each.").json::<ImportResult>())
    })
    .collect()
}
