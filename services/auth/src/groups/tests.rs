//! Tests of the graph of groups: newest versions, circles, groups that are not known.

use chassis::db::Db;
use contract::{
    ADMINISTRATORS_ID, Envelope, EventContext, EventData, GroupCreated, GroupDeleted, GroupState,
    GroupUpdated,
};
use events::Handler;
use uuid::Uuid;

use crate::provisioning::UserEventHandler;
use crate::subjects;
use crate::testing::{self, BEGINNING, TestApp, person_state};

const STAFF: Uuid = Uuid::from_u128(1);
const NIGHT: Uuid = Uuid::from_u128(2);

fn group(id: Uuid, name: &str, parents: &[Uuid], version: i64) -> GroupState {
    GroupState {
        id,
        display_name: name.to_owned(),
        external_id: None,
        external_ids: Default::default(),
        attributes: Default::default(),
        parents: parents.to_vec(),
        version,
        created_at: BEGINNING,
        updated_at: BEGINNING,
    }
}

async fn apply_event<T: EventData>(app: &TestApp, id: Uuid, version: i64, data: &T) {
    let context = EventContext {
        id: app.random.uuid(&*app.clock),
        source: "https://users.example.org",
        kind: T::TYPE,
        subject: id,
        sequence: version,
        time: BEGINNING,
    };
    let event = Envelope::new(context, serde_json::value::to_raw_value(data).unwrap());
    let mut tx = app.db.begin("test").await.unwrap();
    UserEventHandler::new(app.provisioning.clone())
        .apply(&mut tx, &event)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn updated(app: &TestApp, id: Uuid, name: &str, parents: &[Uuid], version: i64) {
    apply_event(app, id, version, &GroupUpdated(group(id, name, parents, version))).await;
}

async fn deleted(app: &TestApp, id: Uuid, version: i64) {
    apply_event(
        app,
        id,
        version,
        &GroupDeleted {
            id,
            version,
            deleted_at: BEGINNING,
        },
    )
    .await;
}

async fn groups_of(db: &Db, id: Uuid) -> Vec<String> {
    subjects::find(&mut db.reader().await.unwrap(), id)
        .await
        .unwrap()
        .unwrap()
        .groups
}

/// Ann, in these groups.
async fn ann(app: &TestApp, names: &[&str], ids: Option<&[Uuid]>) -> Uuid {
    let mut state = person_state(app.random.uuid(&*app.clock), "ann");
    state.groups = names.iter().map(|name| (*name).to_owned()).collect();
    state.group_ids = ids.map(<[Uuid]>::to_vec);
    app.change(&state).await;
    state.id
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_subject_has_the_groups_above_its_groups(db: TestDb) {
        let app = testing::app(&db).await;
        apply_event(&app, STAFF, 1, &GroupCreated(group(STAFF, "staff", &[NIGHT], 1))).await;
        apply_event(&app, NIGHT, 1, &GroupCreated(group(NIGHT, "night shift", &[], 1))).await;
        let ann = ann(&app, &["before"], Some(&[STAFF])).await;
        assert_eq!(groups_of(&db, ann).await, ["night shift", "staff"]);
        updated(&app, NIGHT, "night watch", &[ADMINISTRATORS_ID], 3).await;
        updated(&app, NIGHT, "older", &[], 2).await;
        assert_eq!(groups_of(&db, ann).await, ["night watch", "staff", "vestibule-admins"]);
        let subject = subjects::find(&mut db.reader().await.unwrap(), ann).await.unwrap().unwrap();
        assert!(subject.is_administrator());
        assert_eq!(subject.claims.groups, subject.groups);
        deleted(&app, NIGHT, 4).await;
        updated(&app, NIGHT, "older", &[], 3).await;
        assert_eq!(groups_of(&db, ann).await, ["staff"]);
        // The user service was restored from a backup in which the group is there.
        updated(&app, NIGHT, "night shift", &[], 1_000_000).await;
        assert_eq!(groups_of(&db, ann).await, ["night shift", "staff"]);
    }

    async fn a_circle_of_events_that_are_on_their_way_ends(db: TestDb) {
        let app = testing::app(&db).await;
        updated(&app, STAFF, "staff", &[NIGHT], 2).await;
        updated(&app, NIGHT, "night shift", &[STAFF], 2).await;
        let ann = ann(&app, &[], Some(&[STAFF])).await;
        assert_eq!(groups_of(&db, ann).await, ["night shift", "staff"]);
    }

    async fn a_group_that_is_not_known_yet_counts_by_its_name(db: TestDb) {
        let app = testing::app(&db).await;
        updated(&app, STAFF, "staff", &[], 1).await;
        let ann = ann(&app, &["night shift", "staff"], Some(&[STAFF, NIGHT])).await;
        assert_eq!(groups_of(&db, ann).await, ["night shift", "staff"]);
        deleted(&app, NIGHT, 2).await;
        assert_eq!(groups_of(&db, ann).await, ["staff"], "of a deleted group the id means nothing");
    }

    async fn the_names_of_an_earlier_release_lead_to_the_groups_above(db: TestDb) {
        let app = testing::app(&db).await;
        updated(&app, NIGHT, "night shift", &[], 1).await;
        updated(&app, STAFF, "staff", &[NIGHT], 1).await;
        let ann = ann(&app, &["staff", "unknown"], None).await;
        assert_eq!(groups_of(&db, ann).await, ["night shift", "staff", "unknown"]);
    }

    async fn letting_a_group_administer_ends_the_search_for_a_first_administrator(db: TestDb) {
        let app = testing::app(&db).await;
        let has = async || subjects::has_administrator(&mut db.reader().await.unwrap()).await.unwrap();
        updated(&app, STAFF, "staff", &[NIGHT], 1).await;
        assert!(!has().await);
        updated(&app, STAFF, "staff", &[ADMINISTRATORS_ID], 2).await;
        assert!(has().await);
        deleted(&app, STAFF, 3).await;
        assert!(!has().await);
        let ids: &[Uuid] = &[ADMINISTRATORS_ID];
        ann(&app, &[], Some(ids)).await;
        assert!(has().await);
    }
}
