//! `GET /`: the home page of a signed-in person.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chassis::clock::Timestamp;
use contract::paths::auth::LOGIN;
use http::{HeaderMap, StatusCode};

use super::session::BrowserSessions;
use crate::html::Pages;
use crate::html::page_error::PageError;
use crate::html::view::Home;
use crate::subjects::{Subject, Subjects};

/// `GET /`: the home page, or a redirect to the sign-in page.
pub(crate) async fn show(
    State(pages): State<Arc<Pages>>,
    State(browser): State<BrowserSessions>,
    State(subjects): State<Subjects>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let Some(session) = browser.current(&headers).await? else {
        return Ok(pages.redirect(LOGIN));
    };
    let subject = subjects.find(session.account_id).await?;
    let mut facts = Vec::new();
    if let Some(subject) = &subject {
        facts.push(("User name", subject.user_name.clone()));
        facts.extend(email(subject).map(|email| ("E-mail address", email.to_owned())));
        if !subject.groups.is_empty() {
            facts.push(("Groups", subject.groups.join(", ")));
        }
    }
    facts.push(("Signed in since", day_and_time(session.auth_time)));
    let (csrf, browser) = pages.form_token(&headers).into_parts();
    let view = Home {
        page: pages.page(),
        greeting: subject.as_ref().map(display_name),
        facts,
        csrf,
    };
    Ok(pages.show_form(StatusCode::OK, &view, browser.as_ref()))
}

/// The name to greet the person with.
fn display_name(subject: &Subject) -> &str {
    let name = &subject.claims.name;
    let name = name.given_name.as_deref().or(name.formatted.as_deref());
    name.unwrap_or(&subject.user_name)
}

fn email(subject: &Subject) -> Option<&str> {
    let emails = &subject.claims.emails;
    let email = emails.iter().find(|email| email.primary).or(emails.first())?;
    Some(email.value.as_str())
}

/// Such as `22 November 2026, 23:05 UTC`.
pub(super) fn day_and_time(at: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(at.as_micros()) {
        Ok(at) => at.strftime("%-d %B %Y, %H:%M UTC").to_string(),
        Err(_) => String::new(),
    }
}
