//! Tests of the attributes of the configuration and of what each caller may read and write.

use http::StatusCode;
use scim::schema::{CONFIGURED_USER, CORE_USER, ENTERPRISE_USER, PROFILE_USER};
use serde_json::{Value, json};

use crate::app::SharedApp;
use crate::config::ScimConfig;
use crate::testing::{
    Caller, app, app_with_attributes, clients_token, events_of, make_administrator, persons_token, token,
};

const USERS: &str = "/scim/v2/Users";
const EXAMPLE: &str = "urn:example:params:scim:schemas:extension:hr:1.0:User";

fn configured() -> ScimConfig {
    let config = json!({
        "attributes": [
            {"name": "badgeNumber", "type": "integer"},
            {"name": "motto", "write": ["self", "administrator", "client"]},
            {"name": "riskScore", "type": "decimal", "read": ["client"], "write": ["client"]},
            {"name": "startDate", "type": "dateTime", "mutability": "immutable"},
        ],
        "extensions": [{
            "schema": EXAMPLE, "name": "HR",
            "attributes": [{"name": "grade", "canonicalValues": ["A", "B"], "required": true}],
        }],
    });
    let text = config.to_string().replace("canonicalValues", "canonical_values");
    serde_json::from_str(&text).unwrap()
}

fn directory(app: &SharedApp) -> Caller {
    Caller::with(app, clients_token("a-directory", "users:read users:write"))
}

fn user(name: &str) -> Value {
    json!({"schemas": [CORE_USER], "userName": name})
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn attributes_of_the_configuration_are_kept_and_checked(db: TestDb) {
        let app = app_with_attributes(&db, &configured());
        let directory = directory(&app);
        let mut body = user("ann");
        body["schemas"] = json!([CORE_USER, CONFIGURED_USER, EXAMPLE]);
        body[CONFIGURED_USER] = json!({"badgeNumber": 7, "startDate": "2026-01-02T00:00:00Z", "riskScore": 0.5});
        body[EXAMPLE] = json!({"GRADE": "a"});
        let made = directory.json("POST", USERS, &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        assert_eq!(made.body[CONFIGURED_USER], body[CONFIGURED_USER]);
        assert_eq!(made.body[EXAMPLE], json!({"grade": "A"}));
        let path = format!("{USERS}/{}", made.body["id"].as_str().unwrap());
        for (urn, value, kind) in [
            (CONFIGURED_USER, json!({"badgeNumber": "seven"}), "invalidValue"),
            (CONFIGURED_USER, json!({"startDate": "2027-01-02T00:00:00Z"}), "mutability"),
            (CONFIGURED_USER, json!({"shoeSize": 44}), "invalidSyntax"),
            (EXAMPLE, json!({"grade": "C"}), "invalidValue"),
        ] {
            let mut bad = user("ann");
            bad[urn] = value;
            let refused = directory.json("PUT", &path, &bad).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::BAD_REQUEST, &json!(kind)), "{bad}");
            assert!(refused.body["detail"].as_str().unwrap().contains(urn), "{refused:?}");
        }
        let schemas = Caller::anonymous(&app).get("/scim/v2/Schemas").await.body;
        let shown = schemas["Resources"].as_array().unwrap().iter().any(|schema| schema["id"] == EXAMPLE);
        assert!(shown, "{schemas}");
        // RFC 7644 §3.5.1: what was set once stays, and what is not named goes.
        let replaced = directory.json("PUT", &path, &user("ann")).await;
        assert_eq!(replaced.body[CONFIGURED_USER], json!({"startDate": "2026-01-02T00:00:00Z"}));
        assert_eq!(replaced.body.get(EXAMPLE), None);
    }

    async fn an_extension_that_the_configuration_has_no_more_is_hidden_and_kept(db: TestDb) {
        let mut body = user("ann");
        body[EXAMPLE] = json!({"grade": "A"});
        let made = directory(&app_with_attributes(&db, &configured())).json("POST", USERS, &body).await;
        let path = format!("{USERS}/{}", made.body["id"].as_str().unwrap());
        let without = directory(&app(&db));
        let shown = without.get(&path).await;
        assert_eq!(shown.body.get(EXAMPLE), None);
        assert_eq!(without.json("PUT", &path, &user("anna")).await.status, StatusCode::OK);
        let again = directory(&app_with_attributes(&db, &configured())).get(&path).await;
        assert_eq!((&again.body["userName"], &again.body[EXAMPLE]), (&json!("anna"), &json!({"grade": "A"})));
    }

    async fn a_write_returns_what_it_names_though_others_have_to_request_it(db: TestDb) {
        // RFC 7643 §7 (4)
        let config = json!({"attributes": [{"name": "salary", "returned": "request"}]});
        let app = app_with_attributes(&db, &serde_json::from_value(config).unwrap());
        let directory = directory(&app);
        let salary = json!({"salary": "9"});
        let mut body = user("ann");
        body[CONFIGURED_USER] = salary.clone();
        let made = directory.json("POST", USERS, &body).await;
        assert_eq!((made.status, &made.body[CONFIGURED_USER]), (StatusCode::CREATED, &salary));
        let path = format!("{USERS}/{}", made.body["id"].as_str().unwrap());
        assert_eq!(directory.get(&path).await.body.get(CONFIGURED_USER), None);
        let named = directory.get(&format!("{path}?attributes={CONFIGURED_USER}:salary")).await;
        assert_eq!(named.body[CONFIGURED_USER], salary);
        assert_eq!(directory.json("PUT", &path, &body).await.body[CONFIGURED_USER], salary);
        let chosen = directory.json("PUT", &format!("{path}?attributes=userName"), &body).await;
        assert_eq!((chosen.status, chosen.body.get(CONFIGURED_USER)), (StatusCode::OK, None));
        for (target, value, expected) in [
            (format!("{CONFIGURED_USER}:salary"), "10", Some(json!({"salary": "10"}))),
            ("title".to_owned(), "Archer", None),
        ] {
            let operation = json!({"op": "replace", "path": target, "value": value});
            let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]});
            let patched = directory.json("PATCH", &path, &patch).await;
            assert_eq!((patched.status, patched.body.get(CONFIGURED_USER)), (StatusCode::OK, expected.as_ref()), "{target}");
        }
    }

    async fn each_caller_reads_and_writes_what_is_open_to_it(db: TestDb) {
        // SB-35
        let app = app_with_attributes(&db, &configured());
        let client = directory(&app);
        let mut body = user("ann");
        body[CONFIGURED_USER] = json!({"badgeNumber": 7, "riskScore": 0.5});
        let made = client.json("POST", USERS, &body).await;
        let id: uuid::Uuid = made.body["id"].as_str().unwrap().parse().unwrap();
        make_administrator(&app, id).await;
        let path = format!("{USERS}/{id}");
        let administrator = Caller::with(&app, token(&id.to_string(), "cli", "users:read users:write"));
        let ann = Caller::with(&app, persons_token(id));
        assert_eq!(administrator.get(&path).await.body[CONFIGURED_USER], json!({"badgeNumber": 7}));
        assert_eq!(ann.get("/user").await.body["attributes"][CONFIGURED_USER], json!({"badgeNumber": 7}));
        // What the administrator sent back without seeing it is still there; to set it is refused.
        body[CONFIGURED_USER] = json!({"badgeNumber": 8});
        assert_eq!(administrator.json("PUT", &path, &body).await.status, StatusCode::OK);
        assert_eq!(client.get(&path).await.body[CONFIGURED_USER], json!({"badgeNumber": 8, "riskScore": 0.5}));
        body[CONFIGURED_USER] = json!({"riskScore": 0.9});
        let refused = administrator.json("PUT", &path, &body).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
        let remove = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "remove", "path": format!("{CONFIGURED_USER}:riskScore")}],
        });
        assert_eq!(administrator.json("PATCH", &path, &remove).await.status, StatusCode::FORBIDDEN);
        // A person changes what is marked for it, in an extension too.
        let own = json!({"attributes": {
            CONFIGURED_USER: {"motto": "semper apertus"},
            PROFILE_USER: {"birthdate": "0000-03-04"},
        }});
        let changed = ann.json("PATCH", "/user", &own).await;
        assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
        let kept = &client.get(&path).await.body;
        assert_eq!(kept[CONFIGURED_USER], json!({"badgeNumber": 8, "motto": "semper apertus", "riskScore": 0.5}));
        assert_eq!(kept[PROFILE_USER], json!({"birthdate": "0000-03-04"}));
        let events = events_of(&db, id).await.len();
        for (urn, value) in [
            (CONFIGURED_USER, json!({"badgeNumber": 1})),
            (CONFIGURED_USER, json!({"riskScore": 0})),
            (CONFIGURED_USER, json!({"MOTTO": "x"})),
            (CONFIGURED_USER, json!({"motto": 7})),
            (CONFIGURED_USER, Value::Null),
            (ENTERPRISE_USER, json!({"department": "Board"})),
            (PROFILE_USER, json!({"birthdate": "yesterday"})),
        ] {
            let refused = ann.json("PATCH", "/user", &json!({"attributes": {urn: value}})).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{urn} {value}");
            assert!(refused.field().starts_with(&format!("attributes.{urn}")), "{refused:?}");
        }
        assert_eq!(events_of(&db, id).await.len(), events);
    }

    async fn what_other_directories_send_as_locale_is_kept(db: TestDb) {
        // RFC 7643 §4.1.1
        let app = app(&db);
        let directory = directory(&app);
        for (number, (sent, kept)) in [
            ("en-us", "en-US"), ("en_US", "en_US"), ("German (Swiss)", "German (Swiss)"), ("nl, en;q=0.8", "nl, en;q=0.8"),
        ].into_iter().enumerate() {
            let mut body = user(&format!("person{number}"));
            body["locale"] = json!(sent);
            body["preferredLanguage"] = json!(sent);
            body["timezone"] = json!("W. Europe Standard Time");
            let made = directory.json("POST", USERS, &body).await;
            assert_eq!((&made.body["locale"], &made.body["preferredLanguage"]), (&json!(kept), &json!(kept)));
            assert_eq!(made.body["timezone"], "W. Europe Standard Time");
        }
    }

    async fn an_enterprise_user_has_a_manager(db: TestDb) {
        // RFC 7643 §4.3
        let app = app(&db);
        let directory = directory(&app);
        let boss = directory.json("POST", USERS, &user("boss")).await.body["id"].clone();
        let mut body = user("ann");
        body["externalId"] = json!("HR-7");
        body[ENTERPRISE_USER] = json!({
            "employeeNumber": "701984", "costCenter": "4130", "organization": "Example", "division": "North",
            "department": "Sales", "manager": {"value": boss, "displayName": "ignored"},
        });
        let made = directory.json("POST", USERS, &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        assert_eq!(made.body["externalId"], "HR-7");
        // The name and the URL are the server's.
        let place = format!("http://users.example{USERS}/{}", boss.as_str().unwrap());
        let manager = json!({"value": boss, "$ref": place, "displayName": "boss"});
        assert_eq!(made.body[ENTERPRISE_USER]["manager"], manager);
        assert_eq!(made.body["schemas"], json!([CORE_USER, ENTERPRISE_USER]));
    }
}
