//! `Passwords`: hashes and verifies passwords under the rules of this installation.

use std::sync::Arc;

use chassis::secret::SecretString;
use contract::PersonName;

use super::{
    HashError, Hasher, NewPasswordError, Password, PasswordContext, PasswordPolicy, PasswordSettings,
    Verdict, Weakness,
};
use crate::breach_list::BreachList;

/// The hashing pool and the rules for new passwords.
#[derive(Clone)]
pub struct Passwords {
    hasher: Hasher,
    policy: PasswordPolicy,
    /// The name and the host of the site, which attackers try first.
    site: Arc<[String; 2]>,
}

impl Passwords {
    /// Passwords that follow `settings`. `site` is the name and the host of the site.
    pub fn new(
        hasher: Hasher,
        settings: &PasswordSettings,
        breach_list: Arc<BreachList>,
        site: [&str; 2],
    ) -> Self {
        Self {
            hasher,
            policy: PasswordPolicy {
                min_length: usize::from(settings.min_length),
                breach_list,
            },
            site: Arc::new(site.map(str::to_owned)),
        }
    }

    /// The minimum number of characters of a new password.
    pub fn min_length(&self) -> usize {
        self.policy.min_length
    }

    /// Checks the length of a new password.
    ///
    /// # Errors
    /// [`Weakness::TooShort`] and [`Weakness::TooLong`].
    pub fn check_length(&self, typed: &SecretString) -> Result<Password, Weakness> {
        self.policy.check_length(typed)
    }

    /// Checks the strength of a new password of `person` and hashes it.
    ///
    /// # Errors
    /// [`NewPasswordError::Weak`]; [`HashError::QueueFull`] at once when too many wait.
    pub async fn check_and_hash(
        &self,
        password: Password,
        person: &PersonalContext<'_>,
    ) -> Result<String, NewPasswordError> {
        let context = person.with_site(&self.site);
        self.hasher
            .check_and_hash(password, self.policy.clone(), context)
            .await
    }

    /// Verifies a password: see [`Hasher::verify`].
    ///
    /// # Errors
    /// [`HashError::QueueFull`] at once when too many wait.
    pub async fn verify(&self, password: Password, stored: Option<&str>) -> Result<Verdict, HashError> {
        self.hasher.verify(password, stored).await
    }
}

/// The facts that an attacker would know of the person, for the check of a password. The values are validated
/// or stored, so they are short.
#[derive(Default)]
pub struct PersonalContext<'a> {
    /// The user name.
    pub user_name: &'a str,
    /// The e-mail address.
    pub email: Option<&'a str>,
    /// The names.
    pub name: Option<&'a PersonName>,
}

impl PersonalContext<'_> {
    fn with_site(&self, site: &[String; 2]) -> PasswordContext {
        let names = self
            .name
            .map(|name| [&name.formatted, &name.given_name, &name.family_name]);
        let site = site.iter().map(String::as_str);
        let texts = site.chain([self.user_name]).chain(self.email);
        PasswordContext::new(texts.chain(names.into_iter().flatten().filter_map(|part| part.as_deref())))
    }
}
