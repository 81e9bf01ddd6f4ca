//! Tests of the plan: what is made, changed and adopted, and what is left alone.

use contract::FileName;

use super::*;
use crate::apply::show;
use crate::apply::step::SecretAct;
use crate::error::ErrorCode;
use crate::logs::Style;

#[test]
fn what_is_not_there_is_made_and_what_is_the_same_is_left() {
    let made = planned(FILE, &Current::default(), NONE).expect("a plan");
    assert_eq!(acts(&made), ["create shop"]);
    assert_eq!((made.steps[0].version, &made.steps[0].owner), (None, &None));
    let named: Vec<&str> = made.steps[0]
        .members
        .iter()
        .map(|change| change.member.as_str())
        .collect();
    assert_eq!(
        named,
        ["client_name", "redirect_uris"],
        "only what is not the default"
    );
    assert!(matches!(made.steps[0].secret, SecretAct::Set(_)));
    for mark in [
        None,
        Some(("default", shop("Shop"))),
        Some(("other", shop("Shop"))),
    ] {
        let there = with_clients(&[("shop", client(shop("Shop"), mark))]);
        let same = planned(FILE, &there, NONE).expect("a plan");
        assert_eq!(acts(&same), [""; 0]);
        assert_eq!(show::plan_text(&same, Style::PLAIN), "nothing to change");
    }
}

#[test]
fn a_change_shows_both_values_and_who_made_the_difference() {
    let mut hand = shop("By hand");
    hand["scope"] = json!("openid");
    let mut applied = shop("Shop");
    applied["scope"] = json!("openid");
    let there = with_clients(&[("shop", client(hand, Some(("default", applied))))]);
    let plan = planned(FILE, &there, NONE).expect("a plan");
    assert_eq!(
        (acts(&plan), plan.steps[0].version),
        (vec!["change shop".to_owned()], Some(3))
    );
    let drift: Vec<(&str, bool)> = plan.steps[0]
        .members
        .iter()
        .map(|change| (change.member.as_str(), change.drift))
        .collect();
    assert_eq!(drift, [("client_name", true), ("scope", false)]);
    let text = show::plan_text(&plan, Style::PLAIN);
    for line in [
        "change client shop",
        "  client_name  \"By hand\" → \"Shop\"  (changed since the file was applied)",
        "  scope        \"openid\" → \"openid profile email groups offline_access\"\n",
        "0 to create, 1 to change, 0 to adopt, 0 to remove, 0 to release",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn what_no_file_manages_is_not_changed_without_adopt() {
    let from: [FileName; 2] = ["third", "other"].map(|name| name.parse().expect("a name"));
    let adopt_from = PlanOptions {
        adopt_from: &from,
        ..NONE
    };
    for (mark, words, enough, too_little) in [
        (
            None,
            "clients.shop: no file manages it, and it is not as this file wants it: --adopt takes",
            ADOPT,
            adopt_from,
        ),
        (
            Some(("other", shop("Old"))),
            "clients.shop: the file other manages it, and it is not as this file wants it: --adopt-from other takes",
            adopt_from,
            ADOPT,
        ),
    ] {
        let there = with_clients(&[("shop", client(shop("Old"), mark))]);
        for options in [NONE, too_little] {
            let refused = planned(FILE, &there, options).expect_err("refused");
            assert!(refused.contains(words), "{refused}");
        }
        let adopted = planned(FILE, &there, enough).expect("a plan");
        assert_eq!(acts(&adopted), ["adopt shop"]);
        assert_eq!(
            adopted.steps[0]
                .members
                .iter()
                .filter(|change| change.drift)
                .count(),
            0,
            "no change by hand"
        );
        let owner = there.clients["shop"]
            .mark
            .as_ref()
            .map(|mark| mark.managed_by.clone());
        assert_eq!(adopted.steps[0].owner, owner, "the service compares it");
        let effects = match owner {
            Some(_) => vec!["takes it from the file other"],
            None => Vec::new(),
        };
        assert_eq!(adopted.steps[0].effects, effects);
    }
    for (mark, adopted) in [(None, 1), (Some(("other", shop("Shop"))), 0)] {
        let there = with_clients(&[("shop", client(shop("Shop"), mark))]);
        let plan = planned(FILE, &there, ADOPT).expect("a plan");
        assert_eq!(
            plan.steps.len(),
            adopted,
            "two files with --adopt do not take it from each other"
        );
    }
    let mut configured = client(shop("Old"), None);
    configured.origin = "configuration".to_owned();
    let there = with_clients(&[("shop", configured)]);
    let refused = planned(FILE, &there, ADOPT).expect_err("refused");
    assert!(
        refused.contains("part of the authentication service's configuration file"),
        "{refused}"
    );
}

#[test]
fn scopes_are_checked_and_metadata_of_a_later_release_is_not_overwritten() {
    let scope = "[scopes.work]\nclaims = [\"department\"]";
    let refused = planned(scope, &Current::default(), NONE).expect_err("refused");
    assert!(
        refused.contains("scopes.work: the installation does not have it"),
        "{refused}"
    );
    let with_scopes = |scopes: &[(&str, &str)]| Current {
        scopes: scopes
            .iter()
            .map(|(scope, claim)| ((*scope).to_owned(), [(*claim).to_owned()].into()))
            .collect(),
        ..Current::default()
    };
    // The claim of another scope is of no use.
    let there = with_scopes(&[("hr", "department"), ("work", "title")]);
    let refused = planned(scope, &there, NONE).expect_err("refused");
    assert!(
        refused.contains("scopes.work.claims: the scope does not give the claim department"),
        "{refused}"
    );
    let there = with_scopes(&[("work", "department")]);
    assert!(planned(scope, &there, NONE).is_ok());
    let mut later = shop("Old");
    later["only_at_night"] = json!(true);
    let there = with_clients(&[("shop", client(later, Some(("default", shop("Old")))))]);
    let refused = planned(FILE, &there, NONE).expect_err("refused");
    assert!(refused.contains("only_at_night"), "{refused}");
}

#[test]
fn an_audience_in_another_spelling_is_the_same() {
    let mut there = shop("Shop");
    there["audiences"] = json!(["https://users.example.org"]);
    let there = with_clients(&[("shop", client(there.clone(), Some(("default", there))))]);
    for (audience, changes) in [
        ("https://USERS.example.org/", 0),
        ("https://users.example.org", 0),
        ("https://api.example.org", 1),
    ] {
        let text = format!("{FILE}audiences = [\"{audience}\"]\n");
        let plan = planned(&text, &there, NONE).expect("a plan");
        assert_eq!(plan.steps.len(), changes, "{audience}");
    }
    // A slash that the registration has is kept, and one at the end of a path makes another resource.
    for (registered, audience, changes) in [
        ("https://api.example.org/", "https://api.example.org/", 0),
        ("https://api.example.org/", "https://api.example.org", 1),
        ("https://api.example.org/v1/", "https://api.example.org/v1", 1),
        ("https://api.example.org/v1", "https://api.example.org/v1/", 1),
    ] {
        let mut there = shop("Shop");
        there["audiences"] = json!([registered]);
        let there = with_clients(&[("shop", client(there.clone(), Some(("default", there))))]);
        let text = format!("{FILE}audiences = [\"{audience}\"]\n");
        let plan = planned(&text, &there, NONE).expect("a plan");
        assert_eq!(plan.steps.len(), changes, "{registered} {audience}");
        if changes == 1 {
            assert_eq!(plan.steps[0].members[0].after, Some(json!([audience])));
        }
    }
}

#[test]
fn the_plan_says_what_a_change_takes_away() {
    let mut before = shop("Shop");
    before["roles"] = json!({ "editor": { "groups": [] } });
    let mut there = client(before.clone(), Some(("default", before)));
    there.origin = "registration".to_owned();
    let there = with_clients(&[("shop", there)]);
    let file = "[clients.shop]\nclient_name = \"Shop\"\nredirect_uris = [\"https://shop.example.org/callback\"]\ntoken_endpoint_auth_method = \"none\"\n";
    let plan = planned(file, &there, NONE).expect("a plan");
    let text = show::plan_text(&plan, Style::PLAIN);
    for words in [
        "takes the role editor from everybody who was given it",
        "revokes its access tokens",
        "deletes its secrets",
        "ends its registration access token",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(
        show::json_of(&plan, &[crate::apply::perform::Outcome::Planned], true)["steps"][0]["effects"][3],
        "ends its registration access token"
    );
}

#[test]
fn a_mark_that_is_older_than_the_settings_is_written_again_and_is_no_change() {
    let there = with_clients(&[("shop", client(shop("Shop"), Some(("default", shop("Old")))))]);
    let plan = planned(FILE, &there, NONE).expect("a plan");
    assert_eq!(show::plan_text(&plan, Style::PLAIN), "nothing to change");
    assert_eq!((plan.steps.len(), plan.outdated_marks.len()), (0, 1));
    assert_eq!(plan.outdated_marks[0].owner.as_deref(), Some("default"));
    for mark in [
        None,
        Some(("default", shop("Shop"))),
        Some(("other", shop("Old"))),
    ] {
        let there = with_clients(&[("shop", client(shop("Shop"), mark))]);
        let plan = planned(FILE, &there, NONE).expect("a plan");
        assert_eq!(
            plan.outdated_marks.len(),
            0,
            "it is up to date, or not this file's"
        );
    }
}

/// The exit code says if the file is wrong or the installation is not as it needs it.
#[test]
fn a_mistake_in_the_file_precedes_a_conflict() {
    let conflict = "[clients.other]\nredirect_uris = [\"https://other.example.org/cb\"]\ntoken_endpoint_auth_method = \"none\"\n";
    let mistake = FILE.replace("client_secret_file = \"secret\"\n", "");
    let there = with_clients(&[("other", client(shop("Old"), None))]);
    for (text, code) in [
        (conflict.to_owned(), ErrorCode::Conflict),
        (mistake.clone(), ErrorCode::Usage),
        (format!("{mistake}{conflict}"), ErrorCode::Usage),
        ("[scopes.work]".to_owned(), ErrorCode::Conflict),
    ] {
        let declared = parsed(&text).expect("a file");
        let refused = plan(&declared, &there, NONE, &BTreeMap::new()).expect_err("refused");
        assert_eq!(refused.code(), code, "{refused}");
    }
}
