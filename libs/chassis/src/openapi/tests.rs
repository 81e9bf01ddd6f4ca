//! A small API, described.

use ::http::{Method, Request, StatusCode};
use axum::body::{Body, to_bytes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::shared::resolve;
use super::*;
use crate::routes::{Permission, Routes};

/// A thing.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Thing {
    /// Its name.
    name: String,
    #[serde(default)]
    labels: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct ThingsQuery {
    /// The most things.
    #[schemars(range(min = 1, max = 5))]
    limit: Option<i64>,
}

const PATHS: PublishedPaths = PublishedPaths {
    document: "/openapi.json",
    page: "/docs",
    style: "/docs/style.css",
};

fn routes() -> Routes<()> {
    Routes::default()
        .get("/things", Permission::Scope("things:read"), || async {})
        .put("/things/{id}", Permission::Public("a test"), || async {})
}

fn api() -> Api {
    Api {
        title: "Things",
        description: "About <things>.",
        tags: &[("Things", "What there is.")],
        security: SecurityVocabulary {
            code_scopes: &[("things:read", "read things")],
            client_scopes: &[],
            session_cookie: "session",
        },
        operations: vec![
            Operation::new(Method::GET, "/things", "listThings", "Lists things")
                .tag("Things")
                .query::<ThingsQuery>()
                .response(Response::new(200, "All.").json::<Vec<Thing>>()),
            Operation::new(Method::PUT, "/things/{id}", "putThing", "Puts a thing")
                .tag("Things")
                .json::<Thing>()
                .response(Response::new(200, "It.").json::<Thing>())
                .error(ErrorType::problem(409, "taken", "another has the name")),
        ],
        examples: r#"{"putThing": {"request": {"body": {"name": "a"}},
            "response": {"status": 200, "content_type": "application/json", "body": {"name": "a", "labels": []}}}}"#,
    }
}

fn document() -> Value {
    api().document(&routes(), "https://things.example", "https://id.example")
}

#[test]
fn a_description_and_the_list_of_routes_are_compared_in_both_directions() {
    assert_eq!(api().differences(&routes()), Vec::<String>::new());
    let more = routes().delete("/things/{id}", Permission::Public("a test"), || async {});
    assert_eq!(api().differences(&more), ["DELETE /things/{id}"]);
    let mut twice = api();
    twice.operations.push(twice.operations[0].clone());
    assert_eq!(twice.differences(&routes()), ["GET /things is described twice"]);
    assert_eq!(api().differences(&Routes::<()>::default()).len(), 2);
}

#[test]
fn an_operation_has_its_permission_its_parameters_and_every_error() {
    let document = document();
    let list = &document["paths"]["/things"]["get"];
    assert_eq!(list["security"], json!([{ "oauth2": ["things:read"] }]));
    let limit = &list["parameters"][0];
    assert_eq!(
        (&limit["in"], &limit["required"]),
        (&json!("query"), &json!(false))
    );
    assert_eq!(limit["schema"]["type"], "integer");
    let unauthorized = &list["responses"]["401"];
    assert_eq!(unauthorized["headers"]["WWW-Authenticate"]["required"], true);
    let types =
        &unauthorized["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["type"];
    assert_eq!(
        types["enum"],
        json!(["https://vestibule.dev/problems/unauthorized"])
    );

    let put = &document["paths"]["/things/{id}"]["put"];
    assert_eq!(put["security"], json!([]));
    assert!(put["responses"].get("401").is_none());
    for status in ["400", "404", "409", "413", "415", "422", "500", "503"] {
        assert!(put["responses"].get(status).is_some(), "{status}");
    }
    assert_eq!(
        put["requestBody"]["content"]["application/json"]["example"],
        json!({ "name": "a" })
    );
    assert_eq!(
        put["responses"]["200"]["content"]["application/json"]["example"]["labels"],
        json!([])
    );
}

#[test]
fn a_sentence_is_said_once_whatever_the_formats_of_the_errors() {
    for format in [ErrorFormat::Page, ErrorFormat::OAuth, ErrorFormat::Scim] {
        let mut api = api();
        for operation in &mut api.operations {
            operation.format = format;
        }
        let document = api.document(&routes(), "https://things.example", "https://id.example");
        let put = &document["paths"]["/things/{id}"]["put"];
        let failed = resolve(&document, &put["responses"]["500"]);
        assert_eq!(
            failed["description"],
            "`internal`: the service failed; `trace_id` names the entry in its log."
        );
        assert_eq!(
            failed["content"].as_object().unwrap().len(),
            2,
            "both formats stay"
        );
    }
}

#[test]
fn an_error_that_several_operations_answer_alike_stands_in_the_components() {
    let document = document();
    let of = |path: &str, method: &str| document["paths"][path][method]["responses"]["503"].clone();
    let (list, put) = (of("/things", "get"), of("/things/{id}", "put"));
    assert_eq!(
        list,
        json!({ "$ref": "#/components/responses/ServiceUnavailable" })
    );
    assert_eq!(list, put);
    let shared = resolve(&document, &list);
    assert!(
        shared["description"]
            .as_str()
            .unwrap()
            .contains("`limits.request_timeout_seconds`")
    );
}

#[test]
fn what_reads_a_body_may_answer_408_unless_it_has_one_status_for_all_that_cannot_be_read() {
    let mut api = api();
    let responses = |api: &Api| {
        let document = api.document(&routes(), "https://things.example", "https://id.example");
        document["paths"]["/things/{id}"]["put"]["responses"].clone()
    };
    assert!(responses(&api).get("408").is_some());
    api.operations[1] = api.operations[1].clone().unreadable_is(400);
    let one = responses(&api);
    for status in ["408", "413", "415", "422"] {
        assert!(one.get(status).is_none(), "{status}");
    }
    assert!(one.get("400").is_some());
}

// A request may leave out what has a default; a response has it always.
#[test]
fn a_type_that_looks_different_in_a_request_has_a_schema_of_its_own_there() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["ThingInput"]["required"], json!(["name"]));
    assert_eq!(schemas["Thing"]["required"], json!(["name", "labels"]));
    let put = &document["paths"]["/things/{id}"]["put"];
    let body = &put["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(body, "#/components/schemas/ThingInput");
    let answer = &put["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(answer, "#/components/schemas/Thing");
}

#[test]
fn the_table_has_a_row_for_each_operation() {
    let table = route_table(&document());
    assert!(
        table.contains("| `GET /things` | scope `things:read` | Lists things |"),
        "{table}"
    );
    assert!(
        table.contains("| `PUT /things/{id}` | public: a test | Puts a thing |"),
        "{table}"
    );
}

#[tokio::test]
async fn the_document_and_the_page_are_served_without_a_script() {
    let router = Published::new(document).routes(PATHS).into_router();
    let get = async |path: &str| {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let headers = response.headers().clone();
        assert!(
            headers["cache-control"].to_str().unwrap().starts_with("public"),
            "{path}"
        );
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (headers, String::from_utf8(body.to_vec()).unwrap())
    };
    let (_, body) = get("/openapi.json").await;
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), document());
    let (headers, page) = get("/docs").await;
    assert!(
        headers["content-security-policy"]
            .to_str()
            .unwrap()
            .starts_with("default-src 'none'")
    );
    assert!(!page.contains("<script") && !page.contains(" style="), "{page}");
    assert_eq!(page.matches("<h1").count(), 1);
    assert!(
        page.contains("&#60;things&#62;") || page.contains("&lt;things&gt;"),
        "{page}"
    );
    for operation in ["listThings", "putThing"] {
        assert!(page.contains(&format!("id=\"{operation}\"")), "{operation}");
    }
    get("/docs/style.css").await;
}
