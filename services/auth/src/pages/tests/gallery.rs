//! Every page in every state, filled with given texts: to look at (`VESTIBULE_GALLERY=DIR cargo test -p auth
//! gallery` writes them as files) and to check.

use std::sync::Arc;

use chassis::clock::SystemClock;
use chassis::random::SystemRandom;

use super::super::brand::BrandConfig;
use super::super::render::{Pages, PagesConfig};
use super::super::view::{
    Error, Errors, Field, Home, Login, Logout, LogoutForm, Register, Setup, Wait, WaitAction,
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
    let none = Errors::default();
    let wrong = Errors::form("That did not work", "The user name or the password is wrong.");
    let mut mistakes = Errors::default();
    mistakes.add("user_name", format!("{text} is taken. Choose another name."));
    mistakes.add(
        "password",
        "Use at least 15 characters: a few words are easy to remember.",
    );
    let login = |errors| Login {
        page: pages.page(),
        csrf: "token".into(),
        return_to: text,
        register_url: Some("/register".into()),
        fields: login_fields(text),
        errors,
        leads_out: false,
    };
    let register = |errors| Register {
        page: pages.page(),
        csrf: "token".into(),
        return_to: text,
        login_url: "/login".into(),
        fields: fields(text),
        errors,
        leads_out: true,
    };
    let wait = |refresh_seconds, heading, lead, action| Wait {
        page: pages.page(),
        heading,
        lead,
        refresh_seconds,
        action,
        leads_out: false,
    };
    let hidden = [("post_logout_redirect_uri", text), ("state", text)];
    let logout = |form| Logout {
        page: pages.page(),
        heading: "Sign out?",
        lead: format!("{text} asks to sign you out."),
        form,
        leads_out: false,
    };
    let error = |trace_id, action| Error {
        page: pages.page(),
        status: "404 Not Found".into(),
        heading: text,
        detail: text,
        action,
        trace_id,
    };
    let html = |page: &dyn askama::DynTemplate| page.dyn_render().unwrap();
    vec![
        ("login", html(&login(&none))),
        ("login-wrong", html(&login(&wrong))),
        ("register", html(&register(&none))),
        ("register-mistakes", html(&register(&mistakes))),
        (
            "wait",
            html(&wait(
                Some(3),
                "We are setting up your account",
                "This takes a moment. You can leave this page open: it goes on by itself.",
                WaitAction::Nothing,
            )),
        ),
        (
            "wait-ready",
            html(&wait(
                None,
                "Your account is ready",
                "Everything is set up.",
                WaitAction::Post {
                    label: "Continue",
                    csrf: "token".into(),
                    id: text.into(),
                    return_to: text.into(),
                },
            )),
        ),
        (
            "wait-taken",
            html(&wait(
                None,
                "That name is taken",
                "Somebody was faster. Choose another user name.",
                WaitAction::Link {
                    label: "Choose another name",
                    url: "/register".into(),
                },
            )),
        ),
        (
            "home",
            html(&Home {
                page: pages.page(),
                greeting: Some(text),
                facts: vec![("User name", text.into()), ("E-mail address", text.into())],
                csrf: "token".into(),
            }),
        ),
        (
            "logout",
            html(&logout(Some(LogoutForm {
                action: text,
                csrf: "token".into(),
                hidden: &hidden,
            }))),
        ),
        ("logout-done", html(&logout(None))),
        (
            "setup",
            html(&Setup {
                page: pages.page(),
                heading: "Make the first administrator",
                lead: format!("You are setting up {text}."),
                button: "Create administrator",
                csrf: "token".into(),
                token: text,
                user_name: None,
                fields: fields(text),
                errors: &none,
            }),
        ),
        (
            "setup-password",
            html(&Setup {
                page: pages.page(),
                heading: "Choose your password",
                lead: format!("Your user name is {text}."),
                button: "Save password",
                csrf: "token".into(),
                token: text,
                user_name: Some(text),
                fields: fields(text).split_off(2),
                errors: &mistakes,
            }),
        ),
        (
            "error",
            html(&error(Some("4bf92f3577b34da6a3ce929d0e0e4736"), None)),
        ),
        ("error-action", html(&error(None, Some((text, "/"))))),
    ]
}

#[test]
fn gallery_pages_are_whole() {
    let brand = std::env::var("VESTIBULE_GALLERY_BRAND")
        .ok()
        .map_or_else(BrandConfig::default, |file| BrandConfig {
            file: Some(file.into()),
            ..Default::default()
        });
    let pages = pages(brand);
    for (name, html) in gallery(&pages, "ann") {
        if let Ok(folder) = std::env::var("VESTIBULE_GALLERY") {
            std::fs::write(format!("{folder}/{name}.html"), &html).unwrap();
        }
        assert!(html.contains("<html lang=\"en\">"), "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name}: one main heading");
        assert_eq!(html.matches("<main").count(), 1, "{name}");
        assert!(
            !html.contains("<script") && !html.contains(" style=") && !html.contains(" onclick"),
            "{name}"
        );
        assert!(
            html.matches("autofocus").count() <= 1,
            "{name}: focus lands in one place"
        );
        for input in html
            .split("<input ")
            .skip(1)
            .filter(|input| !input.contains("type=\"hidden\""))
        {
            let id = input
                .split("id=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .unwrap();
            assert!(
                html.contains(&format!("<label for=\"{id}\"")),
                "{name}: {id} has no label"
            );
        }
        for list in html.split("aria-describedby=\"").skip(1) {
            for id in list.split('"').next().unwrap().split(' ') {
                assert!(
                    html.contains(&format!("id=\"{id}\"")),
                    "{name}: {id} is described by nothing"
                );
            }
        }
    }
}

/// Texts that would be markup, if anything let them.
pub(super) const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' autofocus onfocus='alert(1)",
    "</title></style><svg/onload=alert(1)>",
    "{{ csrf }}{% raw %}",
    "&lt;b&gt;&#34;",
    "\u{202e}txt.exe\u{0}\r\nSet-Cookie: a=b",
    "javascript:alert(1)//`${1}`",
];

#[test]
fn hostile_texts_stay_texts() {
    // SB-17: what the policy would stop does not get as far.
    let marks = |html: &str| ['<', '>', '"'].map(|mark| html.matches(mark).count());
    let plain = pages(BrandConfig::default());
    let expected: Vec<_> = gallery(&plain, "ann");
    for text in HOSTILE {
        for ((name, html), (_, benign)) in gallery(&plain, text).iter().zip(&expected) {
            assert_eq!(marks(html), marks(benign), "{name}: {text}");
        }
        let branded = |text: &str| {
            let some = Some(text.to_owned());
            pages(BrandConfig {
                name: some.clone(),
                tagline: some.clone(),
                sign_in_heading: some.clone(),
                sign_in_text: some.clone(),
                register_heading: some.clone(),
                register_text: some,
                ..Default::default()
            })
        };
        if text.chars().any(char::is_control) {
            continue;
        }
        let (hostile, benign) = (branded(text), branded("ann"));
        for ((name, html), (_, benign)) in gallery(&hostile, "ann").iter().zip(gallery(&benign, "ann")) {
            assert_eq!(marks(html), marks(&benign), "{name} with a brand of {text}");
        }
    }
}
