//! Tests of signing keys: rotation, on both engines and several replicas.

use std::sync::Arc;
use std::time::Duration;

use chassis::cipher::EncryptionSettings;
use chassis::clock::{Clock, ManualClock};
use chassis::random::SystemRandom;
use oidc::jose::peek_header;
use secrecy::SecretString;

use super::rotation::{CACHE_PROPAGATION, REPLICA_PROPAGATION};
use super::*;

const BEGINNING: Timestamp = Timestamp::from_secs(1_800_000_000);
const K1: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const K2: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
const HOUR: Duration = Duration::from_secs(3600);
const POLICY: RotationPolicy = RotationPolicy {
    rotate: Duration::from_secs(90 * 86_400),
    publish_ahead: Duration::from_secs(24 * 3600),
    retain_retired: Duration::from_secs(364),
    retain_public: Duration::from_secs(14 * 86_400),
};

fn cipher(active: &str, keys: &[(&str, &str)]) -> Result<Cipher, CipherError> {
    Cipher::new(&EncryptionSettings {
        active: active.to_owned(),
        keys: keys
            .iter()
            .map(|(name, key)| ((*name).to_owned(), SecretString::from(*key)))
            .collect(),
    })
}

async fn open_with(db: &Db, clock: &Arc<ManualClock>, cipher: Cipher) -> Result<KeyRing, KeyError> {
    open_for(db, clock, cipher, &BTreeSet::new()).await
}

async fn open_for(
    db: &Db,
    clock: &Arc<ManualClock>,
    cipher: Cipher,
    registered: &BTreeSet<Algorithm>,
) -> Result<KeyRing, KeyError> {
    let random: SharedRandom = Arc::new(SystemRandom::default());
    KeyRing::open(db.clone(), clock.clone(), random, cipher, POLICY, registered).await
}

async fn replica(db: &Db, clock: &Arc<ManualClock>) -> KeyRing {
    open_with(db, clock, cipher("k1", &[("k1", K1)]).unwrap())
        .await
        .unwrap()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(BEGINNING))
}

/// The id of the key that signs now.
fn signer(ring: &KeyRing) -> String {
    let token = ring
        .sign(Algorithm::Es256, "JWT", &serde_json::json!({}))
        .unwrap();
    peek_header(&token).unwrap().kid.unwrap()
}

async fn states(ring: &KeyRing) -> Vec<(String, KeyState)> {
    let mut listed = ring.list().await.unwrap();
    listed.retain(|key| key.algorithm == "ES256");
    listed.into_iter().map(|key| (key.kid, key.state)).collect()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn replicas_that_start_together_make_one_set_of_keys(db: TestDb) {
        let clock = clock();
        let rings = futures_util::future::join_all((0..4).map(|_| replica(&db, &clock))).await;
        assert_eq!(rings[0].list().await.unwrap().len(), 2);
        for ring in &rings {
            assert_eq!(signer(ring), signer(&rings[0]));
            assert_eq!(ring.current().jwks(), rings[0].current().jwks());
        }
    }

    async fn a_key_is_published_before_it_signs_and_kept_while_its_tokens_live(db: TestDb) {
        // SB-37
        let clock = clock();
        let ring = replica(&db, &clock).await;
        let first = signer(&ring);
        clock.advance(POLICY.rotate - POLICY.publish_ahead - HOUR);
        ring.refresh_and_rotate().await.unwrap();
        assert_eq!(states(&ring).await.len(), 1, "too early");
        clock.advance(HOUR);
        ring.refresh_and_rotate().await.unwrap();
        let both = states(&ring).await;
        assert_eq!((both.len(), both[1].1), (2, KeyState::Published));
        let second = both[1].0.clone();
        assert!(ring.current().verification_keys().has(&second));
        assert_eq!(signer(&ring), first);

        clock.advance(POLICY.publish_ahead);
        ring.refresh_and_rotate().await.unwrap();
        assert_eq!(signer(&ring), second);
        assert_eq!(states(&ring).await, [(first.clone(), KeyState::Retired), (second.clone(), KeyState::Active)]);
        assert!(ring.current().verification_keys().has(&first));
        clock.advance(POLICY.retain_retired - Duration::from_secs(1));
        ring.refresh_and_rotate().await.unwrap();
        assert!(ring.current().verification_keys().has(&first));
        clock.advance(Duration::from_secs(1));
        ring.refresh_and_rotate().await.unwrap();
        assert!(!ring.current().verification_keys().has(&first));
        assert_eq!(states(&ring).await, [(second, KeyState::Active)]);
    }

    async fn of_many_replicas_one_rotates_and_the_others_follow(db: TestDb) {
        // SB-37
        let clock = clock();
        let rings = futures_util::future::join_all((0..4).map(|_| replica(&db, &clock))).await;
        clock.advance(POLICY.rotate);
        let turn = async || {
            for outcome in futures_util::future::join_all(rings.iter().map(KeyRing::refresh_and_rotate)).await {
                outcome.unwrap();
            }
        };
        turn().await;
        assert_eq!(states(&rings[0]).await.len(), 2, "one next key, not four");
        clock.advance(POLICY.publish_ahead);
        turn().await;
        turn().await;
        let now: Vec<_> = rings.iter().map(signer).collect();
        assert!(now.iter().all(|kid| *kid == now[0]));
        assert_eq!(states(&rings[0]).await.len(), 2);
    }

    async fn a_rotation_on_demand_publishes_first_too(db: TestDb) {
        // SB-37
        let clock = clock();
        let (ring, other) = (replica(&db, &clock).await, replica(&db, &clock).await);
        let first = signer(&ring);
        ring.rotate(false).await.unwrap();
        other.refresh_and_rotate().await.unwrap();
        assert_eq!((signer(&ring), signer(&other)), (first.clone(), first.clone()));
        assert_eq!(other.current().jwks(), ring.current().jwks());
        clock.advance(JWKS_MAX_AGE);
        ring.refresh_and_rotate().await.unwrap();
        assert_eq!(signer(&ring), first, "a cached set may still lack the new key");
        clock.advance(Duration::from_secs(30));
        ring.refresh_and_rotate().await.unwrap();
        assert_ne!(signer(&ring), first);

        let second = signer(&ring);
        ring.rotate(true).await.unwrap();
        assert_eq!(signer(&ring), second);
        clock.advance(REPLICA_PROPAGATION);
        ring.refresh_and_rotate().await.unwrap();
        assert_ne!(signer(&ring), second);
    }

    async fn what_a_key_signed_serves_as_a_hint_for_as_long_as_a_session_can_live(db: TestDb) {
        let clock = clock();
        let ring = replica(&db, &clock).await;
        let first = signer(&ring);
        ring.rotate(true).await.unwrap();
        clock.advance(REPLICA_PROPAGATION);
        ring.refresh_and_rotate().await.unwrap();
        clock.advance(POLICY.retain_retired);
        ring.refresh_and_rotate().await.unwrap();
        ring.refresh_and_rotate().await.unwrap();
        assert!(!ring.current().verification_keys().has(&first), "nothing that opens something");
        assert!(!String::from_utf8_lossy(&ring.current().jwks()).contains(&first), "nor published");
        assert!(ring.current().hint_keys().has(&first));
        assert!(replica(&db, &clock).await.current().hint_keys().has(&first), "after a start too");
        clock.advance(POLICY.retain_public);
        ring.rotate(true).await.unwrap();
        clock.advance(REPLICA_PROPAGATION);
        ring.refresh_and_rotate().await.unwrap();
        ring.refresh_and_rotate().await.unwrap();
        assert!(!ring.current().hint_keys().has(&first));
    }

    async fn a_rotation_says_whether_it_made_a_key(db: TestDb) {
        let clock = clock();
        let ring = replica(&db, &clock).await;
        let made = ring.rotate(false).await.unwrap();
        assert_eq!((made.made.len(), made.signs_from), (2, BEGINNING + CACHE_PROPAGATION));
        clock.advance(Duration::from_secs(1));
        let again = ring.rotate(false).await.unwrap();
        assert_eq!((again.made.len(), again.signs_from), (0, BEGINNING + CACHE_PROPAGATION));
        let sooner = ring.rotate(true).await.unwrap();
        assert_eq!((sooner.made.len(), sooner.signs_from), (0, BEGINNING + REPLICA_PROPAGATION));
    }

    async fn dropped_keys_are_worth_nothing_at_once_and_everywhere(db: TestDb) {
        // SB-37
        let clock = clock();
        let (ring, other) = (replica(&db, &clock).await, replica(&db, &clock).await);
        ring.rotate(true).await.unwrap();
        clock.advance(REPLICA_PROPAGATION);
        ring.refresh_and_rotate().await.unwrap();
        ring.rotate(false).await.unwrap();
        let old: Vec<String> = ring.list().await.unwrap().into_iter().map(|key| key.kid).collect();
        assert_eq!(old.len(), 6, "retired, active and published");
        let dropped = ring.drop_all().await.unwrap();
        assert_eq!((dropped.made.len(), dropped.signs_from), (2, clock.now()));
        other.refresh_and_rotate().await.unwrap();
        for ring in [&ring, &other] {
            assert!(dropped.made.contains(&signer(ring)));
            let now = ring.current();
            for kid in &old {
                assert!(!now.verification_keys().has(kid) && !now.hint_keys().has(kid), "{kid}");
            }
        }
    }

    async fn while_keys_change_every_replica_accepts_what_any_other_signs(db: TestDb) {
        // SB-37
        let clock = clock();
        let rings = [replica(&db, &clock).await, replica(&db, &clock).await];
        let agree = || {
            for (signer_of, verifier) in [(0, 1), (1, 0), (0, 0), (1, 1)] {
                let kid = signer(&rings[signer_of]);
                assert!(rings[verifier].current().verification_keys().has(&kid), "{signer_of} to {verifier}");
            }
        };
        let first = signer(&rings[0]);
        rings[0].rotate(true).await.unwrap();
        rings[1].refresh_and_rotate().await.unwrap();
        agree();
        clock.advance(REPLICA_PROPAGATION);
        rings[0].refresh_and_rotate().await.unwrap();
        assert_ne!(signer(&rings[0]), first);
        assert_eq!(signer(&rings[1]), first, "this one has not looked yet");
        agree();
        clock.advance(RELOAD_INTERVAL);
        rings[1].refresh_and_rotate().await.unwrap();
        agree();
        clock.advance(POLICY.retain_retired - RELOAD_INTERVAL - Duration::from_secs(1));
        rings[0].refresh_and_rotate().await.unwrap();
        assert!(rings[1].current().verification_keys().has(&first), "its last token may still be alive");
    }

    async fn a_key_of_another_algorithm_is_published_once_before_it_signs(db: TestDb) {
        // SB-37
        let clock = clock();
        let rings = futures_util::future::join_all((0..4).map(|_| replica(&db, &clock))).await;
        let cached = rings[1].current().jwks();
        let further = [Algorithm::Ps256, Algorithm::Es384, Algorithm::EdDsa];
        let registered = BTreeSet::from(further);
        let sign = |ring: &KeyRing, algorithm| ring.sign(algorithm, "JWT", &serde_json::json!({}));
        for outcome in futures_util::future::join_all(rings.iter().map(|ring| ring.publish(&registered))).await {
            outcome.unwrap();
        }
        let listed = rings[0].list().await.unwrap();
        assert_eq!(listed.len(), 5, "one key of each, not four");
        for algorithm in further {
            let key = listed.iter().find(|key| key.algorithm == algorithm.name()).unwrap();
            assert_eq!((key.state, key.activates_at), (KeyState::Published, BEGINNING + CACHE_PROPAGATION));
            assert!(rings.iter().all(|ring| ring.current().verification_keys().has(&key.kid)));
        }
        // A copy of the set that was fetched before may still be used, at another replica too.
        assert_ne!(cached, rings[1].current().jwks());
        clock.advance(JWKS_MAX_AGE);
        for ring in &rings {
            ring.refresh_and_rotate().await.unwrap();
            for algorithm in further {
                assert!(matches!(sign(ring, algorithm), Err(SignError::NoKey(_))), "{algorithm}");
            }
        }
        clock.advance(CACHE_PROPAGATION - JWKS_MAX_AGE);
        for ring in &rings {
            ring.refresh_and_rotate().await.unwrap();
        }
        for algorithm in further {
            let headers = rings.iter().map(|ring| peek_header(&sign(ring, algorithm).unwrap()).unwrap());
            for header in headers {
                assert_eq!(header.alg, algorithm.name());
                assert!(listed.iter().any(|key| Some(&key.kid) == header.kid.as_ref()));
            }
        }
        assert!(replica(&db, &clock).await.current().signing_key(Algorithm::EdDsa).is_some(), "after a start too");

        // It is rotated like the others.
        assert_eq!(rings[0].rotate(true).await.unwrap().made.len(), 5);
        clock.advance(REPLICA_PROPAGATION);
        rings[0].refresh_and_rotate().await.unwrap();
        assert_eq!(rings[0].list().await.unwrap().len(), 10);
        clock.advance(POLICY.retain_retired);
        rings[0].refresh_and_rotate().await.unwrap();
        assert_eq!(rings[0].list().await.unwrap().len(), 5);
        assert_eq!(rings[0].drop_all().await.unwrap().made.len(), 5);
        assert_eq!(rings[0].list().await.unwrap().len(), 5);
    }

    async fn at_the_first_start_the_keys_of_all_registered_algorithms_sign_at_once(db: TestDb) {
        // SB-37: there can be no copy of a key set without them.
        let clock = clock();
        let registered = BTreeSet::from([Algorithm::Rs256, Algorithm::Ps256]);
        let ring = open_for(&db, &clock, cipher("k1", &[("k1", K1)]).unwrap(), &registered).await.unwrap();
        assert!(ring.current().signing_key(Algorithm::Ps256).is_some());
        assert_eq!(ring.list().await.unwrap().len(), 3);
        // At a later start there can.
        let more = BTreeSet::from([Algorithm::Ps256, Algorithm::Es384]);
        let ring = open_for(&db, &clock, cipher("k1", &[("k1", K1)]).unwrap(), &more).await.unwrap();
        assert_eq!(ring.list().await.unwrap().len(), 4);
        assert!(ring.current().signing_key(Algorithm::Es384).is_none());
    }

    async fn a_published_first_key_is_neither_lost_nor_late_when_keys_are_rotated_or_dropped(db: TestDb) {
        let clock = clock();
        let ring = replica(&db, &clock).await;
        ring.publish(&BTreeSet::from([Algorithm::Es384])).await.unwrap();
        assert_eq!(ring.rotate(true).await.unwrap().made.len(), 2);
        clock.advance(REPLICA_PROPAGATION);
        ring.refresh_and_rotate().await.unwrap();
        assert!(ring.current().signing_key(Algorithm::Es384).is_some());
        ring.publish(&BTreeSet::from([Algorithm::EdDsa])).await.unwrap();
        assert_eq!(ring.drop_all().await.unwrap().made.len(), 4);
        assert!(ring.current().signing_key(Algorithm::EdDsa).is_some());
    }

    async fn another_release_reads_no_key_of_an_algorithm_that_it_does_not_know(db: TestDb) {
        let clock = clock();
        let ring = replica(&db, &clock).await;
        ring.publish(&BTreeSet::from([Algorithm::Ps256])).await.unwrap();
        // The release before this one reads `signing_keys` alone, and knows ES256 and RS256.
        let mut reader = db.reader().await.unwrap();
        assert_eq!(store::count_for_earlier_release(&mut reader).await.unwrap(), 2);
        drop(reader);
        // A later release may add an algorithm. This one passes over it and goes on.
        let mut tx = db.begin("later_release").await.unwrap();
        store::lock(&mut tx).await.unwrap();
        store::insert_of_later_release(&mut tx, BEGINNING).await.unwrap();
        tx.commit().await.unwrap();
        ring.refresh_and_rotate().await.unwrap();
        assert_eq!(signer(&replica(&db, &clock).await), signer(&ring));
        assert!(!String::from_utf8_lossy(&ring.current().jwks()).contains("later"));
    }

    async fn private_keys_are_encrypted_and_the_key_for_it_can_be_changed(db: TestDb) {
        // SB-36
        let clock = clock();
        let ring = replica(&db, &clock).await;
        let first = signer(&ring);
        let mut reader = db.reader().await.unwrap();
        for row in store::all(&mut reader).await.unwrap() {
            let algorithm = Algorithm::from_name(&row.algorithm).unwrap();
            assert!(oidc::jose::SigningKey::from_pkcs8(algorithm, &row.private_key).is_err());
            assert_eq!(row.encryption_key, "k1");
        }
        let both = cipher("k2", &[("k1", K1), ("k2", K2)]).unwrap();
        assert_eq!(signer(&open_with(&db, &clock, both).await.unwrap()), first);
        let rows = store::all(&mut reader).await.unwrap();
        assert!(rows.iter().all(|row| row.encryption_key == "k2"));
        drop(reader);
        let only_new = cipher("k2", &[("k2", K2)]).unwrap();
        assert_eq!(signer(&open_with(&db, &clock, only_new).await.unwrap()), first);

        let missing = open_with(&db, &clock, cipher("k1", &[("k1", K1)]).unwrap()).await;
        assert!(missing.unwrap_err().to_string().contains("no key \"k2\""));
        let swapped = open_with(&db, &clock, cipher("k2", &[("k2", K1)]).unwrap()).await;
        assert!(swapped.unwrap_err().to_string().contains("encryption.keys.k2"));
    }

    async fn pairwise_subjects_outlive_every_key(db: TestDb) {
        // OpenID Connect Core §8.1; SB-36
        let clock = clock();
        let metadata = oidc::client::ClientMetadata {
            redirect_uris: vec!["https://shop.example/cb".parse().unwrap()],
            subject_type: oidc::client::SubjectType::Pairwise,
            ..Default::default()
        };
        let subject = |ring: &KeyRing| {
            let client = oidc::client::RegisteredClient { client_id: "shop", metadata: &metadata };
            ring.subject(client, uuid::Uuid::from_u128(1))
        };
        let rings = futures_util::future::join_all((0..4).map(|_| replica(&db, &clock))).await;
        let known = subject(&rings[0]);
        assert_eq!(rings.iter().filter(|ring| ring.has_new_subjects()).count(), 1, "one has made it");
        assert!(rings.iter().all(|ring| subject(ring) == known), "replicas that start together have one secret");
        rings[0].drop_all().await.unwrap();
        assert_eq!(subject(&replica(&db, &clock).await), known);
        let both = cipher("k2", &[("k1", K1), ("k2", K2)]).unwrap();
        let changed = open_with(&db, &clock, both).await.unwrap();
        assert_eq!((subject(&changed), changed.has_new_subjects()), (known.clone(), false));
        let only_new = cipher("k2", &[("k2", K2)]).unwrap();
        assert_eq!(subject(&open_with(&db, &clock, only_new).await.unwrap()), known, "it is encrypted with the new key");
        let mut tx = db.begin("test").await.unwrap();
        delete_restored(&mut tx, clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        let only_new = cipher("k2", &[("k2", K2)]).unwrap();
        assert_eq!(subject(&open_with(&db, &clock, only_new).await.unwrap()), known, "a restoration keeps it");
        let wrong = open_with(&db, &clock, cipher("k1", &[("k1", K1)]).unwrap()).await;
        assert!(matches!(wrong, Err(KeyError::Cipher(_))), "without the key nothing starts, and nothing is made anew");
    }
}
