//! Attributes of the enterprise extension of `User` (RFC 7643 §4.3).

use super::Attribute;

pub(super) fn attributes() -> Vec<Attribute> {
    use Attribute as A;
    vec![
        A::string("employeeNumber", "The number that the organisation gave"),
        A::string("costCenter", "The cost centre"),
        A::string("organization", "The organisation"),
        A::string("division", "The division"),
        A::string("department", "The department"),
        A::complex(
            "manager",
            "The person's manager",
            vec![
                A::string("value", "The id of the manager's resource"),
                A::reference("$ref", &["User"], "The address of the manager's resource"),
                A::string("displayName", "The manager's name").read_only(),
            ],
        ),
    ]
}
