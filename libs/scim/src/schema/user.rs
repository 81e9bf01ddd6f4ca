//! Attributes of the core `User` (RFC 7643 §4.1). `password` is missing on purpose: the user service never sees one.

use super::{Attribute, AttributeType};

const PRIMARY: Attribute = Attribute::new(
    "primary",
    AttributeType::Boolean,
    "Whether it is the preferred one; one at most",
);
const TYPE: Attribute = Attribute::string("type", "What it is used for: work, home, other");
const DISPLAY: Attribute = Attribute::string("display", "Its name, for people to read");

const PLURAL: &[Attribute] = &[Attribute::string("value", "The value"), DISPLAY, TYPE, PRIMARY];

/// The attributes, in the order of `/Schemas`.
pub(super) const ATTRIBUTES: &[Attribute] = &[
    Attribute::string(
        "userName",
        "The name to sign in with; unique without regard to case",
    )
    .required()
    .unique(),
    Attribute::string("externalId", "The identifier that the provisioning client uses").case_exact(),
    Attribute::complex(
        "name",
        "The person's name",
        &[
            Attribute::string("formatted", "The whole name as it is shown"),
            Attribute::string("familyName", "The family name"),
            Attribute::string("givenName", "The given name"),
        ],
    ),
    Attribute::string("displayName", "The name shown to others"),
    Attribute::string("nickName", "The casual name"),
    Attribute::new(
        "profileUrl",
        AttributeType::Reference,
        "The person's page on the web",
    ),
    Attribute::string("title", "The title in the organisation"),
    Attribute::string("userType", "The relation to the organisation"),
    Attribute::string("preferredLanguage", "Preferred languages, as in Accept-Language"),
    Attribute::string("locale", "The locale for dates and numbers, as in RFC 5646"),
    Attribute::string("timezone", "The time zone, as in the IANA database"),
    Attribute::new("active", AttributeType::Boolean, "Whether the person may sign in"),
    Attribute::complex(
        "emails",
        "E-mail addresses",
        &[
            Attribute::string("value", "The address").required(),
            TYPE,
            PRIMARY,
        ],
    )
    .list(),
    Attribute::complex("phoneNumbers", "Telephone numbers", PLURAL).list(),
    Attribute::complex("ims", "Addresses for instant messages", PLURAL).list(),
    Attribute::complex("photos", "Addresses of pictures of the person", PLURAL).list(),
    Attribute::complex(
        "addresses",
        "Postal addresses",
        &[
            Attribute::string(
                "formatted",
                "The whole address as it is printed; may have several lines",
            )
            .multi_line(),
            Attribute::string("streetAddress", "Street and house number; may have several lines")
                .multi_line(),
            Attribute::string("locality", "City"),
            Attribute::string("region", "State or region"),
            Attribute::string("postalCode", "Postal code"),
            Attribute::string("country", "Country, as in ISO 3166-1 alpha-2"),
            TYPE,
            PRIMARY,
        ],
    )
    .list(),
    Attribute::complex(
        "groups",
        "The groups that the person belongs to",
        &[
            Attribute::string("value", "The group's name").read_only(),
            DISPLAY.read_only(),
        ],
    )
    .list()
    .read_only(),
    Attribute::complex("entitlements", "What the person is entitled to", PLURAL).list(),
    Attribute::complex(
        "roles",
        "The person's roles, as the applications name them",
        PLURAL,
    )
    .list(),
    Attribute::complex(
        "x509Certificates",
        "Certificates issued to the person",
        &[
            Attribute::new("value", AttributeType::Binary, "The certificate, DER in base64").case_exact(),
            DISPLAY,
            TYPE,
            PRIMARY,
        ],
    )
    .list(),
];
