//! User names and addresses.

use proptest::prelude::*;

use crate::*;

fn key(name: &str) -> Result<String, InvalidUserName> {
    name.parse::<UserName>().map(|name| name.key().to_owned())
}

#[test]
fn the_same_name_in_other_letters_is_the_same_name() {
    // RFC 8265 §3.3: case, width and composition do not tell names apart.
    for (one, other) in [
        ("Ann", "ann"),
        ("ＡＮＮ", "ann"),
        ("Zoë", "ZOE\u{308}"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("ann@example.org", "Ann@Example.ORG"),
        ("ｱﾝﾅ", "アンナ"),
    ] {
        assert_eq!(key(one).unwrap(), key(other).unwrap(), "{one} {other}");
    }
    assert_ne!(key("ann"), key("anna"));
    let shown: UserName = "Ann".parse().unwrap();
    assert_eq!(
        (shown.as_str(), shown.key(), shown.to_string().as_str()),
        ("Ann", "ann", "Ann")
    );
}

#[test]
fn what_cannot_be_seen_or_typed_is_no_user_name() {
    for (name, why) in [
        ("", InvalidUserName::Empty),
        ("ann archer", InvalidUserName::Characters),
        (" ann", InvalidUserName::Characters),
        ("ann\u{a0}", InvalidUserName::Characters),
        ("ann\n", InvalidUserName::Characters),
        ("ann\0", InvalidUserName::Characters),
        ("an\u{200b}n", InvalidUserName::Characters), // zero-width space
        ("an\u{200d}n", InvalidUserName::Characters), // zero-width joiner without its context
        ("an\u{202e}n", InvalidUserName::Characters), // right-to-left override
        ("an\u{2066}n", InvalidUserName::Characters), // left-to-right isolate
        ("an\u{feff}n", InvalidUserName::Characters), // byte order mark
        ("an\u{ad}n", InvalidUserName::Characters),   // soft hyphen
        ("ann\u{fe0f}", InvalidUserName::Characters), // variation selector
        ("אann", InvalidUserName::Characters),        // RFC 5893: two directions in one name
        ("annא", InvalidUserName::Characters),
        ("ann★", InvalidUserName::Characters),
        ("ﬁona", InvalidUserName::Characters), // a ligature is not its letters
    ] {
        assert_eq!(name.parse::<UserName>().unwrap_err(), why, "{name:?}");
    }
    assert_eq!(key("אבגד").as_deref(), Ok("אבגד"));
    assert!(key(&"é".repeat(UserName::MAX_CHARACTERS)).is_ok());
    assert_eq!(
        key(&"é".repeat(UserName::MAX_CHARACTERS + 1)),
        Err(InvalidUserName::TooLong)
    );
    assert_eq!(key(&"a".repeat(1 << 20)), Err(InvalidUserName::TooLong));
}

fn check_new(name: &str) -> Result<(), InvalidUserName> {
    name.parse::<UserName>().unwrap().check_new()
}

#[test]
fn a_new_name_is_no_id_no_markup_and_of_one_script() {
    // SB-49
    for name in [
        "018f0000-0000-7000-8000-00000000a001",
        "018F0000-0000-7000-8000-00000000A001",
        "018f00000000700080000000000a0001",
        "{018f0000-0000-7000-8000-00000000a001}",
        "urn:uuid:018f0000-0000-7000-8000-00000000a001",
        "０18f0000-0000-7000-8000-00000000a001",
    ] {
        assert_eq!(check_new(name), Err(InvalidUserName::IdShaped), "{name}");
    }
    for name in ["<b>ann</b>", "a&amp;b", "\"ann\"", "`id`", "a\\nn", "ann>"] {
        assert_eq!(check_new(name), Err(InvalidUserName::Markup), "{name}");
    }
    // Cyrillic о; Greek ο; Armenian ո; Latin after Cyrillic; Cyrillic with Greek.
    for name in ["rооt", "rοοt", "rոot", "аdmin", "аβ"] {
        assert_eq!(check_new(name), Err(InvalidUserName::MixedScripts), "{name}");
    }
    for name in ["ᚠᚢᚦ", "ann·", "ſara"] {
        assert!(
            name.parse::<UserName>()
                .map_or(true, |name| name.check_new().is_err()),
            "{name}"
        );
    }
    for name in [
        "ann",
        // Another directory's: an id of a person is of version 7.
        "2819c223-7f76-453a-919d-413861904646",
        "Ann",
        "a",
        "7",
        "ann.archer",
        "ann+test@example.org",
        "o'brien",
        "zoë",
        "straße",
        "иван",
        "σίσυφος",
        "山田太郎",
        "ヤマダ太郎",
        "taro山田たろう",
        "김철수kim",
        "אבגד",
        "用户@example.org",
        "ann_1-2",
        "#1",
        "018f0000-ann",
        "deadbeef",
    ] {
        assert_eq!(check_new(name), Ok(()), "{name}");
    }
}

#[test]
fn names_that_look_alike_have_one_skeleton() {
    // SB-49
    let skeleton = |name: &str| name.parse::<UserName>().unwrap().skeleton();
    for (one, other) in [
        ("soso", "ѕоѕо"), // Cyrillic
        ("paul", "pau1"),
        ("root", "r00t"),
        ("root", "RO0T"),
        ("corn", "com"),
        ("ann", "Ann"),
    ] {
        assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
    }
    for (one, other) in [("ann", "anna"), ("zoe", "zoë"), ("ann1", "ann2"), ("a-b", "a_b")] {
        assert_ne!(skeleton(one), skeleton(other), "{one} {other}");
    }
}

#[test]
fn an_address_has_a_name_and_a_domain() {
    for good in [
        "ann@example.org",
        "a.b+c@example.org",
        "o'neil@example.org",
        "ann@localhost",
        "用户@例子.广告",
        "a@xn--bcher-kva.example",
    ] {
        assert_eq!(
            good.parse::<EmailAddress>()
                .map(|address| address.to_string())
                .as_deref(),
            Ok(good)
        );
    }
    assert_eq!(
        "Ann@EXAMPLE.org".parse::<EmailAddress>().unwrap().as_str(),
        "Ann@example.org"
    );
    assert_eq!(
        "Ann@EXAMPLE.org".parse::<EmailAddress>().unwrap().key(),
        "ann@example.org"
    );
    // SB-34: nothing that could start another header or another recipient.
    for bad in [
        "",
        "ann",
        "@example.org",
        "ann@",
        "ann@@example.org",
        "a b@example.org",
        "ann@exam ple.org",
        "ann@example.org\r\nBcc: all@example.org",
        "ann\n@example.org",
        "ann,bob@example.org",
        "\"ann\"@example.org",
        "ann@[127.0.0.1]",
        ".ann@example.org",
        "ann.@example.org",
        "a..b@example.org",
        "ann@-example.org",
        "ann@example..org",
        "ann@example.org.",
        "ann\0@example.org",
        "ann<b@example.org",
        "an\u{202e}n@example.org",
    ] {
        assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?}");
    }
    assert!(
        format!("{}@example.org", "a".repeat(65))
            .parse::<EmailAddress>()
            .is_err()
    );
    assert!(
        format!("a@{}org", "example.".repeat(40))
            .parse::<EmailAddress>()
            .is_err()
    );
}

proptest! {
    /// RFC 8264 §7: what is stored as a key is its own key, and what is shown still names the same person.
    #[test]
    fn a_key_is_its_own_key(text in "\\PC{1,24}") {
        if let Ok(name) = text.parse::<UserName>() {
            prop_assert_eq!(key(name.key()), Ok(name.key().to_owned()));
            prop_assert_eq!(key(name.as_str()), Ok(name.key().to_owned()));
        }
    }

    #[test]
    fn an_address_reads_back_what_it_shows(text in "\\PC{1,10}@\\PC{1,10}") {
        if let Ok(address) = text.parse::<EmailAddress>() {
            prop_assert_eq!(address.as_str().parse::<EmailAddress>(), Ok(address.clone()));
        }
    }
}
