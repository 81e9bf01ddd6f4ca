//! Tests of the AsyncAPI document: it is valid by the schema of the specification, and both services publish it.

use std::collections::BTreeMap;
use std::fs;

use http::StatusCode;
use serde_json::Value;
use testkit::Stack;

use crate::clients::run_node_script;
use crate::source::root;

fn committed_document() -> Value {
    let path = root().join("libs/contract/asyncapi.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The errors that the schema of the specification finds.
fn schema_errors(document: &Value) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("asyncapi.json");
    fs::write(&path, document.to_string()).unwrap();
    let environment = BTreeMap::from([("DOCUMENT", path.display().to_string())]);
    let found = run_node_script("asyncapi.mjs", &environment);
    assert!(found["schemas"].as_u64().unwrap() > 20, "{found}");
    found["wrong"].clone()
}

#[test]
fn the_document_is_valid_by_the_schema_of_the_specification() {
    let mut document = committed_document();
    assert_eq!(schema_errors(&document), Value::Array(Vec::new()));
    // The check would see it: AsyncAPI 3.0 knows `send` and `receive`.
    document["operations"]["tell.users.feed"]["action"] = "publish".into();
    assert_ne!(schema_errors(&document), Value::Array(Vec::new()));
}

#[tokio::test]
async fn both_services_publish_the_document_to_everybody() {
    let stack = Stack::start().await;
    for url in [
        stack.auth_url("/asyncapi.json"),
        stack.users_url("/asyncapi.json"),
    ] {
        let answer = stack.http().get(&url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{url}");
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(kind.starts_with("application/vnd.aai.asyncapi+json"), "{kind}");
        assert_eq!(
            answer.json::<Value>().await.unwrap(),
            committed_document(),
            "{url}"
        );
    }
}
