//! Ten thousand requests to every route of SCIM, most of them wrong in some way: each answer keeps to RFC 7644 §3.12, and the
//! directory is whole afterwards.

mod bodies;
mod directory;
mod queries;
mod random;

use std::time::Duration;

use axum::body::Body;
use contract::paths::users::SCIM;
use http::{Method, StatusCode, Uri};
use serde_json::{Value, json};

use super::passwords::Auth;
use crate::app::SharedApp;
use crate::credentials::Credentials;
use crate::testing::{
    Caller, TestResponse, app_with, app_with_grace_and_credentials, clients_token, desired_user,
    persons_token,
};
use crate::user_created_waiters::UserCreatedWaiters;
use random::Random;

const REQUESTS: usize = 10_000;
const SEED: u64 = 0x7643_7644_9865;
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// Requests to each route at least.
const LEAST: usize = 150;

/// The directory as earlier answers showed it.
#[derive(Debug, Default)]
struct Existing {
    users: Vec<String>,
    groups: Vec<String>,
    cursor: Option<String>,
    /// True if users are sent with passwords.
    passwords: bool,
}

const NOBODY: &str = "018f0000-0000-7000-8000-0000000000ff";

impl Existing {
    fn user(&self, random: &mut Random) -> String {
        pick(&self.users, random)
    }

    fn group(&self, random: &mut Random) -> String {
        pick(&self.groups, random)
    }

    fn note(&mut self, path: &str, answer: &TestResponse) {
        if let Some(cursor) = answer.body["nextCursor"].as_str() {
            self.cursor = Some(cursor.to_owned());
        }
        let Some(id) = answer.body["id"]
            .as_str()
            .filter(|_| answer.status == StatusCode::CREATED)
        else {
            return;
        };
        match path.contains("/Users") {
            true => self.users.push(id.to_owned()),
            false => self.groups.push(id.to_owned()),
        }
    }
}

fn pick(ids: &[String], random: &mut Random) -> String {
    match ids.is_empty() || random.chance(8) {
        true => NOBODY.to_owned(),
        false => random.pick(ids).clone(),
    }
}

/// A request, with all that it takes to send it again.
#[derive(Clone, Debug)]
struct FuzzedRequest {
    method: String,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn encode(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    });
    encoded.collect()
}

/// The path of a route, with an id in the place of its parameter.
fn path(route: &str, known: &Existing, random: &mut Random) -> String {
    let id = match random.below(12) {
        0 => encode(&random.text()),
        1 => known.group(random),
        2 => "User".to_owned(),
        3 => "urn:ietf:params:scim:schemas:core:2.0:User".to_owned(),
        _ if route.contains("Groups") => known.group(random),
        _ => known.user(random),
    };
    let mut path = route.replace("{id}", &id);
    // `/scim/v2%2f` is a segment of another name, which is no path of SCIM.
    let ends: &[&str] = if route == SCIM {
        &["/", "/x", "//"]
    } else {
        &["/", "/x", "%2f", "//"]
    };
    if random.chance(2) {
        path.push_str(random.pick::<&str>(ends));
    }
    path
}

fn request((method, route): (&str, &str), known: &Existing, random: &mut Random) -> FuzzedRequest {
    let mut path = path(route, known, random);
    let is_list = method == "GET" && (route.ends_with("/Users") || route.ends_with("/Groups"));
    let mut parameters = match is_list || random.chance(12) {
        true => queries::parameters(route.contains("Users"), known, random),
        false => Vec::new(),
    };
    if let Some(cursor) = known.cursor.as_ref().filter(|_| is_list && random.chance(10)) {
        let mut bytes = cursor.clone().into_bytes();
        if random.chance(50) {
            random.damage(&mut bytes);
        }
        parameters.push(("cursor", String::from_utf8_lossy(&bytes).into_owned()));
    }
    for (index, (name, value)) in parameters.iter().enumerate() {
        let joint = if index == 0 { '?' } else { '&' };
        path.push_str(&format!("{joint}{name}={}", encode(value)));
    }
    let mut headers = Vec::new();
    let mut body = Vec::new();
    if let Some(mut document) = bodies::body(method, route, known, random) {
        for _ in 0..*random.pick(&[0, 0, 0, 0, 1, 1, 2, 4]) {
            random.mutate(&mut document);
        }
        body = document.to_string().into_bytes();
        if random.chance(6) {
            random.damage(&mut body);
        }
        let types = [
            "application/scim+json",
            "application/json",
            "application/scim+json; charset=utf-8",
            "text/plain",
            "",
        ];
        let kind = if random.chance(96) {
            random.below(3)
        } else {
            3 + random.below(2)
        };
        headers.push(("content-type", types[kind].to_owned()));
    }
    if random.chance(15) {
        let tags = ["*", "W/\"1\"", "\"1\"", "W/\"2\", W/\"3\"", "1", "W/\"-1\"", ""];
        let name = *random.pick(&["if-match", "if-none-match"]);
        headers.push((name, (*random.pick(&tags)).to_owned()));
    }
    let others = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"];
    let method = if random.chance(97) {
        method
    } else {
        random.pick(&others)
    };
    FuzzedRequest {
        method: method.to_owned(),
        path,
        headers,
        body,
    }
}

/// RFC 7644 §3.12: an error is one of SCIM; everything else is a document of SCIM, or nothing.
fn check(request: &FuzzedRequest, answer: &TestResponse) {
    let shown = || {
        let body = String::from_utf8_lossy(&request.body);
        format!(
            "{} {} {:?}\n{body}\n{answer:?}",
            request.method, request.path, request.headers
        )
    };
    assert!(!answer.status.is_server_error(), "{}", shown());
    let media_type = answer.header("content-type");
    if [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&answer.status) {
        assert!(
            media_type.is_empty() || answer.status == StatusCode::NOT_MODIFIED,
            "{}",
            shown()
        );
        assert_eq!(answer.body, Value::Null, "{}", shown());
        return;
    }
    assert_eq!(media_type, "application/scim+json", "{}", shown());
    if answer.status.is_success() {
        assert!(answer.body["schemas"].is_array(), "{}", shown());
        return;
    }
    assert_eq!(answer.body["schemas"], json!([ERROR]), "{}", shown());
    assert_eq!(answer.body["status"], answer.status.as_str(), "{}", shown());
    let detail = answer.body["detail"].as_str();
    assert!(detail.is_some_and(|detail| !detail.is_empty()), "{}", shown());
}

/// The callers, and how many of a hundred requests are theirs.
async fn callers(app: &SharedApp) -> Vec<(usize, Caller)> {
    let person = app.users.create(desired_user("myself")).await.unwrap().id;
    let all = "users:read users:write groups:read groups:write";
    vec![
        (78, Caller::with(app, clients_token("a-directory", all))),
        (10, Caller::with(app, clients_token("another-directory", all))),
        (4, Caller::with(app, clients_token("a-reader", "users:read"))),
        (5, Caller::with(app, persons_token(person))),
        (3, Caller::anonymous(app)),
    ]
}

async fn send(callers: &[(usize, Caller)], request: &FuzzedRequest, random: &mut Random) -> TestResponse {
    let mut left = random.below(100);
    let caller = callers.iter().find(|(share, _)| {
        let chosen = left < *share;
        left = left.saturating_sub(*share);
        chosen
    });
    let headers: Vec<(&str, &str)> = request
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let (_, caller) = caller.unwrap();
    caller
        .send(
            &request.method,
            &request.path,
            &headers,
            Body::from(request.body.clone()),
        )
        .await
}

/// A run of requests of one seed. Returns how many succeeded.
///
/// # Panics
/// A response does not keep to RFC 7644 §3.12, or a route had too few requests.
async fn run(callers: &[(usize, Caller)], mut known: Existing, (seed, requests): (u64, usize)) -> usize {
    let routes: Vec<(Method, String)> = crate::routes::all()
        .iter()
        .filter(|route| route.path.starts_with(SCIM))
        .map(|route| (route.method.clone(), route.path.to_owned()))
        .collect();
    let least = requests * LEAST / REQUESTS;
    let mut random = Random(seed);
    let (mut sent, mut made) = (vec![0; routes.len()], 0);
    while sent.iter().sum::<usize>() < requests {
        // First each route often enough; more of those that change something.
        let index = match sent.iter().position(|count| *count < least) {
            Some(index) if random.chance(30) => index,
            _ => random.below(routes.len()),
        };
        let (method, path) = &routes[index];
        let request = request((method.as_str(), path), &known, &mut random);
        if request.path.parse::<Uri>().is_err() {
            continue;
        }
        let answer = send(callers, &request, &mut random).await;
        check(&request, &answer);
        known.note(path, &answer);
        made += usize::from(answer.status.is_success());
        sent[index] += 1;
    }
    assert!(sent.iter().all(|count| *count >= least), "{routes:?}: {sent:?}");
    made
}

/// The seed: always the same one, or that of `VESTIBULE_FUZZ_SEED`.
fn seed() -> u64 {
    let chosen = std::env::var("VESTIBULE_FUZZ_SEED");
    chosen.map_or(SEED, |seed| {
        seed.parse().expect("VESTIBULE_FUZZ_SEED is a number")
    })
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn ten_thousand_wrong_requests_get_scim_errors_and_leave_the_directory_whole(db: TestDb) {
        // RFC 7644 §3.12
        let soon = Duration::from_millis(5);
        let app = app_with(&db, UserCreatedWaiters::new(soon, soon));
        let callers = callers(&app).await;
        let made = run(&callers, Existing::default(), (seed(), REQUESTS)).await;
        // Wrong requests alone would prove little.
        assert!(made > REQUESTS / 5, "{made} succeeded");
        directory::assert_whole(&db, &app, 10).await;
    }

    async fn wrong_requests_at_once_leave_a_directory_whole_that_keeps_deleted_users_and_takes_passwords(db: TestDb) {
        // RFC 7644 §3.12: as in an installation, deleted users are kept for a while, and passwords go to the authentication service.
        const EACH: usize = REQUESTS / 8;
        let auth = Auth::default();
        let app = app_with_grace_and_credentials(&db, 30, Credentials::to(auth.clone()));
        let callers = callers(&app).await;
        let known = || Existing { passwords: true, ..Existing::default() };
        let of = |task: u64| run(&callers, known(), (seed().wrapping_add(task), EACH));
        let (a, b, c, d) = tokio::join!(of(1), of(2), of(3), of(4));
        let made = a + b + c + d;
        assert!(made > EACH * 4 / 5, "{made} succeeded");
        assert!(!auth.calls().is_empty(), "a password was handed over");
        assert!(!directory::hidden(&db).await.is_empty(), "somebody is deleted and kept");
        directory::assert_whole(&db, &app, 3).await;
    }
}
