//! Attributes of `Group` (RFC 7643 §4.2) and those of every resource (§3.1).

use super::{Attribute, AttributeType, Mutability, Returned};

/// The maximum number of members in one body.
pub const MAX_MEMBERS: usize = 100_000;

/// The attributes of a group. `displayName` is required. `members.display` stands in examples of RFC 7644 §3.5.2 though not in the
/// schema of RFC 7643 §8.7.1: it is returned to those who name it, because clients compare the members that they sent with those
/// that they read.
pub(super) fn attributes() -> Vec<Attribute> {
    use Attribute as A;
    let mut members = A::complex(
        "members",
        "The direct members",
        vec![
            A::string("value", "The id of the member")
                .required()
                .case_exact()
                .mutability(Mutability::Immutable),
            A::reference("$ref", &["User", "Group"], "The address of the member")
                .mutability(Mutability::Immutable),
            A::string("type", "The resource type of the member")
                .suggests(&["User", "Group"])
                .mutability(Mutability::Immutable),
            A::string("display", "The name of the member")
                .read_only()
                .returned(Returned::Request),
        ],
    )
    .list();
    members.max_values = MAX_MEMBERS;
    members.stored_apart = true;
    vec![
        A::string("displayName", "The name; unique without regard to case")
            .required()
            .unique(),
        members,
    ]
}

/// The attributes of every resource (RFC 7643 §3.1). They are in no schema.
pub(super) fn common() -> Vec<Attribute> {
    use Attribute as A;
    let time = |name, description| A::new(name, AttributeType::DateTime, description).read_only();
    vec![
        A::string("id", "The id that the server gave")
            .case_exact()
            .read_only()
            .returned(Returned::Always),
        A::string("externalId", "The identifier that the provisioning client uses").case_exact(),
        A::complex(
            "meta",
            "What the server knows of the resource",
            vec![
                A::string("resourceType", "The resource type")
                    .case_exact()
                    .read_only(),
                time("created", "The time of the creation"),
                time("lastModified", "The time of the last change"),
                A::reference("location", &["uri"], "The address of the resource").read_only(),
                A::string("version", "The version, as an entity tag")
                    .case_exact()
                    .read_only(),
            ],
        )
        .read_only(),
        A::reference("schemas", &["uri"], "The URNs of the schemas of the resource")
            .list()
            .read_only()
            .returned(Returned::Always),
    ]
}
