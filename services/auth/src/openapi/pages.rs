//! The descriptions of the pages for people.

use chassis::openapi::{ErrorFormat, ErrorType, Operation, Response};
use contract::paths::auth::{ASSET, FAVICON, HOME, LOGIN, LOGOUT, REGISTER, REGISTRATION_STATUS, SETUP};
use http::Method;
use serde_json::json;

use crate::pages::login::{LoginForm, LoginQuery};
use crate::pages::logout::LogoutInput;
use crate::pages::register::RegisterForm;
use crate::pages::registration_status::{ContinueForm, RegistrationStatusQuery};
use crate::pages::setup::{SetupForm, SetupQuery};

pub(super) fn operations() -> Vec<Operation> {
    let mut all = forms();
    all.extend(assets());
    all.into_iter()
        .map(|operation| operation.tag("Service").format(ErrorFormat::Page))
        .collect()
}

fn show(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::GET, path, id, summary)
        .response(Response::new(200, "The page.").html())
        .response(redirect())
}

fn submit(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::POST, path, id, summary)
        .response(Response::new(200, "The page with what is next.").html())
        .response(redirect())
        .error(ErrorType::page(
            400,
            "the form cannot be read, or comes from another site",
        ))
        .error(ErrorType::page(403, "the form comes from another site"))
        .error(ErrorType::page(409, "the form was sent before"))
        .error(ErrorType::page(
            422,
            "a field is not valid; the page has the form with the errors",
        ))
        .error(ErrorType::page(429, "too many forms were sent"))
}

fn redirect() -> Response {
    Response::new(303, "To another page.").header("Location", "Where to.")
}

fn forms() -> Vec<Operation> {
    vec![
        show(HOME, "showHome", "Shows the start page"),
        show(LOGIN, "showLogin", "Shows the sign-in page").query::<LoginQuery>(),
        submit(LOGIN, "submitLogin", "Signs in")
            .form::<LoginForm>()
            .error(ErrorType::page(401, "the user name or the password is wrong")),
        show(REGISTER, "showRegister", "Shows the registration page").query::<LoginQuery>(),
        submit(REGISTER, "submitRegister", "Registers").form::<RegisterForm>(),
        show(
            REGISTRATION_STATUS,
            "showRegistrationStatus",
            "Shows how far a registration is",
        )
        .query::<RegistrationStatusQuery>()
        .error(ErrorType::page(404, "there is no such registration")),
        submit(
            REGISTRATION_STATUS,
            "continueRegistration",
            "Signs in after a registration",
        )
        .form::<ContinueForm>()
        .error(ErrorType::page(404, "there is no such registration")),
        show(SETUP, "showSetup", "Shows the page of a set-up link")
            .query::<SetupQuery>()
            .error(ErrorType::page(404, "the link is not valid any more"))
            .error(ErrorType::page(410, "the link was used")),
        submit(SETUP, "submitSetup", "Chooses a password with a set-up link")
            .form::<SetupForm>()
            .error(ErrorType::page(404, "the link is not valid any more"))
            .error(ErrorType::page(410, "the link was used")),
        show(LOGOUT, "showLogout", "Shows the sign-out page"),
        submit(LOGOUT, "submitLogout", "Signs out").form::<LogoutInput>(),
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
        Operation::new(Method::GET, FAVICON, "readFavicon", "Returns the icon")
            .header("If-None-Match", "The tag that the browser has.")
            .response(file())
            .response(unchanged()),
    ]
}
