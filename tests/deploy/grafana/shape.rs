//! Tests of the form of the dashboards: units, descriptions, layout and links.

use std::collections::BTreeSet;

use serde_json::Value;

use super::dashboard::{Dashboard, FOLDER, all, expressions, list, panels, substituted, text};
use crate::files::{files_below, read, root, yaml};
use crate::prometheus::{known_series, series_of};
use crate::tools::{checker, run_successfully, tool};

#[test]
fn the_dashboards_of_the_documentation_are_there() {
    let names: Vec<String> = all().into_iter().map(|dashboard| dashboard.name).collect();
    assert_eq!(names, ["events", "overview", "resources", "sign-in", "tokens"]);
    for dashboard in all() {
        let json = &dashboard.json;
        assert_eq!(text(json, "uid"), format!("vestibule-{}", dashboard.name));
        assert!(text(json, "title").starts_with("Vestibule / "));
        assert!(!text(json, "description").is_empty());
        assert_eq!(json["schemaVersion"], 41, "{}", dashboard.name);
        assert_eq!(json["refresh"], "30s");
        // `id` belongs to the database of one Grafana.
        assert!(json.get("id").is_none(), "{}", dashboard.name);
        assert_eq!(list(json, "tags"), ["vestibule"]);
        let variables: Vec<&str> = list(&json["templating"], "list")
            .iter()
            .map(|it| text(it, "name"))
            .collect();
        assert_eq!(variables, ["datasource", "namespace", "job", "instance", "docs"]);
        let links = list(json, "links");
        assert!(
            links
                .iter()
                .any(|link| link["type"] == "dashboards" && link["keepTime"] == true)
        );
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_from_where() {
    for dashboard in all() {
        let mut ids = BTreeSet::new();
        for panel in list(&dashboard.json, "panels") {
            assert!(
                ids.insert(panel["id"].as_u64().unwrap()),
                "{}: {}",
                dashboard.name,
                panel["id"]
            );
        }
        let mut titles = BTreeSet::new();
        for panel in panels(&dashboard) {
            let title = text(panel, "title");
            let place = format!("{}: {title}", dashboard.name);
            assert!(
                titles.insert((title, panel["gridPos"]["y"].as_u64())),
                "{place} is there twice"
            );
            let description = text(panel, "description");
            assert!(
                description.ends_with('.') || description.ends_with(')'),
                "{place}: {description}"
            );
            text(&panel["fieldConfig"]["defaults"], "unit");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{place}");
            let mut references = BTreeSet::new();
            for target in list(panel, "targets") {
                assert!(references.insert(text(target, "refId")), "{place}");
                assert_eq!(target["datasource"]["uid"], "${datasource}", "{place}");
                assert!(panel["type"] == "table" || !text(target, "legendFormat").is_empty());
            }
        }
    }
}

/// The cells that a panel takes.
fn cells(panel: &Value) -> Vec<(u64, u64)> {
    let grid = |name: &str| {
        panel["gridPos"][name]
            .as_u64()
            .unwrap_or_else(|| panic!("no {name} in {panel}"))
    };
    let (x, y, width, height) = (grid("x"), grid("y"), grid("w"), grid("h"));
    assert!(width > 0 && height > 0 && x + width <= 24, "{panel}");
    let rows = y..y + height;
    rows.flat_map(|row| (x..x + width).map(move |column| (column, row)))
        .collect()
}

#[test]
fn no_panel_lies_on_another_and_no_place_is_left_between_them() {
    for dashboard in all() {
        let mut taken = BTreeSet::new();
        for panel in list(&dashboard.json, "panels") {
            for cell in cells(panel) {
                assert!(
                    taken.insert(cell),
                    "{}: {} lies on another",
                    dashboard.name,
                    panel["title"]
                );
            }
        }
        let rows: BTreeSet<u64> = taken.iter().map(|(_, row)| *row).collect();
        assert_eq!(
            rows.len() as u64,
            rows.last().unwrap() + 1,
            "{}: a gap",
            dashboard.name
        );
    }
}

#[test]
fn links_lead_to_sections_of_runbooks_that_there_are() {
    let mut seen = 0;
    for dashboard in all() {
        let own = list(&dashboard.json, "links").iter();
        let panels = panels(&dashboard);
        let of_panels = panels
            .iter()
            .filter_map(|panel| panel["links"].as_array())
            .flatten();
        for link in own.chain(of_panels) {
            let Some(path) = link["url"].as_str().and_then(|url| url.strip_prefix("${docs}/")) else {
                assert_eq!(link["type"], "dashboards", "{link}");
                continue;
            };
            let (page, anchor) = path.split_once('#').unwrap_or((path, ""));
            let page = read(page).to_lowercase();
            let section = format!("\n## {anchor}\n");
            assert!(
                anchor.is_empty() || page.contains(&section),
                "{}: {path}",
                dashboard.name
            );
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} links");
}

#[test]
fn expressions_ask_only_for_what_is_measured_or_recorded() {
    for dashboard in all() {
        for place in expressions(&dashboard) {
            for series in series_of(&place.expression) {
                assert!(known_series(&series), "{place}: nothing tells {series}");
            }
        }
    }
}

/// Each metric of ours is shown somewhere, or it says why not.
#[test]
fn every_metric_is_on_a_dashboard() {
    let boards: Vec<Dashboard> = all();
    let shown: BTreeSet<String> = boards
        .iter()
        .flat_map(expressions)
        .flat_map(|place| series_of(&place.expression))
        .collect();
    let not_shown = [
        (
            "vestibule_consumer_position",
            "a number without meaning to people; the lag is shown",
        ),
        ("vestibule_events_unrouted_total", "only RabbitMQ has it"),
        (
            "vestibule_inbox_dead_lettered_total",
            "what is set aside is shown",
        ),
        ("vestibule_inbox_unreadable_total", "what is set aside is shown"),
        (
            "vestibule_reconcile_failures_total",
            "the age of the last comparison is shown",
        ),
        ("vestibule_webhook_events_missed_total", "rare; it has an alert"),
        ("process_virtual_memory_bytes", "address space costs nothing"),
    ];
    for metric in crate::prometheus::metric_names() {
        let is_shown = shown
            .iter()
            .any(|series| series.strip_suffix("_bucket").unwrap_or(series) == metric || series == metric);
        let excused = not_shown.iter().any(|(name, _)| *name == metric);
        assert!(
            is_shown != excused,
            "{metric}: shown {is_shown}, excused {excused}"
        );
    }
}

/// Unknown and missing fields of the dashboard, of each kind of panel and of each query are errors for them.
#[test]
fn the_types_of_grafana_read_every_dashboard() {
    let files = files_below(FOLDER).into_iter().map(|file| root().join(file));
    let output = run_successfully(tool("dashboards/dashboards").args(files));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        said.lines().filter(|line| line.ends_with(": fits")).count(),
        all().len(),
        "{said}"
    );
}

/// promql-parser reads each expression as Prometheus would, without a server.
#[test]
fn every_expression_can_be_parsed() {
    let mut all_of_them = String::new();
    for dashboard in all() {
        for place in expressions(&dashboard) {
            all_of_them.push_str(&substituted(&place.expression));
            all_of_them.push('\n');
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("expressions");
    std::fs::write(&file, all_of_them).unwrap();
    let program = "import sys, promql_parser\n\
                   lines = open(sys.argv[1]).read().splitlines()\n\
                   [promql_parser.parse(line) for line in lines]\n\
                   print(len(lines))";
    let output = run_successfully(checker("python3").args(["-c", program]).arg(&file));
    let parsed: usize = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    assert!(parsed > 100, "{parsed}");
}

#[test]
fn grafana_finds_the_data_source_and_the_dashboards() {
    let sources = yaml("deploy/observability/grafana/provisioning/datasources/prometheus.yml");
    assert_eq!(sources["apiVersion"].as_u64(), Some(1));
    assert_eq!(sources["datasources"][0]["type"].as_str(), Some("prometheus"));
    let interval = sources["datasources"][0]["jsonData"]["timeInterval"].as_str();
    let prometheus = yaml("deploy/observability/prometheus/prometheus.yml");
    assert_eq!(interval, prometheus["global"]["scrape_interval"].as_str());
    let providers = yaml("deploy/observability/grafana/provisioning/dashboards/vestibule.yml");
    assert_eq!(providers["providers"][0]["type"].as_str(), Some("file"));
    assert!(
        providers["providers"][0]["options"]["path"]
            .as_str()
            .unwrap()
            .ends_with("/dashboards")
    );
}
