//! The descriptions of the pages for people.

use chassis::openapi::{ErrorFormat, ErrorType, Operation, Response};
use contract::paths::auth::{
    ASSET, CLIENT_LOGO, CONSENT, DEVICE, FAVICON, HOME, LOGIN, LOGOUT, REGISTER, REGISTRATION_STATUS,
    SECURITY, SECURITY_APPLICATIONS, SECURITY_SESSIONS, SETUP,
};
use http::Method;
use serde_json::json;

use crate::http::authorize::consent::{ConsentForm, ConsentQuery};
use crate::pages::device::{DeviceForm, DeviceQuery};
use crate::pages::login::{LoginForm, LoginQuery};
use crate::pages::logout::LogoutInput;
use crate::pages::register::RegisterForm;
use crate::pages::registration_status::{ContinueForm, RegistrationStatusQuery};
use crate::pages::security::{EndSessionForm, WithdrawForm};
use crate::pages::setup::{SetupForm, SetupQuery};

const UNREADABLE_QUERY: ErrorType = ErrorType::page(400, "the request cannot be read");
const OUT_OF_DATE: ErrorType = ErrorType::page(403, "the form is out of date; the page has it once more");
const IN_PROGRESS: ErrorType = ErrorType::page(
    503,
    "the same form is being processed, or too many people come at once; `Retry-After` says when to try again",
);
const CLOSED: ErrorType = ErrorType::page(403, "registration is closed");

pub(super) fn operations() -> Vec<Operation> {
    let mut all = forms();
    all.extend(assets());
    all.into_iter()
        .map(|operation| operation.tag("Service").format(ErrorFormat::Page))
        .collect()
}

fn show(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::GET, path, id, summary).response(Response::new(200, "The page.").html())
}

/// A page that leads a person who has a session, or who needs one, to another page.
fn show_or_lead(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    show(path, id, summary).response(redirect())
}

/// Any form. One that was sent before is answered like the first time.
fn submit(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::POST, path, id, summary)
        .response(redirect())
        .error(ErrorType::page(403, "the form comes from another site"))
}

/// A form that is shown again when something is wrong with it.
fn submit_or_repeat(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    submit(path, id, summary)
        .error(OUT_OF_DATE)
        .error(ErrorType::page(
            422,
            "what was entered is not accepted; the page has the form with the errors",
        ))
        .error(ErrorType::page(
            429,
            "there were too many tries; `Retry-After` says when to try again",
        ))
        .error(IN_PROGRESS)
}

fn redirect() -> Response {
    Response::new(303, "To another page.").header("Location", "Where to.")
}

fn forms() -> Vec<Operation> {
    let mut all = sign_in_forms();
    all.extend(registration_forms());
    all.extend(setup_forms());
    all.extend(device_forms());
    all.extend(consent_forms());
    all
}

/// The page for devices (RFC 8628 §3.3). What is wrong with a code in the address is answered like one in the form.
fn device_forms() -> Vec<Operation> {
    let of_code = |operation: Operation| {
        operation
            .error(ErrorType::page(
                422,
                "no device shows this code; the page has the form with the error",
            ))
            .error(ErrorType::page(
                429,
                "there were too many tries; `Retry-After` says when to try again",
            ))
    };
    vec![
        of_code(show_or_lead(DEVICE, "showDevice", "Shows the page for devices"))
            .error(ErrorType::page(
                403,
                "the application asks for nothing that the person may allow",
            ))
            .query::<DeviceQuery>()
            .error(UNREADABLE_QUERY)
            .unreadable_is(400),
        of_code(submit(
            DEVICE,
            "submitDevice",
            "Finds a device, or allows or denies it access",
        ))
        .form::<DeviceForm>()
        .response(
            Response::new(
                200,
                "The question whether to allow the device access, or the result.",
            )
            .html(),
        )
        .error(ErrorType::page(
            403,
            "the application asks for nothing that the person may allow",
        ))
        .error(OUT_OF_DATE),
    ]
}

fn sign_in_forms() -> Vec<Operation> {
    vec![
        show_or_lead(HOME, "showHome", "Shows the start page"),
        show_or_lead(LOGIN, "showLogin", "Shows the sign-in page")
            .query::<LoginQuery>()
            .error(UNREADABLE_QUERY)
            .unreadable_is(400),
        submit_or_repeat(LOGIN, "submitLogin", "Signs in").form::<LoginForm>(),
        show(LOGOUT, "showLogout", "Shows the sign-out page"),
        submit(LOGOUT, "submitLogout", "Signs out")
            .form::<LogoutInput>()
            .response(Response::new(200, "The page on which applications hear of it in frames.").html())
            .error(OUT_OF_DATE),
        show_or_lead(
            SECURITY,
            "showSecurity",
            "Shows the sessions and the connected applications of a person",
        ),
        submit(
            SECURITY_SESSIONS,
            "submitEndSession",
            "Ends a session of the person",
        )
        .form::<EndSessionForm>()
        .error(OUT_OF_DATE),
        submit(
            SECURITY_APPLICATIONS,
            "submitWithdrawal",
            "Withdraws the access of an application",
        )
        .form::<WithdrawForm>()
        .error(OUT_OF_DATE),
    ]
}

fn registration_forms() -> Vec<Operation> {
    let unknown = ErrorType::page(404, "there is no such registration");
    vec![
        show_or_lead(REGISTER, "showRegister", "Shows the registration page")
            .query::<LoginQuery>()
            .error(UNREADABLE_QUERY)
            .error(CLOSED)
            .unreadable_is(400),
        submit_or_repeat(REGISTER, "submitRegister", "Registers")
            .form::<RegisterForm>()
            .error(CLOSED),
        show(
            REGISTRATION_STATUS,
            "showRegistrationStatus",
            "Shows how far a registration is",
        )
        .query::<RegistrationStatusQuery>()
        .error(unknown)
        .unreadable_is(404),
        submit(
            REGISTRATION_STATUS,
            "continueRegistration",
            "Signs in after a registration",
        )
        .form::<ContinueForm>()
        .response(Response::new(200, "The page with how far the registration is.").html())
        .error(unknown)
        .error(IN_PROGRESS),
    ]
}

fn setup_forms() -> Vec<Operation> {
    let invalid = ErrorType::page(404, "the link was used, is too old, or never was");
    vec![
        show(SETUP, "showSetup", "Shows the page of a set-up link")
            .query::<SetupQuery>()
            .error(UNREADABLE_QUERY)
            .error(invalid)
            .unreadable_is(400),
        submit_or_repeat(SETUP, "submitSetup", "Chooses a password with a set-up link")
            .form::<SetupForm>()
            .error(invalid),
    ]
}

fn consent_forms() -> Vec<Operation> {
    let gone = || {
        ErrorType::page(
            400,
            "the authorization request is over or belongs to another browser, or the request cannot be read",
        )
    };
    vec![
        show_or_lead(
            CONSENT,
            "showConsent",
            "Asks whether an application may have access",
        )
        .query::<ConsentQuery>()
        .error(gone())
        .unreadable_is(400),
        submit(
            CONSENT,
            "submitConsent",
            "Allows an application access, or denies it",
        )
        .form::<ConsentForm>()
        .error(gone()),
    ]
}

fn assets() -> Vec<Operation> {
    let file = || {
        let text = json!({ "type": "string" });
        Response::new(200, "The file.")
            .value("text/css", text.clone())
            .value("image/svg+xml", text.clone())
            .value("image/png", text.clone())
            .value("image/jpeg", text.clone())
            .value("image/webp", text)
            .header("ETag", "The tag of its content.")
    };
    let logo = || {
        let text = json!({ "type": "string" });
        Response::new(200, "The image.")
            .value("image/png", text.clone())
            .value("image/jpeg", text.clone())
            .value("image/gif", text.clone())
            .value("image/webp", text)
            .header("ETag", "The tag of its content.")
    };
    let unchanged = || Response::new(304, "The browser has it.");
    vec![
        Operation::new(
            Method::GET,
            ASSET,
            "readAsset",
            "Returns the style sheet, the icon or the logo",
        )
        .path_parameter(
            "name",
            "The name, which has a hash of the content.",
            json!({ "type": "string", "minLength": 1 }),
        )
        .header("If-None-Match", "The tag that the browser has.")
        .response(file())
        .response(unchanged()),
        Operation::new(
            Method::GET,
            CLIENT_LOGO,
            "readClientLogo",
            "Returns the logo of an application",
        )
        .description("An image that was fetched from the `logo_uri` of a client. The consent page shows it.")
        .path_parameter(
            "digest",
            "The digest of the image, under a key of the installation.",
            json!({ "type": "string", "minLength": 64, "maxLength": 64 }),
        )
        .header("If-None-Match", "The tag that the browser has.")
        .response(logo())
        .response(unchanged()),
        Operation::new(Method::GET, FAVICON, "readFavicon", "Returns the icon")
            .header("If-None-Match", "The tag that the browser has.")
            .response(file())
            .response(unchanged()),
    ]
}
