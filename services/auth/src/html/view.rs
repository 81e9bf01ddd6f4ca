//! The views of the pages: one type for each template.

use std::sync::Arc;

use askama::Template;

use super::brand::Brand;

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
}

/// One input field, which `templates/fields.html` renders.
#[derive(Default)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) autocomplete: &'static str,
    pub(crate) value: &'a str,
    pub(crate) hint: Option<&'a str>,
    pub(crate) required: bool,
    pub(crate) autofocus: bool,
}

/// The error of one input field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldError {
    pub(crate) field: &'static str,
    pub(crate) detail: String,
}

/// The errors of a form: of single fields, or of the form as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Errors {
    heading: Option<&'static str>,
    text: Option<String>,
    fields: Vec<FieldError>,
}

impl Errors {
    /// An error of the form as a whole.
    pub(crate) fn form(heading: &'static str, text: impl Into<String>) -> Self {
        Self {
            heading: Some(heading),
            text: Some(text.into()),
            fields: Vec::new(),
        }
    }

    /// Adds the error of `field`. Only the first error of a field is shown.
    pub(crate) fn add(&mut self, field: &'static str, detail: impl Into<String>) {
        if self.of(field).is_none() {
            self.fields.push(FieldError {
                field,
                detail: detail.into(),
            });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.heading.is_none() && self.fields.is_empty()
    }

    fn heading(&self) -> &'static str {
        self.heading.unwrap_or("Please check what you have typed")
    }

    fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// The error of the input field `field`.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|error| error.field == field)
            .map(|error| error.detail.as_str())
    }

    fn described_by(&self, field: &Field<'_>) -> Option<String> {
        let hint = field.hint.map(|_| format!("{}-hint", field.name));
        let error = self.of(field.name).map(|_| format!("{}-error", field.name));
        let ids: Vec<String> = hint.into_iter().chain(error).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
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

views! {
    Login<'_>, leads_out;
    Register<'_>, leads_out;
    Setup<'_>;
    Home<'_>;
    RegistrationStatus, leads_out;
    Logout<'_>, leads_out;
    Error<'_>;
}
