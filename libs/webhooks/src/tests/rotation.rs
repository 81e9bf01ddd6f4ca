//! Secrets: two while one is changed, and never in clear.

use super::super::secret::Secret;
use super::*;
use events::testing::{THINGS, new_id};

const NEW: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The names of the secrets that signed a request, in the order of its header.
fn signers(request: &receiver::Received) -> Vec<&'static str> {
    let sign = |text: &str| {
        Secret::parse(text).unwrap().sign(
            request.header("webhook-id"),
            request.header("webhook-timestamp").parse().unwrap(),
            &request.body,
        )
    };
    let known = [("old", sign(SECRET)), ("new", sign(NEW))];
    let signatures = request.header("webhook-signature").split(' ');
    signatures
        .map(|signature| known.iter().find(|(_, known)| known == signature).unwrap().0)
        .collect()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &THINGS];

    async fn after_a_rotation_both_secrets_sign_for_a_day(db: TestDb) {
        let (mut world, receiver, id) = (World::on(&db), Receiver::start().await, new_id());
        let webhook = world.subscribe(&receiver.url).await;
        let (rotated, told) = world.webhooks.rotate(webhook.id, Some(NEW.into()), false).await.unwrap();
        assert_eq!(told.expose(), NEW);
        assert_eq!(rotated.previous_until, Some(BEGINNING + DAY));
        world.happen(id).await;
        world.deliver().await;
        world.clock.advance(DAY - Duration::from_secs(1));
        world.happen(id).await;
        world.deliver().await;
        world.clock.advance(Duration::from_secs(1));
        world.happen(id).await;
        world.deliver().await;
        let received = receiver.received();
        let signed: Vec<_> = received.iter().map(signers).collect();
        assert_eq!(signed, [vec!["new", "old"], vec!["new", "old"], vec!["new"]]);
        housekeeping::tidy(&world.webhooks).await.unwrap();
        assert!(world.stored(webhook.id).await.previous().is_none());
    }

    async fn a_second_rotation_does_not_forget_the_secret_that_the_receiver_has(db: TestDb) {
        let (world, receiver) = (World::on(&db), Receiver::start().await);
        let webhook = world.subscribe(&receiver.url).await;
        world.webhooks.rotate(webhook.id, None, false).await.unwrap();
        let first = world.stored(webhook.id).await;
        let refused = world.webhooks.rotate(webhook.id, None, false).await.unwrap_err();
        assert!(matches!(refused, WebhookError::Rotating(until) if until == BEGINNING + DAY));
        assert_eq!(world.stored(webhook.id).await.version, first.version);
        world.webhooks.rotate(webhook.id, None, true).await.unwrap();
        world.clock.advance(DAY);
        world.webhooks.rotate(webhook.id, None, false).await.unwrap();
    }

    async fn one_secret_that_cannot_be_read_keeps_no_other_from_the_new_key(db: TestDb) {
        let (world, receiver) = (World::on(&db), Receiver::start().await);
        let broken = world.subscribe(&receiver.url).await;
        let whole = world.subscribe(&receiver.url).await;
        let mut tx = db.begin("test").await.unwrap();
        on_engine!(&mut tx, c => {
            sqlx::query("UPDATE webhooks SET secret = $2 WHERE id = $1")
                .bind(broken.id)
                .bind(vec![0_u8; 60])
                .execute(c)
                .await
                .unwrap();
        });
        tx.commit().await.unwrap();
        let after = replica(&db, &world.clock, Some(cipher("k2")), Arc::new(SystemResolver));
        housekeeping::reseal(&after.webhooks).await.unwrap();
        assert_eq!(after.stored(broken.id).await.secret().key, "k1");
        assert_eq!(after.stored(whole.id).await.secret().key, "k2");
    }

    // SB-36
    async fn secrets_are_encrypted_and_the_key_for_it_can_be_changed(db: TestDb) {
        let (world, receiver) = (World::on(&db), Receiver::start().await);
        let webhook = world.subscribe(&receiver.url).await;
        world.webhooks.rotate(webhook.id, Some(NEW.into()), false).await.unwrap();
        let stored = world.stored(webhook.id).await;
        for sealed in [stored.secret(), stored.previous().unwrap()] {
            assert_eq!(sealed.key, "k1");
            assert!(!sealed.bytes.windows(8).any(|bytes| (0..8).eq(bytes.iter().copied())));
        }
        let elsewhere = Secret::open(world.webhooks.cipher().unwrap(), new_id(), &stored.secret());
        assert!(elsewhere.is_err(), "a secret is bound to its webhook");

        let clock = Arc::clone(&world.clock);
        let mut after = replica(&db, &clock, Some(cipher("k2")), Arc::new(SystemResolver));
        housekeeping::reseal(&after.webhooks).await.unwrap();
        let stored = after.stored(webhook.id).await;
        assert_eq!([stored.secret().key, stored.previous().unwrap().key], ["k2", "k2"]);
        after.happen(new_id()).await;
        after.deliver().await;
        assert_eq!(signers(&receiver.received()[0]), ["new", "old"]);
    }
}
