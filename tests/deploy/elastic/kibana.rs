//! Tests of the saved objects of Kibana. No package registry has Kibana itself, so the file is checked here, and
//! `stream` runs its queries on the server.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::server::mapped_fields;
use crate::files::read;

fn objects() -> Vec<Value> {
    read("deploy/observability/elastic/kibana/vestibule.ndjson")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{path} of {object}"))
}

/// JSON inside of a string, as Kibana keeps it.
fn inner(object: &Value, path: &str) -> Value {
    serde_json::from_str(text(object, path)).unwrap()
}

const SOURCE: &str = "/attributes/kibanaSavedObjectMeta/searchSourceJSON";

/// The query of a panel.
pub(super) struct Panel {
    pub(super) id: String,
    pub(super) query: String,
    /// By name, each a terms or a histogram aggregation.
    pub(super) aggregations: Value,
}

/// Every search and visualisation, as the queries that Kibana makes of them.
pub(super) fn panels() -> Vec<Panel> {
    let shown = |object: &Value| ["search", "visualization"].contains(&text(object, "/type"));
    objects()
        .iter()
        .filter(|object| shown(object))
        .map(panel)
        .collect()
}

fn panel(object: &Value) -> Panel {
    let source = inner(object, SOURCE);
    assert_eq!(text(&source, "/query/language"), "lucene");
    let mut aggregations = Map::new();
    if text(object, "/type") == "visualization" {
        let state = inner(object, "/attributes/visState");
        for aggregation in state["aggs"].as_array().unwrap() {
            let params = &aggregation["params"];
            let made = match text(aggregation, "/type") {
                "count" => continue,
                "terms" => json!({ "terms": { "field": params["field"], "size": params["size"] } }),
                "date_histogram" => {
                    json!({ "date_histogram": { "field": params["field"], "fixed_interval": "1m", "min_doc_count": 1 } })
                }
                other => panic!("an unknown aggregation: {other}"),
            };
            aggregations.insert(text(aggregation, "/id").to_owned(), made);
        }
    }
    Panel {
        id: text(object, "/id").to_owned(),
        query: text(&source, "/query/query").to_owned(),
        aggregations: Value::Object(aggregations),
    }
}

#[test]
fn the_saved_objects_refer_to_each_other() {
    let objects = objects();
    let known: HashSet<(&str, &str)> = objects
        .iter()
        .map(|object| (text(object, "/type"), text(object, "/id")))
        .collect();
    assert_eq!(known.len(), objects.len(), "an id comes twice");
    let mut used = HashSet::new();
    for object in &objects {
        assert!(!text(object, "/attributes/title").is_empty());
        let references = object["references"].as_array().unwrap();
        for reference in references {
            let target = (text(reference, "/type"), text(reference, "/id"));
            assert!(known.contains(&target), "{target:?}");
            used.insert(target);
        }
        let names: HashSet<&str> = references
            .iter()
            .map(|reference| text(reference, "/name"))
            .collect();
        assert_eq!(names.len(), references.len());
        match text(object, "/type") {
            "index-pattern" => assert_eq!(text(object, "/attributes/timeFieldName"), "@timestamp"),
            "dashboard" => assert_panel_layout(object, &names),
            _ => assert!(names.contains(text(&inner(object, SOURCE), "/indexRefName"))),
        }
    }
    for object in &objects {
        let itself = (text(object, "/type"), text(object, "/id"));
        assert!(
            itself.0 == "dashboard" || used.contains(&itself),
            "{itself:?} is on no dashboard"
        );
    }
}

/// Every panel is referred to, and none lies over another.
fn assert_panel_layout(dashboard: &Value, references: &HashSet<&str>) {
    let panels = inner(dashboard, "/attributes/panelsJSON");
    let mut taken = HashSet::new();
    let panels = panels.as_array().unwrap();
    assert_eq!(panels.len(), references.len());
    for panel in panels {
        let name = format!("{}:{}", text(panel, "/panelIndex"), text(panel, "/panelRefName"));
        assert!(references.contains(name.as_str()), "{name}");
        let at = |side: &str| panel["gridData"][side].as_u64().unwrap();
        assert!(at("x") + at("w") <= 48, "{name} is too wide");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{name} lies over another");
            }
        }
    }
}

#[test]
fn every_field_of_the_dashboards_is_in_the_index_template() {
    let fields: HashMap<String, String> = mapped_fields().into_iter().collect();
    let countable = ["keyword", "ip", "long", "date", "constant_keyword"];
    for panel in panels() {
        for aggregation in panel.aggregations.as_object().unwrap().values() {
            let (_, body) = aggregation.as_object().unwrap().iter().next().unwrap();
            let field = text(body, "/field");
            let kind = fields
                .get(field)
                .unwrap_or_else(|| panic!("{}: {field}", panel.id));
            assert!(
                countable.contains(&kind.as_str()),
                "{}: {field} is {kind}",
                panel.id
            );
        }
        for word in panel.query.split([' ', '(', ')']) {
            if let Some((field, _)) = word.split_once(':') {
                assert!(fields.contains_key(field), "{}: {field}", panel.id);
            }
        }
    }
    for object in objects().iter().filter(|object| object["type"] == "search") {
        for column in object["attributes"]["columns"].as_array().unwrap() {
            assert!(fields.contains_key(column.as_str().unwrap()), "{column}");
        }
    }
}

/// Every action that a query names is one that the services log.
#[test]
fn every_action_of_the_dashboards_is_one_of_ours() {
    let known: Vec<&str> = crate::declarations::actions()
        .iter()
        .map(|action| action.name)
        .collect();
    let mut named = 0;
    for panel in panels() {
        let parts = panel.query.split("event.action:").skip(1);
        for part in parts {
            let part = part.split(" AND ").next().unwrap().split(" NOT ").next().unwrap();
            for quoted in part.split('"').skip(1).step_by(2) {
                assert!(known.contains(&quoted), "{}: {quoted}", panel.id);
                named += 1;
            }
        }
    }
    assert!(named > 10);
}
