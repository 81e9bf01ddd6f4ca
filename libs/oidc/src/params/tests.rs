//! Tests of the strict decoding of parameters.

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_twice_or_badly_encoded_is_refused() {
    // SB-42
    assert_eq!(
        Params::parse("a=1&b=2&a=3", &[]),
        Err(ParamsError::Duplicate("a".to_owned()))
    );
    assert_eq!(
        Params::parse("a=1&%61=", &[]),
        Err(ParamsError::Duplicate("a".to_owned()))
    );
    assert!(Params::parse("a=1&a=3", &["a"]).is_ok());
    for bad in ["a=%", "a=%4", "a=%zz", "a=%ff", "%c3=1", "a=%+1"] {
        assert_eq!(Params::parse(bad, &[]), Err(ParamsError::Encoding), "{bad}");
    }
    assert_eq!(
        Params::parse(&"a&".repeat(100), &["a"]),
        Err(ParamsError::TooMany)
    );
}

#[test]
fn what_is_empty_counts_as_absent() {
    let params = Params::parse("a=&b&&c=x+y%2B", &[]).unwrap();
    assert_eq!(
        (params.get("a"), params.get("b"), params.get("c")),
        (None, None, Some("x y+"))
    );
}

proptest! {
    #[test]
    fn anything_may_come(text in "\\PC{0,600}") {
        let _ = Params::parse(&text, &[]);
        let _ = decode(&text);
    }

    #[test]
    fn what_is_encoded_reads_back(pairs in proptest::collection::btree_map("\\PC{1,20}", "\\PC{1,40}", 0..8)) {
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let params = Params::parse(&text, &[]).unwrap();
        for (name, value) in &pairs {
            prop_assert_eq!(params.only(name), Some(value.as_str()));
        }
        prop_assert_eq!(Params::parse(&params.encoded(&[]), &[]).unwrap(), params);
    }
}
