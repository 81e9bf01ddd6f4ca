//! Visitors: each is a person with a session who repeats one kind of action.

use anyhow::{Context, Result};
use http::header;
use serde_json::{Value, json};
use testkit::{Person, Stack};

use crate::load::{Connection, PreparedRequest};
use crate::requests::{FORM, address, flow_client, run_code_flow, signed_in, token_call};

/// A kind of action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    ClientCredentials,
    GetUser,
    Refresh,
    CodeFlow,
    Update,
    SignIn,
    Register,
}

impl Action {
    pub(super) const ALL: [Self; 7] = [
        Self::ClientCredentials,
        Self::GetUser,
        Self::Refresh,
        Self::CodeFlow,
        Self::Update,
        Self::SignIn,
        Self::Register,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials token",
            Self::GetUser => "`GET /user`",
            Self::Refresh => "refresh of a token",
            Self::CodeFlow => "code flow with an existing session",
            Self::Update => "change of a person over SCIM, with its event",
            Self::SignIn => "`POST /authenticate`",
            Self::Register => "registration, with its events",
        }
    }

    /// The number of repetitions in a full run.
    pub(super) fn usual_count(self) -> u32 {
        match self {
            Self::ClientCredentials | Self::GetUser => 16_000,
            Self::Refresh | Self::CodeFlow | Self::Update => 4_000,
            Self::SignIn | Self::Register => 2_000,
        }
    }
}

/// A person with her tokens and connections.
pub(super) struct Visitor {
    auth: Connection,
    users: Connection,
    person: Person,
    bearer: String,
    refresh: String,
    cookies: String,
    operator: PreparedRequest,
    operator_bearer: String,
    client: String,
    done: u32,
}

impl Visitor {
    pub(super) async fn start(stack: &Stack, count: usize) -> Result<Vec<Self>> {
        let client = flow_client(stack).await?;
        let mut visits = Vec::with_capacity(count);
        for number in 0..count {
            let person = stack.register(&format!("visitor{number}")).await;
            let tokens = stack.authenticate(&person).await;
            visits.push(Self {
                auth: Connection::open(address(&stack.auth_url(""))?).await?,
                users: Connection::open(address(&stack.users_url(""))?).await?,
                bearer: format!("Bearer {}", tokens.access),
                refresh: tokens.refresh.context("a refresh token")?,
                cookies: signed_in(stack, &person).await,
                operator: token_call(stack),
                operator_bearer: String::new(),
                client: client.clone(),
                done: 0,
                person,
            });
        }
        Ok(visits)
    }

    /// Does it once.
    pub(super) async fn once(&mut self, act: Action) -> Result<()> {
        self.done += 1;
        // Access tokens live for five minutes.
        if self.done % 500 == 1 {
            let answer = self.auth.ok(&self.operator).await?;
            self.operator_bearer = format!("Bearer {}", text(&answer.body, "access_token")?);
            self.refresh().await?;
        }
        match act {
            Action::ClientCredentials => drop(self.auth.ok(&self.operator).await?),
            Action::GetUser => {
                let call = PreparedRequest::get("/user").with(header::AUTHORIZATION, self.bearer.clone());
                self.users.ok(&call).await?;
            }
            Action::Refresh => self.refresh().await?,
            Action::CodeFlow => run_code_flow(&mut self.auth, &self.client, &self.cookies).await?,
            Action::Update => self.update().await?,
            Action::SignIn => self.sign_in().await?,
            Action::Register => self.register().await?,
        }
        Ok(())
    }

    async fn refresh(&mut self) -> Result<()> {
        let body = format!(
            "grant_type=refresh_token&client_id=vestibule-direct&refresh_token={}",
            self.refresh
        );
        let answer = self
            .auth
            .ok(&PreparedRequest::post("/oauth2/token", FORM, body))
            .await?;
        self.bearer = format!("Bearer {}", text(&answer.body, "access_token")?);
        self.refresh = text(&answer.body, "refresh_token")?;
        Ok(())
    }

    async fn update(&mut self) -> Result<()> {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": self.person.user_name,
            "name": { "givenName": format!("Ann {}", self.done), "familyName": "Example" },
            "emails": [{ "value": self.person.email(), "primary": true }],
            "active": true,
        });
        let path = format!("/scim/v2/Users/{}", self.person.id);
        let mut call = PreparedRequest::post(&path, "application/scim+json", body.to_string())
            .with(header::AUTHORIZATION, self.operator_bearer.clone());
        call.method = http::Method::PUT;
        self.users.ok(&call).await.map(drop)
    }

    async fn sign_in(&mut self) -> Result<()> {
        let body = json!({ "username": self.person.user_name, "password": self.person.password });
        let call = PreparedRequest::post("/authenticate", "application/json", body.to_string());
        self.auth.ok(&call).await.map(drop)
    }

    async fn register(&mut self) -> Result<()> {
        let name = format!("{}-{}", self.person.user_name, self.done);
        let person = Person::named(&name);
        let body = json!({ "user_name": name, "email": person.email(), "password": person.password });
        let call = PreparedRequest::post("/admin/v1/users", "application/json", body.to_string())
            .with(header::AUTHORIZATION, self.operator_bearer.clone());
        self.auth.ok(&call).await.map(drop)
    }
}

fn text(body: &[u8], name: &str) -> Result<String> {
    let answer: Value = serde_json::from_slice(body)?;
    Ok(answer
        .get(name)
        .and_then(Value::as_str)
        .with_context(|| format!("no {name} in the answer"))?
        .to_owned())
}
