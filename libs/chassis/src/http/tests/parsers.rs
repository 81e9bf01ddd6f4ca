//! Property tests of the parsers of requests.

use proptest::prelude::*;
use serde_json::Value;

use super::Person;
use crate::http::*;

proptest! {
    // SB-42
    #[test]
    fn any_query_is_read_or_refused(query in "[a-c=&%+0-9\\PC]{0,1200}") {
        let _ = Pairs::parse(query.as_bytes());
    }

    #[test]
    fn any_bytes_are_read_as_json_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
        let _ = parse_json::<Person>(&bytes);
    }

    #[test]
    fn json_of_any_shape_is_read_or_refused(text in "[\\[\\]{}:,\"a-c0-9\\\\u ]{0,1200}") {
        let _ = parse_json::<Value>(text.as_bytes());
    }

    #[test]
    fn what_is_encoded_is_read_back(pairs in proptest::collection::btree_map("[^\0]{0,8}", "[^\0]{0,8}", 0..64)) {
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let read = Pairs::parse(encoded.as_bytes()).unwrap();
        prop_assert_eq!(read.iter().count(), pairs.len());
        for (name, value) in &pairs {
            prop_assert_eq!(read.get(name), Some(value.as_str()));
        }
    }
}
