//! Vestibule's own extensions of `User`: the claims of OpenID Connect Core §5.1 for which SCIM has no attribute, and the free
//! object of an installation.

use super::{Attribute, AttributeType, TextForm};

/// The claims that no attribute of RFC 7643 carries.
pub(super) fn attributes() -> Vec<Attribute> {
    use Attribute as A;
    vec![
        A::reference("website", &["external"], "The person's web page or blog").self_service(),
        A::string(
            "gender",
            "The gender, as the person names it: female, male, or other words",
        )
        .max_chars(64)
        .self_service(),
        A::string(
            "birthdate",
            "The birthday: YYYY-MM-DD, 0000-MM-DD without the year, or YYYY alone",
        )
        .form(TextForm::Birthdate)
        .self_service(),
        A::boolean(
            "emailVerified",
            "Whether the person has shown that the primary e-mail address is theirs",
        )
        .read_only(),
        A::boolean(
            "phoneNumberVerified",
            "Whether the person has shown that the primary telephone number is theirs",
        )
        .read_only(),
    ]
}

/// The one attribute of [`super::CUSTOM_USER`].
pub(super) fn free() -> Vec<Attribute> {
    vec![
        Attribute::new(
            "values",
            AttributeType::Any,
            "Any JSON object; its names are the application's own and case matters in them",
        )
        .case_exact()
        .self_service(),
    ]
}
