//! Test of the running compose project: sign-up, sign-in, events, a killed container and recovery.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use testkit::{Person, Visitor, eventually, within};

use super::engine::Engine;
use super::project::Project;

/// A killed container has to start, find its database and catch up.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(60);

/// Fills the page of the registration; the answer is the path of where the person lands.
async fn sign_up(project: &Project, person: &Person) -> String {
    let mut visitor = Visitor::at(&project.auth_url);
    let page = visitor.open("/register").await;
    let email = person.email();
    let typed = [
        ("user_name", person.user_name.as_str()),
        ("email", &email),
        ("password", &person.password),
    ];
    visitor
        .submit(&page, "/register", &typed)
        .await
        .url
        .path()
        .to_owned()
}

async fn authenticate(project: &Project, person: &Person) -> Option<Value> {
    let answer = reqwest::Client::new()
        .post(format!("{}/authenticate", project.auth_url))
        .json(&json!({ "username": person.user_name, "password": person.password }))
        .send()
        .await
        .expect("auth answers");
    match answer.status() {
        StatusCode::OK => Some(answer.json().await.unwrap()),
        _ => None,
    }
}

/// Signs in, and asks the user service who she is.
async fn assert_known_to_both_services(project: &Project, person: &Person) {
    let tokens = within(
        RECOVERY_TIMEOUT,
        &format!("{} can sign in", person.user_name),
        async || authenticate(project, person).await,
    )
    .await;
    let user: Value = reqwest::Client::new()
        .get(format!("{}/user", project.users_url))
        .bearer_auth(tokens["access_token"].as_str().unwrap())
        .send()
        .await
        .expect("users answers")
        .json()
        .await
        .unwrap();
    assert_eq!(user["user_name"], person.user_name.as_str(), "{user}");
}

#[tokio::test]
async fn people_come_and_go_while_containers_are_killed() {
    // SB-38
    let project = Project::up().await;
    let engine = project.engine;
    let ann = Person::named("ann");
    sign_up(&project, &ann).await;
    assert_known_to_both_services(&project, &ann).await;
    wait_until_services_agree(&project).await;
    let smoke = project.try_cli(&["smoke"]);
    assert!(
        smoke.status.success(),
        "{}",
        String::from_utf8_lossy(&smoke.stderr)
    );

    engine.output(&["kill", &project.resource_name("users")]);
    assert!(
        authenticate(&project, &ann).await.is_some(),
        "ann signs in without users"
    );
    let bob = Person::named("bob");
    assert_eq!(sign_up(&project, &bob).await, "/register/wait");
    engine.output(&["start", &project.resource_name("users")]);
    project.wait_until_healthy("users").await;
    assert_known_to_both_services(&project, &bob).await;

    engine.output(&["kill", &project.resource_name("auth")]);
    engine.output(&["start", &project.resource_name("auth")]);
    project.wait_until_healthy("auth").await;
    assert_known_to_both_services(&project, &ann).await;

    assert_serving_role_is_not_owner(&project);
    assert_containers_confined(&project);
    drain(&project).await;
}

/// Waits until each service has applied the events of ann, which `events verify` checks.
async fn wait_until_services_agree(project: &Project) {
    within(RECOVERY_TIMEOUT, "no event is on its way", async || {
        project
            .try_cli(&["events", "verify"])
            .status
            .success()
            .then_some(())
    })
    .await;
}

/// The connections of the services are those of the serving roles, and those may not change tables.
fn assert_serving_role_is_not_owner(project: &Project) {
    for service in ["auth", "users"] {
        let ask = "SELECT DISTINCT usename FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename IS NOT NULL; \
                   SELECT has_schema_privilege(current_database() || '_serving', 'public', 'CREATE'), \
                   (SELECT rolsuper FROM pg_roles WHERE rolname = current_database() || '_serving')";
        let run = format!(
            "for place in /usr/lib/postgresql/*/bin; do PATH=$place:$PATH; done; \
             PGPASSWORD=$(cat /run/secrets/{service}-postgres) psql -h 127.0.0.1 -U {service} -d {service} -Atc \"$1\""
        );
        let database = project.resource_name(&format!("{service}-postgres"));
        let said = project
            .engine
            .output(&["exec", &database, "sh", "-c", &run, "sh", ask]);
        assert_eq!(said, format!("{service}_serving\nf|f"));
    }
}

/// Nothing in the containers runs as root, and their root cannot be written to. There is no shell to try it with: the
/// kernel is asked instead.
fn assert_containers_confined(project: &Project) {
    for service in ["auth", "users"] {
        let container = project.resource_name(service);
        let pid = project
            .engine
            .output(&["inspect", "-f", "{{.State.Pid}}", &container]);
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let field = |name: &str| {
            let line = status
                .lines()
                .find(|line| line.starts_with(&format!("{name}:")))
                .unwrap();
            line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(field("Uid"), "65532 65532 65532 65532");
        assert_eq!(field("Gid"), "65532 65532 65532 65532");
        assert_eq!(field("CapEff"), "0000000000000000");
        assert_eq!(field("CapBnd"), "0000000000000000");
        assert_eq!(field("NoNewPrivs"), "1");
        let mounts = std::fs::read_to_string(format!("/proc/{pid}/mounts")).unwrap();
        let root = mounts
            .lines()
            .find(|line| line.split(' ').nth(1) == Some("/"))
            .unwrap();
        let options = root.split(' ').nth(3).unwrap();
        assert!(options.split(',').any(|option| option == "ro"), "{root}");
        let shell = project.engine.run(&["exec", &container, "/bin/sh", "-c", "true"]);
        assert!(!shell.status.success(), "{service} has a shell");
    }
}

/// SIGTERM for both: not ready, but serving; then they end well.
async fn drain(project: &Project) {
    let (engine, services) = (project.engine, ["auth", "users"]);
    for service in services {
        engine.output(&["kill", "--signal", "TERM", &project.resource_name(service)]);
    }
    for service in services {
        let (container, program) = (
            project.resource_name(service),
            format!("/usr/local/bin/vestibule-{service}"),
        );
        let said = eventually("it says that it drains", async || {
            let answer = engine.run(&["exec", &container, &program, "health"]);
            (!answer.status.success()).then(|| String::from_utf8_lossy(&answer.stderr).into_owned())
        })
        .await;
        assert!(said.contains("draining"), "{service}: {said}");
    }
    for service in services {
        let container = project.resource_name(service);
        let code = engine.output(&["wait", &container]);
        assert_eq!(code, "0", "{}", engine.log(&container));
    }
}

/// A container without configuration ends at once and says what is missing.
#[test]
fn a_container_without_configuration_says_what_is_missing() {
    super::images::build_images();
    let engine = Engine::detect();
    for image in &super::images::IMAGES {
        let (command, code, said) = match image.target {
            "cli" => (&["doctor"][..], 3, ""),
            _ => (&[][..], 2, "VESTIBULE_"),
        };
        let name = image.name();
        let run = ["run", "--rm", "--network", "none", "--read-only", &name];
        let output = engine.run(&[&run, command].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{}: {text}", image.target);
        assert!(text.contains(said), "{text}");
    }
}
