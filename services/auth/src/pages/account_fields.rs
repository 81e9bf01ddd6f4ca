//! The input fields of a new account, which the registration and the set-up page share.

use chassis::secret::{ExposeSecret, SecretString};

use crate::credentials::Passwords;
use crate::html::fields::{Errors, Field};

/// Adds the errors of an empty user name or e-mail address.
pub(crate) fn check_person(errors: &mut Errors, user_name: &str, email: &str) {
    if user_name.trim().is_empty() {
        errors.add("user_name", "Choose a user name.");
    }
    if email.trim().is_empty() {
        errors.add("email", "Enter your e-mail address.");
    }
}

/// Adds the error of an empty password.
pub(crate) fn check_password(errors: &mut Errors, password: &SecretString) {
    if password.expose_secret().is_empty() {
        errors.add("password", "Choose a password.");
    }
}

/// The input fields of a new account.
pub(crate) fn person_fields<'a>(user_name: &'a str, email: &'a str) -> Vec<Field<'a>> {
    vec![
        Field {
            name: "user_name",
            label: "User name",
            kind: "text",
            autocomplete: "username",
            value: user_name,
            hint: Some("You sign in with it. It can be seen by others."),
            required: true,
            autofocus: true,
        },
        Field {
            name: "email",
            label: "E-mail address",
            kind: "email",
            autocomplete: "email",
            value: email,
            required: true,
            ..Field::default()
        },
    ]
}

/// The input field of a new password. `hint` says how long it has to be.
pub(crate) fn password_field(hint: &str, autofocus: bool) -> Field<'_> {
    Field {
        name: "password",
        label: "Password",
        kind: "password",
        autocomplete: "new-password",
        hint: Some(hint),
        required: true,
        autofocus,
        ..Field::default()
    }
}

/// The hint on the length of a password.
pub(crate) fn password_hint(passwords: &Passwords) -> String {
    let least = passwords.min_length();
    format!("At least {least} characters. Several words in a row are strong and easy to remember.")
}
