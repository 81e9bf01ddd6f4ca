//! The views of the pages: one type for each template.

use std::sync::Arc;

use askama::Template;

use super::brand::Brand;
use super::fields::{Errors, Field};

/// The common part of every page.
pub(crate) struct Page {
    pub(crate) brand: Arc<Brand>,
    pub(crate) nonce: String,
    /// The path of the issuer, with which every link begins.
    pub(crate) base: String,
    pub(crate) style_url: String,
    pub(crate) icon_url: String,
}

/// A page to render.
pub(crate) trait View: Template {
    /// The common part of the page.
    fn page(&self) -> &Page;

    /// True if its form may lead to an application at another origin.
    fn leads_out(&self) -> bool {
        false
    }

    /// The URLs that it loads in frames.
    fn frames(&self) -> &[String] {
        &[]
    }
}

/// The view of `/login`.
#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct Login<'a> {
    pub(crate) page: Page,
    pub(crate) csrf: String,
    pub(crate) return_to: &'a str,
    pub(crate) register_url: Option<String>,
    pub(crate) fields: Vec<Field<'a>>,
    pub(crate) errors: &'a Errors,
    pub(crate) leads_out: bool,
}

/// The view of `/register`.
#[derive(Template)]
#[template(path = "register.html")]
pub(crate) struct Register<'a> {
    pub(crate) page: Page,
    pub(crate) csrf: String,
    pub(crate) return_to: &'a str,
    pub(crate) login_url: String,
    pub(crate) fields: Vec<Field<'a>>,
    pub(crate) errors: &'a Errors,
    pub(crate) leads_out: bool,
}

/// The view of `/setup`.
#[derive(Template)]
#[template(path = "setup.html")]
pub(crate) struct Setup<'a> {
    pub(crate) page: Page,
    pub(crate) heading: &'a str,
    pub(crate) lead: String,
    pub(crate) button: &'static str,
    pub(crate) csrf: String,
    pub(crate) token: &'a str,
    pub(crate) user_name: Option<&'a str>,
    pub(crate) fields: Vec<Field<'a>>,
    pub(crate) errors: &'a Errors,
}

/// The view of `/`.
#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct Home<'a> {
    pub(crate) page: Page,
    pub(crate) greeting: Option<&'a str>,
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) csrf: String,
}

/// A session on the page `/security`.
pub(crate) struct SessionItem {
    pub(crate) id: String,
    /// The browser, such as `Firefox on Linux`.
    pub(crate) browser: String,
    /// The address and the time of the last use.
    pub(crate) detail: String,
    /// True if it is the session of the browser that asks.
    pub(crate) is_current: bool,
}

/// A connected application on the page `/security`.
pub(crate) struct ApplicationItem {
    pub(crate) client_id: String,
    pub(crate) name: String,
    /// Since when it has access.
    pub(crate) since: String,
    /// Its access, by services.
    pub(crate) access: Vec<AccessItem>,
}

/// The access of an application at some services.
pub(crate) struct AccessItem {
    /// Sentences that say what it may do.
    pub(crate) permissions: Vec<String>,
    /// The services where it may do so, unless they are those of Vestibule.
    pub(crate) services: Vec<String>,
}

/// The view of `/security`.
#[derive(Template)]
#[template(path = "security.html")]
pub(crate) struct Security {
    pub(crate) page: Page,
    pub(crate) csrf: String,
    pub(crate) sessions: Vec<SessionItem>,
    pub(crate) applications: Vec<ApplicationItem>,
}

/// The action on the status page of a registration.
pub(crate) enum RegistrationStatusAction {
    Nothing,
    Link {
        label: &'static str,
        url: String,
    },
    Post {
        label: &'static str,
        csrf: String,
        id: String,
        return_to: String,
    },
}

/// The view of `/register/wait`.
#[derive(Template)]
#[template(path = "registration_status.html")]
pub(crate) struct RegistrationStatus {
    pub(crate) page: Page,
    pub(crate) heading: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) refresh_seconds: Option<u32>,
    pub(crate) action: RegistrationStatusAction,
    pub(crate) leads_out: bool,
}

/// The facts about a device that asks for access.
pub(crate) struct DeviceFacts<'a> {
    pub(crate) user_code: String,
    pub(crate) client_name: &'a str,
    pub(crate) user_name: &'a str,
    /// True if the application registered itself, so that its name is its own choice.
    pub(crate) registered_itself: bool,
    /// The address that the device asked from.
    pub(crate) asked_from: String,
    /// Sentences that say what it may do then.
    pub(crate) permissions: Vec<String>,
    /// The services where it may do so, if it is registered for any.
    pub(crate) services: Vec<&'a str>,
    /// The scope of these permissions.
    pub(crate) scope: String,
}

/// The view of `/device`: the form for the user code, the question whether to allow the device access, or the result.
#[derive(Template)]
#[template(path = "device.html")]
pub(crate) struct Device<'a> {
    pub(crate) page: Page,
    pub(crate) heading: &'a str,
    pub(crate) lead: &'a str,
    /// Empty when there is nothing to send.
    pub(crate) csrf: String,
    pub(crate) fields: Vec<Field<'a>>,
    pub(crate) device: Option<DeviceFacts<'a>>,
    pub(crate) errors: &'a Errors,
}

/// The form that confirms a sign-out.
pub(crate) struct LogoutForm<'a> {
    pub(crate) action: &'a str,
    pub(crate) csrf: String,
    pub(crate) hidden: &'a [(&'a str, &'a str)],
}

/// The view of `/logout` and `/oauth2/logout`.
#[derive(Template)]
#[template(path = "logout.html")]
pub(crate) struct Logout<'a> {
    pub(crate) page: Page,
    pub(crate) heading: &'a str,
    pub(crate) lead: String,
    pub(crate) form: Option<LogoutForm<'a>>,
    pub(crate) leads_out: bool,
}

/// The view of a response that the browser posts to a client (OAuth 2.0 Form Post Response Mode §2).
#[derive(Template)]
#[template(path = "form_post.html")]
pub(crate) struct FormPost<'a> {
    pub(crate) page: Page,
    pub(crate) client_name: &'a str,
    pub(crate) action: &'a str,
    pub(crate) fields: &'a [(&'static str, String)],
}

/// A page of an application about itself, which its registration names.
pub(crate) struct ApplicationLink<'a> {
    pub(crate) title: &'static str,
    pub(crate) url: &'a str,
    /// The host and port of the page, because the application chose the URL.
    pub(crate) site: &'a str,
    /// False for a page on another site than the application, of an application that nobody checked.
    pub(crate) is_linked: bool,
}

/// One of the authorization details (RFC 9396) on the consent page.
pub(crate) struct ConsentDetail<'a> {
    /// The permission of the application, as a sentence.
    pub(crate) description: &'a str,
    /// The members and what is below them, in order.
    pub(crate) rows: Vec<DetailRow>,
}

/// A member or an item of authorization details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DetailRow {
    /// The name of the member, or the number of the item.
    pub(crate) name: String,
    /// The value; empty for an object, whose members follow.
    pub(crate) value: String,
    /// The number of arrays and objects around it.
    pub(crate) level: usize,
}

/// The view of `/consent`.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct Consent<'a> {
    pub(crate) page: Page,
    pub(crate) csrf: String,
    pub(crate) client_name: &'a str,
    pub(crate) user_name: &'a str,
    /// Sentences that say what the application would be allowed to do.
    pub(crate) permissions: Vec<String>,
    /// The services where it would be allowed to, if it is registered for any.
    pub(crate) services: Vec<&'a str>,
    /// The authorization details that it asks for (RFC 9396).
    pub(crate) details: Vec<ConsentDetail<'a>>,
    /// The place of the application, such as `at app.example`.
    pub(crate) destination: String,
    /// The address of the logo of the application, if there is one.
    pub(crate) logo: Option<String>,
    /// The pages of the application about itself.
    pub(crate) links: Vec<ApplicationLink<'a>>,
    pub(crate) authorization_request: &'a str,
    pub(crate) scope: String,
    pub(crate) leads_out: bool,
}

/// The view of the page after a sign-out that applications hear of in frames (OpenID Connect Front-Channel Logout §3).
#[derive(Template)]
#[template(path = "signed_out.html")]
pub(crate) struct SignedOut<'a> {
    pub(crate) page: Page,
    /// The URLs of the frames.
    pub(crate) frames: Vec<String>,
    /// The address where the browser goes on, after a moment.
    pub(crate) destination: Option<&'a str>,
    /// The site of `destination`, if nobody has checked it: the person decides about going there.
    pub(crate) unchecked_site: Option<&'a str>,
}

impl View for SignedOut<'_> {
    fn page(&self) -> &Page {
        &self.page
    }

    fn frames(&self) -> &[String] {
        &self.frames
    }
}

/// The form of a page at a protected host.
pub(crate) struct HostForm<'a> {
    pub(crate) action: &'a str,
    pub(crate) csrf: String,
    pub(crate) button: &'a str,
}

/// The view of a page at a protected host. It needs no file of this service, which the host does not have.
#[derive(Template)]
#[template(path = "host_page.html")]
pub(crate) struct HostPage<'a> {
    pub(crate) page: Page,
    pub(crate) heading: String,
    pub(crate) lead: String,
    pub(crate) action: Option<(&'a str, String)>,
    pub(crate) form: Option<HostForm<'a>>,
}

/// The view of an error page.
#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct Error<'a> {
    pub(crate) page: Page,
    pub(crate) status: String,
    pub(crate) heading: &'a str,
    pub(crate) detail: &'a str,
    pub(crate) action: Option<(&'a str, String)>,
    pub(crate) trace_id: Option<&'a str>,
}

macro_rules! views {
    ($($view:ty $(, $leads_out:ident)?;)*) => {$(
        impl View for $view {
            fn page(&self) -> &Page {
                &self.page
            }
            $(fn leads_out(&self) -> bool {
                self.$leads_out
            })?
        }
    )*};
}

impl View for FormPost<'_> {
    fn page(&self) -> &Page {
        &self.page
    }

    fn leads_out(&self) -> bool {
        true
    }
}

views! {
    Login<'_>, leads_out;
    Register<'_>, leads_out;
    Setup<'_>;
    Home<'_>;
    Security;
    RegistrationStatus, leads_out;
    Logout<'_>, leads_out;
    Device<'_>;
    Consent<'_>, leads_out;
    Error<'_>;
    HostPage<'_>;
}
