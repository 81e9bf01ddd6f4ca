//! The SCIM SDK of UnboundID, for Java.

use std::process::{Command, Stdio};

use testkit::Engine;

use super::Directory;
use crate::source::root;
use crate::tools::{artifact_version, tool};

/// The chapters of `tests/clients/scim-sdk/story.groovy`.
const CHAPTERS: [&str; 5] = ["discovery", "life_of_a_user", "searches", "groups", "bulk"];

/// The version of the SDK, as the folder of its jars is named.
fn jars() -> String {
    let pom = include_str!("../../clients/scim-sdk/pom.xml");
    format!("scim-sdk-{}", artifact_version(pom, "scim2-sdk-client"))
}

async fn tells_its_story(engine: Engine) {
    let directory = Directory::start(engine).await;
    let jars = tool(&jars()).join("*");
    let output = Command::new("java")
        // C1 and the serial collector: quick to start.
        .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"])
        .arg(jars)
        .arg("groovy.ui.GroovyMain")
        .arg(root().join("tests/clients/scim-sdk/story.groovy"))
        .args(CHAPTERS)
        .env("SCIM_URL", directory.base())
        .env("TOKEN", &directory.token)
        .stdin(Stdio::null())
        .output()
        .expect("Java is installed: run scripts/setup");
    let told = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "after {told}: {error}");
    assert_eq!(told.lines().collect::<Vec<_>>(), CHAPTERS, "{error}");
}

#[tokio::test]
async fn the_sdk_of_unboundid_provisions_on_sqlite() {
    tells_its_story(Engine::Sqlite).await;
}

#[tokio::test]
async fn the_sdk_of_unboundid_provisions_on_postgres() {
    tells_its_story(Engine::Postgres).await;
}
