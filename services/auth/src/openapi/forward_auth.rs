//! The descriptions of forward authentication: the endpoints for proxies, the pages at protected hosts, and their registration.

use chassis::openapi::{ErrorFormat, ErrorType, Operation, Response};
use contract::paths::auth::{
    FORWARD_AUTH, FORWARD_AUTH_SIGN_IN, HOST_CALLBACK, HOST_SIGN_IN, HOST_SIGN_OUT, PROTECTED_HOST,
    PROTECTED_HOSTS,
};
use http::Method;
use serde_json::json;

use crate::http::admin_protected_hosts::{NewProtectedHost, PageQuery, ProtectedHostPage, ProtectedHostView};
use crate::http::forward_auth::SignInQuery;
use crate::http::forward_auth::host_pages::{CallbackQuery, HostSignInQuery, HostSignOutForm};
use crate::protected_hosts::HostSettings;

const UNTRUSTED: ErrorType = ErrorType::problem(
    403,
    "untrusted-proxy",
    "the sender is not in `listen.trusted_proxies`",
);
const UNKNOWN_HOST: ErrorType = ErrorType::problem(403, "unknown-host", "the host is not registered");
const NOT_DESCRIBED: ErrorType = ErrorType::problem(
    400,
    "bad-request",
    "the headers describe no request, or the path can be read in different ways",
);

pub(super) fn operations() -> Vec<Operation> {
    let mut all = vec![question()];
    all.extend(host_pages());
    all.extend(administration());
    all.into_iter()
        .map(|operation| operation.tag("Forward authentication"))
        .chain([sign_in().tag("Forward authentication")])
        .collect()
}

fn question() -> Operation {
    let identity = |response: Response| {
        response
            .header(
                "Remote-Subject",
                "The id of the person; empty on a public path that nobody is signed in at.",
            )
            .header("Remote-User", "The user name.")
            .header("Remote-Name", "The full name, or the user name.")
            .header("Remote-Email", "The e-mail address, if it is verified.")
            .header("Remote-Groups", "The groups, separated by commas.")
    };
    Operation::new(
        Method::GET,
        FORWARD_AUTH,
        "authorizeProxiedRequest",
        "Says whether a request to a protected host may pass",
    )
    .description(
        "For nginx `auth_request`, Traefik `forwardAuth` and Caddy `forward_auth`. Envoy `ext_authz` sends any method to \
         `/forward-auth/envoy` with the path of the request behind it.",
    )
    .header("X-Forwarded-Method", "The method of the request.")
    .header("X-Forwarded-Proto", "The scheme of the request.")
    .header("X-Forwarded-Host", "The host of the request.")
    .header("X-Forwarded-Uri", "The path and query of the request.")
    .header("X-Original-URL", "The whole URL of the request, from nginx.")
    .header("X-Original-Method", "The method of the request, from nginx.")
    .response(identity(Response::new(200, "The request may pass.")))
    .response(
        Response::new(302, "A browser has to sign in. After `X-Original-URL` it is 401 with the same header.")
            .header("Location", "The sign-in at the host."),
    )
    .error(ErrorType::problem(401, "sign-in-required", "nobody is signed in at the host"))
    .error(ErrorType::problem(
        403,
        "not-allowed-here",
        "the person is in none of the groups that the rules name; a browser gets a page",
    ))
    .error(UNTRUSTED)
    .error(UNKNOWN_HOST)
    .error(NOT_DESCRIBED)
}

fn sign_in() -> Operation {
    Operation::new(
        Method::GET,
        FORWARD_AUTH_SIGN_IN,
        "signInForHost",
        "Sends a browser back to a protected host with a ticket, after the sign-in",
    )
    .query::<SignInQuery>()
    .response(Response::new(303, "To the sign-in page, or back to the host.").header("Location", "Where to."))
    .error(ErrorType::page(
        400,
        "the host is not registered, or the request cannot be read",
    ))
    .error(ErrorType::page(403, "the person may not use the host"))
    .error(ErrorType::page(429, "the browser has too many tickets"))
    .format(ErrorFormat::Page)
}

fn host_pages() -> Vec<Operation> {
    let at_host = |operation: Operation| {
        operation
            .header(
                "X-Forwarded-Proto",
                "The scheme of the host, whose name is in `Host`.",
            )
            .error(UNTRUSTED)
            .error(UNKNOWN_HOST)
            .error(NOT_DESCRIBED)
    };
    let redirect = || Response::new(303, "A redirect.").header("Location", "Where to.");
    vec![
        at_host(Operation::new(
            Method::GET,
            HOST_SIGN_IN,
            "beginHostSignIn",
            "At a protected host: sends a browser to the sign-in",
        ))
        .query::<HostSignInQuery>()
        .response(redirect()),
        at_host(Operation::new(
            Method::GET,
            HOST_CALLBACK,
            "finishHostSignIn",
            "At a protected host: redeems the ticket of a sign-in, once",
        ))
        .query::<CallbackQuery>()
        .response(redirect())
        .error(ErrorType::page(
            400,
            "the ticket is not valid in this browser and at this host",
        )),
        at_host(Operation::new(
            Method::GET,
            HOST_SIGN_OUT,
            "showHostSignOut",
            "At a protected host: shows the sign-out page",
        ))
        .response(Response::new(200, "The page.").html()),
        at_host(Operation::new(
            Method::POST,
            HOST_SIGN_OUT,
            "submitHostSignOut",
            "At a protected host: ends the session there",
        ))
        .form::<HostSignOutForm>()
        .response(redirect())
        .error(ErrorType::problem(
            403,
            "cross-site-form",
            "the form comes from another site",
        ))
        .error(ErrorType::page(
            403,
            "the form is out of date; the page has it once more",
        )),
    ]
}

fn administration() -> Vec<Operation> {
    let named = |operation: Operation| {
        operation.path_parameter(
            "host",
            "The host with its port, unless it is that of the scheme.",
            json!({ "type": "string", "minLength": 1 }),
        )
    };
    vec![
        Operation::new(
            Method::GET,
            PROTECTED_HOSTS,
            "listProtectedHosts",
            "Lists protected hosts",
        )
        .query::<PageQuery>()
        .response(Response::new(200, "A page, in the order of the hosts.").json::<ProtectedHostPage>()),
        Operation::new(
            Method::POST,
            PROTECTED_HOSTS,
            "createProtectedHost",
            "Registers a protected host",
        )
        .json::<NewProtectedHost>()
        .response(
            Response::new(201, "The host.")
                .json::<ProtectedHostView>()
                .header("Location", "Its path."),
        )
        .error(ErrorType::problem(
            409,
            "conflict",
            "the host is registered, or there are too many",
        )),
        named(Operation::new(
            Method::GET,
            PROTECTED_HOST,
            "readProtectedHost",
            "Returns a protected host",
        ))
        .response(Response::new(200, "The host.").json::<ProtectedHostView>()),
        named(Operation::new(
            Method::PUT,
            PROTECTED_HOST,
            "replaceProtectedHost",
            "Replaces the name and the rules of a protected host",
        ))
        .json::<HostSettings>()
        .response(Response::new(200, "The host.").json::<ProtectedHostView>()),
        named(Operation::new(
            Method::DELETE,
            PROTECTED_HOST,
            "deleteProtectedHost",
            "Deletes a protected host, and ends the sessions there",
        ))
        .response(Response::new(204, "It is deleted.")),
    ]
}
