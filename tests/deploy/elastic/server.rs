//! A running OpenSearch (`scripts/elastic`) with our files, which `setup` loads.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::files::{read, root};
use crate::tools::run_successfully;

/// A running server; gone when dropped.
pub(super) struct Server {
    pub(super) url: String,
    folder: TempDir,
    http: reqwest::Client,
}

/// The default data stream.
pub(super) const STREAM: &str = "logs-vestibule-default";

impl Server {
    /// One that knows our files.
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = root().join("scripts/elastic");
        let said = run_successfully(Command::new(&script).arg("start").arg(folder.path()));
        let url = String::from_utf8(said.stdout).unwrap().trim().to_owned();
        let server = Self {
            url,
            folder,
            http: reqwest::Client::new(),
        };
        server.set_up();
        server
    }

    fn set_up(&self) {
        let script = root().join("deploy/observability/elastic/setup");
        let mut command = Command::new(script);
        command
            .arg("--opensearch")
            .env("ELASTICSEARCH_URL", &self.url)
            // The server of the tests has no plugin for it; see lifecycle.rs.
            .env("LIFECYCLE", "no");
        run_successfully(&mut command);
    }

    pub(super) async fn call(&self, method: reqwest::Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self
            .http
            .request(method, format!("{}/{path}", self.url))
            .json(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let answer = self
            .http
            .get(format!("{}/{path}", self.url))
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    /// Indexes documents as Logstash does, each with an id, and returns the response for each.
    pub(super) async fn index(&self, documents: &[(String, Value)]) -> Vec<Value> {
        let mut body = String::new();
        for (id, document) in documents {
            let action = json!({ "create": { "_index": STREAM, "_id": id } });
            body.push_str(&format!("{action}\n{document}\n"));
        }
        let request = self
            .http
            .post(format!("{}/_bulk?refresh=true", self.url))
            .header("content-type", "application/x-ndjson")
            .body(body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        let answer: Value = answer.json().await.unwrap();
        let items = answer["items"].as_array().unwrap();
        items.iter().map(|item| item["create"].clone()).collect()
    }

    /// The number of documents that a Kibana search (Lucene syntax) finds.
    pub(super) async fn count(&self, query: &str) -> u64 {
        self.search(query, &json!({})).await["hits"]["total"]["value"]
            .as_u64()
            .unwrap()
    }

    /// A search with aggregations.
    pub(super) async fn search(&self, query: &str, aggregations: &Value) -> Value {
        let query = if query.is_empty() { "*" } else { query };
        let body = json!({
            "size": 0,
            "track_total_hits": true,
            "query": { "query_string": { "query": query } },
            "aggs": aggregations,
        });
        let (status, found) = self
            .call(reqwest::Method::POST, "logs-vestibule-*/_search", &body)
            .await;
        assert_eq!(status, 200, "{query}: {found}");
        found
    }

    /// The buckets of a field: value and number of documents.
    pub(super) async fn by(&self, query: &str, field: &str) -> Vec<(String, u64)> {
        let found = self
            .search(
                query,
                &json!({ "by": { "terms": { "field": field, "size": 50 } } }),
            )
            .await;
        let buckets = found["aggregations"]["by"]["buckets"].as_array().unwrap();
        let name = |bucket: &Value| bucket["key"].as_str().unwrap().to_owned();
        let mut counted: Vec<_> = buckets
            .iter()
            .map(|bucket| (name(bucket), bucket["doc_count"].as_u64().unwrap()))
            .collect();
        counted.sort();
        counted
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new(root().join("scripts/elastic"))
            .arg("stop")
            .arg(self.folder.path())
            .output();
    }
}

/// The names and types of all fields of the index template.
pub(super) fn mapped_fields() -> Vec<(String, String)> {
    fn walk(properties: &Value, prefix: &str, found: &mut Vec<(String, String)>) {
        for (name, field) in properties.as_object().unwrap() {
            let name = format!("{prefix}{name}");
            match field.get("properties") {
                Some(inner) => walk(inner, &format!("{name}."), found),
                None => found.push((name, field["type"].as_str().unwrap().to_owned())),
            }
        }
    }
    let template: Value = serde_json::from_str(&read("deploy/observability/elastic/mappings.json")).unwrap();
    let mut found = Vec::new();
    walk(&template["template"]["mappings"]["properties"], "", &mut found);
    found
}
