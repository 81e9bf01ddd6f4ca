//! Tests of logout requests.

use proptest::prelude::*;

use super::*;

#[test]
fn nothing_may_be_there_twice() {
    let request = LogoutRequest::parse("client_id=web&state=x&unknown=1").unwrap();
    assert_eq!(
        (request.client_id.as_deref(), request.state.as_deref()),
        (Some("web"), Some("x"))
    );
    assert!(LogoutRequest::parse("post_logout_redirect_uri=a&post_logout_redirect_uri=b").is_err());
}

proptest! {
    #[test]
    fn anything_may_come(text in "\\PC{0,600}") {
        let _ = LogoutRequest::parse(&text);
    }
}
