//! The descriptions of what declarative files manage.

use chassis::openapi::{ErrorType, Operation, Response};
use contract::paths::auth::{MANAGED_CLIENT, MANAGED_CLIENTS, MANAGED_HOST, MANAGED_HOSTS};
use http::Method;
use serde_json::json;

use crate::http::admin_clients::ClientView;
use crate::http::admin_protected_hosts::ProtectedHostView;
use crate::http::managed::clients::ManagedClientRequest;
use crate::http::managed::hosts::ManagedHostRequest;
use crate::http::managed::{ManagedBy, ManagedPage, ManagedQuery};

const OTHER_STATE: ErrorType = ErrorType::problem(
    412,
    "precondition-failed",
    "it exists against `If-None-Match`, has another version than `If-Match` says, or another file manages it than expected",
);
const NO_STATE: ErrorType = ErrorType::problem(
    428,
    "precondition-required",
    "the request names no state that it expects",
);
const MARK: &str = "Objects are marked with the name of the file and whether it made them, so that others are never deleted with it. `expected_managed_by` names the file that managed the object so far.";

pub(super) fn operations() -> Vec<Operation> {
    clients()
        .into_iter()
        .chain(hosts())
        .map(|operation| operation.tag("Declarative files"))
        .collect()
}

fn clients() -> Vec<Operation> {
    let named = |operation: Operation| {
        operation.path_parameter(
            "client_id",
            "The client.",
            json!({ "type": "string", "minLength": 1 }),
        )
    };
    let configured = ErrorType::problem(409, "conflict", "the client is part of the configuration file");
    vec![
        Operation::new(
            Method::GET,
            MANAGED_CLIENTS,
            "listManagedClients",
            "Lists the clients that declarative files manage",
        )
        .query::<ManagedQuery>()
        .response(Response::new(200, "A page, in the order of the ids.").json::<ManagedPage>()),
        put(named(Operation::new(
            Method::PUT,
            MANAGED_CLIENT,
            "applyClient",
            "Makes or changes a client for a declarative file",
        )))
        .json::<ManagedClientRequest>()
        .response(view(Response::new(200, "The client.").json::<ClientView>()))
        .response(view(
            Response::new(
                201,
                "The client, which is new. Only this response has a secret that was made.",
            )
            .json::<ClientView>(),
        ))
        .error(configured),
        delete(named(Operation::new(
            Method::DELETE,
            MANAGED_CLIENT,
            "deleteManagedClient",
            "Deletes a client that a declarative file made, or releases it",
        )))
        .error(configured),
    ]
}

fn hosts() -> Vec<Operation> {
    let named = |operation: Operation| {
        operation.path_parameter(
            "host",
            "The host with its port.",
            json!({ "type": "string", "minLength": 1 }),
        )
    };
    vec![
        Operation::new(
            Method::GET,
            MANAGED_HOSTS,
            "listManagedHosts",
            "Lists the protected hosts that declarative files manage",
        )
        .query::<ManagedQuery>()
        .response(Response::new(200, "A page, in the order of the hosts.").json::<ManagedPage>()),
        put(named(Operation::new(
            Method::PUT,
            MANAGED_HOST,
            "applyProtectedHost",
            "Makes or changes a protected host for a declarative file",
        )))
        .json::<ManagedHostRequest>()
        .response(view(Response::new(200, "The host.").json::<ProtectedHostView>()))
        .response(view(
            Response::new(201, "The host, which is new.").json::<ProtectedHostView>(),
        ))
        .error(ErrorType::problem(
            409,
            "conflict",
            "the host is registered with the other scheme, or there are too many",
        )),
        delete(named(Operation::new(
            Method::DELETE,
            MANAGED_HOST,
            "deleteManagedHost",
            "Deletes a protected host that a declarative file made, or releases it",
        ))),
    ]
}

fn view(response: Response) -> Response {
    response.header("ETag", "The version of the object.")
}

fn put(operation: Operation) -> Operation {
    operation
        .description(MARK)
        .header("If-Match", "Changes the object, if it still has this version.")
        .header("If-None-Match", "`*` makes the object, if it does not exist.")
        .error(OTHER_STATE)
        .error(NO_STATE)
}

fn delete(operation: Operation) -> Operation {
    operation
        .description("Deletes an object that the file made. With `release=true` the object stays, and no file manages it. An object that the file does not manage, or one to delete that it did not make, is not found.")
        .query::<ManagedBy>()
        .header(
            "If-Match",
            "Deletes or releases the object only if it still has this version.",
        )
        .response(Response::new(204, "It is deleted, or released."))
        .error(OTHER_STATE)
        .error(NO_STATE)
}
