//! Every page in every state, filled with given texts: to look at (`VESTIBULE_GALLERY=DIR cargo test -p auth
//! gallery` writes them as files) and to check.

use std::sync::Arc;

use askama::Template;
use chassis::clock::SystemClock;
use chassis::random::SystemRandom;

use crate::html::brand::BrandConfig;
use crate::html::fields::{Errors, Field};
use crate::html::render::{Pages, PagesConfig};
use crate::html::view::{
    AccessItem, ApplicationItem, ApplicationLink, Consent, ConsentDetail, DetailRow, Device, DeviceFacts,
    Error, Home, Login, Logout, LogoutForm, Register, RegistrationStatus, RegistrationStatusAction, Security,
    SessionItem, Setup, SignedOut,
};

pub(super) fn pages(brand: BrandConfig) -> Pages {
    Pages::new(PagesConfig {
        issuer: &"https://id.example.com".parse().unwrap(),
        brand,
        secret: &[7; 32],
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom::default()),
    })
    .unwrap()
}

fn fields(value: &str) -> Vec<Field<'_>> {
    let field = |name, label, kind, autocomplete, value, hint| Field {
        name,
        label,
        kind,
        autocomplete,
        value,
        hint,
        required: true,
        autofocus: false,
    };
    vec![
        field(
            "user_name",
            "User name",
            "text",
            "username",
            value,
            Some("You sign in with it."),
        ),
        field("email", "E-mail address", "email", "email", value, None),
        field(
            "password",
            "Password",
            "password",
            "new-password",
            "",
            Some("At least 15 characters."),
        ),
    ]
}

fn login_fields(value: &str) -> Vec<Field<'_>> {
    let mut fields = fields(value);
    fields.truncate(3);
    fields.remove(1);
    for field in &mut fields {
        field.hint = None;
    }
    fields
}

/// Every page, by name, with `text` wherever a text comes from outside.
pub(super) fn gallery(pages: &Pages, text: &str) -> Vec<(&'static str, String)> {
    let all = Gallery { pages, text };
    [
        all.forms(),
        all.set_up(),
        all.waiting(),
        all.devices(),
        all.others(),
        all.applications(),
    ]
    .concat()
}

struct Gallery<'a> {
    pages: &'a Pages,
    text: &'a str,
}

type RenderedPages = Vec<(&'static str, String)>;

fn html(page: &impl Template) -> String {
    page.render().unwrap()
}

impl Gallery<'_> {
    fn mistakes(&self) -> Errors {
        let mut mistakes = Errors::default();
        mistakes.add(
            "user_name",
            format!("{} is taken. Choose another name.", self.text),
        );
        mistakes.add(
            "password",
            "Use at least 15 characters: a few words are easy to remember.",
        );
        mistakes
    }

    fn forms(&self) -> RenderedPages {
        let login = |errors: &Errors| {
            html(&Login {
                page: self.pages.page(),
                csrf: "token".into(),
                return_to: self.text,
                register_url: Some("/register".into()),
                fields: login_fields(self.text),
                errors,
                leads_out: false,
            })
        };
        let register = |errors: &Errors| {
            html(&Register {
                page: self.pages.page(),
                csrf: "token".into(),
                return_to: self.text,
                login_url: "/login".into(),
                fields: fields(self.text),
                errors,
                leads_out: true,
            })
        };
        let wrong = Errors::form("That did not work", "The user name or the password is wrong.");
        vec![
            ("login", login(&Errors::default())),
            ("login-wrong", login(&wrong)),
            ("register", register(&Errors::default())),
            ("register-mistakes", register(&self.mistakes())),
        ]
    }

    fn set_up(&self) -> RenderedPages {
        let setup = |user_name, fields, errors: &Errors| {
            html(&Setup {
                page: self.pages.page(),
                heading: "Make the first administrator",
                lead: format!("You are setting up {}.", self.text),
                button: "Create administrator",
                csrf: "token".into(),
                token: self.text,
                user_name,
                fields,
                errors,
            })
        };
        let password = fields(self.text).split_off(2);
        vec![
            ("setup", setup(None, fields(self.text), &Errors::default())),
            (
                "setup-password",
                setup(Some(self.text), password, &self.mistakes()),
            ),
        ]
    }

    fn waiting(&self) -> RenderedPages {
        let wait = |heading, refresh_seconds, action| {
            html(&RegistrationStatus {
                page: self.pages.page(),
                heading,
                lead: "This takes a moment. You can leave this page open: it goes on by itself.",
                refresh_seconds,
                action,
                leads_out: false,
            })
        };
        let post = RegistrationStatusAction::Post {
            label: "Continue",
            csrf: "token".into(),
            id: self.text.into(),
            return_to: self.text.into(),
        };
        let link = RegistrationStatusAction::Link {
            label: "Choose another name",
            url: "/register".into(),
        };
        vec![
            (
                "wait",
                wait(
                    "We are setting up your account",
                    Some(3),
                    RegistrationStatusAction::Nothing,
                ),
            ),
            ("wait-ready", wait("Your account is ready", None, post)),
            ("wait-taken", wait("That name is taken", None, link)),
        ]
    }

    fn devices(&self) -> RenderedPages {
        let page = |csrf: &str, fields, device, errors: &Errors| {
            html(&Device {
                page: self.pages.page(),
                heading: "Connect a device",
                lead: "Type in the code that the device shows.",
                csrf: csrf.to_owned(),
                fields,
                device,
                errors,
            })
        };
        let code = || {
            vec![Field {
                name: "user_code",
                label: "Code",
                kind: "text",
                autocomplete: "off",
                value: self.text,
                hint: Some("Eight letters, such as WDJB-MJHT."),
                required: true,
                autofocus: true,
            }]
        };
        let mut unknown = Errors::default();
        unknown.add("user_code", "No device shows this code now.");
        let facts = DeviceFacts {
            user_code: "WDJB-MJHT".to_owned(),
            client_name: self.text,
            user_name: self.text,
            registered_itself: true,
            asked_from: self.text.to_owned(),
            permissions: vec![self.text.to_owned()],
            services: vec![self.text],
            scope: self.text.to_owned(),
        };
        let nothing = Errors::default();
        vec![
            ("device", page("token", code(), None, &nothing)),
            ("device-unknown", page("token", code(), None, &unknown)),
            ("device-confirm", page("token", Vec::new(), Some(facts), &nothing)),
            ("device-done", page("", Vec::new(), None, &nothing)),
        ]
    }

    fn applications(&self) -> RenderedPages {
        let consent = Consent {
            page: self.pages.page(),
            csrf: "token".into(),
            client_name: self.text,
            user_name: self.text,
            permissions: vec![self.text.into(), "See your e-mail address".into()],
            services: vec![self.text],
            details: vec![ConsentDetail {
                description: self.text,
                rows: vec![DetailRow {
                    name: self.text.into(),
                    value: self.text.into(),
                    level: 6,
                }],
            }],
            destination: format!("at {}", self.text),
            logo: Some("/client-logos/00".to_owned()),
            links: vec![ApplicationLink {
                title: "Privacy policy",
                url: "https://app.example/privacy",
                site: self.text,
                is_linked: true,
            }],
            authorization_request: self.text,
            scope: self.text.into(),
            leads_out: true,
        };
        let security = |applications| {
            let session = |is_current| SessionItem {
                id: self.text.into(),
                browser: self.text.into(),
                detail: self.text.into(),
                is_current,
            };
            html(&Security {
                page: self.pages.page(),
                csrf: "token".into(),
                sessions: vec![session(true), session(false)],
                applications,
            })
        };
        let signed_out = |unchecked_site| {
            html(&SignedOut {
                page: self.pages.page(),
                frames: vec![self.text.into()],
                destination: Some(self.text),
                unchecked_site,
            })
        };
        let application = ApplicationItem {
            client_id: self.text.into(),
            name: self.text.into(),
            since: self.text.into(),
            access: vec![AccessItem {
                permissions: vec![self.text.into()],
                services: vec![self.text.into()],
            }],
        };
        vec![
            ("consent", html(&consent)),
            ("security", security(vec![application])),
            ("security-nothing", security(Vec::new())),
            ("signed-out", signed_out(None)),
            ("signed-out-unchecked", signed_out(Some(self.text))),
        ]
    }

    fn others(&self) -> RenderedPages {
        let home = Home {
            page: self.pages.page(),
            greeting: Some(self.text),
            facts: vec![
                ("User name", self.text.into()),
                ("E-mail address", self.text.into()),
            ],
            csrf: "token".into(),
        };
        let hidden = [("post_logout_redirect_uri", self.text), ("state", self.text)];
        let logout = |form| {
            html(&Logout {
                page: self.pages.page(),
                heading: "Sign out?",
                lead: format!("{} asks to sign you out.", self.text),
                form,
                leads_out: false,
            })
        };
        let error = |trace_id, action| {
            html(&Error {
                page: self.pages.page(),
                status: "404 Not Found".into(),
                heading: self.text,
                detail: self.text,
                action,
                trace_id,
            })
        };
        let form = LogoutForm {
            action: self.text,
            csrf: "token".into(),
            hidden: &hidden,
        };
        vec![
            ("home", html(&home)),
            ("logout", logout(Some(form))),
            ("logout-done", logout(None)),
            ("error", error(Some("4bf92f3577b34da6a3ce929d0e0e4736"), None)),
            ("error-action", error(None, Some((self.text, "/".to_owned())))),
        ]
    }
}
