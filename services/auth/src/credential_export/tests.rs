//! Tests of the export of password hashes: what it holds in memory does not show them.

use chassis::secret::ExposeSecret;
use uuid::Uuid;

use crate::{credentials, testing};

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn hashes_that_are_to_be_encrypted_are_not_printed(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let page = credentials::hashes_after(&mut app.db.reader().await.unwrap(), Uuid::nil(), 2).await.unwrap();
        assert_eq!((page.len(), page[0].0), (1, ann));
        assert!(page[0].1.expose_secret().starts_with("$argon2id$"));
        assert!(!format!("{page:?}").contains("argon2"), "{page:?}");
    }
}
