//! Validation of a new account: all invalid fields are reported at once.

use chassis::clock::Timestamp;
use contract::{
    EmailAddress, InvalidUserName, MAX_NAME_LENGTH, PersonName, RegistrationRequested, UserName,
    is_language_tag,
};
use uuid::Uuid;

use super::{FieldError, NewAccount, RegisterError};
use crate::credentials::{Password, Passwords, PersonalContext};

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
    pub(super) fn parse(passwords: &Passwords, new: NewAccount) -> Result<Self, RegisterError> {
        let mut errors = Errors(Vec::new());
        let user_name = errors.collect("user_name", new_user_name(new.user_name.trim()));
        let email = non_empty(new.email).map(|email| errors.collect("email", email.parse::<EmailAddress>()));
        let name = PersonName {
            given_name: errors.person_name("given_name", new.given_name),
            family_name: errors.person_name("family_name", new.family_name),
            formatted: errors.person_name("name", new.name),
            ..PersonName::default()
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
            .map(|password| errors.collect("password", passwords.check_length(&password)));
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
    pub(super) async fn hash_password(
        &mut self,
        passwords: &Passwords,
    ) -> Result<Option<String>, RegisterError> {
        let Some(password) = self.password.take() else {
            return Ok(None);
        };
        let known = PersonalContext {
            user_name: self.user_name.as_str(),
            email: self.email.as_ref().map(EmailAddress::as_str),
            name: Some(&self.name),
        };
        Ok(Some(passwords.check_and_hash(password, &known).await?))
    }

    /// The command to the user service.
    pub(super) fn into_request(self, id: Uuid, requested_at: Timestamp) -> RegistrationRequested {
        RegistrationRequested {
            id,
            user_name: self.user_name,
            email: self.email,
            name: Some(self.name).filter(|name| *name != PersonName::default()),
            locale: self.locale,
            groups: self.groups,
            version: 1,
            requested_at,
        }
    }
}

struct Errors(Vec<FieldError>);

impl Errors {
    fn person_name(&mut self, field: &'static str, typed: Option<String>) -> Option<String> {
        let name = non_empty(typed)?;
        if name.chars().count() > MAX_NAME_LENGTH || name.contains(char::is_control) {
            self.add(
                field,
                format!("use at most {MAX_NAME_LENGTH} characters and no control characters"),
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
