//! Request sequences of Entra ID and Okta, as their documentation has them, replayed against the running services. The requests and
//! what they expect are data: `entra.json` and `okta.json`, a step for each section of the documentation.

mod expectation;

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde::Deserialize;
use serde_json::Value;
use testkit::Engine;

use super::Directory;
use expectation::Expectation;

/// A file of sequences of one identity provider.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    /// The documentation that the sequences are written from.
    sources: BTreeMap<String, String>,
    /// `[scim] passwords` of the user service, as the provider's guide has it.
    passwords: String,
    sequences: Vec<Sequence>,
}

/// Steps that follow each other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sequence {
    name: String,
    /// `[scim] passwords` of the user service, if it is not that of the provider's guide.
    passwords: Option<String>,
    steps: Vec<Step>,
}

/// One request and what the provider expects of the response.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// A source, and the section of it: `guide: Create User`.
    section: String,
    /// Method and path below the base URL: `POST /Users`. `{name}` is a text that an earlier step kept.
    send: String,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
    expect: Expectation,
    /// Names of texts to keep, each with its JSON pointer in the response.
    #[serde(default)]
    keep: BTreeMap<String, String>,
}

/// Replaces `{name}` of every kept text.
fn filled(text: &str, kept: &BTreeMap<String, String>) -> String {
    kept.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

impl Step {
    async fn replay(&self, directory: &Directory, kept: &mut BTreeMap<String, String>) {
        let at = format!("{}: {}", self.section, self.send);
        let (method, path) = self.send.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let url = format!("{}{}", directory.base(), filled(path, kept));
        let query: Vec<(&String, String)> = self
            .query
            .iter()
            .map(|(name, value)| (name, filled(value, kept)))
            .collect();
        let mut request = directory.stack.http().request(method, &url).query(&query);
        if !self.headers.contains_key("authorization") {
            request = request.bearer_auth(&directory.token);
        }
        if !self.body.is_null() {
            if !self.headers.contains_key("content-type") {
                request = request.header("content-type", "application/scim+json");
            }
            request = request.body(filled(&self.body.to_string(), kept));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        let body = self.expect.check(response, kept, &at).await;
        for (name, pointer) in &self.keep {
            let value = body.pointer(pointer).and_then(Value::as_str);
            let value = value.unwrap_or_else(|| panic!("{at}: no text at {pointer}: {body}"));
            kept.insert(name.clone(), value.to_owned());
        }
    }
}

async fn replay(text: &str, engine: Engine) {
    let provider: Provider = serde_json::from_str(text).unwrap();
    let of = |sequence: &Sequence| {
        sequence
            .passwords
            .clone()
            .unwrap_or_else(|| provider.passwords.clone())
    };
    let settings: BTreeSet<String> = provider.sequences.iter().map(of).collect();
    for passwords in settings {
        let options = Directory::options(engine).with("VESTIBULE_USERS__SCIM__PASSWORDS", &passwords);
        let directory = Directory::with(options).await;
        for sequence in provider
            .sequences
            .iter()
            .filter(|sequence| of(sequence) == passwords)
        {
            let mut kept = BTreeMap::new();
            for step in &sequence.steps {
                let (source, section) = step.section.split_once(": ").expect("a source and a section");
                let known = provider.sources.contains_key(source) && !section.is_empty();
                assert!(known, "{}: {}: name a source", sequence.name, step.section);
                step.replay(&directory, &mut kept).await;
            }
        }
    }
}

const ENTRA: &str = include_str!("entra.json");
const OKTA: &str = include_str!("okta.json");

#[tokio::test]
async fn entra_id_provisions_on_sqlite() {
    replay(ENTRA, Engine::Sqlite).await;
}

#[tokio::test]
async fn entra_id_provisions_on_postgres() {
    replay(ENTRA, Engine::Postgres).await;
}

#[tokio::test]
async fn okta_provisions_on_sqlite() {
    replay(OKTA, Engine::Sqlite).await;
}

#[tokio::test]
async fn okta_provisions_on_postgres() {
    replay(OKTA, Engine::Postgres).await;
}
