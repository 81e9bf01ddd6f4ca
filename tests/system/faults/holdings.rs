//! The data that each of the two services holds about a person, for tests that compare them.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::Value;
use testkit::{Person, Stack};

/// Every user of the user service: name → ids.
pub(super) async fn directory(stack: &Stack) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let token = stack.operator_token().await;
    let mut start = 1;
    loop {
        let url = stack.users_url(&format!("/scim/v2/Users?startIndex={start}&count=50"));
        let list: Value = stack
            .http()
            .get(url)
            .bearer_auth(&token)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let page = list["Resources"].as_array().cloned().unwrap_or_default();
        if page.is_empty() {
            return found;
        }
        start += page.len();
        for user in page {
            let id = user["id"].as_str().unwrap().to_owned();
            found
                .entry(user["userName"].as_str().unwrap().to_owned())
                .or_default()
                .push(id);
        }
    }
}

/// The account of a person in `auth`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// They sign in, and have this id.
    Active(String),
    /// Their registration has no answer yet.
    Pending,
    /// There is no account.
    None,
}

pub(super) async fn account(stack: &Stack, user_name: &str) -> Account {
    let (status, answer) = stack.try_authenticate(&Person::named(user_name), None).await;
    match status {
        StatusCode::OK => Account::Active(answer["user"]["id"].as_str().unwrap().to_owned()),
        StatusCode::SERVICE_UNAVAILABLE => Account::Pending,
        StatusCode::UNAUTHORIZED => Account::None,
        _ => panic!("{user_name}: {status}: {answer}"),
    }
}
