//! Tests of user codes and of the device authorization request and response.

use proptest::prelude::*;

use super::*;

fn counting() -> impl FnMut(&mut [u8]) {
    let mut next = 0_u8;
    move |bytes: &mut [u8]| {
        for byte in bytes {
            *byte = next;
            next = next.wrapping_add(1);
        }
    }
}

#[test]
fn a_user_code_has_two_groups_of_four_consonants() {
    // RFC 8628 §6.1
    let code = UserCode::generate(counting());
    assert_eq!(code.to_string(), "BCDF-GHJK");
    assert_eq!(format!("{code:?}"), "UserCode(…)");
}

#[test]
fn every_character_is_drawn_as_often_as_any_other() {
    // RFC 8628 §5.1: the codes are guessed as seldom as their length says.
    let of_bytes = |even: u8, odd: u8| {
        UserCode::generate(|bytes| {
            for (index, byte) in bytes.iter_mut().enumerate() {
                *byte = if index % 2 == 0 { even } else { odd };
            }
        })
    };
    let mut drawn = [0; 256];
    for byte in 1..=240 {
        drawn[usize::from(of_bytes(byte, byte).as_bytes()[0])] += 1;
    }
    let counts: Vec<i32> = ALPHABET.iter().map(|byte| drawn[usize::from(*byte)]).collect();
    assert!(counts.iter().all(|count| *count == 12), "{counts:?}");
    for byte in (241..=255).chain([0]) {
        assert_eq!(
            of_bytes(byte, 1).to_string(),
            "BBBB-BBBB",
            "{byte} is drawn again"
        );
    }
}

#[test]
fn a_code_is_read_as_people_type_it() {
    // RFC 8628 §6.1: case and punctuation do not matter.
    let code = UserCode::parse("WDJB-MJHT").unwrap();
    for typed in [
        "wdjb-mjht",
        "WDJBMJHT",
        " w d j b m j h t ",
        "WDJB–MJHT",
        "wdjb.mjht",
        "WdJb_MjHt\n",
    ] {
        assert_eq!(UserCode::parse(typed).as_ref(), Some(&code), "{typed:?}");
    }
    let long = format!("{}WDJBMJHT", "-".repeat(64));
    for typed in [
        "",
        "-",
        "WDJB-MJH",
        "WDJB-MJHTT",
        "WDJB-MJHA",
        "WDJB-MJH1",
        "ŴDJB-MJHT",
        "ＷDJB-MJHT",
        &long,
    ] {
        assert_eq!(UserCode::parse(typed), None, "{typed:?}");
    }
}

#[test]
fn a_request_may_have_a_scope_and_resources() {
    // RFC 8628 §3.1, RFC 8707 §2
    let parse = |form: &str| DeviceAuthorizationRequest::parse(&Params::parse(form, REPEATABLE).unwrap());
    let request = parse("client_id=tv").unwrap();
    assert!(request.scope.is_empty() && request.resources.is_empty());
    let request = parse(
        "client_id=tv&scope=openid+email&resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example",
    )
    .unwrap();
    assert_eq!(
        (request.scope.to_string().as_str(), request.resources.len()),
        ("openid email", 2)
    );
    for (form, error) in [("scope=%22", "invalid_scope"), ("resource=x", "invalid_target")] {
        assert_eq!(parse(form).unwrap_err().error.name(), error, "{form}");
    }
}

#[test]
fn the_response_has_the_members_of_the_standard() {
    // RFC 8628 §3.2
    let code = UserCode::parse("WDJBMJHT").unwrap();
    let response = DeviceAuthorizationResponse::new("secret", &code, "https://id.example/device".to_owned());
    assert_eq!(
        serde_json::to_value(&response).unwrap(),
        serde_json::json!({
            "device_code": "secret",
            "user_code": "WDJB-MJHT",
            "verification_uri": "https://id.example/device",
            "verification_uri_complete": "https://id.example/device?user_code=WDJB-MJHT",
            "expires_in": 600,
            "interval": 5
        })
    );
    assert!(!format!("{response:?}").contains("secret") && !format!("{response:?}").contains("WDJB"));
}

proptest! {
    #[test]
    fn what_is_made_is_read_and_nothing_panics(bytes: [u8; 64], text in ".{0,80}") {
        let mut pool = bytes.iter().cycle();
        let mut step = 0_u8;
        let code = UserCode::generate(|drawn| for byte in drawn {
            step = step.wrapping_add(1);
            *byte = pool.next().unwrap().wrapping_add(step);
        });
        prop_assert_eq!(UserCode::parse(&code.to_string()), Some(code.clone()));
        prop_assert_eq!(UserCode::parse(&code.to_string().to_lowercase()), Some(code));
        if let Some(read) = UserCode::parse(&text) {
            prop_assert_eq!(UserCode::parse(&read.to_string()), Some(read));
        }
    }
}
