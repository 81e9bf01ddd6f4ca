//! The descriptions of the endpoints of OAuth 2 and OpenID Connect, and of direct sign-in.

use chassis::openapi::{ErrorFormat, ErrorType, Operation, Response};
use contract::paths::auth::{
    AUTHENTICATE, AUTHORIZE, END_SESSION, JWKS, OPENID_CONFIGURATION, REVOCATIONS, REVOKE, SERVER_METADATA,
    TOKEN, USERINFO,
};
use http::Method;
use oidc::claims::UserInfo;
use oidc::discovery::ProviderMetadata;
use oidc::jose::JwkSet;
use oidc::parameters;
use oidc::token::TokenResponse;

use crate::grants::Revocations;
use crate::http::authenticate::{AuthenticateRequest, AuthenticateResponse};
use crate::http::revocations::RevocationsQuery;

const TAG: &str = "OAuth 2 and OpenID Connect";
const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn operations() -> Vec<Operation> {
    let mut all = metadata();
    all.extend(authorization());
    all.extend(tokens());
    all.extend(userinfo());
    all.push(revocations());
    all = all.into_iter().map(|operation| operation.tag(TAG)).collect();
    all.push(direct_sign_in());
    all
}

fn metadata() -> Vec<Operation> {
    let metadata = || Response::new(200, "The metadata.").json::<ProviderMetadata>();
    vec![
        Operation::new(
            Method::GET,
            OPENID_CONFIGURATION,
            "readOpenIdConfiguration",
            "Returns the provider metadata (OpenID Connect Discovery §4)",
        )
        .response(metadata()),
        Operation::new(
            Method::GET,
            SERVER_METADATA,
            "readServerMetadata",
            "Returns the authorization server metadata (RFC 8414 §3)",
        )
        .response(metadata()),
        Operation::new(
            Method::GET,
            JWKS,
            "readKeySet",
            "Returns the public signing keys (RFC 7517 §5)",
        )
        .header("If-None-Match", "The tag of a key set that the client has.")
        .response(
            Response::new(200, "The key set.")
                .typed::<JwkSet>("application/jwk-set+json")
                .header("ETag", "The tag of the key set."),
        )
        .response(Response::new(304, "The client has this key set.")),
    ]
}

fn authorization() -> Vec<Operation> {
    let authorize = |operation: Operation| {
        operation
            .format(ErrorFormat::Page)
            .description(
                "The browser goes on to the sign-in page, or back to the application with a code or an OAuth error \
                 (RFC 6749 §4.1.2). When the client or its redirect URI is not known, the person sees an error page.",
            )
            .response(Response::new(303, "To the sign-in page or to the application.").header("Location", "Where to."))
            .error(ErrorType::page(
                400,
                "the client or the redirect URI is not known, or the request cannot be read or is too long",
            ))
            .error(ErrorType::page(
                503,
                "too many requests wait for a sign-in, or sign-in is closed after a restoration",
            ))
            .unreadable_is(400)
    };
    let end = |operation: Operation| {
        // What fails is a problem; only what is wrong with the request is a page.
        operation
            .description(
                "A session ends at once when `id_token_hint` names it; otherwise the person is asked.",
            )
            .response(Response::new(200, "The question whether to sign out.").html())
            .response(
                Response::new(303, "The session has ended.").header("Location", "Where the browser goes on."),
            )
            .error(ErrorType::page(400, "the request is not valid"))
            .unreadable_is(400)
    };
    vec![
        authorize(
            Operation::new(
                Method::GET,
                AUTHORIZE,
                "authorize",
                "Asks for a code (RFC 6749 §3.1)",
            )
            .query_value(parameters::authorization_request()),
        ),
        authorize(
            Operation::new(
                Method::POST,
                AUTHORIZE,
                "authorizeByForm",
                "Asks for a code with a form",
            )
            .value(FORM, parameters::authorization_request()),
        ),
        end(Operation::new(
            Method::GET,
            END_SESSION,
            "endSession",
            "Ends the session (RP-Initiated Logout §2)",
        )
        .query_value(parameters::logout_request())),
        end(Operation::new(
            Method::POST,
            END_SESSION,
            "endSessionByForm",
            "Ends the session with a form",
        )
        .value(FORM, parameters::logout_request())
        .error(ErrorType::page(
            403,
            "the answer to the question is out of date, or comes from another site",
        ))),
    ]
}

/// With the errors that every endpoint for clients has (RFC 6749 §5.2).
fn of_clients(operation: Operation) -> Operation {
    operation
        .format(ErrorFormat::OAuth)
        .error(ErrorType::oauth(
            400,
            "invalid_request",
            "a parameter is missing, repeated or not valid",
        ))
        .error(ErrorType::oauth(
            401,
            "invalid_client",
            "the client is unknown or its proof is wrong",
        ))
        .error(ErrorType::oauth(
            413,
            "invalid_request",
            "the body is longer than the limit",
        ))
        .error(ErrorType::oauth(
            408,
            "invalid_request",
            "the body took longer than `limits.body_timeout_seconds`",
        ))
        .error(ErrorType::oauth(500, "server_error", "the service failed"))
        .error(ErrorType::oauth(
            503,
            "temporarily_unavailable",
            "a part of the service is not available, or sign-in is closed after a restoration",
        ))
        .error(ErrorType::oauth(
            503,
            "invalid_request",
            "the service holds too many bodies at the moment",
        ))
}

fn tokens() -> Vec<Operation> {
    vec![
        of_clients(Operation::new(
            Method::POST,
            TOKEN,
            "issueTokens",
            "Issues tokens (RFC 6749 §3.2)",
        ))
        .value(FORM, parameters::token_request())
        .response(
            Response::new(200, "The tokens (RFC 6749 §5.1).")
                .json::<TokenResponse>()
                .header("Cache-Control", "`no-store`."),
        )
        .error(ErrorType::oauth(
            400,
            "invalid_grant",
            "the code or refresh token is not valid, or another client's",
        ))
        .error(ErrorType::oauth(
            400,
            "unauthorized_client",
            "the client is not registered for this grant",
        ))
        .error(ErrorType::oauth(
            400,
            "unsupported_grant_type",
            "the grant type is not known",
        ))
        .error(ErrorType::oauth(
            400,
            "invalid_scope",
            "the scope is malformed or exceeds that of the client",
        ))
        .error(ErrorType::oauth(
            400,
            "invalid_target",
            "the resource is malformed or not the client's (RFC 8707)",
        )),
        of_clients(Operation::new(
            Method::POST,
            REVOKE,
            "revokeToken",
            "Revokes a token (RFC 7009)",
        ))
        .description("The answer is the same for a token that is not known.")
        .value(FORM, parameters::revocation_request())
        .response(Response::new(200, "The token is no longer valid.")),
    ]
}

fn userinfo() -> Vec<Operation> {
    let answer = || Response::new(200, "The claims that the scopes of the token allow.").json::<UserInfo>();
    vec![
        Operation::new(
            Method::GET,
            USERINFO,
            "readUserInfo",
            "Returns claims about the user (OpenID Connect Core §5.3)",
        )
        .response(answer()),
        Operation::new(
            Method::POST,
            USERINFO,
            "readUserInfoByPost",
            "Returns claims about the user",
        )
        .response(answer()),
    ]
}

fn revocations() -> Operation {
    Operation::new(
        Method::GET,
        REVOCATIONS,
        "listRevocations",
        "Lists what resource servers have to refuse",
    )
    .query::<RevocationsQuery>()
    .response(Response::new(200, "The list.").json::<Revocations>())
}

fn direct_sign_in() -> Operation {
    Operation::new(
        Method::POST,
        AUTHENTICATE,
        "authenticate",
        "Signs in with a user name and a password",
    )
    .tag("Direct sign-in")
    .json::<AuthenticateRequest>()
    .response(
        Response::new(200, "The tokens.")
            .json::<AuthenticateResponse>()
            .header("Cache-Control", "`no-store`."),
    )
    .error(ErrorType::problem(
        401,
        "wrong-credentials",
        "the user name or the password is wrong",
    ))
    .error(ErrorType::problem(
        404,
        "not-found",
        "direct sign-in is switched off",
    ))
    .error(ErrorType::TOO_MANY_REQUESTS)
    .error(ErrorType::problem(
        503,
        "registration-pending",
        "the account is being set up",
    ))
}
