//! Attributes of the core `User` (RFC 7643 §4.1, §8.7.1).

use super::{Attribute, AttributeType, Mutability, Returned, TextForm};

/// The attributes, in the order of `/Schemas`.
pub(super) fn attributes() -> Vec<Attribute> {
    let mut all = singular();
    all.extend(plural());
    all
}

/// Single-valued attributes (RFC 7643 §4.1.1).
fn singular() -> Vec<Attribute> {
    use Attribute as A;
    vec![
        A::string(
            "userName",
            "The name to sign in with; unique without regard to case",
        )
        .required()
        .unique(),
        A::complex("name", "The person's name", name_parts()).self_service(),
        A::string("displayName", "The name shown to others").self_service(),
        A::string("nickName", "The casual name").self_service(),
        A::reference("profileUrl", &["external"], "The person's page on the web").self_service(),
        A::string("title", "The title in the organisation"),
        A::string("userType", "The relation to the organisation"),
        A::string("preferredLanguage", "Preferred languages, as in Accept-Language")
            .form(TextForm::LanguageTag)
            .max_chars(255)
            .self_service(),
        A::string("locale", "The locale for dates and numbers, as in RFC 5646")
            .form(TextForm::LanguageTag)
            .max_chars(64)
            .self_service(),
        A::string("timezone", "The time zone, as in the IANA database")
            .max_chars(64)
            .self_service(),
        A::boolean("active", "Whether the person may sign in"),
        A::string("password", "The password; it can be set and never read")
            .case_exact()
            .mutability(Mutability::WriteOnly)
            .returned(Returned::Never),
    ]
}

fn name_parts() -> Vec<Attribute> {
    [
        ("formatted", "The whole name as it is shown"),
        ("familyName", "The family name"),
        ("givenName", "The given name"),
        ("middleName", "The middle names"),
        ("honorificPrefix", "The title before the name, such as Dr."),
        ("honorificSuffix", "The suffix after the name, such as III"),
    ]
    .into_iter()
    .map(|(name, description)| Attribute::string(name, description).self_service())
    .collect()
}

/// Multi-valued attributes (RFC 7643 §4.1.2).
fn plural() -> Vec<Attribute> {
    use Attribute as A;
    let text = |description| A::string("value", description);
    vec![
        A::complex("emails", "E-mail addresses", emails()).list(),
        listed(
            "phoneNumbers",
            "Telephone numbers",
            text("The number"),
            &["work", "home", "mobile", "fax", "pager", "other"],
        )
        .self_service(),
        listed(
            "ims",
            "Addresses for instant messages",
            text("The address"),
            &[
                "aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo", "other",
            ],
        )
        .self_service(),
        listed(
            "photos",
            "Addresses of pictures of the person",
            A::reference("value", &["external"], "The address of the picture"),
            &["photo", "thumbnail"],
        )
        .self_service(),
        A::complex("addresses", "Postal addresses", addresses())
            .list()
            .self_service(),
        A::complex("groups", "The groups that the person belongs to", groups())
            .list()
            .read_only(),
        listed(
            "entitlements",
            "What the person is entitled to",
            text("The entitlement"),
            &[],
        ),
        listed(
            "roles",
            "The person's roles, as the applications name them",
            text("The role"),
            &[],
        ),
        listed(
            "x509Certificates",
            "Certificates issued to the person",
            A::new("value", AttributeType::Binary, "The certificate, DER in base64"),
            &[],
        ),
    ]
}

/// A multi-valued attribute with the default sub-attributes (RFC 7643 §2.4).
fn listed(name: &str, description: &str, value: Attribute, types: &[&str]) -> Attribute {
    let display = Attribute::string("display", "Its name, for people to read");
    let sub = vec![value, display, usage(types), primary()];
    Attribute::complex(name, description, sub).list()
}

fn usage(types: &[&str]) -> Attribute {
    let description = match types {
        [] => "What it is used for".to_owned(),
        types => format!("What it is used for: {}", types.join(", ")),
    };
    Attribute::string("type", &description).suggests(types)
}

fn primary() -> Attribute {
    Attribute::boolean("primary", "Whether it is the preferred one; one at most")
}

fn emails() -> Vec<Attribute> {
    vec![
        Attribute::string("value", "The address").required(),
        Attribute::string("display", "A name for people to read, which is not stored").read_only(),
        usage(&["work", "home", "other"]),
        primary(),
    ]
}

fn addresses() -> Vec<Attribute> {
    use Attribute as A;
    vec![
        A::string(
            "formatted",
            "The whole address as it is printed; may have several lines",
        )
        .form(TextForm::Lines),
        A::string("streetAddress", "Street and house number; may have several lines").form(TextForm::Lines),
        A::string("locality", "City"),
        A::string("region", "State or region"),
        A::string("postalCode", "Postal code"),
        A::string("country", "Country, as in ISO 3166-1 alpha-2"),
        usage(&["work", "home", "other"]),
        primary(),
    ]
}

fn groups() -> Vec<Attribute> {
    use Attribute as A;
    vec![
        A::string("value", "The id of the group").read_only(),
        A::reference("$ref", &["Group"], "The address of the group").read_only(),
        A::string("display", "The name of the group").read_only(),
        A::string(
            "type",
            "direct, or indirect for a group of which another group is a member",
        )
        .suggests(&["direct", "indirect"])
        .read_only(),
    ]
}
