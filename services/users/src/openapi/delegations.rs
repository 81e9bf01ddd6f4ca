//! The descriptions of `/admin/v1/delegations`.

use chassis::openapi::{ErrorType, Operation, Response};
use contract::paths::users::{DELEGATION, DELEGATIONS};
use http::Method;

use crate::http::delegations::{CreateRequest, DelegationResponse, PageQuery, PageResponse};

pub(super) const TAG: (&str, &str) = (
    "Delegations",
    "The administration of some users, given to a person or to the members of a group.",
);

pub(super) fn operations() -> Vec<Operation> {
    let all = vec![
        Operation::new(Method::GET, DELEGATIONS, "listDelegations", "Lists delegations")
            .query::<PageQuery>()
            .response(Response::new(200, "A page, in the order of the ids.").json::<PageResponse>()),
        Operation::new(
            Method::POST,
            DELEGATIONS,
            "createDelegation",
            "Delegates the administration of some users",
        )
        .description(
            "To `to_user` or `to_group`, over `members_of` or `users_matching`. It counts from the next request of the \
             delegated administrator, whose token needs the scope `directory:delegated`.",
        )
        .json::<CreateRequest>()
        .response(
            Response::new(201, "The delegation.")
                .json::<DelegationResponse>()
                .header("Location", "Its path."),
        )
        .error(ErrorType::problem(409, "conflict", "there are 1000 delegations already, or 50 to this user or group")),
        Operation::new(Method::GET, DELEGATION, "readDelegation", "Returns a delegation")
            .response(Response::new(200, "The delegation.").json::<DelegationResponse>()),
        Operation::new(Method::DELETE, DELEGATION, "deleteDelegation", "Ends a delegation")
            .response(Response::new(204, "It gives nothing from now on.")),
    ];
    all.into_iter().map(|operation| operation.tag(TAG.0)).collect()
}
