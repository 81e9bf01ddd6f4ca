//! Tests of secrets: when one is set, what a further one ends, and the files that have them.

use std::os::unix::fs::PermissionsExt;

use secrecy::{ExposeSecret, SecretString};

use super::*;
use crate::apply::file::SecretSource;
use crate::apply::secrets::{self, KnownSecrets, Reference};
use crate::apply::show;
use crate::apply::step::SecretAct;
use crate::error::ErrorCode;
use crate::logs::Style;

/// The secrets of the client `shop`, which has one.
fn having(reference: Reference) -> BTreeMap<String, KnownSecrets> {
    let known = KnownSecrets {
        reference,
        ended: None,
    };
    BTreeMap::from([("shop".to_owned(), known)])
}

#[test]
fn a_secret_is_changed_only_when_it_is_asked_for() {
    let there = with_clients(&[("shop", client(shop("Shop"), Some(("default", shop("Shop")))))]);
    let declared = parsed(FILE).expect("a file");
    for (reference, update, makes, changes) in [
        (Reference::Unread, false, false, false),
        (Reference::Missing, false, true, false),
        (Reference::Missing, true, true, true),
        (Reference::Same, true, false, false),
        (Reference::Other, false, false, false),
        (Reference::Other, true, false, true),
    ] {
        let options = PlanOptions {
            update_secrets: update,
            make_secret_files: makes,
            ..NONE
        };
        let plan = plan(&declared, &there, options, &having(reference)).expect("a plan");
        assert_eq!(!plan.steps.is_empty(), changes, "{reference:?}");
        assert_eq!(
            plan.other_secrets.is_empty(),
            reference != Reference::Other || update
        );
        assert_eq!(!plan.unread_secrets.is_empty(), makes && !update, "{reference:?}");
    }
    // A secret that is to be changed has to be readable; a comparison needs none.
    for reference in [Reference::Unread, Reference::Missing] {
        let known = having(reference);
        let mut options = PlanOptions {
            update_secrets: true,
            ..NONE
        };
        let refused = plan(&declared, &there, options, &known).expect_err("refused");
        assert_eq!(refused.code(), ErrorCode::Usage);
        assert!(
            refused
                .to_string()
                .contains("clients.shop.client_secret_file: it cannot be read"),
            "{refused}"
        );
        options.dry_run = true;
        let compared = plan(&declared, &there, options, &known).expect("a plan");
        assert_eq!(compared.unread_secrets, ["clients.shop.client_secret_file"]);
        let text = show::plan_text(&compared, Style::PLAIN);
        assert!(
            text.contains("cannot be read: the client keeps the secret"),
            "{text}"
        );
    }
    let without = FILE.replace("client_secret_file = \"secret\"\n", "");
    let refused = planned(&without, &Current::default(), NONE).expect_err("refused");
    assert!(
        refused.contains("clients.shop: the client needs a secret"),
        "{refused}"
    );
    let options = PlanOptions {
        show_secrets: true,
        ..NONE
    };
    let shown = planned(&without, &Current::default(), options).expect("a plan");
    assert_eq!(shown.steps[0].secret, SecretAct::Mint);
    let mut public = shop("Shop");
    public["token_endpoint_auth_method"] = json!("none");
    let was_public = with_clients(&[("shop", client(public.clone(), Some(("default", public))))]);
    let plan = planned(FILE, &was_public, NONE).expect("a plan");
    assert!(matches!(plan.steps[0].secret, SecretAct::Set(_)), "it had none");
}

/// A client has two secrets at most, so a third one ends the oldest, which an application may still use.
#[test]
fn the_plan_says_which_secret_a_further_one_ends() {
    let secret = SecretString::from("0123456789abcdef0123456789abcdef".to_owned());
    let listed = |secrets: Value| json!({ "secrets": secrets });
    let newest = json!({ "id": "0000", "created_at": "2026-11-20T10:00:00Z" });
    let oldest = json!({ "id": "1111", "created_at": "2026-10-01T10:00:00Z" });
    let there = with_clients(&[("shop", client(shop("Shop"), Some(("default", shop("Shop")))))]);
    let declared = parsed(FILE).expect("a file");
    let update = PlanOptions {
        update_secrets: true,
        make_secret_files: true,
        ..NONE
    };
    for (secret, is_missing) in [(Some(&secret), false), (None, true)] {
        for (list, ended) in [
            (
                listed(json!([newest, oldest])),
                Some("refuses its secret of 2026-10-01T10:00:00Z from now on"),
            ),
            (listed(json!([newest])), None),
        ] {
            let known = secrets::compare_one(secret, is_missing, &list);
            let known = BTreeMap::from([("shop".to_owned(), known)]);
            let plan = plan(&declared, &there, update, &known).expect("a plan");
            let effects = plan.steps[0].effects.first().map(String::as_str);
            assert_eq!(effects, ended, "{list}");
        }
    }
    // Nothing ends when nothing is set.
    let known = secrets::compare_one(Some(&secret), false, &listed(json!([newest, oldest])));
    let known = BTreeMap::from([("shop".to_owned(), known)]);
    assert!(
        plan(&declared, &there, NONE, &known)
            .expect("a plan")
            .steps
            .is_empty()
    );
}

/// The id of a secret is that of the service: `services/auth/src/clients/secrets.rs`.
#[test]
fn a_reference_is_recognised_by_the_id_of_its_secret() {
    let secret = SecretString::from("0123456789abcdef0123456789abcdef".to_owned());
    let list = json!({ "secrets": [{ "id": secrets::id_of(secret.expose_secret()) }] });
    for (secret, is_missing, list, reference) in [
        (Some(&secret), false, &list, Reference::Same),
        (Some(&secret), false, &Value::Null, Reference::Other),
        (None, true, &list, Reference::Missing),
        (None, false, &Value::Null, Reference::Unread),
    ] {
        assert_eq!(
            secrets::compare_one(secret, is_missing, list).reference,
            reference
        );
    }
}

#[test]
fn a_file_is_made_once_and_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.secret");
    let source = SecretSource::File(path.clone());
    let made = secrets::read_or_make("shop", &source).expect("made");
    let again = secrets::read_or_make("shop", &source).expect("read");
    assert_eq!(made.expose_secret(), again.expose_secret());
    assert!(made.expose_secret().len() >= 43);
    let mode = std::fs::metadata(&path)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let names = || {
        let entries = std::fs::read_dir(folder.path()).expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").file_name())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(), ["shop.secret"], "nothing else is left");
    // A file that another run makes meanwhile is not overwritten.
    let runs: Vec<String> = std::thread::scope(|scope| {
        let source = SecretSource::File(folder.path().join("raced"));
        let runs: Vec<_> = (0..8)
            .map(|_| {
                let source = source.clone();
                scope.spawn(move || {
                    let secret = secrets::read_or_make("shop", &source).expect("made or read");
                    secret.expose_secret().to_owned()
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().expect("it ran")).collect()
    });
    assert!(runs.iter().all(|secret| *secret == runs[0]), "{runs:?}");
    assert_eq!(names().len(), 2);
}

#[test]
fn a_file_that_is_no_secret_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    for (content, words) in [
        (String::new(), "the file is empty"),
        ("short".to_owned(), "expected a secret of 32 to 256"),
        ("x".repeat(5000), "expected a secret of 32 to 256"),
        (
            "ein Geheimnis mit einem ü, lang genug".to_owned(),
            "expected a secret of 32 to 256",
        ),
    ] {
        let path = folder.path().join("secret");
        std::fs::write(&path, &content).expect("written");
        let refused = secrets::check("shop", &SecretSource::File(path), true).expect_err("refused");
        assert_eq!(refused.code(), ErrorCode::Usage);
        assert!(refused.to_string().contains(words), "{content}: {refused}");
    }
    // The option that makes files is named where it helps.
    let missing = SecretSource::File(folder.path().join("missing"));
    let variable = SecretSource::Variable("VESTIBULE_TEST_NO_SUCH".to_owned());
    let empty = SecretSource::File(folder.path().join("empty"));
    std::fs::write(folder.path().join("empty"), "").expect("written");
    for (source, helps) in [(missing, true), (variable, false), (empty, false)] {
        let refused = secrets::check("shop", &source, false).expect_err("refused");
        let is_named = refused.to_string().contains("--make-secret-files makes it");
        assert_eq!(is_named, helps, "{refused}");
    }
    let nowhere = SecretSource::File(folder.path().join("no/such"));
    let refused = secrets::check("shop", &nowhere, true).expect_err("refused");
    assert!(
        refused
            .to_string()
            .contains("the folder of the file does not exist"),
        "{refused}"
    );
}
