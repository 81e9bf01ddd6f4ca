//! The descriptions of the endpoints of OAuth 2 and OpenID Connect, and of direct sign-in.

use chassis::openapi::{ErrorFormat, ErrorType, Operation, Response};
use contract::paths::auth::{
    AUTHENTICATE, INTROSPECT, JWKS, OPENID_CONFIGURATION, REVOCATIONS, REVOKE, SERVER_METADATA, TOKEN,
    USERINFO,
};
use http::Method;
use oidc::claims::UserInfo;
use oidc::discovery::ProviderMetadata;
use oidc::introspection::IntrospectionResponse;
use oidc::jose::JwkSet;
use oidc::parameters;
use oidc::token::TokenResponse;

use super::authorization;
use crate::grants::Revocations;
use crate::http::authenticate::{AuthenticateRequest, AuthenticateResponse};
use crate::http::revocations::RevocationsQuery;

const TAG: &str = "OAuth 2 and OpenID Connect";
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn operations() -> Vec<Operation> {
    let mut all = metadata();
    all.extend(authorization::authorization());
    all.push(authorization::pushed_authorization());
    all.push(authorization::device_authorization());
    all.extend(tokens());
    all.extend(userinfo());
    all.push(revocations());
    all.extend(super::registration::operations());
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

/// The header of a request with a DPoP proof: its name and its meaning.
pub(super) const DPOP_HEADER: (&str, &str) = (
    "DPoP",
    "A proof that the client has the key to which what it gets is bound (RFC 9449 §4).",
);

/// The errors of a request with a DPoP proof: the code and its meaning.
pub(super) const INVALID_PROOF: (&str, &str) = (
    "invalid_dpop_proof",
    "the DPoP proof is not valid, or there is none and the client needs one (RFC 9449 §5)",
);
pub(super) const USE_NONCE: (&str, &str) = (
    "use_dpop_nonce",
    "the DPoP proof needs the nonce of the header DPoP-Nonce (RFC 9449 §8)",
);

/// With the errors that every endpoint for clients has (RFC 6749 §5.2).
pub(super) fn of_clients(operation: Operation) -> Operation {
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
        .header(DPOP_HEADER.0, DPOP_HEADER.1)
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
            "authorization_pending",
            "the person has not decided about the device yet (RFC 8628 §3.5)",
        ))
        .error(ErrorType::oauth(
            400,
            "slow_down",
            "the device asks too often, and has to wait five seconds longer from now on (RFC 8628 §3.5)",
        ))
        .error(ErrorType::oauth(
            400,
            "access_denied",
            "the person denied the device access (RFC 8628 §3.5)",
        ))
        .error(ErrorType::oauth(
            400,
            "expired_token",
            "the device code has expired (RFC 8628 §3.5)",
        ))
        .error(ErrorType::oauth(400, INVALID_PROOF.0, INVALID_PROOF.1))
        .error(ErrorType::oauth(400, USE_NONCE.0, USE_NONCE.1))
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
        .error(ErrorType::oauth(
            400,
            "unsupported_token_type",
            "an exchanged token ends with the grant of its user (RFC 7009 §2.2.1)",
        ))
        .value(FORM, parameters::revocation_request())
        .response(Response::new(200, "The token is no longer valid.")),
        of_clients(Operation::new(
            Method::POST,
            INTROSPECT,
            "introspectToken",
            "Tells whether a token is valid, and what it is for (RFC 7662)",
        ))
        .description(
            "A client learns about its own tokens, and about those for the `resource` that it is registered as. With \
             `Accept: application/token-introspection+jwt` the answer is a signed JWT (RFC 9701).",
        )
        .value(FORM, parameters::introspection_request())
        .response(
            Response::new(200, "The token; of one that is not valid, `active` alone.")
                .json::<IntrospectionResponse>()
                .header("Cache-Control", "`no-store`."),
        ),
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
        .value(FORM, parameters::userinfo_request())
        .optional_body()
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
