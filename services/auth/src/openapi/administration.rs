//! The descriptions of the administration of accounts, clients and keys.

use chassis::openapi::{ErrorType, Operation, Response};
use contract::paths::auth::{
    CLIENT, CLIENTS, CREDENTIAL_BATCH, CREDENTIALS, KEYS, ROTATE_KEYS, SESSIONS, SETUP_LINK, USERS,
};
use http::Method;
use serde_json::json;

use crate::http::admin_clients::{ClientPage, ClientView, NewClient, PageQuery};
use crate::http::admin_credentials::{BatchResult, CredentialBatch, NewCredentials};
use crate::http::admin_keys::{KeyList, RotationRequest, RotationResult};
use crate::http::admin_users::{CreatedAccount, NewUser, SetupLink};

pub(super) fn operations() -> Vec<Operation> {
    let mut all = accounts();
    all.extend(credentials());
    all.extend(clients());
    all.extend(keys());
    all.into_iter()
        .map(|operation| operation.tag("Administration"))
        .collect()
}

fn accounts() -> Vec<Operation> {
    vec![
        Operation::new(Method::POST, USERS, "createAccount", "Creates an account")
            .description("Without a password the answer has a link with which the person chooses one.")
            .json::<NewUser>()
            .response(Response::new(201, "The account.").json::<CreatedAccount>())
            .error(ErrorType::problem(
                409,
                "user-name-taken",
                "somebody has the user name, or one that looks like it",
            )),
        Operation::new(
            Method::POST,
            SETUP_LINK,
            "createSetupLink",
            "Creates a link with which a person chooses a password",
        )
        .response(Response::new(201, "The link.").json::<SetupLink>()),
        Operation::new(
            Method::DELETE,
            SESSIONS,
            "endSessions",
            "Ends all sessions of an account and revokes its tokens",
        )
        .response(Response::new(204, "They have ended.")),
    ]
}

fn credentials() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::PUT,
            CREDENTIALS,
            "replaceCredentials",
            "Sets the password hash of an account, made by another system",
        )
        .description(
            "The scheme is recognized by the text. The hash is replaced by one of argon2id when its owner signs in. Another \
             hash than before ends all sessions of the account and revokes its tokens.",
        )
        .json::<NewCredentials>()
        .response(Response::new(204, "The account has the password of the hash.")),
        Operation::new(
            Method::POST,
            CREDENTIAL_BATCH,
            "importCredentials",
            "Sets the password hashes of many accounts",
        )
        .description(
            "The rows are imported in one transaction. A row that is rejected does not affect the others. A row is rejected \
             while `auth` has not heard of its user yet; send it again.",
        )
        .json::<CredentialBatch>()
        .response(Response::new(200, "The result of each row, in their order.").json::<BatchResult>()),
    ]
}

fn clients() -> Vec<Operation> {
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
        .response(Response::new(200, "The client.").json::<ClientView>()),
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

fn keys() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, KEYS, "listKeys", "Lists the signing keys")
            .response(Response::new(200, "The keys, oldest first.").json::<KeyList>()),
        Operation::new(
            Method::POST,
            ROTATE_KEYS,
            "rotateKeys",
            "Rotates the signing keys",
        )
        .json::<RotationRequest>()
        .optional_body()
        .response(Response::new(202, "The keys.").json::<RotationResult>()),
    ]
}
