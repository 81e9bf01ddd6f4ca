//! Tests of the logos of clients: the headers of images, and which of them are fetched, stored and deleted (SB-32).

mod pace;

use http::StatusCode;
use proptest::prelude::*;

use super::image::MAX_SIDE;
use super::*;
use crate::clients::ClientMetadata;
use crate::testing::image_server::ImageServer;
use crate::testing::{self, TestApp};

/// A PNG of this size, without pixels.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut image = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    image.extend(width.to_be_bytes());
    image.extend(height.to_be_bytes());
    image.extend(b"\x08\x06\0\0\0");
    image
}

fn jpeg(width: u16, height: u16) -> Vec<u8> {
    // An APP0 segment, a fill byte, a frame header.
    let mut image = b"\xff\xd8\xff\xe0\0\x04JF\xff\xff\xc2\0\x11\x08".to_vec();
    image.extend(height.to_be_bytes());
    image.extend(width.to_be_bytes());
    image
}

/// A GIF whose one frame is as large as `frame`, with an extension and a table of colors before it.
fn gif((width, height): (u16, u16), frame: (u16, u16)) -> Vec<u8> {
    let mut image = b"GIF89a".to_vec();
    image.extend(width.to_le_bytes());
    image.extend(height.to_le_bytes());
    image.extend(b"\x80\0\0\0\0\0\xff\xff\xff\x21\xf9\x04\0\0\0\0\0\x2c\0\0\0\0");
    image.extend(frame.0.to_le_bytes());
    image.extend(frame.1.to_le_bytes());
    image.extend(b"\0\x02\x02\x4c\x01\0\x3b");
    image
}

fn webp(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = |count: usize| u32::try_from(count).unwrap().to_le_bytes();
    let mut image = b"RIFF".to_vec();
    image.extend(length(12 + data.len()));
    image.extend(b"WEBP");
    image.extend(kind);
    image.extend(length(data.len()));
    image.extend(data);
    image
}

#[test]
fn raster_images_are_known_by_their_bytes_and_nothing_else_is_one() {
    // SB-32
    let vp8 = |tag: u8| webp(b"VP8 ", &[tag, 0, 0, 0x9d, 0x01, 0x2a, 0x90, 0x41, 0x2c, 0x01]);
    let lossless = webp(b"VP8L", &[0x2f, 0x8f, 0xc1, 0x4a, 0x00]);
    let extended = webp(b"VP8X", &[0, 0, 0, 0, 0x8f, 0x01, 0, 0x2b, 0x01, 0]);
    let size = |width: u32, height: u32| Err(ImageError::Size { width, height });
    let image = |format| Ok((format, 400, 300));
    for (name, bytes, expected) in [
        ("png", png(400, 300), image(ImageFormat::Png)),
        ("jpeg", jpeg(400, 300), image(ImageFormat::Jpeg)),
        ("gif", gif((400, 300), (400, 300)), image(ImageFormat::Gif)),
        ("webp, lossy", vp8(0x10), image(ImageFormat::Webp)),
        ("webp, lossless", lossless, image(ImageFormat::Webp)),
        ("webp, extended", extended, image(ImageFormat::Webp)),
        ("nothing", Vec::new(), Err(ImageError::Format)),
        (
            "svg",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(),
            Err(ImageError::Format),
        ),
        (
            "html",
            b"<!doctype html><script>1</script>".to_vec(),
            Err(ImageError::Format),
        ),
        ("bmp", b"BM\x46\0\0\0".to_vec(), Err(ImageError::Format)),
        ("icon", b"\0\0\x01\0\x01\0".to_vec(), Err(ImageError::Format)),
        (
            "riff of another kind",
            b"RIFF\x04\0\0\0WAVE".to_vec(),
            Err(ImageError::Format),
        ),
        ("png, too wide", png(MAX_SIDE + 1, 1), size(MAX_SIDE + 1, 1)),
        ("png, empty", png(0, 300), size(0, 300)),
        (
            "png of the largest size",
            png(MAX_SIDE, MAX_SIDE),
            Ok((ImageFormat::Png, MAX_SIDE, MAX_SIDE)),
        ),
        (
            "png, cut off",
            png(400, 300)[..20].to_vec(),
            Err(ImageError::Damaged),
        ),
        (
            "png, another chunk first",
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dtEXt\0\0\0\x01\0\0\0\x01".to_vec(),
            Err(ImageError::Damaged),
        ),
        ("jpeg, too high", jpeg(1, 60_000), size(1, 60_000)),
        (
            "jpeg without a frame",
            b"\xff\xd8\xff\xda\0\x04ab\xff\xd9".to_vec(),
            Err(ImageError::Damaged),
        ),
        (
            "jpeg, a segment shorter than its length",
            b"\xff\xd8\xff\xe0\0\x01".to_vec(),
            Err(ImageError::Damaged),
        ),
        (
            "gif, a frame outside the screen",
            gif((400, 300), (401, 300)),
            Err(ImageError::Damaged),
        ),
        (
            "gif without a frame",
            b"GIF87a\x01\0\x01\0\0\0\0\x3b".to_vec(),
            Err(ImageError::Damaged),
        ),
        (
            "gif without an end",
            gif((4, 3), (4, 3)).split_last().unwrap().1.to_vec(),
            Err(ImageError::Damaged),
        ),
        ("webp, no key frame", vp8(0x11), Err(ImageError::Damaged)),
        (
            "webp, cut off",
            vp8(0x10).split_last().unwrap().1.to_vec(),
            Err(ImageError::Damaged),
        ),
        (
            "webp, unknown chunk",
            webp(b"ABCD", &[0; 10]),
            Err(ImageError::Damaged),
        ),
    ] {
        let found = read_header(&bytes).map(|header| (header.format, header.width, header.height));
        assert_eq!(found, expected, "{name}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_an_image_of_a_size_that_is_allowed_or_none(
        beginning in prop::sample::select(vec![
            Vec::new(), png(4, 3), jpeg(4, 3), gif((4, 3), (4, 3)), webp(b"VP8X", &[0; 10]), webp(b"VP8L", &[0x2f; 5]),
        ]),
        kept in 0_usize..64,
        rest in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = beginning;
        bytes.truncate(kept);
        bytes.extend(rest);
        if let Ok(header) = read_header(&bytes) {
            prop_assert!((1..=MAX_SIDE).contains(&header.width) && (1..=MAX_SIDE).contains(&header.height));
        }
    }
}

const LOCAL: (&str, &str) = ("WEBHOOKS__ALLOW", "127.0.0.1/32");

fn metadata(logo: Option<&str>) -> ClientMetadata {
    ClientMetadata {
        redirect_uris: vec!["https://app.example.org/callback".parse().unwrap()],
        logo_uri: logo.map(|url| url.parse().unwrap()),
        ..ClientMetadata::default()
    }
}

async fn create(app: &TestApp, logo: &str) {
    let id = Some("shop".parse().unwrap());
    app.clients.create(id, metadata(Some(logo))).await.unwrap();
}

/// The digest of the image that people see.
async fn shown(app: &TestApp) -> Option<String> {
    let client = app.clients.find_newest("shop").await.unwrap().unwrap();
    app.client_logos.find_digest(&client).await.unwrap()
}

async fn state(app: &TestApp) -> Option<LogoState> {
    app.client_logos.find_state("shop").await.unwrap()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_logo_is_fetched_once_and_again_after_a_week(db: TestDb) {
        let app = testing::app_set(&db, &[LOCAL]).await;
        let server = ImageServer::start(png(400, 300)).await;
        create(&app, &server.url).await;
        assert_eq!((shown(&app).await, server.calls()), (None, 0));
        futures_util::future::join_all((0..4).map(|_| app.client_logos.fetch_due())).await;
        assert_eq!(server.calls(), 1, "one replica fetches it");
        let first = shown(&app).await.unwrap();
        let image = app.client_logos.find_image(&first).await.unwrap().unwrap();
        assert_eq!((image.format.media_type(), image.image), ("image/png", png(400, 300)));
        let known = state(&app).await.unwrap();
        assert_eq!((known.width, known.height, known.error), (Some(400), Some(300), None));
        server.serve(StatusCode::OK, gif((4, 3), (4, 3)));
        app.wait(Duration::from_secs(6 * 24 * 3600));
        app.client_logos.fetch_due().await.unwrap();
        assert_eq!(server.calls(), 1);
        app.wait(Duration::from_secs(2 * 24 * 3600));
        app.client_logos.fetch_due().await.unwrap();
        let second = shown(&app).await.unwrap();
        assert_eq!((server.calls(), second == first), (2, false));
        assert!(app.client_logos.find_image(&first).await.unwrap().is_none());
    }

    async fn a_failure_is_told_tried_again_and_leaves_the_image(db: TestDb) {
        let app = testing::app_set(&db, &[LOCAL]).await;
        let server = ImageServer::start(png(400, 300)).await;
        create(&app, &server.url).await;
        app.client_logos.fetch_due().await.unwrap();
        let image = shown(&app).await.unwrap();
        for (status, body, error) in [
            (StatusCode::NOT_FOUND, png(4, 3), "404"),
            (StatusCode::FOUND, png(4, 3), "302"),
            (StatusCode::OK, b"<svg/>".to_vec(), "expected a PNG"),
            (StatusCode::OK, vec![0; MAX_BYTES + 1], "more than"),
        ] {
            server.serve(status, body);
            app.wait(Duration::from_secs(9 * 24 * 3600));
            app.client_logos.fetch_due().await.unwrap();
            let told = state(&app).await.unwrap().error.unwrap();
            assert!(told.contains(error), "{error}: {told}");
            assert_eq!(shown(&app).await.as_ref(), Some(&image));
        }
        let calls = server.calls();
        server.serve(StatusCode::OK, png(4, 3));
        app.client_logos.fetch_due().await.unwrap();
        assert_eq!(server.calls(), calls, "not at once");
        app.wait(Duration::from_secs(9 * 24 * 3600));
        app.client_logos.fetch_due().await.unwrap();
        assert_eq!(state(&app).await.unwrap().error, None);
    }

    async fn another_address_and_the_end_of_a_client_delete_the_image(db: TestDb) {
        let app = testing::app_set(&db, &[LOCAL]).await;
        let server = ImageServer::start(png(400, 300)).await;
        create(&app, &server.url).await;
        app.client_logos.fetch_due().await.unwrap();
        let image = shown(&app).await.unwrap();
        let renamed = ClientMetadata { client_name: Some("Shop".to_owned()), ..metadata(Some(&server.url)) };
        app.clients.update("shop", None, renamed, false).await.unwrap();
        assert_eq!(shown(&app).await, Some(image.clone()), "the same address");
        let other = format!("{}?2", server.url);
        app.clients.update("shop", None, metadata(Some(&other)), false).await.unwrap();
        assert_eq!(shown(&app).await, None);
        assert!(app.client_logos.find_image(&image).await.unwrap().is_none());
        app.client_logos.fetch_due().await.unwrap();
        assert_eq!(server.calls(), 2);
        app.clients.update("shop", None, metadata(None), false).await.unwrap();
        assert_eq!(state(&app).await, None);
        app.clients.update("shop", None, metadata(Some(&server.url)), false).await.unwrap();
        app.clients.delete("shop").await.unwrap();
        assert_eq!(app.count("SELECT COUNT(*) FROM client_logos").await, 0);
    }

    async fn an_image_that_comes_too_late_is_not_that_of_another_address(db: TestDb) {
        let app = testing::app_set(&db, &[LOCAL]).await;
        let server = ImageServer::start(png(400, 300)).await;
        create(&app, &server.url).await;
        let claimed = app.client_logos.claim_due().await.unwrap();
        app.clients.update("shop", None, metadata(Some("https://shop.example/logo")), false).await.unwrap();
        app.client_logos.fetch_and_store(&claimed[0]).await.unwrap();
        assert_eq!(server.calls(), 1);
        assert_eq!(shown(&app).await, None);
        assert_eq!(state(&app).await.unwrap().logo_uri, "https://shop.example/logo");
    }

    async fn a_host_is_called_so_often_in_a_minute_for_clients_that_registered_themselves(db: TestDb) {
        // SB-43
        let app = testing::app_set(&db, &[LOCAL]).await;
        let server = ImageServer::start(png(4, 3)).await;
        for index in 0..35 {
            let id = Some(format!("shop-{index}").parse().unwrap());
            app.clients.create(id, metadata(Some(&format!("{}?{index}", server.url)))).await.unwrap();
        }
        let fetch_all = async || {
            for _ in 0..6 {
                app.client_logos.fetch_due().await.unwrap();
            }
        };
        fetch_all().await;
        assert_eq!(server.calls(), 35, "those of administrators are not limited");
        app.run("UPDATE clients SET origin = 'registration'").await;
        app.run("UPDATE client_logos SET next_fetch_at = 0, failures = 0").await;
        let tried = "SELECT COUNT(*) FROM client_logos WHERE failures > 0";
        fetch_all().await;
        assert_eq!(app.count(tried).await, 30);
        app.wait(Duration::from_secs(59));
        fetch_all().await;
        assert_eq!(app.count(tried).await, 30);
        app.wait(Duration::from_secs(2));
        fetch_all().await;
        assert_eq!(app.count(tried).await, 35);
        let last = app.count("SELECT MAX(failures) FROM client_logos").await;
        assert_eq!(last, 1, "none is tried twice");
    }

    async fn an_address_inside_is_not_called(db: TestDb) {
        // SB-32: the exceptions of `webhooks.allow` do not hold for a client that registered itself
        let server = ImageServer::start(png(400, 300)).await;
        let app = testing::app(&db).await;
        create(&app, &server.url).await;
        app.client_logos.fetch_due().await.unwrap();
        assert!(state(&app).await.unwrap().error.is_some());
        let app = testing::app_set(&db, &[LOCAL]).await;
        app.run("UPDATE clients SET origin = 'registration'").await;
        app.run("UPDATE client_logos SET next_fetch_at = 0, error = NULL").await;
        app.client_logos.fetch_due().await.unwrap();
        assert!(state(&app).await.unwrap().error.is_some());
        assert_eq!(server.calls(), 0);
    }
}
