//! The API in Python: it verifies access tokens, and refuses as the standard says.

use std::process::Command;

use testkit::{Stack, eventually, free_port};

use super::{Example, credentials, run};
use crate::source::root;

const EXAMPLE: Example = Example {
    name: "api-python",
    reads: &["requirements.txt"],
    source: Some("api.py"),
};

#[tokio::test]
async fn the_api_in_python_verifies_tokens_and_refuses_as_the_standard_says() {
    let stack = Stack::start().await;
    let port = free_port();
    let here = format!("http://localhost:{port}");
    let [add, install, begin, variables, token, read, write] = EXAMPLE.commands().try_into().unwrap();
    let [id, secret] = credentials(&run(&stack, &add.replace("http://localhost:3001", &here)).await);
    let environment = [("ISSUER", stack.auth_url("")), ("PORT", port.to_string())];
    let _running = EXAMPLE.start(&stack, [&install, &begin], &environment).await;
    let stock = format!("{here}/stock");
    let unauthorized = eventually("the API listens", async || reqwest::get(&stock).await.ok()).await;
    assert_eq!(unauthorized.status(), 401);
    let metadata = format!("{here}/.well-known/oauth-protected-resource");
    let challenge = unauthorized.headers()["www-authenticate"].to_str().unwrap();
    assert_eq!(challenge, format!("Bearer resource_metadata=\"{metadata}\""));
    let metadata: serde_json::Value = reqwest::get(metadata).await.unwrap().json().await.unwrap();
    assert_eq!(metadata["resource"], here.as_str());
    assert_eq!(metadata["authorization_servers"][0], stack.auth_url(""));

    // What a newcomer types, in one shell, with what `client add` printed.
    let variables = variables.replacen('…', &id, 1).replacen('…', &secret, 1);
    let typed = [
        variables,
        token,
        "echo \"$TOKEN\"".to_owned(),
        read,
        write,
        "cat answer".to_owned(),
    ]
    .join("\n");
    let typed = typed
        .replace("http://localhost:8000", &stack.auth_url(""))
        .replace("http://localhost:3001", &here);
    let printed = run(&stack, &typed).await;
    let (token, printed) = printed.split_once('\n').unwrap();
    assert!(
        printed.contains(r#"{"apples":7}"#) && printed.contains(&id),
        "{printed}"
    );
    assert!(
        printed.contains(r#"error="insufficient_scope", scope="stock:write""#),
        "{printed}"
    );

    // Forged, for another API, and no access token at all.
    let (signed, _) = token.rsplit_once('.').unwrap();
    for refused in [
        format!("{signed}.AAAA"),
        stack.operator_token().await,
        "nonsense".to_owned(),
    ] {
        let request = reqwest::Client::new().get(&stock).bearer_auth(&refused);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401, "{refused}");
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        assert!(
            challenge.starts_with("Bearer error=\"invalid_token\""),
            "{challenge}"
        );
    }
}

/// `tokens.py` makes what `auth` gives nobody at the right moment: expired and bound tokens, ID tokens for the API, changed keys.
#[test]
fn the_api_in_python_refuses_each_token_that_is_not_for_it() {
    let install = EXAMPLE.commands().swap_remove(1);
    let output = Command::new(EXAMPLE.installed(&install).join(".venv/bin/python"))
        .arg(root().join("tests/system/examples/tokens.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}
