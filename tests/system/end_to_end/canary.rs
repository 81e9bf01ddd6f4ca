//! Tests with canary secrets in every place of requests, configurations and commands: no output contains one, in any
//! encoding, at any log level.

mod search;

use std::fs;
use std::process::Command;

use serde_json::json;
use testkit::{Person, Stack, StackOptions, program};

use search::{Search, canary, plain};

use crate::pages::{anonymous, sign_in, sign_up_and_wait};

async fn people_sign_in(stack: &Stack, search: &mut Search) {
    let ann = Person {
        password: search.plant(canary("right-password")),
        ..Person::named("ann")
    };
    let mut visitor = anonymous(stack);
    sign_up_and_wait(&mut visitor, &ann).await;
    let wrong = Person {
        password: search.plant(canary("wrong-password")),
        ..ann.clone()
    };
    sign_in(&mut anonymous(stack), &wrong).await;
    let (status, tokens) = stack.try_authenticate(&ann, None).await;
    assert!(status.is_success(), "{tokens}");
    stack.try_authenticate(&wrong, None).await;
    for name in ["access_token", "refresh_token"] {
        let token = tokens[name].as_str().unwrap();
        search.plant(token.rsplit('.').next().unwrap().to_owned());
    }
    stack.user(tokens["access_token"].as_str().unwrap()).await;
    let cookies = visitor.cookies().iter().filter(|(_, value)| value.len() > 20);
    search.planted.extend(cookies.map(|(_, value)| value.clone()));
    search.planted.push(stack.operator_secret().to_owned());
    let operator = stack.operator_token().await;
    search.plant(operator.rsplit('.').next().unwrap().to_owned());
}

/// Forms, bodies, queries, paths and headers, well-formed and not, at both services.
async fn requests_carry_secrets(stack: &Stack, search: &mut Search) {
    let http = stack.http().clone();
    let fields = [
        "username",
        "password",
        "code",
        "code_verifier",
        "client_secret",
        "refresh_token",
        "token",
        "client_assertion",
        "id_token_hint",
        "state",
        "nonce",
        "csrf",
        "invented",
    ];
    // Shown again to the person who typed it, or sent back as the protocol asks.
    let open = ["username", "state", "nonce", "invented"];
    let mut form: Vec<(&str, String)> = Vec::new();
    for name in fields {
        form.push((name, canary(name)));
        if !open.contains(&name) {
            search.plant(canary(name));
        }
    }
    let object = json!(form.iter().cloned().collect::<std::collections::HashMap<_, _>>());
    let broken = object.to_string().trim_end_matches('}').to_owned();
    let in_path = search.plant(plain("path"));
    let header = search.plant(plain("header"));
    let basic = search.plant(canary("basic"));
    for base in [stack.auth_url(""), stack.users_url("")] {
        for path in [
            "/authenticate",
            "/oauth2/token",
            "/oauth2/authorize",
            "/oauth2/revoke",
            "/oauth2/logout",
            "/login",
            "/register",
            "/setup",
            "/logout",
            "/userinfo",
            "/user",
            "/scim/v2/Users",
            "/registrations",
            "/admin/v1/users",
            "/admin/v1/clients",
            "/admin/v1/webhooks",
            "/no-such-path",
        ] {
            let url = format!("{base}{path}");
            search.send(http.post(&url).form(&form)).await;
            search.send(http.post(&url).json(&object)).await;
            let json = http.post(&url).header("content-type", "application/json");
            search.send(json.body(broken.clone())).await;
            search.send(http.get(&url).query(&form)).await;
            search.send(http.get(format!("{url}/{in_path}"))).await;
            search
                .send(http.patch(&url).bearer_auth(&header).json(&object))
                .await;
            search
                .send(
                    http.put(&url)
                        .basic_auth("vestibule-cli", Some(&basic))
                        .json(&object),
                )
                .await;
        }
        let odd = http
            .get(format!("{base}/user"))
            .header("cookie", format!("vestibule={header}; {header}={header}"))
            .header("user-agent", &header)
            .header("referer", &header)
            .header("traceparent", &header)
            .header("x-forwarded-for", &header)
            .header("content-type", &header)
            .header("dpop", &header);
        search.send(odd).await;
    }
}

async fn administrators_see_secrets(stack: &Stack, search: &mut Search) {
    let client = json!({ "client_name": "An application", "redirect_uris": ["https://app.example/cb"] });
    let client = stack.create_client(&client).await;
    search
        .planted
        .extend(client["client_secret"].as_str().map(str::to_owned));
    let token = stack.operator_token().await;
    let in_url = search.plant(plain("webhook-url"));
    let wish = json!({ "url": format!("https://192.0.2.1/hook?key={in_url}"), "types": ["*"] });
    let hook = stack
        .http()
        .post(stack.users_url("/admin/v1/webhooks"))
        .bearer_auth(&token)
        .json(&wish);
    let hook: serde_json::Value = hook.send().await.unwrap().json().await.unwrap();
    let secret = hook["secret"].as_str().unwrap().trim_start_matches("whsec_");
    search.plant(secret.to_owned());
    let client = json!({ "name": "An HR system", "scopes": ["users:read", "users:write"] });
    let client = stack
        .http()
        .post(stack.users_url("/admin/v1/provisioning-clients"))
        .bearer_auth(&token)
        .json(&client);
    let client: serde_json::Value = client.send().await.unwrap().json().await.unwrap();
    let provisioning = search.plant(client["token"].as_str().unwrap().to_owned());
    for path in [
        "/scim/v2/Users",
        "/scim/v2/Groups",
        "/user",
        "/admin/v1/webhooks",
        "/events",
    ] {
        let request = stack.http().get(stack.users_url(path)).bearer_auth(&provisioning);
        search.send(request).await;
    }
    let person = json!({ "user_name": "cas", "email": "cas@example.com" });
    let made = stack
        .http()
        .post(stack.auth_url("/admin/v1/users"))
        .bearer_auth(&token)
        .json(&person);
    let made: serde_json::Value = made.send().await.unwrap().json().await.unwrap();
    let link = made["setup_url"].as_str().unwrap();
    search.plant(link.split("token=").nth(1).unwrap().to_owned());
    // Opened, as a browser would.
    let page = stack.http().get(link).send().await.unwrap();
    assert!(page.status().is_success());
}

/// Services and commands that cannot begin.
fn configurations_hold_secrets(stack: &Stack, search: &mut Search) {
    let folder = stack.folder();
    let url = search.plant(plain("database-password"));
    let broker = search.plant(plain("broker-password"));
    let written = search.plant(plain("written"));
    let start = |service: &str, variables: &[(&str, &str)]| {
        let mut command = Command::new(program(&format!("vestibule-{service}")));
        command
            .arg("--config")
            .arg(folder.join(format!("{service}.toml")))
            .current_dir(folder)
            .envs(variables.iter().copied());
        command
    };
    for (service, name) in [("auth", "VESTIBULE_AUTH"), ("users", "VESTIBULE_USERS")] {
        let level = format!("{name}__LOG__LEVEL");
        let database = format!("{name}__DATABASE__URL");
        // A closed port, and no URL at all.
        for value in [
            format!("postgres://vestibule:{url}@127.0.0.1:1/none"),
            format!("nonsense:{url}"),
        ] {
            search.run(&mut start(service, &[(&level, "trace"), (&database, &value)]));
        }
        let (transport, address) = (
            format!("{name}__EVENTS__TRANSPORT"),
            format!("{name}__EVENTS__RABBITMQ__URL"),
        );
        let value = format!("nonsense://vestibule:{broker}@127.0.0.1:1/none");
        search.run(&mut start(
            service,
            &[(&transport, "rabbitmq"), (&address, &value)],
        ));
        let good = fs::read_to_string(folder.join(format!("{service}.toml"))).unwrap();
        for (number, line) in [
            format!("secret = \"{written}"),
            format!("invented = \"{written}\""),
            format!("[encryption.keys]\nk1 = [\"{written}\"]"),
        ]
        .iter()
        .enumerate()
        {
            let path = folder.join(format!("{service}-{number}.toml"));
            fs::write(&path, format!("{line}\n{good}")).unwrap();
            let mut command = Command::new(program(&format!("vestibule-{service}")));
            search.run(command.arg("--config").arg(&path).current_dir(folder));
        }
    }
}

async fn log_format_story(format: &str) {
    let mut search = Search::default();
    let mut options = StackOptions::default()
        .with("VESTIBULE_USERS__WEBHOOKS__ALLOW", "192.0.2.0/24")
        .with("VESTIBULE_AUTH__LOG__LEVEL", "trace")
        .with("VESTIBULE_USERS__LOG__LEVEL", "trace");
    if format != "ecs" {
        for name in ["VESTIBULE_AUTH__LOG__FORMAT", "VESTIBULE_USERS__LOG__FORMAT"] {
            options = options.with(name, format);
        }
    }
    let mut stack = Stack::with(options).await;
    people_sign_in(&stack, &mut search).await;
    requests_carry_secrets(&stack, &mut search).await;
    administrators_see_secrets(&stack, &mut search).await;
    for url in [
        stack.auth_management_url("/metrics"),
        stack.users_management_url("/metrics"),
    ] {
        let request = stack.http().get(url);
        search.send(request).await;
    }
    stack.auth.terminate().await;
    stack.users.terminate().await;
    for log in [stack.auth.log(), stack.users.log()] {
        assert!(log.lines().count() > 300, "little is logged");
        search.outputs.push(("a log".to_owned(), log));
    }
    configurations_hold_secrets(&stack, &mut search);
    assert!(search.planted.len() > 25 && search.outputs.len() > 200);
    search.assert_no_secret_found();
}

#[tokio::test]
async fn no_output_for_machines_shows_a_secret() {
    log_format_story("ecs").await;
}

#[tokio::test]
async fn no_output_for_people_shows_a_secret() {
    log_format_story("text").await;
}
