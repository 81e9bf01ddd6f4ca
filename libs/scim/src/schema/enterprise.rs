//! Attributes of the enterprise extension of `User` (RFC 7643 §4.3).

use super::{Attribute, AttributeType};

pub(super) const ATTRIBUTES: &[Attribute] = &[
    Attribute::string("employeeNumber", "The number that the organisation gave"),
    Attribute::string("costCenter", "The cost centre"),
    Attribute::string("organization", "The organisation"),
    Attribute::string("division", "The division"),
    Attribute::string("department", "The department"),
    Attribute::complex(
        "manager",
        "The person's manager",
        &[
            Attribute::string("value", "The id of the manager's resource"),
            Attribute::new(
                "$ref",
                AttributeType::Reference,
                "The address of the manager's resource",
            ),
            Attribute::string("displayName", "The manager's name").read_only(),
        ],
    ),
];
