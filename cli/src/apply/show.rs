//! The output of `vestibule apply`: the plan before it is done, the outcome of each step, and both as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::perform::Outcome;
use super::step::{Action, Kind, MemberChange, Plan, SecretAct, Step};
use crate::logs::{Style, printable};

impl Kind {
    /// The kind in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::ProtectedHost => "protected host",
        }
    }
}

impl Action {
    fn words(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Adopt => "adopt",
            Self::Remove => "remove",
            Self::Release => "release",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Change => "changed",
            Self::Adopt => "adopted",
            Self::Remove => "removed",
            Self::Release => "released",
        }
    }
}

/// A step in words: `client wiki`.
pub(super) fn object(step: &Step) -> String {
    format!("{} {}", step.kind.words(), printable(&step.id))
}

/// The line of a step that was done.
pub(super) fn done_line(step: &Step) -> String {
    format!("{} {}", step.action.done(), object(step))
}

/// The plan as text, grouped by the acts.
pub(super) fn plan_text(plan: &Plan, style: Style) -> String {
    let mut text = String::new();
    for action in [
        Action::Create,
        Action::Change,
        Action::Adopt,
        Action::Remove,
        Action::Release,
    ] {
        for step in plan.steps.iter().filter(|step| step.action == action) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{} {}", style.bold(action.words()), object(step));
            let widest = step.members.iter().map(|change| change.member.chars().count());
            let widest = widest.max().unwrap_or_default();
            for change in &step.members {
                let _ = writeln!(text, "  {}", member_line(action, change, widest, style));
            }
            for effect in &step.effects {
                let _ = writeln!(text, "  {}", printable(effect));
            }
            let secret = match step.secret {
                SecretAct::None => continue,
                SecretAct::Set(_) => "the one of the reference",
                SecretAct::Mint => "a new one, printed before it is sent",
            };
            let _ = writeln!(text, "  {}  {secret}", style.dim("client_secret"));
        }
    }
    let count = |action| plan.steps.iter().filter(|step| step.action == action).count();
    if plan.steps.is_empty() {
        text.push_str("nothing to change\n");
    } else {
        let _ = writeln!(
            text,
            "{} to create, {} to change, {} to adopt, {} to remove, {} to release",
            count(Action::Create),
            count(Action::Change),
            count(Action::Adopt),
            count(Action::Remove),
            count(Action::Release)
        );
    }
    for (kind, id, action) in &plan.left {
        let _ = writeln!(
            text,
            "{} {} stays, though the file does not name it: --prune {} it",
            kind.words(),
            printable(id),
            if *action == Action::Remove {
                "removes"
            } else {
                "releases"
            }
        );
    }
    for at in &plan.other_secrets {
        let _ = writeln!(
            text,
            "{} has another secret than the one of the reference: --update-secrets adds it",
            printable(at)
        );
    }
    for key in &plan.unread_secrets {
        let _ = writeln!(
            text,
            "{} cannot be read: the client keeps the secret that it has",
            printable(key)
        );
    }
    text.truncate(text.trim_end().len());
    text
}

fn member_line(action: Action, change: &MemberChange, widest: usize, style: Style) -> String {
    let name = style.dim(format!("{:widest$}", printable(&change.member)));
    let shown = |value: &Option<Value>| match value {
        Some(value) => printable(&value.to_string()),
        None => "(default)".to_owned(),
    };
    let after = shown(&change.after);
    match action {
        Action::Create => return format!("{name}  {after}"),
        Action::Remove => return format!("{name}  {}", shown(&change.before)),
        Action::Change | Action::Adopt | Action::Release => {}
    }
    let by_hand = if change.drift {
        "  (changed since the file was applied)"
    } else {
        ""
    };
    format!("{name}  {} → {after}{by_hand}", shown(&change.before))
}

/// The plan and its outcomes as JSON.
pub(super) fn json_of(plan: &Plan, outcomes: &[Outcome], dry_run: bool) -> Value {
    let steps = plan.steps.iter().zip(outcomes).map(|(step, outcome)| {
        let mut shown = json!({
            "action": step.action,
            "kind": step.kind,
            "id": step.id,
            "members": step.members,
            "effects": step.effects,
            "sets_secret": step.secret != SecretAct::None,
            "state": match outcome {
                Outcome::Planned => "planned",
                Outcome::Done => "done",
                Outcome::Failed(_) => "failed",
                Outcome::NotDone => "not_done",
            },
        });
        let more = match outcome {
            Outcome::Failed(error) => Some(("error", error)),
            _ => None,
        };
        if let (Value::Object(members), Some((name, text))) = (&mut shown, more) {
            members.insert(name.to_owned(), json!(text));
        }
        shown
    });
    let left = plan
        .left
        .iter()
        .map(|(kind, id, action)| json!({ "kind": kind, "id": id, "prune": action }));
    json!({
        "changed": !plan.steps.is_empty(),
        "dry_run": dry_run,
        "steps": steps.collect::<Vec<_>>(),
        "left": left.collect::<Vec<_>>(),
        "other_secrets": plan.other_secrets,
        "unread_secrets": plan.unread_secrets,
    })
}
