//! Tests of request paths.

use proptest::prelude::*;

use super::*;

/// The decoded path; `ambiguous`; or the error.
fn read(target: &str) -> String {
    match RequestPath::parse(target) {
        Ok(path) => path.decoded().unwrap_or("ambiguous").to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

// SB-20
#[test]
fn a_path_is_decoded_once_or_is_ambiguous() {
    for (target, expected) in [
        ("/", "/"),
        ("/?a=/../b", "/"),
        ("/a/b", "/a/b"),
        ("/a/b/", "/a/b/"),
        ("/%61dmin", "/admin"),
        ("/%41dmin", "/Admin"),
        ("/a%20b", "/a b"),
        ("/%C3%A9", "/é"),
        ("/é", "/é"),
        ("/a:b@c,d=e+f", "/a:b@c,d=e+f"),
        ("/.well-known/x", "/.well-known/x"),
        ("/a.b/c", "/a.b/c"),
        ("/..", "ambiguous"),
        ("/a/../b", "ambiguous"),
        ("/a/./b", "ambiguous"),
        ("/a/%2e%2E/b", "ambiguous"),
        ("/a/.%2e/b", "ambiguous"),
        ("/a/...", "ambiguous"),
        ("/admin.", "ambiguous"),
        ("/admin%20", "ambiguous"),
        ("/admin%20/x", "ambiguous"),
        ("//a", "ambiguous"),
        ("/a//b", "ambiguous"),
        ("/a%2fb", "ambiguous"),
        ("/a%2Fb", "ambiguous"),
        ("/a%5cb", "ambiguous"),
        ("/a\\b", "ambiguous"),
        ("/a;b", "ambiguous"),
        ("/a%3bb", "ambiguous"),
        ("/a/..;/b", "ambiguous"),
        ("/a%252fb", "ambiguous"),
        ("/a%25", "ambiguous"),
        ("/a%3fb", "ambiguous"),
        ("/a%23b", "ambiguous"),
        ("/a%00", "ambiguous"),
        ("/a%0d%0ab", "ambiguous"),
        ("/%c0%af", "ambiguous"),
        ("/%e0%80%af", "ambiguous"),
        ("/%ff", "ambiguous"),
        ("", "NoSlash"),
        ("a/b", "NoSlash"),
        ("*", "NoSlash"),
        ("https://wiki.example.org/a", "NoSlash"),
        ("/a b", "Character"),
        ("/a\u{0}", "Character"),
        ("/a\r\nb", "Character"),
        ("/a#b", "Character"),
        ("/a%", "Encoding"),
        ("/a%2", "Encoding"),
        ("/a%zz", "Encoding"),
        ("/a%u002f", "Encoding"),
        ("/%+1", "Encoding"),
    ] {
        assert_eq!(read(target), expected, "{target:?}");
    }
    assert_eq!(read(&format!("/{}", "a".repeat(MAX_PATH))), "TooLong");
}

proptest! {
    #[test]
    fn a_decoded_path_has_nothing_that_could_be_read_otherwise(target in "[/a.%2eEfF5cC;\\\\? #]{0,40}") {
        if let Ok(path) = RequestPath::parse(&target)
            && let Some(decoded) = path.decoded()
        {
            prop_assert!(decoded.starts_with('/'));
            for bad in ["//", "/./", "/../", "\\", ";", "%", "\0"] {
                prop_assert!(!decoded.contains(bad), "{decoded}");
            }
            prop_assert!(!decoded.ends_with("/..") && !decoded.ends_with("/."));
        }
    }
}
