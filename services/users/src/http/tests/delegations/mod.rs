//! Tests of delegated administrators over HTTP.

mod circles;
mod deletions;
mod every_way;
mod late;
mod members;
mod moves;
mod names;
mod passwords;
mod random;
mod rights;
mod taken;
mod tokens;

use axum::body::Body;
use http::StatusCode;
use scim::schema::{CORE_GROUP, CORE_USER, ENTERPRISE_USER};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::SharedApp;
use crate::testing::{Caller, TestResponse, clients_token, desired_user, make_administrator, token};

const USERS: &str = "/scim/v2/Users";
const GROUPS: &str = "/scim/v2/Groups";
const DELEGATIONS: &str = "/admin/v1/delegations";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const ALL: &str = "users:read users:write groups:read groups:write admin";

/// A directory: ann, to whom something may be delegated; sam, a member of Sales; nora, a member of North, which is in Sales; oto,
/// who is a member of nothing; rita (`root`), an administrator in Sales; and pia, who is in Sales, and to whom something is delegated.
struct World {
    app: SharedApp,
    admin: Caller,
    ann: Uuid,
    sam: Uuid,
    nora: Uuid,
    oto: Uuid,
    root: Uuid,
    pia: Uuid,
    sales: Uuid,
    north: Uuid,
}

impl World {
    async fn new(app: SharedApp) -> Self {
        let admin = Caller::with(&app, clients_token("cli", ALL));
        let mut ids = Vec::new();
        for (number, name) in ["ann", "sam", "nora", "oto", "rita", "pia"]
            .into_iter()
            .enumerate()
        {
            let mut user = desired_user(name);
            user.name.family_name = Some(format!("Family {name}"));
            user.attributes.insert(
                ENTERPRISE_USER.to_owned(),
                json!({ "employeeNumber": format!("{}-{number}", if name == "oto" { "X" } else { "S" }) }),
            );
            ids.push(app.users.create(user).await.unwrap().id);
        }
        let [ann, sam, nora, oto, root, pia] = ids[..] else {
            unreachable!()
        };
        make_administrator(&app, root).await;
        let north = group(&admin, "North", &[nora]).await;
        let sales = group(&admin, "Sales", &[sam, root, pia, north]).await;
        let world = Self {
            app,
            admin,
            ann,
            sam,
            nora,
            oto,
            root,
            pia,
            sales,
            north,
        };
        let other = group(&world.admin, "Other", &[]).await;
        world
            .delegate(json!({ "to_user": pia, "members_of": other, "rights": ["write"] }))
            .await;
        world
    }

    /// Delegates; returns the path of the delegation.
    async fn delegate(&self, delegation: Value) -> String {
        let made = self.admin.json("POST", DELEGATIONS, &delegation).await;
        assert_eq!(made.status, StatusCode::CREATED, "{delegation}: {}", made.body);
        made.header("location").to_owned()
    }

    /// Delegates the members of Sales to ann.
    async fn delegate_sales(&self, rights: &[&str]) -> String {
        self.delegate(json!({ "to_user": self.ann, "members_of": self.sales, "rights": rights }))
            .await
    }

    /// Delegates everybody with a number that begins with S to ann.
    async fn delegate_numbers(&self, rights: &[&str]) -> String {
        let filter = format!("{ENTERPRISE_USER}:employeeNumber sw \"S-\"");
        self.delegate(json!({ "to_user": self.ann, "users_matching": filter, "rights": rights }))
            .await
    }

    async fn end(&self, delegation: &str) {
        let ended = self.admin.send("DELETE", delegation, &[], Body::empty()).await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
    }

    /// A person in an application that has the scope for what is delegated.
    fn person(&self, id: Uuid) -> Caller {
        Caller::with(
            &self.app,
            token(&id.to_string(), "an-application", "openid directory:delegated"),
        )
    }

    fn ann(&self) -> Caller {
        self.person(self.ann)
    }

    async fn version(&self, user: Uuid) -> Option<Value> {
        let found = self.admin.get(&user_path(user)).await;
        (found.status == StatusCode::OK).then(|| found.body["meta"]["version"].clone())
    }
}

async fn group(admin: &Caller, name: &str, members: &[Uuid]) -> Uuid {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "schemas": [CORE_GROUP], "displayName": name, "members": members });
    let made = admin.json("POST", GROUPS, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    made.body["id"].as_str().unwrap().parse().unwrap()
}

fn user_path(id: Uuid) -> String {
    format!("{USERS}/{id}")
}

fn group_path(id: Uuid) -> String {
    format!("{GROUPS}/{id}")
}

fn operations(operations: Value) -> Value {
    json!({ "schemas": [PATCH], "Operations": operations })
}

fn add_member(id: Uuid) -> Value {
    operations(json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]))
}

fn remove_member(id: Uuid) -> Value {
    operations(json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }]))
}

fn retitle(title: &str) -> Value {
    operations(json!([{ "op": "replace", "path": "title", "value": title }]))
}

fn user(name: &str) -> Value {
    json!({ "schemas": [CORE_USER], "userName": name })
}

/// The names in a list.
fn names(list: &TestResponse) -> Vec<String> {
    assert_eq!(list.status, StatusCode::OK, "{}", list.body);
    let resources = list.body["Resources"].as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> = resources
        .iter()
        .map(|user| {
            user["userName"]
                .as_str()
                .or(user["displayName"].as_str())
                .unwrap()
                .to_owned()
        })
        .collect();
    names.sort();
    names
}
