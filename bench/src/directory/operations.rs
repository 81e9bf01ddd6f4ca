//! The requests whose time is measured.

use anyhow::{Context, Result};
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::names;
use super::people::{self, mixed};
use crate::load::PreparedRequest;

const USERS: &str = "/scim/v2/Users";
const SCIM: &str = "application/scim+json";

/// The results of a page of a search.
const PAGE: usize = 20;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    ById,
    ByUserName,
    ByAddress,
    ByExternalId,
    FirstPage,
    DeepPageByCursor,
    DeepPageByIndex,
    SearchExact,
    SearchPrefix,
    SearchTypo,
    SearchTwoTypos,
    SearchFullPage,
    SearchFullPageTypo,
    Patch,
}

impl Operation {
    pub(super) const ALL: [Self; 14] = [
        Self::ById,
        Self::ByUserName,
        Self::ByAddress,
        Self::ByExternalId,
        Self::FirstPage,
        Self::DeepPageByCursor,
        Self::DeepPageByIndex,
        Self::SearchExact,
        Self::SearchPrefix,
        Self::SearchTypo,
        Self::SearchTwoTypos,
        Self::SearchFullPage,
        Self::SearchFullPageTypo,
        Self::Patch,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ById => "get by id",
            Self::ByUserName => "`userName eq`",
            Self::ByAddress => "`emails.value eq`",
            Self::ByExternalId => "`externalId eq`",
            Self::FirstPage => "first page of 100",
            Self::DeepPageByCursor => "page of 100 in the middle, by cursor",
            Self::DeepPageByIndex => "page of 100 in the middle, by index",
            Self::SearchExact => "search, given and family name",
            Self::SearchPrefix => "search, beginnings of both",
            Self::SearchTypo => "search, a typo in each",
            Self::SearchTwoTypos => "search, two typos in a family name",
            Self::SearchFullPage => "search that fills its page, a given name",
            Self::SearchFullPageTypo => "search that fills its page, a typo in a given name",
            Self::Patch => "PATCH of one",
        }
    }

    /// The number of measured requests.
    pub(super) fn count(self) -> usize {
        match self {
            Self::DeepPageByIndex => 200,
            Self::FirstPage | Self::DeepPageByCursor | Self::SearchTypo | Self::SearchTwoTypos => 1_000,
            _ => 2_000,
        }
    }

    /// Request number `turn` in a directory of `count` people. Each is about somebody else.
    pub(super) fn request(self, turn: usize, count: u64, bearer: &str) -> Result<PreparedRequest> {
        let number = mixed(u64::try_from(turn)? + 77) % count;
        let names = people::names(number);
        let id = people::id(number);
        let filter = |text: String| format!("{USERS}?filter={}", encoded(&text));
        let search = |text: String| format!("/admin/v1/users?search={}", encoded(&text));
        let middle = format!(
            "{USERS}?count=100&cursor=&filter={}",
            encoded(&format!("userName ge \"{}\"", names.user_name))
        );
        let path = match self {
            Self::ById => format!("{USERS}/{id}"),
            Self::ByUserName => filter(format!("userName eq \"{}\"", names.user_name)),
            Self::ByAddress => filter(format!("emails.value eq \"{}\"", names.address)),
            Self::ByExternalId => filter(format!("externalId eq \"{}\"", names.external_id)),
            Self::FirstPage => format!("{USERS}?count=100"),
            Self::DeepPageByCursor => middle,
            Self::DeepPageByIndex => format!(
                "{USERS}?count=100&startIndex={}",
                count / 2 + u64::try_from(turn)?
            ),
            Self::SearchExact => search(format!("{} {}", names.given, names.family)),
            Self::SearchPrefix => search(format!("{} {}", start(&names.family, 5), start(names.given, 3))),
            Self::SearchTypo => search(format!(
                "{} {}",
                exchanged(names.given, 1),
                exchanged(&names.family, 2)
            )),
            Self::SearchTwoTypos => search(exchanged(&exchanged(&names.family, 1), 4)),
            Self::SearchFullPage => search(frequent_name(number).to_owned()),
            Self::SearchFullPageTypo => search(exchanged(frequent_name(number), 1)),
            Self::Patch => return Ok(patch(&id.to_string(), turn).with(AUTHORIZATION, bearer.to_owned())),
        };
        Ok(PreparedRequest::get(&path).with(AUTHORIZATION, bearer.to_owned()))
    }

    /// Checks that the response has what was asked for.
    pub(super) fn check(self, body: &[u8], turn: usize, count: u64) -> Result<()> {
        let body: Value = serde_json::from_slice(body)?;
        let number = mixed(u64::try_from(turn)? + 77) % count;
        let (id, names) = (people::id(number).to_string(), people::names(number));
        let found = match self {
            Self::ById | Self::Patch => body.pointer("/id").and_then(Value::as_str) == Some(&id),
            Self::ByUserName | Self::ByAddress | Self::ByExternalId => {
                body.pointer("/Resources/0/id").and_then(Value::as_str) == Some(&id)
            }
            Self::FirstPage | Self::DeepPageByIndex => list_length(&body, "Resources") == 100,
            Self::DeepPageByCursor => list_length(&body, "Resources") >= 1,
            Self::SearchExact => {
                let family = body.pointer("/users/0/name/family_name").and_then(Value::as_str);
                family == Some(names.family.as_str())
            }
            Self::SearchPrefix => list_length(&body, "users") >= 1,
            Self::SearchFullPage | Self::SearchFullPageTypo => list_length(&body, "users") == PAGE,
            // Short names may be too far from what was typed.
            Self::SearchTypo | Self::SearchTwoTypos => body.get("users").is_some(),
        };
        found
            .then_some(())
            .with_context(|| format!("{}: {body}", self.name()))
    }
}

fn patch(id: &str, turn: usize) -> PreparedRequest {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "title", "value": format!("Assistant {}", nanos() + turn) }],
    });
    let mut request = PreparedRequest::post(&format!("{USERS}/{id}"), SCIM, body.to_string());
    request.method = http::Method::PATCH;
    request
}

/// Another number in each run, so that a change is one.
pub(super) fn nanos() -> usize {
    usize::try_from(chassis::clock::Clock::now(&chassis::clock::SystemClock).as_micros()).unwrap_or_default()
}

fn list_length(body: &Value, name: &str) -> usize {
    body.get(name).and_then(Value::as_array).map_or(0, Vec::len)
}

/// A given name that fills a page in a directory of a thousand people too.
fn frequent_name(number: u64) -> &'static str {
    let mut numbers = (number..).map(people::mixed);
    numbers.find_map(names::frequent_given).unwrap_or_default()
}

fn start(text: &str, letters: usize) -> String {
    text.chars().take(letters).collect()
}

/// The text with two letters exchanged.
fn exchanged(text: &str, at: usize) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() > at + 1 {
        letters.swap(at, at + 1);
    }
    letters.into_iter().collect()
}

/// A value of a query parameter (RFC 3986 §2.1).
pub(super) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
