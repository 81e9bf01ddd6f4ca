//! The descriptions of the endpoints at which authorization begins: by a browser, pushed by a client, and for a device.

use chassis::openapi::{ErrorFormat, ErrorType, Operation, Response};
use contract::paths::auth::{AUTHORIZE, DEVICE_AUTHORIZATION, END_SESSION, PUSHED_AUTHORIZATION_REQUEST};
use http::Method;
use oidc::authorize::PushedResponse;
use oidc::device::DeviceAuthorizationResponse;
use oidc::parameters;

use super::oauth::{DPOP_HEADER, FORM, INVALID_PROOF, USE_NONCE, of_clients};

pub(super) fn authorization() -> Vec<Operation> {
    let authorize = |operation: Operation| {
        operation
            .format(ErrorFormat::Page)
            .description(
                "The browser goes on to the sign-in page, or back to the application with a code or an OAuth error \
                 (RFC 6749 §4.1.2). When the client or its redirect URI is not known, the person sees an error page.",
            )
            .response(Response::new(303, "To the sign-in page or to the application.").header("Location", "Where to."))
            .response(Response::new(200, "The page that posts the response to the application (`form_post`).").html())
            .error(ErrorType::page(
                400,
                "the client, the redirect URI or the request URI is not known, or the request cannot be read or is too long",
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
            .response(Response::new(200, "The question whether to sign out, or the page after it on which applications hear of it in frames.").html())
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

pub(super) fn pushed_authorization() -> Operation {
    of_clients(Operation::new(
        Method::POST,
        PUSHED_AUTHORIZATION_REQUEST,
        "pushAuthorizationRequest",
        "Takes an authorization request and returns its request URI (RFC 9126 §2)",
    ))
    .description("The client authenticates as at the token endpoint. The request URI is good for one code.")
    .header(DPOP_HEADER.0, DPOP_HEADER.1)
    .value(FORM, parameters::pushed_authorization_request())
    .response(
        Response::new(201, "The request URI (RFC 9126 §2.2).")
            .json::<PushedResponse>()
            .header("Cache-Control", "`no-store`."),
    )
    .error(ErrorType::oauth(
        400,
        "unsupported_response_type",
        "the response type is not `code`",
    ))
    .error(ErrorType::oauth(
        400,
        "unauthorized_client",
        "the client is not registered for codes",
    ))
    .error(ErrorType::oauth(400, "invalid_scope", "the scope is malformed"))
    .error(ErrorType::oauth(
        400,
        "invalid_target",
        "the resource is malformed or not the client's (RFC 8707)",
    ))
    .error(ErrorType::oauth(400, INVALID_PROOF.0, INVALID_PROOF.1))
    .error(ErrorType::oauth(400, USE_NONCE.0, USE_NONCE.1))
    .error(ErrorType::oauth(
        400,
        "registration_not_supported",
        "`registration` is not supported",
    ))
    .error(ErrorType::oauth(
        400,
        "request_not_supported",
        "`request` is not supported",
    ))
    .error(ErrorType::oauth(
        429,
        "temporarily_unavailable",
        "too many pushed requests wait",
    ))
}

pub(super) fn device_authorization() -> Operation {
    of_clients(Operation::new(
        Method::POST,
        DEVICE_AUTHORIZATION,
        "authorizeDevice",
        "Issues a device code and a user code (RFC 8628 §3.1)",
    ))
    .description(
        "The person types the user code in at `verification_uri`. Meanwhile the device asks the token endpoint with the device code.",
    )
    .value(FORM, parameters::device_authorization_request())
    .response(
        Response::new(200, "The codes (RFC 8628 §3.2).")
            .json::<DeviceAuthorizationResponse>()
            .header("Cache-Control", "`no-store`."),
    )
    .error(ErrorType::oauth(
        400,
        "unauthorized_client",
        "the client is not registered for this grant",
    ))
    .error(ErrorType::oauth(400, "invalid_scope", "the scope is malformed"))
    .error(ErrorType::oauth(
        400,
        "invalid_target",
        "the resource is malformed or not the client's (RFC 8707)",
    ))
    .error(ErrorType::oauth(
        429,
        "temporarily_unavailable",
        "too many device codes wait for tokens",
    ))
}
