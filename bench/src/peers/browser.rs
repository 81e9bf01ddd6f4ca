//! A browser that signs a person in by the forms of a provider: cookies, redirects, and the form with a password.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use http::header;
use url::{Url, form_urlencoded};

use super::provider::CALLBACK;
use crate::load::{Connection, PreparedRequest, Response};
use crate::requests::FORM;

/// The most redirects and forms on the way.
const STEPS: usize = 15;

/// A browser of the pages of one provider, with its cookies.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    site: Url,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// A browser without cookies, for the provider at `address`.
    pub(super) fn new(address: SocketAddr) -> Result<Self> {
        Ok(Self {
            site: Url::parse(&format!("http://localhost:{}", address.port()))?,
            cookies: BTreeMap::new(),
        })
    }

    /// Sends an authorization request, signs the person in when asked to, and returns the code.
    pub(super) async fn authorize(
        &mut self,
        connection: &mut Connection,
        person: &(String, String),
        request: &str,
    ) -> Result<String> {
        let mut url = self.site.join(request)?;
        let mut call = PreparedRequest::get(request);
        for _ in 0..STEPS {
            let answer = self.send(connection, call).await?;
            if let Some(location) = answer.headers.get(header::LOCATION) {
                url = url.join(location.to_str()?)?;
                if url.as_str().starts_with(CALLBACK) {
                    let mut parameters = url.query_pairs();
                    let code = parameters.find(|(name, _)| name == "code");
                    return Ok(code.with_context(|| format!("no code in {url}"))?.1.into_owned());
                }
                call = PreparedRequest::get(path_and_query(&url));
                continue;
            }
            let page = String::from_utf8_lossy(&answer.body).into_owned();
            let (action, fields) = form(&page, person)
                .with_context(|| format!("{url}: {} and no form for a password: {page}", answer.status))?;
            url = url.join(&action)?;
            let body = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish();
            call = PreparedRequest::post(path_and_query(&url), FORM, body);
        }
        bail!("no code after {STEPS} steps: {url}")
    }

    async fn send(&mut self, connection: &mut Connection, call: PreparedRequest) -> Result<Response> {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut call = call;
        if !cookies.is_empty() {
            call = call.with(header::COOKIE, cookies.join("; "));
        }
        if call.method == http::Method::POST {
            call = call.with(header::ORIGIN, self.site.origin().ascii_serialization());
        }
        let answer = connection.send(&call).await?;
        for line in answer.headers.get_all(header::SET_COOKIE) {
            self.set_cookie(line.to_str()?);
        }
        Ok(answer)
    }

    fn set_cookie(&mut self, line: &str) {
        let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
        let Some((name, value)) = pair.split_once('=') else {
            return;
        };
        let attributes = attributes.to_ascii_lowercase();
        if attributes.contains("max-age=0") || attributes.contains("1970") {
            self.cookies.remove(name.trim());
        } else {
            self.cookies
                .insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }
}

fn path_and_query(url: &Url) -> &str {
    url.as_str()
        .get(url.origin().ascii_serialization().len()..)
        .unwrap_or("/")
}

/// The action and the filled fields of the form that asks for a password.
fn form(page: &str, (name, password): &(String, String)) -> Option<(String, Vec<(String, String)>)> {
    let part = page
        .split("<form")
        .skip(1)
        .filter_map(|rest| rest.split("</form").next())
        .find(|part| part.contains("type=\"password\""))?;
    let action = attribute(part.split('>').next()?, "action")?;
    let mut fields = Vec::new();
    for tag in part
        .split("<input")
        .skip(1)
        .filter_map(|rest| rest.split('>').next())
    {
        let Some(field) = attribute(tag, "name") else {
            continue;
        };
        let kind = attribute(tag, "type").unwrap_or_default();
        let value = match kind.as_str() {
            "password" => password.clone(),
            "checkbox" | "submit" => continue,
            "hidden" => attribute(tag, "value").unwrap_or_default(),
            _ => name.clone(),
        };
        fields.push((field, value));
    }
    Some((action, fields))
}

/// The value of an attribute of a tag, in double quotes.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(
        value
            .replace("&amp;", "&")
            .replace("&#x2F;", "/")
            .replace("&#38;", "&")
            .replace("&quot;", "\"")
            .replace("&#x3D;", "="),
    )
}
