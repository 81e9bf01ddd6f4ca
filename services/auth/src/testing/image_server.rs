//! A server of one image, which stands for the `logo_uri` of a client.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use chassis::shutdown::Shutdown;
use http::StatusCode;
use http::header::CONTENT_TYPE;

/// A server with an image that can be changed, and the number of its calls.
pub(crate) struct ImageServer {
    pub(crate) url: String,
    image: Arc<Mutex<(StatusCode, Vec<u8>)>>,
    calls: Arc<AtomicUsize>,
}

impl ImageServer {
    /// A server of `image`, which it calls HTML.
    pub(crate) async fn start(image: Vec<u8>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/logo", listener.local_addr().unwrap());
        let (image, calls) = (
            Arc::new(Mutex::new((StatusCode::OK, image))),
            Arc::new(AtomicUsize::new(0)),
        );
        let (served, counted) = (Arc::clone(&image), Arc::clone(&calls));
        let app = Router::new().fallback(async move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let (status, image) = served.lock().unwrap().clone();
            (status, [(CONTENT_TYPE, "text/html")], image)
        });
        Shutdown::new().spawn("image_server", async move {
            axum::serve(listener, app).await.unwrap();
        });
        Self { url, image, calls }
    }

    pub(crate) fn serve(&self, status: StatusCode, image: Vec<u8>) {
        *self.image.lock().unwrap() = (status, image);
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}
