//! Validation of a new account: all invalid fields are reported at once.

use std::sync::Arc;

use chassis::secret::SecretString;
use contract::{EmailAddress, InvalidUserName, PersonName, RegistrationRequested, UserName};

use super::{FieldError, NewAccount, RegisterError};
use crate::app::App;
use crate::credentials::{NewPasswordError, Password, PasswordContext, PasswordPolicy, Weakness};

/// The maximum length of a name, in characters.
const NAME_LENGTH: usize = 256;

/// The maximum length of a language tag, in bytes (RFC 5646 §4.4.1 requires at least 35).
const LOCALE_LENGTH: usize = 35;

/// The maximum number of groups, and the maximum length of each in characters.
const GROUPS: (usize, usize) = (64, 128);

/// A new account with valid fields.
pub(super) struct ValidatedAccount {
    pub(super) user_name: UserName,
    pub(super) email: Option<EmailAddress>,
    pub(super) name: PersonName,
    pub(super) locale: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) password: Option<Password>,
}

impl ValidatedAccount {
    /// Parses every field. The strength of the password is checked later, because that is expensive: see
    /// [`ValidatedAccount::hash_password`].
    ///
    /// # Errors
    /// [`RegisterError::Invalid`] with one entry a field.
    pub(super) fn parse(app: &App, new: NewAccount) -> Result<Self, RegisterError> {
        let mut errors = Errors(Vec::new());
        let user_name = errors.collect("user_name", new_user_name(new.user_name.trim()));
        let email = non_empty(new.email).map(|email| errors.collect("email", email.parse::<EmailAddress>()));
        let name = PersonName {
            given_name: errors.person_name("given_name", new.given_name),
            family_name: errors.person_name("family_name", new.family_name),
            formatted: errors.person_name("name", new.name),
        };
        let locale = non_empty(new.locale);
        if locale.as_deref().is_some_and(|locale| !is_language_tag(locale)) {
            errors.add("locale", "use a language tag such as en or fr-CH".to_owned());
        }
        let (most, longest) = GROUPS;
        if new.groups.len() > most
            || new
                .groups
                .iter()
                .any(|group| group.is_empty() || group.chars().count() > longest)
        {
            errors.add(
                "groups",
                format!("at most {most} groups, each of 1 to {longest} characters"),
            );
        }
        let password = new
            .password
            .map(|password| errors.collect("password", policy(app).check_length(&password)));
        match (user_name, errors.0) {
            (Some(user_name), errors) if errors.is_empty() => Ok(Self {
                user_name,
                email: email.flatten(),
                name,
                locale,
                groups: new.groups,
                password: password.flatten(),
            }),
            (_, errors) => Err(RegisterError::Invalid(errors)),
        }
    }

    /// Checks the strength of the password and hashes it, when there is one.
    ///
    /// # Errors
    /// [`RegisterError::Invalid`] for a weak password. [`RegisterError::Busy`] when the queue is full.
    pub(super) async fn hash_password(&mut self, app: &App) -> Result<Option<String>, RegisterError> {
        let Some(password) = self.password.take() else {
            return Ok(None);
        };
        let known = PersonalContext {
            user_name: self.user_name.as_str(),
            email: self.email.as_ref().map(EmailAddress::as_str),
            name: Some(&self.name),
        };
        check_and_hash(app, password, &known).await.map(Some)
    }

    /// The command to the user service.
    pub(super) fn into_request(self, app: &App) -> RegistrationRequested {
        RegistrationRequested {
            id: app.random.uuid(&*app.clock),
            user_name: self.user_name,
            email: self.email,
            name: Some(self.name).filter(|name| *name != PersonName::default()),
            locale: self.locale,
            groups: self.groups,
            version: 1,
            requested_at: app.clock.now(),
        }
    }
}

/// What an attacker would know of the person, for the check of a password. The values are validated or
/// stored, so they are short.
#[derive(Default)]
pub(crate) struct PersonalContext<'a> {
    pub(crate) user_name: &'a str,
    pub(crate) email: Option<&'a str>,
    pub(crate) name: Option<&'a PersonName>,
}

impl<'a> PersonalContext<'a> {
    fn context(&self, app: &'a App) -> PasswordContext {
        let names = self
            .name
            .map(|name| [&name.formatted, &name.given_name, &name.family_name]);
        let site = [app.settings.brand.name(), app.settings.issuer.host()];
        let texts = site.into_iter().chain([self.user_name]).chain(self.email);
        PasswordContext::new(texts.chain(names.into_iter().flatten().filter_map(|part| part.as_deref())))
    }
}

/// Checks the length and strength of a new password and hashes it.
///
/// # Errors
/// [`RegisterError::Invalid`] for a rejected password. [`RegisterError::Busy`] when the queue is full.
pub(crate) async fn hash_new_password(
    app: &App,
    typed: &SecretString,
    person: &PersonalContext<'_>,
) -> Result<String, RegisterError> {
    let password = policy(app).check_length(typed).map_err(weak)?;
    check_and_hash(app, password, person).await
}

async fn check_and_hash(
    app: &App,
    password: Password,
    person: &PersonalContext<'_>,
) -> Result<String, RegisterError> {
    let chosen = app
        .hasher
        .check_and_hash(password, policy(app), person.context(app));
    chosen.await.map_err(|error| match error {
        NewPasswordError::Weak(weakness) => weak(weakness),
        NewPasswordError::Hash(error) => error.into(),
    })
}

fn policy(app: &App) -> PasswordPolicy {
    PasswordPolicy {
        min_length: usize::from(app.settings.passwords.min_length),
        breach_list: Arc::clone(&app.breach_list),
    }
}

fn weak(weakness: Weakness) -> RegisterError {
    RegisterError::Invalid(vec![FieldError {
        field: "password",
        detail: weakness.to_string(),
    }])
}

struct Errors(Vec<FieldError>);

impl Errors {
    fn person_name(&mut self, field: &'static str, typed: Option<String>) -> Option<String> {
        let name = non_empty(typed)?;
        if name.chars().count() > NAME_LENGTH || name.contains(char::is_control) {
            self.add(
                field,
                format!("use at most {NAME_LENGTH} characters and no control characters"),
            );
        }
        Some(name)
    }

    fn add(&mut self, field: &'static str, detail: String) {
        self.0.push(FieldError { field, detail });
    }

    fn collect<T, E: std::fmt::Display>(&mut self, field: &'static str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.add(field, error.to_string())).ok()
    }
}

/// Parses and checks a new user name. The user service decides whether it is free and not reserved.
fn new_user_name(typed: &str) -> Result<UserName, InvalidUserName> {
    let name = typed.parse::<UserName>()?;
    name.check_new()?;
    Ok(name)
}

/// The trimmed text of a field, or `None` when it is empty.
fn non_empty(text: Option<String>) -> Option<String> {
    let text = text?;
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

fn is_language_tag(text: &str) -> bool {
    text.len() <= LOCALE_LENGTH
        && text.split('-').all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}
