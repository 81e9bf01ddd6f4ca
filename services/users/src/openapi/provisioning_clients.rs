//! The descriptions of `/admin/v1/provisioning-clients`.

use chassis::openapi::{ErrorType, Operation, Response};
use contract::paths::users::{
    PROVISIONING_CLIENT, PROVISIONING_CLIENTS, PROVISIONING_TOKEN, PROVISIONING_TOKENS,
};
use http::Method;

use crate::http::provisioning_clients::{
    ChangeRequest, ClientResponse, CreateRequest, IssueRequest, PageQuery, PageResponse, TokenResponse,
};

pub(super) const TAG: (&str, &str) = (
    "Provisioning clients",
    "Systems that provision over SCIM with a long-lived bearer token, such as Microsoft Entra ID and Okta.",
);

const NAME_TAKEN: ErrorType =
    ErrorType::problem(409, "conflict", "another provisioning client has this name");

pub(super) fn operations() -> Vec<Operation> {
    let mut all = clients();
    all.extend(tokens());
    all.into_iter().map(|operation| operation.tag(TAG.0)).collect()
}

fn clients() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            PROVISIONING_CLIENTS,
            "listProvisioningClients",
            "Lists provisioning clients with their tokens",
        )
        .query::<PageQuery>()
        .response(Response::new(200, "A page, in the order of the ids.").json::<PageResponse>()),
        Operation::new(
            Method::POST,
            PROVISIONING_CLIENTS,
            "createProvisioningClient",
            "Creates a provisioning client with its first token",
        )
        .description("Only this response has the token.")
        .json::<CreateRequest>()
        .response(
            Response::new(201, "The client.")
                .json::<ClientResponse>()
                .header("Location", "Its path."),
        )
        .error(NAME_TAKEN),
        Operation::new(
            Method::GET,
            PROVISIONING_CLIENT,
            "readProvisioningClient",
            "Returns a provisioning client",
        )
        .response(Response::new(200, "The client.").json::<ClientResponse>()),
        Operation::new(
            Method::PATCH,
            PROVISIONING_CLIENT,
            "changeProvisioningClient",
            "Changes a provisioning client",
        )
        .description(
            "A JSON merge patch (RFC 7396) without `null`. It counts for the tokens that the client has.",
        )
        .json::<ChangeRequest>()
        .response(Response::new(200, "The client.").json::<ClientResponse>())
        .error(NAME_TAKEN),
        Operation::new(
            Method::DELETE,
            PROVISIONING_CLIENT,
            "deleteProvisioningClient",
            "Deletes a provisioning client and its tokens",
        )
        .response(Response::new(204, "It is deleted.")),
    ]
}

fn tokens() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::POST,
            PROVISIONING_TOKENS,
            "issueProvisioningToken",
            "Gives a provisioning client another token",
        )
        .description("The token before it stays valid until it is revoked or expires. Only this response has the token.")
        .json::<IssueRequest>()
        .optional_body()
        .response(Response::new(201, "The token.").json::<TokenResponse>())
        .error(ErrorType::problem(
            409,
            "conflict",
            "the client has two valid tokens; one must be revoked first",
        )),
        Operation::new(
            Method::DELETE,
            PROVISIONING_TOKEN,
            "revokeProvisioningToken",
            "Revokes a token of a provisioning client",
        )
        .response(Response::new(204, "It is refused from now on.")),
    ]
}
