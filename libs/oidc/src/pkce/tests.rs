//! Tests of PKCE.

use proptest::prelude::*;

use super::*;

#[test]
fn the_example_of_the_standard() {
    // SB-22; RFC 7636, Appendix B
    let challenge = CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
    let right = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
    assert!(challenge.accepts(&right));
    let plain = CodeVerifier::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
    assert!(!challenge.accepts(&plain), "plain does not exist");
    assert!(!format!("{right:?}").contains("dBjft"));
}

proptest! {
    #[test]
    fn only_well_formed_keys_are_taken(text in "\\PC{0,600}") {
        if CodeVerifier::parse(&text).is_some() {
            prop_assert!((43..=128).contains(&text.len()));
        }
        if let Some(challenge) = CodeChallenge::parse(&text) {
            prop_assert_eq!(challenge.as_str().len(), 43);
        }
    }

    #[test]
    fn only_the_verifier_that_it_was_made_of_fits(one in "[A-Za-z0-9._~-]{43,128}", two in "[A-Za-z0-9._~-]{43,128}") {
        let made = URL_SAFE_NO_PAD.encode(digest(&SHA256, one.as_bytes()));
        let challenge = CodeChallenge::parse(&made).unwrap();
        prop_assert!(challenge.accepts(&CodeVerifier::parse(&one).unwrap()));
        prop_assert_eq!(challenge.accepts(&CodeVerifier::parse(&two).unwrap()), one == two);
    }
}
