//! The groups of an export, with their members.

use std::io::Write;

use contract::paths;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{ExportError, PATIENCE, Pages, line};
use crate::api::{ApiClient, RemoteService, retry, text_at};

/// The most members in one line. A larger group has several lines, because an import reads lines of limited length.
pub(super) const MEMBERS_OF_LINE: usize = 5000;

/// Writes the groups, and returns their number.
pub(super) async fn export(api: &ApiClient, out: &mut impl Write) -> Result<usize, ExportError> {
    let mut pages = Pages::of(paths::users::EXPORT_GROUPS, "groups");
    let mut count = 0;
    while let Some(page) = pages.next(api).await? {
        count += page.len();
        for group in page {
            export_group(api, group, out).await?;
        }
    }
    Ok(count)
}

/// Writes the lines of one group: at least one.
async fn export_group(api: &ApiClient, group: Value, out: &mut impl Write) -> Result<(), ExportError> {
    let path = paths::fill(paths::users::SCIM_GROUP, &[&text_at(&group, "/id")]);
    let mut query = Some("membersCount=1000".to_owned());
    let (mut members, mut written) = (Vec::new(), false);
    while let Some(parameters) = query {
        let url = format!("{path}?attributes=members&{parameters}");
        let page = retry(PATIENCE, || api.call_linked(RemoteService::Users, &url)).await;
        let (mut page, next) = match page {
            // It was deleted meanwhile.
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => return Ok(()),
            other => other.map_err(|error| ExportError::Command(error.into()))?,
        };
        if let Some(Value::Array(found)) = page.get_mut("members").map(Value::take) {
            members.extend(found.iter().map(
                |member| json!({ "type": text_at(member, "/type"), "value": text_at(member, "/value") }),
            ));
        }
        query = next;
        while members.len() > MEMBERS_OF_LINE {
            let rest = members.split_off(MEMBERS_OF_LINE);
            write_line(&group, members, out)?;
            (members, written) = (rest, true);
        }
    }
    match written && members.is_empty() {
        true => Ok(()),
        false => write_line(&group, members, out),
    }
}

fn write_line(group: &Value, members: Vec<Value>, out: &mut impl Write) -> Result<(), ExportError> {
    let mut group = group.clone();
    if let (Value::Object(attributes), false) = (&mut group, members.is_empty()) {
        attributes.insert("members".to_owned(), members.into());
    }
    writeln!(out, "{}", line::sorted(group)).map_err(ExportError::Write)
}
