//! Tests of lines, CSV and NDJSON: damaged rows, long ones, other encodings and line ends.

use serde_json::json;

use super::*;

fn ndjson(content: &[u8]) -> Vec<Row> {
    rows_of(content, FileFormat::Ndjson, &ReaderOptions::default())
}

fn csv(content: &[u8]) -> Vec<Row> {
    rows_of(content, FileFormat::Csv, &ReaderOptions::default())
}

#[test]
fn a_line_of_ndjson_is_a_user_with_a_hash_beside_the_attributes() {
    let rows = ndjson(
        b"\xef\xbb\xbf{\"userName\":\"ann\",\"id\":\"1\",\"meta\":{},\"groups\":[],\"password_hash\":\"$2b$10$x\"}\r\n\
          \n{\"userName\":\"bob\",\"password_hash\":{\"type\":\"password\"}}",
    );
    assert_eq!(
        user_of(&rows[0]),
        (json!({"userName": "ann"}), "$2b$10$x".to_owned())
    );
    let bob = (json!({"userName": "bob"}), r#"{"type":"password"}"#.to_owned());
    assert_eq!(user_of(&rows[1]), bob);
    assert_eq!((rows[1].number, rows[1].line), (2, Some(3)));
}

#[test]
fn a_damaged_line_is_refused_and_the_next_one_is_read() {
    let mut content =
        b"{\"userName\":\n[1]\n{\"userName\":\"a\",\"userName\":\"b\"}\n\"\xff\"\n{}\n".to_vec();
    content.extend(b"{\"userName\":\"mallory\",\"password\":\"secret words\"}\n");
    content.extend(b"{\"userName\":\"mallory\",\"password_hash\":7}\n");
    content.extend(vec![b'x'; MAX_RECORD_BYTES + 1]);
    content.extend(b"\n{\"userName\":\"ann\"}\n");
    let rows = ndjson(&content);
    let reasons: Vec<(&str, &str)> = rows[..8].iter().map(refusal_of).collect();
    assert!(
        reasons[0].1.starts_with("is not a JSON object: EOF"),
        "{reasons:?}"
    );
    assert_eq!(reasons[1].1, "expected a JSON object");
    assert!(reasons[2].1.contains("userName"), "{reasons:?}");
    assert_eq!(reasons[3].1, "the line is not UTF-8");
    assert_eq!(reasons[4], ("userName", "is required"));
    assert_eq!(reasons[5], ("password", "is not imported: password_hash is"));
    assert_eq!(reasons[6], ("password_hash", "expected text"));
    assert_eq!(reasons[7].1, "has more than 1048576 bytes");
    assert_eq!(user_of(&rows[8]).0, json!({"userName": "ann"}));
    assert_eq!(rows[8].line, Some(9));
    // SB-34: a password does not get into a report.
    assert!(!format!("{reasons:?}").contains("secret words"));
}

#[test]
fn csv_has_quotes_line_breaks_and_both_line_ends() {
    let rows = csv(
        b"\xef\xbb\xbfuserName,\"e-mail\",Title\r\nann,ann@example.org,\"Head, \"\"of\"\"\nsales\"\r\n\r\nbob,,\ncas,c@example.org,last",
    );
    assert_eq!(rows.len(), 3);
    assert_eq!(
        user_of(&rows[0]).0,
        json!({"userName": "ann", "emails": [{"primary": true, "value": "ann@example.org"}],
            "title": "Head, \"of\"\nsales"})
    );
    assert_eq!(user_of(&rows[1]).0, json!({"userName": "bob"}));
    assert_eq!((rows[1].number, rows[1].line), (2, Some(5)));
    assert_eq!(user_of(&rows[2]).0["title"], "last");
}

#[test]
fn a_damaged_row_of_csv_is_refused_and_the_next_one_is_read() {
    let mut content =
        b"userName,active\nann\nbob,true,more\n\"cas\"x,true\n\xff,true\ndan,maybe\neve,".to_vec();
    content.extend(vec![b'x'; MAX_RECORD_BYTES]);
    content.extend(b"\n,true\nfay,yes\n\"open,true\n");
    let rows = csv(&content);
    let reasons: Vec<(&str, &str)> = [0, 1, 2, 3, 4, 5, 6, 8]
        .iter()
        .map(|index| refusal_of(&rows[*index]))
        .collect();
    assert_eq!(reasons[0].1, "has 1 fields, and the header 2");
    assert_eq!(reasons[1].1, "has 3 fields, and the header 2");
    assert_eq!(reasons[2].1, "has text behind a quoted field");
    assert_eq!(reasons[3].1, "the row is not UTF-8");
    assert_eq!(reasons[4], ("active", "expected true or false"));
    assert_eq!(rows[4].item.as_ref().expect_err("refused").user_name, "dan");
    assert_eq!(reasons[5].1, "has more than 1048576 bytes");
    assert_eq!(reasons[6], ("userName", "is required"));
    assert_eq!(user_of(&rows[7]).0, json!({"userName": "fay", "active": true}));
    assert_eq!(reasons[7].1, "a quote is not closed");
}

#[test]
fn a_long_row_is_not_held() {
    // Without the limit these would be held whole: commas make fields, and each field has an allocation.
    let commas = [b"userName\n".to_vec(), vec![b','; 8 * MAX_RECORD_BYTES]].concat();
    assert!(refusal_of(&csv(&commas)[0]).1.starts_with("has more than"));
    let list = [
        b"[{\"a\":\"".to_vec(),
        vec![b'x'; 3 * MAX_RECORD_BYTES],
        b"\"},{\"username\":\"ann\"}]".to_vec(),
    ];
    let rows = rows_of(&list.concat(), FileFormat::Keycloak, &ReaderOptions::default());
    assert!(refusal_of(&rows[0]).1.starts_with("has more than"));
    assert_eq!(user_of(&rows[1]).0, json!({"userName": "ann"}));
    let folded = [
        b"dn: a\nuid: a\n".to_vec(),
        b" xxxxxxx\n".repeat(200_000),
        b"\nuid: ann\n".to_vec(),
    ];
    let rows = rows_of(&folded.concat(), FileFormat::Ldif, &ReaderOptions::default());
    assert!(refusal_of(&rows[0]).1.starts_with("has more than"));
    assert_eq!(user_of(&rows[1]).0, json!({"userName": "ann"}));
}

#[test]
fn the_name_of_a_file_says_its_format() {
    for (name, format) in [
        ("a.ndjson", Some(FileFormat::Ndjson)),
        ("a.JSONL", Some(FileFormat::Ndjson)),
        ("a.csv", Some(FileFormat::Csv)),
        ("a.ldif", Some(FileFormat::Ldif)),
        ("a.json", None),
        ("csv", None),
    ] {
        assert_eq!(FileFormat::of(Path::new(name)), format, "{name}");
    }
}

const FORMATS: [FileFormat; 9] = [
    FileFormat::Ndjson,
    FileFormat::Csv,
    FileFormat::Ldif,
    FileFormat::Keycloak,
    FileFormat::Auth0,
    FileFormat::Firebase,
    FileFormat::Cognito,
    FileFormat::Kratos,
    FileFormat::Okta,
];

proptest::proptest! {
    // SB-42
    #[test]
    fn any_bytes_are_read_or_refused(start in 0..6_usize, bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let starts: [&[u8]; 6] = [b"", b"userName,login,cognito:username\n", b"{\"users\":[", b"[{", b"dn: a\nuid: ", b"{\"a\":["];
        let folder = tempfile::tempdir().expect("a folder");
        let path = file(&folder, "users", &[starts[start], &bytes].concat());
        for format in FORMATS {
            let Ok(mut rows) = source(&path, format, &ReaderOptions::default()).open() else {
                continue;
            };
            let mut count = 0;
            while let Ok(Some(row)) = rows.next_row() {
                count += 1;
                proptest::prop_assert_eq!(row.number, count);
            }
            proptest::prop_assert!(count <= 500);
        }
    }
}
