//! Rows of earlier tables after the migrations since, as requests see them.

use chassis::clock::Timestamp;
use chassis::db::Db;
use chassis::on_engine;
use contract::{UserId, UserState};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::types::Json;
use testkit::migrations_until;
use uuid::Uuid;

use crate::testing::{Caller, app_with_grace, clients_token, desired_user};

const ANN: Uuid = Uuid::from_u128(1);
const BOB: Uuid = Uuid::from_u128(2);
const GONE: Uuid = Uuid::from_u128(3);
const ARCHERS: Uuid = Uuid::from_u128(11);
const DELEGATION: Uuid = Uuid::from_u128(21);
/// A provisioning client.
const ENTRA: Uuid = Uuid::from_u128(0x0199_c1a4_6a5e_7cc3_b1a0_0c4a_64b0_a1d3);

fn state(id: UserId, name: &str) -> UserState {
    desired_user(name).into_state(id, Timestamp::from_secs(1_700_000_000))
}

async fn insert_person(db: &Db, state: &UserState) {
    let mut tx = db.begin("test").await.unwrap();
    on_engine!(&mut tx, c => {
        sqlx::query("INSERT INTO people (id, user_name_key, active, version, created_at, updated_at, document)
                     VALUES ($1, $2, TRUE, 1, $3, $3, $4)")
            .bind(state.id).bind(state.user_name.key()).bind(state.created_at).bind(Json(state)).execute(c).await.unwrap();
    });
    tx.commit().await.unwrap();
}

/// Writes a person in a group, as the first release with groups had them.
async fn seed_groups(db: &Db) {
    let mut ann = state(ANN, "ann");
    ann.group_ids = Some(vec![ARCHERS]);
    insert_person(db, &ann).await;
    let mut tx = db.begin("test").await.unwrap();
    on_engine!(&mut tx, c => {
        sqlx::query("INSERT INTO groups (id, name, name_key, external_id, version, created_at) VALUES ($1, 'Archers', 'archers', 'hr-1', 1, 0)")
            .bind(ARCHERS).execute(&mut *c).await.unwrap();
        sqlx::query("INSERT INTO group_members (group_id, person_id) VALUES ($1, $2)")
            .bind(ARCHERS).bind(ANN).execute(c).await.unwrap();
    });
    tx.commit().await.unwrap();
}

/// Writes a provisioning client with an identifier of a person and of a group, a deleted person, and a delegation.
async fn seed_clients(db: &Db) {
    let mut bob = state(BOB, "bob");
    bob.external_ids = [(ENTRA.to_string(), "entra-1".to_owned())].into();
    insert_person(db, &bob).await;
    let deleted_at = Timestamp::from_secs(1_700_000_000);
    let mut gone = state(GONE, "gone");
    (gone.active, gone.deleted_at, gone.version) = (false, Some(deleted_at), 2);
    let mut tx = db.begin("test").await.unwrap();
    on_engine!(&mut tx, c => {
        sqlx::query("INSERT INTO provisioning_clients (id, name, name_key, scope, networks, created_at, updated_at)
                     VALUES ($1, 'Entra ID', 'entra id', 'users:read groups:read', '', 0, 0)")
            .bind(ENTRA).execute(&mut *c).await.unwrap();
        sqlx::query("INSERT INTO user_external_ids (client_id, external_id, user_id) VALUES ($1, 'entra-1', $2)")
            .bind(ENTRA.to_string()).bind(BOB).execute(&mut *c).await.unwrap();
        sqlx::query("INSERT INTO group_external_ids (client_id, external_id, group_id) VALUES ($1, 'entra-2', $2)")
            .bind(ENTRA.to_string()).bind(ARCHERS).execute(&mut *c).await.unwrap();
        sqlx::query("UPDATE groups SET external_ids = $1 WHERE id = $2")
            .bind(Json(json!({ENTRA.to_string(): "entra-2"}))).bind(ARCHERS).execute(&mut *c).await.unwrap();
        sqlx::query("INSERT INTO deleted_users (id, user_name_key, was_active, version, deleted_at, document)
                     VALUES ($1, 'gone', TRUE, 2, $2, $3)")
            .bind(GONE).bind(deleted_at).bind(Json(&gone)).execute(&mut *c).await.unwrap();
        sqlx::query("INSERT INTO delegations (id, to_user, members_of, rights, created_at) VALUES ($1, $2, $3, 'write', 0)")
            .bind(DELEGATION).bind(BOB).bind(ARCHERS).execute(c).await.unwrap();
    });
    tx.commit().await.unwrap();
}

testkit::on_both_engines! {
    migrations = [];

    async fn groups_identifiers_clients_deleted_people_and_delegations_stay_as_they_were(db: TestDb) {
        let others = [&events::MIGRATIONS, &provisioning::MIGRATIONS];
        let until = |version| migrations_until(&crate::MIGRATIONS, version);
        db.migrate("test", &[others[0], others[1], &until(5)]).await.unwrap();
        seed_groups(&db).await;
        db.migrate("test", &[others[0], others[1], &until(11)]).await.unwrap();
        seed_clients(&db).await;
        db.migrate("test", &[others[0], others[1], &crate::MIGRATIONS]).await.unwrap();

        let (app, _) = app_with_grace(&db, 36_500);
        let scopes = "admin users:read users:write groups:read groups:write";
        let operator = Caller::with(&app, clients_token("an-operator", scopes));
        let ann = operator.get(&format!("/scim/v2/Users/{ANN}")).await;
        assert_eq!((&ann.body["userName"], &ann.body["groups"][0]["display"]), (&json!("ann"), &json!("Archers")), "{ann:?}");
        let archers = operator.get(&format!("/scim/v2/Groups/{ARCHERS}")).await;
        assert_eq!((&archers.body["externalId"], &archers.body["members"][0]["value"]), (&json!("hr-1"), &json!(ANN)));
        let renamed = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Bowmen"});
        let renamed = operator.json("PUT", &format!("/scim/v2/Groups/{ARCHERS}"), &renamed).await;
        assert_eq!((renamed.status, &renamed.body["displayName"]), (StatusCode::OK, &json!("Bowmen")), "{renamed:?}");

        let token = format!("/admin/v1/provisioning-clients/{ENTRA}/tokens");
        let token = operator.json("POST", &token, &json!({})).await;
        let entra = Caller::with(&app, token.body["token"].as_str().unwrap_or_else(|| panic!("{token:?}")).to_owned());
        for (endpoint, external_id, id) in [("Users", "entra-1", BOB), ("Groups", "entra-2", ARCHERS)] {
            let found = entra.get(&format!("/scim/v2/{endpoint}?filter=externalId%20eq%20%22{external_id}%22")).await;
            assert_eq!(found.body["Resources"][0]["id"], json!(id), "{found:?}");
        }

        let deleted = operator.get("/admin/v1/deleted-users").await;
        assert_eq!((&deleted.body["users"][0]["user_name"], &deleted.body["users"][0]["was_active"]), (&json!("gone"), &json!(true)));
        let restored = operator.json("POST", &format!("/admin/v1/deleted-users/{GONE}/restore"), &json!({})).await;
        assert!(restored.status.is_success(), "{restored:?}");
        assert_eq!(operator.get(&format!("/scim/v2/Users/{GONE}")).await.body["active"], json!(true));

        let delegations = operator.get("/admin/v1/delegations").await;
        let shown: Vec<&Value> = delegations.body["delegations"].as_array().unwrap_or_else(|| panic!("{delegations:?}")).iter().collect();
        assert_eq!((shown.len(), &shown[0]["to_user"], &shown[0]["members_of"]), (1, &json!(BOB), &json!(ARCHERS)), "{shown:?}");
    }
}
