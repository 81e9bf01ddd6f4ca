//! Values against their attributes.

use serde_json::{Map, Value, json};

use crate::ScimType;
use crate::schema::{Attribute, AttributeType, Instant, Registry, TextForm, canonicalize};

fn read(attribute: Attribute, value: &Value) -> Result<Option<Value>, Option<ScimType>> {
    let name = attribute.name.clone();
    let body = Map::from_iter([(name.to_uppercase(), value.clone())]);
    canonicalize(&body, &[attribute], "")
        .map(|mut read| read.remove(&name))
        .map_err(|error| {
            assert!(error.detail.starts_with(&name), "{error}");
            error.scim_type
        })
}

#[test]
fn a_value_has_the_type_of_its_attribute() {
    // RFC 7643 §2.3.4 (1), RFC 7643 §2.3.5 (1), RFC 7643 §2.3.6 (1), RFC 7643 §4.1.2 (4)
    let refused = || Err(Some(ScimType::InvalidValue));
    for (section, data_type, value, expected) in [
        (
            "§2.3.1",
            AttributeType::String,
            json!("Ann"),
            Ok(Some(json!("Ann"))),
        ),
        ("§2.3.1", AttributeType::String, json!(7), refused()),
        ("§2.5", AttributeType::String, json!(""), Ok(None)),
        ("§2.5", AttributeType::String, json!(null), Ok(None)),
        (
            "§2.3.2",
            AttributeType::Boolean,
            json!(true),
            Ok(Some(json!(true))),
        ),
        (
            "Entra",
            AttributeType::Boolean,
            json!("False"),
            Ok(Some(json!(false))),
        ),
        (
            "Entra",
            AttributeType::Boolean,
            json!("True"),
            Ok(Some(json!(true))),
        ),
        ("§2.3.2", AttributeType::Boolean, json!("yes"), refused()),
        ("§2.3.2", AttributeType::Boolean, json!(0), refused()),
        ("§2.3.3", AttributeType::Decimal, json!(1.5), Ok(Some(json!(1.5)))),
        ("§2.3.3", AttributeType::Decimal, json!("1.5"), refused()),
        ("§2.3.4", AttributeType::Integer, json!(-7), Ok(Some(json!(-7)))),
        ("§2.3.4", AttributeType::Integer, json!(7.0), refused()),
        ("§2.3.4", AttributeType::Integer, json!(u64::MAX), refused()),
        (
            "§2.3.5",
            AttributeType::DateTime,
            json!("2008-01-23T04:56:22Z"),
            Ok(Some(json!("2008-01-23T04:56:22Z"))),
        ),
        (
            "§2.3.5",
            AttributeType::DateTime,
            json!("2008-02-30T04:56:22Z"),
            refused(),
        ),
        ("§2.3.5", AttributeType::DateTime, json!(1_201_064_182), refused()),
        (
            "§2.3.6",
            AttributeType::Binary,
            json!("TWFu"),
            Ok(Some(json!("TWFu"))),
        ),
        (
            "§2.3.6",
            AttributeType::Binary,
            json!("TWE="),
            Ok(Some(json!("TWE="))),
        ),
        ("§2.3.6", AttributeType::Binary, json!("TW E"), refused()),
        ("§2.3.6", AttributeType::Binary, json!("TWE=="), refused()),
        ("§2.3.6", AttributeType::Binary, json!("TWFuT"), refused()),
        (
            "§2.3.7",
            AttributeType::Reference,
            json!("https://a.example/Users/1"),
            Ok(Some(json!("https://a.example/Users/1"))),
        ),
        (
            "§2.3.7",
            AttributeType::Reference,
            json!(["https://a.example"]),
            refused(),
        ),
        ("§2.3.8", AttributeType::Complex, json!("Ann"), refused()),
    ] {
        let attribute = Attribute::new("it", data_type, "");
        assert_eq!(
            read(attribute, &value),
            expected,
            "{section} {data_type:?} {value}"
        );
    }
}

#[test]
fn the_language_is_canonical_if_it_is_a_language_and_else_as_it_was_sent() {
    // RFC 5646 §2.1.1, RFC 7643 §4.1.1
    for (sent, stored) in [
        ("fr-ch", "fr-CH"),
        ("EN", "en"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("en_US", "en_US"),
        ("German", "german"),
        ("not a locale", "not a locale"),
        ("da, en-gb;q=0.8, en;q=0.7", "da, en-gb;q=0.8, en;q=0.7"),
    ] {
        let attribute = Attribute::string("locale", "").form(TextForm::LanguageTag);
        assert_eq!(read(attribute, &json!(sent)), Ok(Some(json!(stored))), "{sent}");
    }
    let users = Registry::standard().users();
    for name in ["locale", "preferredLanguage", "timezone"] {
        let attribute = users.find(name).unwrap();
        assert_eq!(
            read(attribute.clone(), &json!("x ".repeat(200))),
            Err(Some(ScimType::InvalidValue)),
            "{name}"
        );
    }
    let zone = users.find("timezone").unwrap();
    let sent = json!("(UTC+01:00) Amsterdam, Berlin");
    assert_eq!(read(zone.clone(), &sent), Ok(Some(sent)));
}

#[test]
fn a_birthdate_may_lack_its_year_or_its_day() {
    // OpenID Connect Core §5.1
    for (text, accepted) in [
        ("1984-02-29", true),
        ("0000-02-29", true),
        ("1984", true),
        ("1985-02-29", false),
        ("1984-2-9", false),
        ("29.2.1984", false),
        ("84", false),
    ] {
        let attribute = Attribute::string("birthdate", "").form(TextForm::Birthdate);
        assert_eq!(read(attribute, &json!(text)).is_ok(), accepted, "{text}");
    }
}

#[test]
fn a_choice_is_one_of_the_configured_values_in_their_spelling() {
    // RFC 7643 §7, canonicalValues
    let attribute = |case_exact| {
        let mut attribute = Attribute::string("level", "").suggests(&["Gold", "Silver"]);
        attribute.only_canonical = true;
        attribute.case_exact = case_exact;
        attribute
    };
    assert_eq!(read(attribute(false), &json!("gOLD")), Ok(Some(json!("Gold"))));
    assert_eq!(
        read(attribute(true), &json!("gOLD")),
        Err(Some(ScimType::InvalidValue))
    );
    assert_eq!(
        read(attribute(false), &json!("Lead")),
        Err(Some(ScimType::InvalidValue))
    );
    let suggested = Attribute::string("type", "").suggests(&["work"]);
    assert_eq!(read(suggested, &json!("desk")), Ok(Some(json!("desk"))));
}

#[test]
fn times_are_compared_as_points_in_time() {
    // RFC 7643 §2.3.5; the seconds are those of `date -d … +%s`.
    for (text, seconds) in [
        ("1970-01-01T00:00:00Z", 0),
        ("2008-01-23T04:56:22Z", 1_201_064_182),
        ("2008-01-23T05:56:22+01:00", 1_201_064_182),
        ("2008-01-22T23:26:22-05:30", 1_201_064_182),
        ("2008-01-23T04:56:22", 1_201_064_182),
        ("2000-02-29T12:00:00.5Z", 951_825_600),
        ("1969-12-31T23:59:59.25Z", -1),
        ("2016-12-31T23:59:60Z", 1_483_228_800),
        ("0001-01-01T00:00:00Z", -62_135_596_800),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
    ] {
        assert_eq!(
            Instant::parse(text).map(Instant::seconds),
            Some(seconds),
            "{text}"
        );
    }
    for text in [
        "",
        "2008-01-23",
        "2008-01-23 04:56:22Z",
        "2008-13-01T00:00:00Z",
        "2008-01-00T00:00:00Z",
        "2008-01-23T24:00:00Z",
        "2008-01-23T04:60:00Z",
        "2008-01-23T04:56Z",
        "2008-01-23T04:56:22.Z",
        "2008-01-23T04:56:22.1234567890Z",
        "2008-01-23T04:56:22+1:00",
        "2008-01-23T04:56:22+15:00",
        "2008-01-23T04:56:22ZZ",
        "+008-01-23T04:56:22Z",
    ] {
        assert_eq!(Instant::parse(text), None, "{text}");
    }
    let order = |early, late| Instant::parse(early).unwrap() < Instant::parse(late).unwrap();
    assert!(order("2008-01-23T04:56:22.1Z", "2008-01-23T04:56:22.11Z"));
}
