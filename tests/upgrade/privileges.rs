//! Tests of the database roles: the serving role reads and writes rows, and another role owns the tables and migrates.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use testkit::{Engine, Stack, StackOptions, program, within};

async fn execute(url: &str, statements: &[String]) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    for statement in statements {
        let mut run = sqlx::QueryBuilder::<sqlx::Postgres>::new(statement.clone());
        run.build()
            .execute(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

/// The grants of `docs/guides/upgrade.md`.
fn documented_grants(role: &str) -> Vec<String> {
    vec![
        format!("DROP ROLE IF EXISTS {role}"),
        format!("CREATE ROLE {role} LOGIN"),
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC".to_owned(),
        format!("GRANT USAGE ON SCHEMA public TO {role}"),
        format!(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"
        ),
    ]
}

/// Runs the script of the compose services `auth-role` and `users-role`, for `service` of `stack`.
fn run_compose_role_script(stack: &Stack, service: &str, owner: &str, role: &str) {
    let secrets = stack.folder().join(format!("{service}-secrets"));
    std::fs::create_dir_all(&secrets).unwrap();
    std::fs::write(secrets.join(format!("{service}-database")), owner).unwrap();
    std::fs::write(
        secrets.join(format!("{service}-serving")),
        "a password ' of \" its own",
    )
    .unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/compose/serving-role");
    let output = Command::new("sh")
        .arg(script)
        .envs([("SERVICE", service), ("ROLE", role)])
        .env("SECRETS", &secrets)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

// SB-38: database users have least privilege.
#[tokio::test]
async fn a_stack_of_compose_whose_services_were_owners_goes_on_with_serving_roles() {
    let roles = ["auth", "users"].map(|service| format!("compose_{service}_{}", std::process::id()));
    let mut stack = Stack::with(StackOptions::on(Engine::Postgres)).await;
    let ann = stack.register("ann").await;
    stack.auth.kill();
    stack.users.kill();
    let owners = stack.database_urls();
    for ((service, owner), role) in ["auth", "users"].into_iter().zip(&owners).zip(&roles) {
        // Before every start, the second time included.
        run_compose_role_script(&stack, service, owner, role);
        run_compose_role_script(&stack, service, owner, role);
        let mut url = url::Url::parse(owner).unwrap();
        url.set_username(role).unwrap();
        let name = service.to_uppercase();
        let process = if service == "auth" {
            &mut stack.auth
        } else {
            &mut stack.users
        };
        process.set(&format!("VESTIBULE_{name}__DATABASE__URL"), url.as_str());
        process.set(&format!("VESTIBULE_{name}__DATABASE__MIGRATE"), "false");
        process.start_again();
        let mut serving = PgConnection::connect(url.as_str()).await.unwrap();
        for statement in [
            "CREATE TABLE mine (id BIGINT)",
            "DROP TABLE outbox",
            "CREATE ROLE other",
        ] {
            let refused = sqlx::query(statement).execute(&mut serving).await;
            assert!(refused.is_err(), "{service}: {statement}");
        }
    }
    stack.ready().await;
    let tokens = stack.authenticate(&ann).await;
    assert!(stack.user(&tokens.access).await.0.is_success());
    stack.register("bob").await;
    stack.auth.kill();
    stack.users.kill();
    for (owner, role) in owners.iter().zip(&roles) {
        execute(
            owner,
            &[format!("DROP OWNED BY {role}"), format!("DROP ROLE {role}")],
        )
        .await;
    }
}

// SB-38: database users have least privilege.
#[tokio::test]
async fn services_whose_role_may_not_change_tables_wait_for_who_may() {
    let role = format!("serving_{}", std::process::id());
    let mut stack = Stack::spawn(StackOptions::on(Engine::Postgres)).await;
    stack.auth.kill();
    stack.users.kill();
    let owners = stack.database_urls();
    for owner in &owners {
        // Whatever the first start had made already.
        let fresh = ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"].map(str::to_owned);
        execute(owner, &fresh).await;
    }
    execute(&owners[0], &documented_grants(&role)).await;
    execute(&owners[1], &documented_grants(&role)[2..]).await;
    for (service, owner) in ["AUTH", "USERS"].into_iter().zip(&owners) {
        let mut url = url::Url::parse(owner).unwrap();
        url.set_username(&role).unwrap();
        let process = if service == "AUTH" {
            &mut stack.auth
        } else {
            &mut stack.users
        };
        process.set(&format!("VESTIBULE_{service}__DATABASE__URL"), url.as_str());
        process.set(&format!("VESTIBULE_{service}__DATABASE__MIGRATE"), "false");
        process.start_again();
    }
    for url in [
        stack.auth_management_url("/health/started"),
        stack.users_management_url("/health/started"),
    ] {
        within(Duration::from_secs(60), "it says what it waits for", async || {
            let answer = stack.http().get(&url).send().await.ok()?;
            let text = answer.text().await.ok()?;
            text.contains("schema").then_some(())
        })
        .await;
    }
    for service in ["auth", "users"] {
        let output = Command::new(program(&format!("vestibule-{service}")))
            .arg("migrate")
            .arg("--config")
            .arg(stack.folder().join(format!("{service}.toml")))
            .current_dir(stack.folder())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    stack.ready().await;
    let ann = stack.register("ann").await;
    let tokens = stack.authenticate(&ann).await;
    assert!(stack.user(&tokens.access).await.0.is_success());
    // They really could not have done it themselves.
    let mut url = url::Url::parse(&owners[0]).unwrap();
    url.set_username(&role).unwrap();
    let mut serving = PgConnection::connect(url.as_str()).await.unwrap();
    for statement in [
        "CREATE TABLE mine (id BIGINT)",
        "DROP TABLE accounts",
        "ALTER TABLE accounts ADD COLUMN x TEXT",
    ] {
        let refused = sqlx::query(statement).execute(&mut serving).await;
        assert!(refused.is_err(), "{statement}");
    }
    drop(serving);
    stack.auth.kill();
    stack.users.kill();
    for owner in &owners {
        execute(owner, &[format!("DROP OWNED BY {role}")]).await;
    }
    execute(&owners[0], &[format!("DROP ROLE {role}")]).await;
}
