//! A visitor: one connection, and a person who is signed in there.

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, StatusCode, header};
use serde_json::Value;
use testkit::pkce_challenge;
use url::form_urlencoded;

use super::browser::Browser;
use super::operation::Operation;
use super::proof::Prover;
use super::provider::{CALLBACK, Facts, Service};
use crate::load::{Connection, PreparedRequest, Response};
use crate::requests::{FORM, VERIFIER};

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// A visitor of a provider.
pub(super) struct Visitor {
    facts: Facts,
    connection: Connection,
    browser: Browser,
    person: (String, String),
    prover: Prover,
    access: String,
    refresh: String,
    challenge: String,
}

impl Visitor {
    /// The visitor with this number, who is one of the people.
    pub(super) async fn open(facts: &Facts, number: usize) -> Result<Self> {
        Ok(Self {
            connection: Connection::open(facts.address).await?,
            facts: facts.clone(),
            browser: Browser::new(facts.address)?,
            person: facts
                .people
                .get(number % facts.people.len().max(1))
                .context("a person")?
                .clone(),
            prover: Prover::new()?,
            access: String::new(),
            refresh: String::new(),
            challenge: pkce_challenge(VERIFIER),
        })
    }

    /// Signs the person in, if the operation needs that, and gets tokens.
    pub(super) async fn prepare(&mut self, operation: Operation) -> Result<()> {
        if !operation.needs_session() {
            return Ok(());
        }
        let client = match operation {
            Operation::BoundRefresh => self.facts.bound.clone(),
            _ => self.facts.flow_rs256.clone(),
        };
        self.flow(&client, operation == Operation::BoundRefresh).await
    }

    /// Does it once.
    pub(super) async fn once(&mut self, operation: Operation) -> Result<()> {
        let paths = &self.facts.paths;
        match operation {
            Operation::Discovery => self.get(&paths.discovery.clone()).await,
            Operation::Jwks => self.get(&paths.jwks.clone()).await,
            Operation::ClientCredentialsEs256 => {
                let service = self.facts.service.clone();
                self.client_credentials(&service).await
            }
            Operation::ClientCredentialsRs256 => {
                let service = self.facts.service_rs256.clone().context("a client with RS256")?;
                self.client_credentials(&service).await
            }
            Operation::Refresh => self.refresh(false).await,
            Operation::BoundRefresh => self.refresh(true).await,
            Operation::Introspection => self.introspect().await,
            Operation::UserInfo => {
                let call = PreparedRequest::get(&paths.userinfo);
                let call = call.with(header::AUTHORIZATION, format!("Bearer {}", self.access));
                self.connection.ok(&call).await.map(drop)
            }
            Operation::PushedRequest => self.push().await,
            Operation::FlowRs256 | Operation::ManyFlowsRs256 => {
                let client = self.facts.flow_rs256.clone();
                self.flow(&client, false).await
            }
            Operation::FlowEs256 | Operation::ManyFlowsEs256 => {
                let client = self.facts.flow_es256.clone();
                self.flow(&client, false).await
            }
            Operation::SignIn => {
                self.browser = Browser::new(self.facts.address)?;
                let client = self.facts.flow_rs256.clone();
                self.flow(&client, false).await
            }
        }
    }

    async fn get(&mut self, path: &str) -> Result<()> {
        self.connection.ok(&PreparedRequest::get(path)).await.map(drop)
    }

    async fn client_credentials(&mut self, service: &Service) -> Result<()> {
        let form = format!("grant_type=client_credentials{}", service.parameters);
        let call = PreparedRequest::post(&self.facts.paths.token, FORM, form);
        self.connection.ok(&authenticated(call, service)).await.map(drop)
    }

    async fn introspect(&mut self) -> Result<()> {
        let form = encoded(&[("token", &self.access)]);
        let call = PreparedRequest::post(&self.facts.paths.introspection, FORM, form);
        let call = authenticated(call, &self.facts.introspecting);
        let answer = self.connection.ok(&call).await?;
        let answer: Value = serde_json::from_slice(&answer.body)?;
        anyhow::ensure!(answer.get("active") == Some(&Value::Bool(true)), "{answer}");
        Ok(())
    }

    fn authorization(&self, client: &str) -> String {
        encoded(&[
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("scope", "openid profile"),
            ("state", "a-state"),
            ("nonce", "a-nonce"),
            ("code_challenge", &self.challenge),
            ("code_challenge_method", "S256"),
        ])
    }

    async fn push(&mut self) -> Result<()> {
        let pushing = self.facts.pushing.clone();
        let form = self.authorization(&pushing.id);
        let call = PreparedRequest::post(&self.facts.paths.pushed, FORM, form);
        self.connection.ok(&authenticated(call, &pushing)).await.map(drop)
    }

    async fn flow(&mut self, client: &str, bound: bool) -> Result<()> {
        let request = format!("{}?{}", self.facts.paths.authorize, self.authorization(client));
        let code = self
            .browser
            .authorize(&mut self.connection, &self.person, &request)
            .await?;
        let form = encoded(&[
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", &code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", CALLBACK),
        ]);
        let answer = self.token(form, bound).await?;
        self.remember(&answer)
    }

    async fn refresh(&mut self, bound: bool) -> Result<()> {
        let client = match bound {
            true => &self.facts.bound,
            false => &self.facts.flow_rs256,
        };
        let form = encoded(&[
            ("grant_type", "refresh_token"),
            ("client_id", client),
            ("refresh_token", &self.refresh),
        ]);
        let answer = self.token(form, bound).await?;
        self.remember(&answer)
    }

    /// A token request, with a proof if the tokens are `bound`.
    async fn token(&mut self, form: String, bound: bool) -> Result<Response> {
        let path = self.facts.paths.token.clone();
        let call = PreparedRequest::post(&path, FORM, form);
        if !bound {
            return self.connection.ok(&call).await;
        }
        let url = format!("http://localhost:{}{path}", self.facts.address.port());
        for _ in 0..2 {
            let proven = call.clone().with(DPOP, self.prover.proof(&url)?);
            let answer = self.connection.send(&proven).await?;
            let nonce = answer.headers.get(DPOP_NONCE);
            let is_new = nonce.is_some();
            if let Some(nonce) = nonce {
                self.prover.nonce = Some(nonce.to_str()?.to_owned());
            }
            if answer.status.is_success() {
                return Ok(answer);
            }
            if answer.status != StatusCode::BAD_REQUEST || !is_new {
                bail!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
            }
        }
        bail!("the nonce was refused twice")
    }

    fn remember(&mut self, answer: &Response) -> Result<()> {
        let tokens: Value = serde_json::from_slice(&answer.body)?;
        let text = |name: &'static str| tokens.get(name).and_then(Value::as_str).map(str::to_owned);
        self.access = text("access_token").context("an access token")?;
        // A bound one may stay the same.
        if let Some(refresh) = text("refresh_token") {
            self.refresh = refresh;
        }
        Ok(())
    }
}

fn authenticated(call: PreparedRequest, service: &Service) -> PreparedRequest {
    let basic = STANDARD.encode(format!("{}:{}", service.id, service.secret));
    call.with(header::AUTHORIZATION, format!("Basic {basic}"))
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}
