//! Tests of revocation requests.

use super::*;

#[test]
fn the_kind_of_a_token_is_its_own_and_not_the_hint() {
    // RFC 7009 §2.1
    for (form, is_access_token) in [
        ("token=abc", false),
        ("token=abc&token_type_hint=access_token", false),
        ("token=a.b.c", true),
        ("token=a.b.c&token_type_hint=refresh_token", true),
        ("token=a.b.c&token_type_hint=dance", true),
    ] {
        let request = RevocationRequest::parse(&Params::parse(form, &[]).unwrap()).unwrap();
        assert_eq!(
            matches!(request, RevocationRequest::AccessToken(_)),
            is_access_token,
            "{form}"
        );
        assert!(!format!("{request:?}").contains("abc") && !format!("{request:?}").contains("a.b.c"));
    }
    for form in ["", "token=", "token_type_hint=access_token"] {
        let refused = RevocationRequest::parse(&Params::parse(form, &[]).unwrap()).unwrap_err();
        assert_eq!(refused.error, ErrorCode::InvalidRequest, "{form}");
    }
}
