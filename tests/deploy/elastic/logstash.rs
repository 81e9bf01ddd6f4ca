//! Tests of the Logstash files. No package registry has Logstash itself, so its grammar parses the pipelines and the
//! YAML is checked against its known keys.

use serde_json::Value;

use crate::files::{read, root, yaml};
use crate::tools::{checker, run_successfully};

const FOLDER: &str = "deploy/observability/elastic/logstash";

/// The syntax tree of a pipeline.
fn pipeline_syntax_tree(name: &str) -> String {
    let program = "import sys\nfrom logstash_pipeline_parser import Pipeline\nprint(Pipeline(open(sys.argv[1]).read()).parse())";
    let output = run_successfully(
        checker("python")
            .args(["-c", program])
            .arg(root().join(FOLDER).join("pipeline").join(name)),
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_pipelines_are_of_the_grammar_of_logstash() {
    let main = pipeline_syntax_tree("vestibule.conf");
    for plugin in ["beats", "fingerprint", "mutate", "drop", "elasticsearch"] {
        assert!(main.contains(&format!("'{plugin}'")), "{plugin}: {main}");
    }
    let dead = pipeline_syntax_tree("dead-letters.conf");
    for plugin in ["dead_letter_queue", "ruby", "elasticsearch"] {
        assert!(dead.contains(&format!("'{plugin}'")), "{plugin}: {dead}");
    }
}

/// The names that Logstash's own settings have; another one keeps it from starting.
const SETTINGS: [&str; 8] = [
    "queue.type",
    "queue.max_bytes",
    "dead_letter_queue.enable",
    "dead_letter_queue.max_bytes",
    "pipeline.ecs_compatibility",
    "api.http.host",
    "xpack.monitoring.enabled",
    "log.level",
];

#[test]
fn the_settings_are_known_and_every_pipeline_is_there() {
    let settings: Value = serde_json::to_value(yaml(&format!("{FOLDER}/logstash.yml"))).unwrap();
    for name in settings.as_object().unwrap().keys() {
        assert!(SETTINGS.contains(&name.as_str()), "{name}");
    }
    let pipelines: Value = serde_json::to_value(yaml(&format!("{FOLDER}/pipelines.yml"))).unwrap();
    let pipelines = pipelines.as_array().unwrap();
    assert_eq!(pipelines.len(), 2);
    for pipeline in pipelines {
        for name in pipeline.as_object().unwrap().keys() {
            assert!(
                ["pipeline.id", "path.config", "dead_letter_queue.enable"].contains(&name.as_str()),
                "{name}"
            );
        }
        let path = pipeline["path.config"].as_str().unwrap();
        let file = path.strip_prefix("/usr/share/logstash/").unwrap();
        assert!(!read(&format!("{FOLDER}/{file}")).is_empty());
    }
    let script = "/usr/share/logstash/pipeline/dead-letters.rb";
    assert!(read(&format!("{FOLDER}/pipeline/dead-letters.conf")).contains(script));
    assert!(read(&format!("{FOLDER}/pipeline/dead-letters.rb")).contains("def filter(event)"));
    // The dead letters are those of the other pipeline.
    let dead = read(&format!("{FOLDER}/pipeline/dead-letters.conf"));
    let id = pipelines[0]["pipeline.id"].as_str().unwrap();
    assert!(dead.contains(&format!("pipeline_id => \"{id}\"")));
}
