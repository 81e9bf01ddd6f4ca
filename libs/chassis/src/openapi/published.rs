//! `GET /openapi.json`, `GET /docs` and `GET /docs/style.css`: the description of a service, for everybody.

use std::sync::{Arc, LazyLock};

use ::http::Method;
use ::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    HeaderValue,
};
use bytes::Bytes;
use serde_json::Value;

use super::operation::{Operation, Response};
use super::page;
use crate::http::Problem;
use crate::routes::{Permission, Routes};

const STYLE: &str = include_str!("../../assets/docs.css");
/// The page loads its style sheet and nothing else.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const CACHE: &str = "public, max-age=300";

/// The paths of [`Published::routes`].
#[derive(Clone, Copy, Debug)]
pub struct PublishedPaths {
    /// Of the document.
    pub document: &'static str,
    /// Of the page.
    pub page: &'static str,
    /// Of the style sheet of the page.
    pub style: &'static str,
}

/// The description of a service. It is made when it is first asked for.
#[derive(Clone)]
pub struct Published(Arc<LazyLock<Rendered, Box<dyn FnOnce() -> Rendered + Send>>>);

struct Rendered {
    document: Bytes,
    page: Result<Bytes, String>,
}

impl Default for Published {
    /// An empty description, for lists of routes that nobody calls.
    fn default() -> Self {
        Self::new(|| Value::Null)
    }
}

/// The descriptions of the routes of [`Published::routes`].
pub fn published_operations(paths: PublishedPaths) -> Vec<Operation> {
    let operation = |path, id, summary| Operation::new(Method::GET, path, id, summary).tag("Service");
    let css = serde_json::json!({ "type": "string" });
    vec![
        operation(
            paths.document,
            "readOpenApi",
            "Returns this description as an OpenAPI document",
        )
        .response(Response::new(200, "The document.").value(
            "application/json",
            serde_json::json!({ "type": "object", "required": ["openapi"] }),
        )),
        operation(paths.page, "showDocs", "Shows this description as a page")
            .response(Response::new(200, "The page.").html()),
        operation(
            paths.style,
            "readDocsStyle",
            "Returns the style sheet of the page",
        )
        .response(Response::new(200, "The style sheet.").value("text/css", css)),
    ]
}

impl Published {
    /// The description that `make` makes.
    pub fn new(make: impl FnOnce() -> Value + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(move || {
            let document = make();
            Rendered {
                page: page::render(&document)
                    .map(Bytes::from)
                    .map_err(|error| error.to_string()),
                document: Bytes::from(document.to_string()),
            }
        }))))
    }

    /// The routes of the description.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self, paths: PublishedPaths) -> Routes<S> {
        let public =
            Permission::Public("the description holds nothing of this installation but its public URLs");
        let (document, page) = (self.clone(), self.clone());
        Routes::default()
            .get(paths.document, public, move || async move {
                let cors = (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
                (
                    [cors],
                    with_headers("application/json", document.0.document.clone()),
                )
            })
            .get(paths.page, public, move || async move {
                let policy = (CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
                match &page.0.page {
                    Ok(html) => Ok(([policy], with_headers("text/html; charset=utf-8", html.clone()))),
                    Err(error) => Err(Problem::internal(&std::io::Error::other(error.clone()))),
                }
            })
            .get(paths.style, public, || async {
                with_headers("text/css; charset=utf-8", Bytes::from_static(STYLE.as_bytes()))
            })
    }
}

fn with_headers(kind: &'static str, body: Bytes) -> ([(HeaderName, HeaderValue); 2], Bytes) {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, HeaderValue::from_static(CACHE)),
    ];
    (headers, body)
}
