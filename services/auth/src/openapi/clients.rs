//! The descriptions of the administration of clients, their secrets and their assignments.

use chassis::openapi::{ErrorType, Operation, Response};
use contract::paths::auth::{
    CLIENT, CLIENT_ASSIGNMENT, CLIENT_ASSIGNMENTS, CLIENT_SECRET, CLIENT_SECRETS, CLIENTS,
};
use http::Method;
use serde_json::json;

use crate::http::admin_assignments::{AssignmentPage, AssignmentQuery};
use crate::http::admin_client_secrets::{SecretList, SecretView};
use crate::http::admin_clients::{ClientPage, ClientView, NewClient, PageQuery};

pub(super) fn clients() -> Vec<Operation> {
    let named = |operation: Operation| {
        operation.path_parameter(
            "client_id",
            "The client.",
            json!({ "type": "string", "minLength": 1 }),
        )
    };
    vec![
        Operation::new(Method::GET, CLIENTS, "listClients", "Lists clients")
            .query::<PageQuery>()
            .response(Response::new(200, "A page, in the order of the ids.").json::<ClientPage>()),
        Operation::new(
            Method::POST,
            CLIENTS,
            "createClient",
            "Registers a client (metadata of RFC 7591)",
        )
        .description("Only this response has the secret.")
        .json::<NewClient>()
        .response(
            Response::new(201, "The client.")
                .json::<ClientView>()
                .header("Location", "Its path."),
        )
        .error(ErrorType::problem(
            409,
            "conflict",
            "there is a client of this id",
        )),
        named(Operation::new(
            Method::GET,
            CLIENT,
            "readClient",
            "Returns a client",
        ))
        .response(
            Response::new(200, "The client.")
                .json::<ClientView>()
                .header("ETag", "The version of the client."),
        ),
        named(Operation::new(
            Method::PUT,
            CLIENT,
            "replaceClient",
            "Replaces the metadata of a client",
        ))
        .description(
            "What is left out gets its default, but `require_consent`, which stays true until it is sent as false. A client that authenticates with a secret from now on is given one, which only this \
             response has.",
        )
        .header("If-Match", "Changes the client only if it still has this version.")
        .json::<NewClient>()
        .response(
            Response::new(200, "The client.")
                .json::<ClientView>()
                .header("ETag", "The version of the client."),
        )
        .error(ErrorType::problem(
            409,
            "conflict",
            "the client is part of the configuration file",
        ))
        .error(ErrorType::problem(
            412,
            "precondition-failed",
            "the client has another version than `If-Match` says",
        )),
        named(Operation::new(
            Method::DELETE,
            CLIENT,
            "deleteClient",
            "Deletes a client and revokes its grants",
        ))
        .response(Response::new(204, "It is deleted."))
        .error(ErrorType::problem(
            409,
            "conflict",
            "the client is part of the configuration file",
        )),
    ]
}

pub(super) fn client_secrets() -> Vec<Operation> {
    let named = |operation: Operation| {
        operation.path_parameter(
            "client_id",
            "The client.",
            json!({ "type": "string", "minLength": 1 }),
        )
    };
    vec![
        named(Operation::new(
            Method::GET,
            CLIENT_SECRETS,
            "listClientSecrets",
            "Lists the secrets of a client",
        ))
        .response(Response::new(200, "The secrets, the newest first.").json::<SecretList>()),
        named(Operation::new(
            Method::POST,
            CLIENT_SECRETS,
            "createClientSecret",
            "Makes one more secret of a client",
        ))
        .description("Both are good until one is deleted. Only this response has the new one.")
        .response(
            Response::new(201, "The secret.")
                .json::<SecretView>()
                .header("Location", "Its path."),
        )
        .error(ErrorType::problem(
            409,
            "conflict",
            "the client is part of the configuration file, has two secrets, or authenticates without one",
        )),
        named(Operation::new(
            Method::DELETE,
            CLIENT_SECRET,
            "deleteClientSecret",
            "Deletes a secret of a client",
        ))
        .path_parameter(
            "secret_id",
            "The secret.",
            json!({ "type": "string", "minLength": 1 }),
        )
        .response(Response::new(204, "It is refused from now on."))
        .error(ErrorType::problem(
            409,
            "conflict",
            "the client is part of the configuration file, has no other secret, or authenticates without one",
        )),
    ]
}

pub(super) fn assignments() -> Vec<Operation> {
    let of_client = |operation: Operation| {
        operation.path_parameter(
            "client_id",
            "The client.",
            json!({ "type": "string", "minLength": 1 }),
        )
    };
    let of_role = |operation: Operation| {
        of_client(operation).path_parameter(
            "role",
            "The role, which is defined with the client.",
            json!({ "type": "string", "minLength": 1, "maxLength": 64 }),
        )
    };
    vec![
        of_client(Operation::new(
            Method::GET,
            CLIENT_ASSIGNMENTS,
            "listRoleAssignments",
            "Lists the roles that people were given at a client",
        ))
        .description("Roles that people have as members of groups are in the metadata of the client, in `roles`.")
        .query::<AssignmentQuery>()
        .response(Response::new(200, "One page, in the order of people and roles.").json::<AssignmentPage>()),
        of_role(Operation::new(
            Method::PUT,
            CLIENT_ASSIGNMENT,
            "assignRole",
            "Gives a person a role at a client",
        ))
        .response(Response::new(204, "The person has the role."))
        .error(ErrorType::problem(
            409,
            "conflict",
            "the client was changed at the same moment",
        ))
        .error(ErrorType::problem(
            422,
            "invalid-input",
            "the role is not defined with the client",
        )),
        of_role(Operation::new(
            Method::DELETE,
            CLIENT_ASSIGNMENT,
            "withdrawRole",
            "Takes a role that a person was given at a client",
        ))
        .description("The grants and tokens of the client for the person are revoked; resource servers refuse them within 5 seconds.")
        .response(Response::new(204, "The person does not have it any more.")),
    ]
}
