//! Common parts of all forms: the browser cookie, the form token and its check, and the confirmation of a
//! sign-out.

use axum::response::Response;
use chassis::secret::Token;
use http::{HeaderMap, StatusCode};

use super::cookies::Cookie;
use super::csrf::is_same_origin;
use super::page_error::PageError;
use super::render::{ErrorPage, Pages};
use super::view::{Logout, LogoutForm, View};

/// A form token, and the new browser cookie that it is bound to.
pub(crate) struct FormToken {
    /// The value of the hidden field `csrf`.
    pub(crate) csrf: String,
    /// The browser cookie to set, when the browser had none.
    new_browser: Option<Token>,
}

/// The reason why a form is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormRejection {
    /// It was sent from another site, or not by a browser.
    CrossSite,
    /// Its token is missing or belongs to another browser or session.
    Stale,
}

impl Pages {
    /// The session cookie of a request, not yet checked.
    pub(crate) fn session_token(&self, headers: &HeaderMap) -> Option<Token> {
        self.cookies.read(headers, Cookie::Session)
    }

    /// Issues a form token for this browser.
    pub(crate) fn form_token(&self, headers: &HeaderMap) -> FormToken {
        self.form_token_for(headers, self.session_token(headers).as_ref())
    }

    fn form_token_for(&self, headers: &HeaderMap, session: Option<&Token>) -> FormToken {
        match self.cookies.read(headers, Cookie::Browser) {
            Some(browser) => FormToken {
                csrf: self.csrf.issue(&browser, session),
                new_browser: None,
            },
            None => {
                let browser = self.random.token();
                FormToken {
                    csrf: self.csrf.issue(&browser, session),
                    new_browser: Some(browser),
                }
            }
        }
    }

    /// Sets the browser cookie when the browser had none.
    pub(crate) fn set_browser_cookie(&self, response: &mut Response, new_browser: Option<&Token>) {
        if let Some(browser) = new_browser {
            self.set_cookie(response, Cookie::Browser, browser.expose(), None);
        }
    }

    /// Shows a page with a form, and sets the browser cookie that its token is bound to when the browser had none.
    pub(crate) fn show_form(
        &self,
        status: StatusCode,
        view: &impl View,
        new_browser: Option<&Token>,
    ) -> Response {
        let mut response = self.show(status, view);
        self.set_browser_cookie(&mut response, new_browser);
        response
    }

    /// Checks that a form was sent from our own page and belongs to this browser and session (SB-16).
    ///
    /// # Errors
    /// The reason why the form is rejected.
    pub(crate) fn check_form(&self, headers: &HeaderMap, csrf: &str) -> Result<(), FormRejection> {
        if !is_same_origin(headers, &self.origin) {
            return Err(FormRejection::CrossSite);
        }
        let browser = self.cookies.read(headers, Cookie::Browser);
        if self
            .csrf
            .verify(csrf, browser.as_ref(), self.session_token(headers).as_ref())
        {
            Ok(())
        } else {
            Err(FormRejection::Stale)
        }
    }

    /// True if the token of a form is current. If not, the form has to be shown again.
    ///
    /// # Errors
    /// The error page for a form from another site.
    pub(crate) fn is_current_form(&self, headers: &HeaderMap, csrf: &str) -> Result<bool, PageError> {
        match self.check_form(headers, csrf) {
            Ok(()) => Ok(true),
            Err(FormRejection::Stale) => Ok(false),
            Err(rejection) => Err(self.rejection_page(rejection).into()),
        }
    }

    /// The error page for a rejected form that cannot be shown again.
    fn rejection_page(&self, rejection: FormRejection) -> ErrorPage {
        match rejection {
            FormRejection::CrossSite => ErrorPage::new(
                StatusCode::FORBIDDEN,
                "This form was not sent from here",
                format!("For your safety, forms are only taken from the pages at {}.", self.origin),
            ),
            FormRejection::Stale => ErrorPage::new(
                StatusCode::FORBIDDEN,
                "This page was out of date",
                "You may have signed in or out in another tab, or cookies may be switched off. Nothing has changed.",
            ),
        }
        .with_action("Start again", self.start_page())
    }
}

impl FormToken {
    /// The value of the hidden field, and the browser cookie to set.
    pub(crate) fn into_parts(self) -> (String, Option<Token>) {
        (self.csrf, self.new_browser)
    }
}

/// The browser cookie, to which forms and saved authorization requests are bound.
pub struct BrowserCookie {
    token: Token,
    is_new: bool,
}

impl BrowserCookie {
    /// Its value.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Sets it when the browser had none.
    pub fn set_browser_cookie(&self, pages: &Pages, response: &mut Response) {
        pages.set_browser_cookie(response, self.is_new.then_some(&self.token));
    }
}

/// The browser cookie of a request, or a new one.
pub fn browser_cookie(pages: &Pages, headers: &HeaderMap) -> BrowserCookie {
    let known = browser_token(pages, headers);
    BrowserCookie {
        is_new: known.is_none(),
        token: known.unwrap_or_else(|| pages.random.token()),
    }
}

/// The browser cookie of a request, when there is one.
pub fn browser_token(pages: &Pages, headers: &HeaderMap) -> Option<Token> {
    pages.cookies.read(headers, Cookie::Browser)
}

/// The session cookie of a request, to be looked up with `sessions::find`.
pub fn session_token(pages: &Pages, headers: &HeaderMap) -> Option<Token> {
    pages.session_token(headers)
}

/// Checks that the POST of a form came from our own page, with a field `csrf` for this browser and session.
///
/// # Errors
/// The error page of the response, with the status 403.
pub fn check_form(pages: &Pages, headers: &HeaderMap, csrf: &str) -> Result<(), Box<ErrorPage>> {
    pages
        .check_form(headers, csrf)
        .map_err(|rejection| Box::new(pages.rejection_page(rejection)))
}

/// The confirmation page of a sign-out (OpenID Connect RP-Initiated Logout §2).
pub struct LogoutConfirmation<'a> {
    /// The name of the application that requests the sign-out.
    pub client_name: Option<&'a str>,
    /// The path that the form posts to.
    pub action: &'a str,
    /// The hidden fields besides `csrf`, which the POST needs.
    pub hidden: &'a [(&'a str, &'a str)],
    /// True if the POST may redirect to an application.
    pub leads_out: bool,
}

/// The page that asks the person to confirm a sign-out. Its POST has the field `csrf` for [`check_form`].
pub fn logout_confirmation(
    pages: &Pages,
    headers: &HeaderMap,
    confirmation: &LogoutConfirmation<'_>,
) -> Response {
    let (csrf, browser) = pages.form_token(headers).into_parts();
    let page = pages.page();
    let lead = match confirmation.client_name {
        Some(client) => format!("{client} asks to sign you out of {} as well.", page.brand.name),
        None => "Applications that you are signed in to may ask you to sign in again.".to_owned(),
    };
    let view = Logout {
        heading: "Sign out?",
        lead,
        form: Some(LogoutForm {
            action: confirmation.action,
            csrf,
            hidden: confirmation.hidden,
        }),
        leads_out: confirmation.leads_out,
        page,
    };
    pages.show_form(StatusCode::OK, &view, browser.as_ref())
}
