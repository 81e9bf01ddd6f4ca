//! Tests of scopes.

use proptest::prelude::*;

use super::*;

#[test]
fn a_scope_is_a_set_in_its_order() {
    let scope: Scope = "openid email openid".parse().unwrap();
    assert_eq!(scope.to_string(), "openid email");
    assert!(scope.covers(&"email".parse().unwrap()) && !scope.covers(&"admin".parse().unwrap()));
    assert_eq!(
        scope.intersection(&"email x".parse().unwrap()).to_string(),
        "email"
    );
    for bad in ["a\"b", "a\\b", "ä", "a\nb", "a\tb", "\0"] {
        assert_eq!(bad.parse::<Scope>(), Err(ScopeError), "{bad:?}");
    }
    for loose in [
        " openid email",
        "openid email ",
        "openid  email",
        "  openid   email  ",
    ] {
        assert_eq!(
            loose.parse::<Scope>().unwrap().to_string(),
            "openid email",
            "{loose:?}"
        );
    }
    for nothing in ["", " ", "   "] {
        assert!(nothing.parse::<Scope>().unwrap().is_empty(), "{nothing:?}");
    }
    assert!("x ".repeat(2000).trim_end().parse::<Scope>().is_err());
}

proptest! {
    #[test]
    fn anything_may_come_and_what_is_taken_reads_back(text in "\\PC{0,600}") {
        if let Ok(scope) = text.parse::<Scope>() {
            prop_assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope));
        }
    }
}
