//! Tests of the columns of CSV.

use serde_json::json;

use super::*;

fn mapped(mappings: &[(&str, &str)]) -> ReaderOptions {
    ReaderOptions {
        mappings: mappings
            .iter()
            .map(|(column, path)| ((*column).to_owned(), (*path).to_owned()))
            .collect(),
        ..ReaderOptions::default()
    }
}

#[test]
fn usual_names_of_columns_and_paths_of_attributes_need_no_mapping() {
    let content = b"User Name,first_name,LastName,E-Mail,mobile,Employee Number,name.middleName,emails.home,gender,shoe size,hash\n\
        ann,Ann,Archer,ann@example.org,+1,7,M,home@example.org,female,38,$6$x\n";
    let rows = rows_of(content, FileFormat::Csv, &ReaderOptions::default());
    let (user, hash) = user_of(&rows[0]);
    assert_eq!(hash, "$6$x");
    assert_eq!(
        user,
        json!({
            "userName": "ann",
            "name": {"givenName": "Ann", "familyName": "Archer", "middleName": "M"},
            "emails": [{"primary": true, "value": "ann@example.org"}, {"type": "home", "value": "home@example.org"}],
            "phoneNumbers": [{"type": "mobile", "value": "+1"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "7"},
            "urn:vestibule:params:scim:schemas:extension:profile:1.0:User": {"gender": "female"},
        })
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "a", content);
    let rows = source(&path, FileFormat::Csv, &ReaderOptions::default())
        .open()
        .expect("opened");
    assert_eq!(rows.unused_columns(), ["shoe size"]);
}

#[test]
fn a_mapping_replaces_what_the_name_of_the_column_says() {
    let options = mapped(&[
        ("email", "userName"),
        ("email", "emails.work"),
        ("username", ""),
        ("size", "attributes.shoe size"),
        ("boss", "manager"),
        ("city", "addresses.home.locality"),
        ("code", "urn:example:params:scim:schemas:badge:code"),
    ]);
    let content = b"email,username,size,boss,city,code\nann@example.org,other,38,b1,Bern,x7\n";
    let rows = rows_of(content, FileFormat::Csv, &options);
    assert_eq!(
        user_of(&rows[0]).0,
        json!({
            "userName": "ann@example.org",
            "emails": [{"type": "work", "value": "ann@example.org"}],
            "urn:vestibule:params:scim:schemas:extension:attributes:1.0:User": {"values": {"shoe size": "38"}},
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": "b1"}},
            "addresses": [{"type": "home", "locality": "Bern"}],
            "urn:example:params:scim:schemas:badge": {"code": "x7"},
        })
    );
}

#[test]
fn a_header_that_does_not_fit_is_refused_before_anything_is_imported() {
    let none = ReaderOptions::default();
    for (content, options, reason) in [
        (&b""[..], &none, "is empty"),
        (b"\"a", &none, "the header a quote is not closed"),
        (b"email\n", &none, "--map COLUMN=userName"),
        (b"userName,userName\n", &none, "the column \"userName\" twice"),
        (b"userName\n", &mapped(&[("x", "title")]), "no column \"x\""),
        (
            b"userName\n",
            &mapped(&[("userName", "nobody")]),
            "no attribute \"nobody\"",
        ),
        (
            b"userName\n",
            &mapped(&[("userName", "name")]),
            "no attribute \"name\"",
        ),
        (
            b"userName\n",
            &mapped(&[("userName", "emails.work.x")]),
            "no attribute",
        ),
    ] {
        let error = error_of(content, FileFormat::Csv, options);
        assert!(error.contains(reason), "{error}");
    }
    let error = error_of(b"", FileFormat::Ndjson, &mapped(&[("a", "title")]));
    assert!(error.contains("--map is for files with columns"), "{error}");
}
