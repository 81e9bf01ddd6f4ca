//! Tests of the plan: what the file does not name any more is removed or released on demand, and nothing else.

use super::*;
use crate::apply::show;
use crate::apply::step::Kind;
use crate::error::ErrorCode;
use crate::logs::Style;

#[test]
fn only_what_this_file_manages_is_removed() {
    let mut registered = client(shop("Registered"), None);
    registered.origin = "registration".to_owned();
    let there = with_clients(&[
        ("by-hand", client(shop("By hand"), None)),
        ("other", client(shop("Other"), Some(("other", shop("Other"))))),
        ("own", client(shop("Own"), Some(("default", shop("Own"))))),
        ("registered", registered),
    ]);
    let kept = planned("", &there, NONE).expect("a plan");
    assert_eq!(
        (acts(&kept), &kept.left),
        (
            Vec::new(),
            &vec![(Kind::Client, "own".to_owned(), Action::Remove)]
        )
    );
    assert!(
        show::plan_text(&kept, Style::PLAIN)
            .contains("client own stays, though the file does not name it: --prune removes it")
    );
    let pruned = planned("", &there, PRUNE_ALL).expect("a plan");
    assert_eq!(
        (acts(&pruned), pruned.steps[0].version),
        (vec!["remove own".to_owned()], Some(3))
    );
}

#[test]
fn what_was_adopted_or_is_configured_by_now_is_released_and_not_removed() {
    let own = |origin: &str, made: bool| {
        let mut own = client(shop("Own"), Some(("default", shop("Own"))));
        own.origin = origin.to_owned();
        own.mark.as_mut().expect("a mark").made = made;
        own
    };
    let there = with_clients(&[
        ("adopted", own("administrator", false)),
        ("configured", own("configuration", true)),
        ("made", own("administrator", true)),
    ]);
    let left = show::plan_text(&planned("", &there, NONE).expect("a plan"), Style::PLAIN);
    assert!(
        left.contains("client adopted stays, though the file does not name it: --prune releases it"),
        "{left}"
    );
    let pruned = planned("", &there, PRUNE_ALL).expect("a plan");
    assert_eq!(
        acts(&pruned),
        ["release adopted", "release configured", "remove made"]
    );
}

#[test]
fn a_file_that_names_nothing_does_not_remove_everything() {
    let there = with_clients(&[("own", client(shop("Own"), Some(("default", shop("Own")))))]);
    for text in ["", "# cut off", "name = \"default\"", "[clients]"] {
        let refused = planned(text, &there, PRUNE).expect_err("refused");
        assert!(
            refused.contains("names no client") && refused.contains("--prune-all"),
            "{refused}"
        );
        assert_eq!(
            acts(&planned(text, &there, PRUNE_ALL).expect("a plan")),
            ["remove own"]
        );
    }
    assert_eq!(
        acts(&planned("", &Current::default(), PRUNE).expect("a plan")),
        [""; 0]
    );
    assert_eq!(
        acts(&planned(FILE, &there, PRUNE).expect("a plan")),
        ["create shop", "remove own"]
    );
}

#[test]
fn the_plan_shows_what_is_lost_with_an_object() {
    let mut there = with_clients(&[("own", client(shop("Own"), Some(("default", shop("Own")))))]);
    let rules =
        json!({ "name": "Wiki", "groups": ["staff"], "everybody": false, "public": [], "restricted": [] });
    let host = Object {
        origin: "https://wiki.example.org".to_owned(),
        ..client(rules.clone(), Some(("default", rules)))
    };
    there.hosts.insert("wiki.example.org".to_owned(), host);
    let plan = planned("", &there, PRUNE_ALL).expect("a plan");
    assert_eq!(
        show::plan_text(&plan, Style::PLAIN),
        "remove client own\n  client_name    \"Own\"\n  redirect_uris  [\"https://shop.example.org/callback\"]\n  \
         revokes its tokens, and deletes its secrets\n  deletes what people allowed it and the roles that they were given there\n\
         remove protected host wiki.example.org\n  groups  [\"staff\"]\n  name    \"Wiki\"\n  ends the sessions there\n\
         0 to create, 0 to change, 0 to adopt, 2 to remove, 0 to release"
    );
}

#[test]
fn the_client_that_applies_the_file_is_not_removed_by_it() {
    let there = with_clients(&[("own", client(shop("Own"), Some(("default", shop("Own")))))]);
    let signed_in_as = |id| PlanOptions {
        own_client: Some(id),
        ..PRUNE_ALL
    };
    let declared = parsed("").expect("a file");
    let refused = plan(&declared, &there, signed_in_as("own"), &BTreeMap::new()).expect_err("refused");
    assert_eq!(refused.code(), ErrorCode::Conflict);
    assert!(
        refused
            .to_string()
            .contains("clients.own: the command signs in as this client"),
        "{refused}"
    );
    assert_eq!(
        acts(&planned("", &there, signed_in_as("other")).expect("a plan")),
        ["remove own"]
    );
}
