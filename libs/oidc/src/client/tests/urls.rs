//! Tests of the URLs in client metadata.

use super::*;

#[test]
fn urls_that_are_read_are_plain_ones_of_the_web() {
    for (text, good) in [
        ("https://app.example/jwks", true),
        ("https://app.example", true),
        ("http://app.internal:8080/jwks", true),
        ("https://ann:secret@app.example/jwks", false),
        ("https://app.example/jwks#x", false),
        ("https://app.example/j wks", false),
        ("file:///etc/passwd", false),
        ("data:application/json,{}", false),
        ("app.example/jwks", false),
        ("", false),
    ] {
        let read = text.parse::<WebUri>();
        assert_eq!(read.is_ok(), good, "{text}");
        assert!(
            read.is_err() || read.unwrap().as_str() == text,
            "told as it was registered"
        );
    }
}

#[test]
fn logout_uris_are_web_pages_and_frames_are_of_the_client() {
    // OpenID Connect Back-Channel Logout §2.2, Front-Channel Logout §2
    let with = |member: &str, uri: &str| {
        let value = json!({
            "redirect_uris": [
                "https://app.example/cb", "https://[2001:db8::1]/cb", "https://a;sandbox/cb", "https://a,frame-src/cb",
                "https://*.example/cb",
            ],
            member: uri,
        });
        let metadata: ClientMetadata = serde_json::from_value(value).unwrap();
        metadata.check().map_err(|error| error.field)
    };
    for (member, uri, accepted) in [
        ("backchannel_logout_uri", "https://elsewhere.example/bye", true),
        ("backchannel_logout_uri", "com.example.app:/bye", false),
        ("frontchannel_logout_uri", "https://app.example/bye?a=b", true),
        ("frontchannel_logout_uri", "https://app.example:444/bye", false),
        ("frontchannel_logout_uri", "https://evil.example/bye", false),
        ("frontchannel_logout_uri", "com.example.app:/bye", false),
        ("frontchannel_logout_uri", "https://[2001:db8::1]/bye", true),
        ("frontchannel_logout_uri", "https://a;sandbox/bye", false),
        ("frontchannel_logout_uri", "https://a,frame-src/bye", false),
        ("frontchannel_logout_uri", "https://*.example/bye", false),
    ] {
        let expected = if accepted { Ok(()) } else { Err(member) };
        assert_eq!(with(member, uri), expected, "{member} {uri}");
    }
}
