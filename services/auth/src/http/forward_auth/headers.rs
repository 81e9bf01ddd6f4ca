//! The headers of a response that lets a request pass, and those that tell a browser from a program.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use chassis::http::header::accepts;
use forward_auth::AccessRules;
use http::header::UPGRADE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::host_sessions::HostUser;
use crate::subjects::Subject;

/// The id of the person, which never changes. It is `sub` in tokens of clients with public subjects.
const SUBJECT: HeaderName = HeaderName::from_static("remote-subject");
/// The user name.
const USER: HeaderName = HeaderName::from_static("remote-user");
/// The full name for display.
const NAME: HeaderName = HeaderName::from_static("remote-name");
/// The e-mail address, if the person has shown that it is theirs.
const EMAIL: HeaderName = HeaderName::from_static("remote-email");
/// The groups, separated by commas.
const GROUPS: HeaderName = HeaderName::from_static("remote-groups");

/// The length up to which all groups are sent: proxies limit the headers of a response.
const MAX_GROUPS_BYTES: usize = 2048;

/// The response that lets a request pass. All headers are there, and empty where nothing is known: proxies replace what the client sent
/// under their names, and some do so only with headers that are there.
pub(super) fn allowed(user: Option<&HostUser>, rules: &AccessRules) -> Response {
    let mut response = StatusCode::OK.into_response();
    let subject = user.map(|user| &*user.subject);
    let values = [
        (SUBJECT, subject.map(|subject| subject.id.to_string())),
        (USER, subject.map(|subject| subject.user_name.clone())),
        (NAME, subject.map(|subject| display_name(subject).to_owned())),
        (EMAIL, subject.and_then(verified_email).map(str::to_owned)),
        (GROUPS, subject.map(|subject| group_list(&subject.groups, rules))),
    ];
    for (name, value) in values {
        response
            .headers_mut()
            .insert(name, header_value(&value.unwrap_or_default()));
    }
    response
}

fn display_name(subject: &Subject) -> &str {
    let name = subject.claims.name.formatted.as_deref();
    name.unwrap_or(&subject.user_name)
}

/// The primary address, or else the first one, if it is verified: applications find people by it.
fn verified_email(subject: &Subject) -> Option<&str> {
    let emails = &subject.claims.emails;
    let email = emails.iter().find(|email| email.primary).or(emails.first())?;
    email.verified.then(|| email.value.as_str())
}

/// The groups with commas between. A comma and a percent sign in a name are percent-encoded, so that no name can stand for two groups
/// (SB-49). When the list is too long, only groups that the rules name are sent.
fn group_list(groups: &[String], rules: &AccessRules) -> String {
    let joined = |groups: &mut dyn Iterator<Item = &String>| {
        groups.map(|name| encoded(name)).collect::<Vec<_>>().join(",")
    };
    let all = joined(&mut groups.iter());
    match all.len() > MAX_GROUPS_BYTES {
        true => joined(&mut groups.iter().filter(|group| rules.names_group(group))),
        false => all,
    }
}

fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, ',' | '%') || c.is_control() {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                let _ = write!(text, "%{byte:02X}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// A value in UTF-8, without control characters (SB-34).
fn header_value(text: &str) -> HeaderValue {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    HeaderValue::from_bytes(text.as_bytes()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// True if the request is a navigation, which a person sees the outcome of (Fetch Metadata `Sec-Fetch-Mode`). A browser without these
/// headers asks for HTML.
pub(super) fn is_navigation(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => {
            accepts(headers, "text/html")
                && !headers.contains_key("x-requested-with")
                && !headers.contains_key(UPGRADE)
        }
    }
}
