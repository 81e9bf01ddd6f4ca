//! Who was erased stays erased when an older backup is put back.

use std::time::Duration;

use chassis::clock::Clock;
use events::restored::{Restoration, note_erased_in, note_in};
use uuid::Uuid;

use super::*;
use crate::testing::{self, PASSWORD};

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn whom_the_replaced_database_had_erased_is_erased_again(db: TestDb) {
        let app = testing::app(&db).await;
        let (eve, ann, never) = (app.person("eve").await, app.person("ann").await, Uuid::from_u128(9));
        let now = app.clock.now();
        let noted = Restoration { taken_at: now - Duration::from_secs(60), restored_at: now, keep_sessions: true };
        let mut tx = db.begin("test").await.unwrap();
        note_in(&mut tx, &noted).await.unwrap();
        note_erased_in(&mut tx, &[eve, never]).await.unwrap();
        tx.commit().await.unwrap();
        for _ in 0..2 {
            heal(&app).await.unwrap();
            assert!(app.sign_in("eve", PASSWORD).await.is_err(), "her old password is good for nothing");
            assert!(app.sign_in("ann", PASSWORD).await.is_ok());
            assert!(accounts_of(&app, ann).await && !accounts_of(&app, eve).await);
        }
        let erased = app.events().await.into_iter().filter(|kind| kind == "vestibule.subject.erased.v1");
        assert_eq!(erased.count(), 2, "others hear of it again, and once");
    }
}

async fn accounts_of(app: &App, id: Uuid) -> bool {
    crate::accounts::exists(&mut app.db.reader().await.unwrap(), id)
        .await
        .unwrap()
}
