//! Tests of resource indicators.

use proptest::prelude::*;

use super::*;

#[test]
fn a_resource_is_an_absolute_uri_without_a_fragment() {
    for good in [
        "https://api.example",
        "https://api.example/",
        "https://api.example/v1/",
        "urn:example:api",
    ] {
        assert_eq!(Resource::parse(good).unwrap().as_str(), good, "it stays as it is");
    }
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

#[test]
fn the_slash_of_an_empty_path_makes_no_other_resource_and_all_else_does() {
    for (one, other, same) in [
        ("https://api.example", "https://api.example", true),
        ("https://api.example", "https://api.example/", true),
        ("https://api.example:8443/", "https://api.example:8443", true),
        ("https://api.example/v1", "https://api.example/v1/", false),
        ("https://api.example", "https://api.example//", false),
        ("https://api.example?a=", "https://api.example?a=/", false),
        ("https://api.example", "https://API.example", false),
        ("https://api.example", "https://api.example:443", false),
        ("https://api.example", "http://api.example", false),
        ("urn:example:api", "urn:example:api/", false),
    ] {
        for (one, other) in [(one, other), (other, one)] {
            assert_eq!(
                Resource::parse(one).unwrap().matches(other),
                same,
                "{one} {other}"
            );
        }
    }
}

#[test]
fn a_resource_is_found_in_its_registered_form() {
    let [bare, slash, other] = [
        "https://api.example",
        "https://api.example/",
        "https://other.example",
    ]
    .map(|uri| Resource::parse(uri).unwrap());
    let both = [other.clone(), bare.clone(), slash.clone()];
    assert_eq!(slash.find_in(&both), Some(&slash), "the same text comes first");
    assert_eq!(bare.find_in(&both), Some(&bare));
    assert_eq!(slash.find_in(&both[..2]), Some(&bare));
    assert_eq!(bare.find_in(&[slash]), Some(&both[2]));
    assert_eq!(other.find_in(&both[1..]), None);
}

proptest! {
    #[test]
    fn anything_may_come_and_what_is_taken_stays_the_same(text in "\\PC{0,600}") {
        if let Ok(resource) = Resource::parse(&text) {
            prop_assert_eq!(Resource::parse(resource.as_str()), Ok(resource));
        }
    }
}
