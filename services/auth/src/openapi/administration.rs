//! The descriptions of the administration of accounts, scopes and keys.

use chassis::openapi::{ErrorType, Operation, Response};
use contract::paths::auth::{
    CONSENT_OF_CLIENT, CONSENTS, CREDENTIAL_BATCH, CREDENTIALS, KEYS, PENDING_CREDENTIAL, PERSONAL_DATA,
    ROTATE_KEYS, SCOPES, SESSION, SESSIONS, SETUP_LINK, USERS,
};
use http::Method;
use serde_json::json;

use super::clients;
use crate::http::admin_consents::ConsentList;
use crate::http::admin_credentials::{
    BatchResult, CredentialBatch, CredentialPage, ExportQuery, NewCredentials,
};
use crate::http::admin_keys::{KeyList, RotationRequest, RotationResult};
use crate::http::admin_scopes::ScopeList;
use crate::http::admin_sessions::SessionList;
use crate::http::admin_users::{CreatedAccount, NewUser, SetupLink};
use crate::http::pending_credentials::PendingCredentialRequest;
use crate::personal_data::PersonalData;

pub(super) fn operations() -> Vec<Operation> {
    let mut all = accounts();
    all.extend(sessions());
    all.extend(consents());
    all.extend(clients::assignments());
    all.extend(credentials());
    all.extend(pending_credentials());
    all.extend(clients::clients());
    all.extend(clients::client_secrets());
    all.extend(super::registration::initial_access_tokens());
    all.extend(scopes_and_keys());
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
            Method::GET,
            PERSONAL_DATA,
            "exportPersonalData",
            "Returns what this service holds about one person",
        )
        .description(
            "For the answer to a request for access. It has no secret: neither hashes nor tokens. The user service has its own.",
        )
        .response(
            Response::new(200, "Everything.")
                .json::<PersonalData>()
                .header("Cache-Control", "`no-store`"),
        ),
    ]
}

fn sessions() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            SESSIONS,
            "listSessions",
            "Lists the live sessions of an account",
        )
        .response(Response::new(200, "The sessions, the last used first.").json::<SessionList>()),
        Operation::new(
            Method::DELETE,
            SESSION,
            "endOneSession",
            "Ends one session of an account and revokes what hangs on it",
        )
        .response(Response::new(204, "It has ended.")),
        Operation::new(
            Method::DELETE,
            SESSIONS,
            "endSessions",
            "Ends all sessions of an account and revokes its tokens",
        )
        .response(Response::new(204, "They have ended.")),
    ]
}

fn consents() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            CONSENTS,
            "listConsents",
            "Lists the applications that have access for a person",
        )
        .description("Those that the person allowed it on the consent page, and those that have a grant that has not ended.")
        .response(Response::new(200, "The applications, in the order of their ids.").json::<ConsentList>()),
        Operation::new(
            Method::DELETE,
            CONSENT_OF_CLIENT,
            "withdrawConsent",
            "Withdraws the access of an application for a person",
        )
        .description("The grants and tokens of the application for the person are revoked; resource servers refuse them within 5 seconds.")
        .path_parameter(
            "client_id",
            "The application.",
            json!({ "type": "string", "minLength": 1 }),
        )
        .response(Response::new(204, "It has no access any more.")),
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
            Method::GET,
            CREDENTIAL_BATCH,
            "exportCredentials",
            "Exports password hashes, encrypted",
        )
        .description(
            "In the order of the accounts. Each hash is encrypted to the public keys in `passwords.export_recipients`, in the format \
             of age; without a key there is no export.",
        )
        .query::<ExportQuery>()
        .response(
            Response::new(200, "A page.")
                .json::<CredentialPage>()
                .header("Cache-Control", "`no-store`"),
        )
        .error(ErrorType::problem(
            403,
            "credential-export-disabled",
            "the configuration names no recipient",
        )),
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

fn pending_credentials() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::PUT,
            PENDING_CREDENTIAL,
            "putPendingCredential",
            "Takes the password that comes with a change of a user",
        )
        .description(
            "For the user service alone, before it commits the change. The password is checked and hashed. It takes effect with \
             the state of the user that names the id as `credential_id`. After an hour it is deleted, unless the current state of \
             the user names it.",
        )
        .json::<PendingCredentialRequest>()
        .response(Response::new(204, "The password waits for the change."))
        .error(ErrorType::problem(
            409,
            "conflict",
            "the id is that of another user's credential",
        )),
        Operation::new(
            Method::DELETE,
            PENDING_CREDENTIAL,
            "cancelPendingCredential",
            "Forgets a password, because the change was not made",
        )
        .response(Response::new(204, "There is no such password.")),
    ]
}

fn scopes_and_keys() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            SCOPES,
            "listScopes",
            "Lists the scopes with their claims",
        )
        .description("They are configuration: `[scopes.NAME]` adds claims to a scope, or a scope.")
        .response(Response::new(200, "The scopes.").json::<ScopeList>()),
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
