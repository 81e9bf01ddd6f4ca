//! Fuzz targets of SCIM filters, SCIM users and CloudEvents.

use contract::{Envelope, UserUpdated};
use scim::cursor::{Cursor, CursorKey, QueryDigest};
use scim::filter::{Filter, MAX_BYTES};
use scim::path::Path;
use scim::schema::Registry;

use crate::{FuzzTarget, json_texts, repeat_pieces};

pub(crate) const SCIM_FILTER: FuzzTarget = FuzzTarget {
    name: "scim_filter",
    run: scim_filter,
    worst: |length| {
        [
            "(".repeat(length),
            "not (".repeat(length / 5),
            repeat_pieces(length, |_| "a eq 1 or ".to_owned()),
            format!("userName eq \"{}", "\\\\".repeat(length / 2)),
            format!("{} eq 1", "a:".repeat(length / 2)),
        ]
        .map(String::into_bytes)
        .to_vec()
    },
};

fn scim_filter(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let registry = Registry::standard();
    let types = registry.resource_types();
    if let Ok(filter) = Filter::parse(text, &types) {
        assert!(text.len() <= MAX_BYTES);
        let printed = filter.to_string();
        // A URN that the client left out makes it longer.
        if printed.len() <= MAX_BYTES {
            assert_eq!(Filter::parse(&printed, &types), Ok(filter.clone()), "read back");
        }
        let _ = filter.matches(&serde_json::json!({ "userName": text, "emails": [{ "value": text }] }));
    }
    let _ = scim::list::Paging::parse(Some(text), Some(text), None);
    let _ = Cursor::decode(
        text,
        &CursorKey::derive(b"secret"),
        &QueryDigest::of([text]),
        0,
        600,
    );
    let _ =
        scim::projection::Projection::parse(Some(&scim::query::QueryParameters::names(text)), None, &types);
    let _ = scim::sort::Sort::parse(Some(text), None, &types);
}

pub(crate) const SCIM_PATH: FuzzTarget = FuzzTarget {
    name: "scim_path",
    run: scim_path,
    worst: |length| {
        [
            format!("emails[{}", "(".repeat(length)),
            format!("emails[type eq \"{}\"]", "a".repeat(length)),
            "a.".repeat(length / 2),
            "urn:".repeat(length / 4),
            " ".repeat(length),
        ]
        .map(String::into_bytes)
        .to_vec()
    },
};

fn scim_path(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    for resource_type in Registry::standard().resource_types() {
        let Ok(path) = Path::parse(text, resource_type) else {
            continue;
        };
        let printed = path.to_string();
        if printed.len() <= MAX_BYTES {
            let again = Path::parse(&printed, resource_type).map(|path| path.to_string());
            assert_eq!(again.as_ref(), Ok(&printed), "read back");
        }
    }
}

pub(crate) const SCIM_USER: FuzzTarget = FuzzTarget {
    name: "scim_user",
    run: scim_user,
    worst: |length| {
        let emails = repeat_pieces(length, |index| format!("{{\"value\":\"{index}@a\"}},"));
        let schemas = repeat_pieces(length, |index| format!("\"urn:{index}\","));
        let mut inputs = json_texts(length);
        inputs.push(format!("{{\"userName\":\"a\",\"emails\":[{emails}{{}}]}}").into_bytes());
        inputs.push(format!("{{\"userName\":\"a\",\"schemas\":[{schemas}\"\"]}}").into_bytes());
        inputs
    },
};

fn scim_user(input: &[u8]) {
    if let Ok(body) = scim::json::parse(input) {
        let registry = Registry::standard();
        let _ = scim::User::from_json(&body, registry.users());
        for resource_type in registry.resource_types() {
            if let Ok(read) = scim::schema::read(&body, resource_type) {
                assert_eq!(resource_type.check(&read), Ok(()), "what is read can be stored");
            }
        }
    }
}

pub(crate) const CLOUD_EVENT: FuzzTarget = FuzzTarget {
    name: "cloud_event",
    run: cloud_event,
    worst: json_texts,
};

fn cloud_event(input: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Envelope>(input) else {
        return;
    };
    let _ = event.open::<UserUpdated>();
    let written = serde_json::to_vec(&event).unwrap_or_default();
    let again = serde_json::from_slice::<Envelope>(&written);
    assert_eq!(
        again.ok().map(|again| (again.id, again.sequence)),
        Some((event.id, event.sequence))
    );
}
