//! Tests of authorization codes: redemption, reuse, PKCE and scopes.

use super::*;
use crate::subjects::Subject;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_code_gives_tokens_that_say_who_for_whom_and_how(db: TestDb) {
        let world = world(&db).await;
        let tokens = world.redeem(&world.code().await).await.unwrap();
        let access = world.claims(&tokens.access_token);
        assert_eq!(access.sub, world.ann.to_string());
        assert_eq!(access.client_id, "web");
        assert_eq!(access.exp - access.iat, 300);
        assert!(access.aud.contains("https://id.example.org") && access.aud.contains("https://users.example.org"));
        let header = peek_header(&tokens.access_token).unwrap();
        assert_eq!((header.alg.as_str(), header.typ.as_deref()), ("ES256", Some("at+jwt")));
        let id_token = tokens.id_token.unwrap();
        let id: IdTokenClaims = world.verify(&id_token, TYP_ID_TOKEN, "web");
        assert_eq!(peek_header(&id_token).unwrap().alg, "RS256");
        assert_eq!(id.nonce.as_deref(), Some("n-0S6_WzA2Mj"));
        assert_eq!(id.at_hash, Some(Algorithm::Rs256.at_hash(&tokens.access_token)));
        assert_eq!(id.amr, ["pwd"]);
    }

    async fn a_code_is_good_for_a_minute_and_for_who_asked(db: TestDb) {
        // SB-21, SB-22
        let world = world(&db).await;
        let other = client(&world.app, "other", |_| {}).await;
        let code = world.code().await;
        let good = verifier();
        let wrong = CodeVerifier::parse(&"a".repeat(43)).unwrap();
        let tries = [
            CodeRedemption { verifier: Some(&wrong), ..right(&code, &good) },
            CodeRedemption { verifier: None, ..right(&code, &good) },
            CodeRedemption { redirect_uri: Some("https://app.example.org/callback/"), ..right(&code, &good) },
            CodeRedemption { redirect_uri: None, ..right(&code, &good) },
            right("unknown", &good),
        ];
        for wrong in &tries {
            assert_eq!(kind(world.app.tokens.redeem_code(&world.web, wrong).await), Some(ErrorCode::InvalidGrant));
        }
        let theirs = world.app.tokens.redeem_code(&other, &right(&code, &good)).await;
        assert_eq!(kind(theirs), Some(ErrorCode::InvalidGrant));
        world.app.wait(Duration::from_secs(59));
        assert_eq!(kind(world.redeem(&code).await), None);
        let late = world.code().await;
        world.app.wait(Duration::from_secs(60));
        assert_eq!(kind(world.redeem(&late).await), Some(ErrorCode::InvalidGrant));
    }

    async fn a_verifier_for_a_code_without_a_challenge_is_a_downgrade(db: TestDb) {
        // SB-22
        let world = world(&db).await;
        let new = NewCode {
            client: &world.web,
            grant: world.grant("openid"),
            redirect_uri: CALLBACK.to_owned(),
            redirect_uri_sent: true,
            challenge: None,
            dpop_jkt: None,
            consent: None,
            code: None,
        };
        let mut tx = world.app.db.begin("test").await.unwrap();
        let code = world.app.tokens.issue_code(&mut tx, new).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(kind(world.redeem(code.expose()).await), Some(ErrorCode::InvalidGrant));
    }

    async fn of_many_who_bring_a_code_at_once_exactly_one_gets_tokens(db: TestDb) {
        // SB-21
        let world = Arc::new(world(&db).await);
        let code = world.code().await;
        let tries = (0..50).map(|_| {
            let (world, code) = (Arc::clone(&world), code.clone());
            async move { world.redeem(&code).await }
        });
        let outcomes = futures_util::future::join_all(tries).await;
        let won: Vec<_> = outcomes.into_iter().filter_map(Result::ok).collect();
        assert_eq!(won.len(), 1);
        // The others were a reuse: what the winner got is revoked.
        let refresh_token = won[0].refresh_token.clone().unwrap();
        assert_eq!(kind(world.refresh(&refresh_token).await), Some(ErrorCode::InvalidGrant));
        let detected = world.app.events().await;
        assert_eq!(detected.iter().filter(|kind| *kind == "vestibule.token.reuse_detected.v1").count(), 1);
    }

    async fn a_code_that_comes_again_revokes_what_it_gave(db: TestDb) {
        // SB-21
        let world = world(&db).await;
        let code = world.code().await;
        let tokens = world.redeem(&code).await.unwrap();
        let grant: Uuid = world.claims(&tokens.access_token).gid.unwrap().parse().unwrap();
        let mut reader = db.reader().await.unwrap();
        assert!(is_live(&mut reader, grant).await.unwrap());
        world.app.wait(Duration::from_secs(600));
        assert_eq!(kind(world.redeem(&code).await), Some(ErrorCode::InvalidGrant));
        assert!(!is_live(&mut reader, grant).await.unwrap());
        drop(reader);
        assert_eq!(kind(world.refresh(&tokens.refresh_token.unwrap()).await), Some(ErrorCode::InvalidGrant));
    }

    async fn a_code_that_comes_again_revokes_whatever_else_the_request_asks(db: TestDb) {
        // SB-21
        let world = world(&db).await;
        let good = verifier();
        let wrong = CodeVerifier::parse(&"a".repeat(43)).unwrap();
        let foreign = [Resource::parse("https://other.example").unwrap()];
        for second in [
            CodeRedemption { resources: &foreign, ..right("", &good) },
            CodeRedemption { verifier: Some(&wrong), ..right("", &good) },
            CodeRedemption { redirect_uri: None, ..right("", &good) },
        ] {
            let code = world.code().await;
            let tokens = world.redeem(&code).await.unwrap();
            let again = CodeRedemption { code: &code, ..second };
            // `invalid_target` would tell a thief that the code is known.
            let refused = world.app.tokens.redeem_code(&world.web, &again).await;
            assert_eq!(kind(refused), Some(ErrorCode::InvalidGrant), "{again:?}");
            assert_eq!(kind(world.refresh(&tokens.refresh_token.unwrap()).await), Some(ErrorCode::InvalidGrant), "{again:?}");
        }
    }

    async fn a_client_stands_for_nobody_but_itself(db: TestDb) {
        let world = world(&db).await;
        let both = client(&world.app, "both", |wish| {
            wish.grant_types.insert(GrantType::ClientCredentials);
            wish.scope = "openid offline_access users:read".parse().unwrap();
        }).await;
        let asked = "openid users:read".parse().unwrap();
        let answer = world.app.tokens.issue_client_token(&both, &crate::tokens::ClientTokenRequest { scope: Some(&asked), ..Default::default() }, &testing::NOTHING).unwrap();
        assert_eq!(answer.scope.to_string(), "users:read");
        assert!(world.ann.to_string().parse::<ClientId>().is_err());
        assert!(world.ann.simple().to_string().parse::<ClientId>().is_err());
    }

    async fn nothing_privileged_or_lasting_is_given_unasked(db: TestDb) {
        // SB-48
        let world = world(&db).await;
        let all = "openid email offline_access admin users:read users:write groups:read groups:write events:read directory:delegated reports";
        let tool = client(&world.app, "tool", |wish| {
            wish.grant_types.insert(GrantType::ClientCredentials);
            wish.scope = all.parse().unwrap();
        }).await;
        let mut state = testing::person_state(world.ann, "ann");
        state.groups = vec!["vestibule-admins".to_owned()];
        let administrator = Subject::new(state.clone(), state.groups);
        for nothing in ["", " ", "  "] {
            let nothing = nothing.parse().unwrap();
            assert_eq!(subject_scope(&tool, &administrator, &nothing).unwrap().to_string(), "openid email reports");
            for asked in [None, Some(&nothing)] {
                assert_eq!(client_scope(&tool, asked).unwrap().to_string(), "email reports");
            }
        }
        let named = " admin  offline_access ".parse().unwrap();
        assert_eq!(subject_scope(&tool, &administrator, &named).unwrap().to_string(), "admin offline_access");
        // What was delegated to a person is theirs to grant, when it is asked for, and no client has it for itself.
        let ann = Subject::new(testing::person_state(world.ann, "ann"), Vec::new());
        let named = "openid admin directory:delegated".parse().unwrap();
        assert_eq!(subject_scope(&tool, &ann, &named).unwrap().to_string(), "openid directory:delegated");
        let named = "email directory:delegated".parse().unwrap();
        assert_eq!(client_scope(&tool, Some(&named)).unwrap().to_string(), "email");
        // There is nothing modest to be had: the client is told to name what it wants.
        let robot = client(&world.app, "robot", |wish| {
            wish.grant_types.insert(GrantType::ClientCredentials);
            wish.scope = "users:read".parse().unwrap();
        }).await;
        assert_eq!(client_scope(&robot, None).unwrap_err().error, ErrorCode::InvalidScope);
        assert_eq!(subject_scope(&robot, &administrator, &Scope::default()).unwrap_err().error, ErrorCode::InvalidScope);
    }

    async fn only_administrators_pass_privileges_on(db: TestDb) {
        let world = world(&db).await;
        let tool = client(&world.app, "tool", |wish| wish.scope = "openid admin".parse().unwrap()).await;
        let mut state = testing::person_state(world.ann, "ann");
        let asked = "openid admin other".parse().unwrap();
        let granted = |state: contract::UserState| {
            subject_scope(&tool, &Subject::new(state.clone(), state.groups), &asked).unwrap().to_string()
        };
        assert_eq!(granted(state.clone()), "openid");
        state.groups = vec!["vestibule-admins".to_owned()];
        assert_eq!(granted(state), "openid admin");
    }

    // SB-21, SB-50
    async fn a_code_lives_no_longer_because_the_clock_went_back(db: TestDb) {
        let world = world(&db).await;
        let code = world.code().await;
        let now = world.app.clock.now();
        world.app.clock.set(now - Duration::from_secs(2 * 86_400));
        assert_eq!(kind(world.redeem(&code).await), Some(ErrorCode::InvalidGrant));
        assert_eq!(kind(world.redeem(&world.code().await).await), None, "a new one works at once");
        // A replica whose clock is a little behind believes the one that issued it.
        world.app.clock.set(now);
        let code = world.code().await;
        world.app.clock.set(now - Duration::from_secs(30));
        assert_eq!(kind(world.redeem(&code).await), None);
    }
}
