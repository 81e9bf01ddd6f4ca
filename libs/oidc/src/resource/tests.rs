//! Tests of resource indicators.

use proptest::prelude::*;

use super::*;

#[test]
fn a_resource_is_an_absolute_uri_without_a_fragment() {
    assert_eq!(
        Resource::parse("https://api.example/").unwrap().as_str(),
        "https://api.example"
    );
    assert_eq!(
        Resource::parse("https://api.example/v1/").unwrap().as_str(),
        "https://api.example/v1/"
    );
    for bad in [
        "",
        "api",
        "/v1",
        "https://api.example/#x",
        "https://api.example/ü",
        "https://a b/",
    ] {
        assert_eq!(Resource::parse(bad), Err(ResourceError), "{bad}");
    }
}

proptest! {
    #[test]
    fn anything_may_come_and_what_is_taken_stays_the_same(text in "\\PC{0,600}") {
        if let Ok(resource) = Resource::parse(&text) {
            prop_assert_eq!(Resource::parse(resource.as_str()), Ok(resource));
        }
    }
}
