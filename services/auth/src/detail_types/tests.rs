//! Tests of the types of `authorization_details` in the configuration.

use oidc::authorization_details::AuthorizationDetails;

use super::*;

fn configured(text: &str) -> Result<DetailTypes, InvalidDetailType> {
    detail_types(&toml::from_str(text).unwrap())
}

const PAYMENT: &str = r#"
    [payment]
    description = "Start a payment"
    [payment.schema]
    required = ["amount"]
    properties.amount = { type = "number", minimum = 0.01 }
"#;

#[test]
fn a_type_of_the_configuration_is_known() {
    let types = configured(PAYMENT).unwrap();
    assert_eq!(types.names().collect::<Vec<_>>(), ["payment"]);
    assert_eq!(types.get("payment").unwrap().description, "Start a payment");
    let registered = ["payment".to_owned()].into();
    for (details, good) in [
        (r#"[{"type":"payment","amount":1.5}]"#, true),
        (r#"[{"type":"payment","amount":0}]"#, false),
        (r#"[{"type":"payment"}]"#, false),
    ] {
        let details = AuthorizationDetails::parse(details).unwrap();
        assert_eq!(types.check(&details, &registered).is_ok(), good);
    }
}

#[test]
fn a_type_that_cannot_be_used_names_its_key() {
    for (text, key) in [
        ("[\"a b\"]\ndescription = \"x\"", "authorization_details.a b"),
        ("[a]\ndescription = \" \"", "authorization_details.a.description"),
        (
            "[a]\ndescription = \"x\"\nschema = { pattern = \"x\" }",
            "authorization_details.a.schema",
        ),
    ] {
        assert_eq!(configured(text).unwrap_err().key, key);
    }
}
