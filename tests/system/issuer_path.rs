//! Tests of an issuer and a user service under paths of one host, behind nginx, which keeps or strips the paths.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use testkit::{Person, Process, Program, Stack, StackOptions, Visitor, free_port, within};

use crate::clients::run_node_script;
use crate::tools::nginx_program;

const CALLBACK: &str = "https://app.example.org/callback";
const SIGNED_OUT: &str = "https://app.example.org/signed-out";

/// The handling of the path by the proxy: it keeps or strips it.
#[derive(Clone, Copy, Debug)]
enum PathHandling {
    /// `proxy_pass http://auth;`
    PassesThePathOn,
    /// `proxy_pass http://auth/;`
    StripsThePath,
}

/// The services at `/idp` and `/directory` of one host.
struct ProxiedStack {
    stack: Stack,
    #[expect(dead_code, reason = "passes requests on until dropped")]
    nginx: Process,
    host: String,
}

impl ProxiedStack {
    async fn start(proxy: PathHandling) -> Self {
        let port = free_port();
        let host = format!("http://localhost:{port}");
        let (issuer, users) = (format!("{host}/idp"), format!("{host}/directory"));
        let options = StackOptions::default()
            .with("VESTIBULE_AUTH__ISSUER", &issuer)
            .with("VESTIBULE_AUTH__USERS__URL", &users)
            .with("VESTIBULE_USERS__URL", &users)
            .with("VESTIBULE_USERS__AUTH__ISSUER", &issuer);
        let stack = Stack::spawn(options).await;
        let nginx = nginx(&stack, proxy, port);
        stack.ready().await;
        within(std::time::Duration::from_secs(60), "nginx answers", async || {
            stack.http().get(format!("{issuer}/login")).send().await.ok()
        })
        .await;
        Self { stack, nginx, host }
    }

    fn issuer(&self) -> String {
        format!("{}/idp", self.host)
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self
            .stack
            .http()
            .get(format!("{}{path}", self.host))
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    /// A request without a token is told where the metadata of the user service is (RFC 9728 §5.1), and finds it there.
    async fn resource_metadata(&self) {
        let resource = format!("{}/directory", self.host);
        let refused = self.stack.http().get(format!("{resource}/user"));
        let refused = refused.send().await.unwrap();
        assert_eq!(refused.status(), 401);
        let challenges = refused.headers().get_all("www-authenticate").iter();
        let named = challenges
            .filter_map(|challenge| {
                challenge
                    .to_str()
                    .unwrap()
                    .split_once("resource_metadata=\"")?
                    .1
                    .split_once('"')
            })
            .map(|(url, _)| url.to_owned())
            .next()
            .expect("a 401 names the metadata");
        let answer = self.stack.http().get(&named).send().await.unwrap();
        assert!(answer.status().is_success(), "{named}: {}", answer.status());
        let document: Value = answer.json().await.unwrap();
        assert_eq!(document["resource"], resource.as_str(), "{named}");
        assert_eq!(
            document["authorization_servers"],
            json!([self.issuer()]),
            "{named}"
        );
    }
}

fn nginx(stack: &Stack, proxy: PathHandling, port: u16) -> Process {
    let folder = stack.folder().join("nginx");
    std::fs::create_dir(&folder).unwrap();
    let end = match proxy {
        PathHandling::PassesThePathOn => "",
        PathHandling::StripsThePath => "/",
    };
    let mut locations = String::new();
    for (path, service) in [
        (format!("/idp{end}"), format!("{}{end}", stack.auth_url(""))),
        (
            format!("/directory{end}"),
            format!("{}{end}", stack.users_url("")),
        ),
        // RFC 8414 §3.1 puts the path behind.
        (
            "= /.well-known/oauth-authorization-server/idp".to_owned(),
            stack.auth_url(""),
        ),
        // RFC 9728 §3.1 does the same.
        (
            "= /.well-known/oauth-protected-resource/directory".to_owned(),
            stack.users_url(""),
        ),
    ] {
        let service = service.replace("localhost", "127.0.0.1");
        writeln!(
            locations,
            "location {path} {{ proxy_pass {service}; proxy_set_header Host $http_host; }}"
        )
        .unwrap();
    }
    let text = format!(
        "daemon off; master_process off; pid {folder}/pid; error_log stderr;\n\
         events {{ worker_connections 256; }}\n\
         http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n\
         server {{ listen 127.0.0.1:{port};\n{locations}}} }}\n",
        folder = folder.display(),
    );
    let configuration = folder.join("nginx.conf");
    std::fs::write(&configuration, text).unwrap();
    Process::start(Program {
        name: "nginx",
        path: nginx_program(),
        arguments: vec![
            "-c".into(),
            configuration.into(),
            "-p".into(),
            folder.clone().into(),
        ],
        environment: Vec::new(),
        folder,
        log: stack.folder().join("nginx.log"),
    })
}

/// A person makes an account, signs out and in again; an application gets tokens by a client library; both services take
/// them, and what they say of themselves leads to where they are.
async fn story(proxy: PathHandling) {
    let hosted = ProxiedStack::start(proxy).await;
    let issuer = hosted.issuer();
    for path in [
        "/idp/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/idp",
    ] {
        let document = hosted.json(path).await;
        assert_eq!(document["issuer"], issuer.as_str(), "{path}");
        assert_eq!(document["jwks_uri"], format!("{issuer}/oauth2/jwks"));
    }

    let ann = Person::named("ann");
    let mut visitor = Visitor::at(&issuer);
    let page = visitor.open("/idp/register").await;
    let email = ann.email();
    let typed = [
        ("user_name", ann.user_name.as_str()),
        ("email", email.as_str()),
        ("password", ann.password.as_str()),
    ];
    let mut landed = visitor.submit(&page, "/idp/register", &typed).await;
    if landed.url.path() == "/idp/register/wait" {
        let wait = landed.url.to_string();
        let ready = within(
            std::time::Duration::from_secs(60),
            "the account is ready",
            async || {
                let page = visitor.open(&wait).await;
                page.has_form("/idp/register/wait").then_some(page)
            },
        )
        .await;
        landed = visitor.submit(&ready, "/idp/register/wait", &[]).await;
    }
    assert_eq!(landed.url.path(), "/idp/", "{}", landed.text());
    let home = visitor.open("/idp/").await;
    let gone = visitor.submit(&home, "/idp/logout", &[]).await;
    assert_eq!(gone.url.path(), "/idp/logout");
    assert!(!visitor.open("/idp/").await.has_form("/idp/logout"));

    let client = hosted
        .stack
        .create_client(&json!({
            "client_name": "An application",
            "redirect_uris": [CALLBACK],
            "post_logout_redirect_uris": [SIGNED_OUT],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile email offline_access",
        }))
        .await;
    let environment = BTreeMap::from([
        ("ISSUER", issuer.clone()),
        ("CLIENT_ID", client["client_id"].as_str().unwrap().to_owned()),
        ("AUTH_METHOD", "none".to_owned()),
        ("ID_TOKEN_ALG", "RS256".to_owned()),
        ("REDIRECT_URI", CALLBACK.to_owned()),
        ("POST_LOGOUT_URI", SIGNED_OUT.to_owned()),
        ("USER_NAME", ann.user_name.clone()),
        ("PASSWORD", ann.password.clone()),
    ]);
    let seen = run_node_script("openid-client.mjs", &environment);
    assert_eq!(seen["claims"]["iss"], issuer.as_str(), "{seen}");
    assert_eq!(seen["iss_parameter"], issuer.as_str());
    assert_eq!(seen["asked_for_password"], true);
    assert_eq!(seen["asked_again_with_session"], false, "the cookie is sent back");
    assert!(
        seen["signed_out_to"].as_str().unwrap().starts_with(SIGNED_OUT),
        "{seen}"
    );
    assert_eq!(seen["asked_after_sign_out"], true);

    let login = json!({ "username": ann.user_name, "password": ann.password });
    let request = hosted
        .stack
        .http()
        .post(format!("{issuer}/authenticate"))
        .json(&login);
    let tokens: Value = request.send().await.unwrap().json().await.unwrap();
    let token = tokens["access_token"].as_str().unwrap();
    let request = hosted
        .stack
        .http()
        .get(format!("{}/directory/scim/v2/ServiceProviderConfig", hosted.host));
    let document: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        document["meta"]["location"],
        format!("{}/directory/scim/v2/ServiceProviderConfig", hosted.host)
    );
    let request = hosted
        .stack
        .http()
        .get(format!("{}/directory/user", hosted.host))
        .bearer_auth(token);
    let user: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(user["user_name"], "ann", "{user}");
    hosted.resource_metadata().await;
}

#[tokio::test]
async fn people_and_applications_use_an_issuer_with_a_path_behind_a_proxy_that_passes_it_on() {
    story(PathHandling::PassesThePathOn).await;
}

#[tokio::test]
async fn people_and_applications_use_an_issuer_with_a_path_behind_a_proxy_that_strips_it() {
    story(PathHandling::StripsThePath).await;
}
