//! Browser tests: Chromium signs up, signs out and signs in, with JavaScript and without.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::json;
use testkit::{Person, Stack, eventually, free_port, within};
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, ChromiumLikeCapabilities};
use tokio::task::LocalSet;

use crate::source::root;

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The window of a desktop and of a phone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    name: &'static str,
    width: u32,
    height: u32,
    scripts: bool,
}

pub(crate) const DESKTOP: Window = Window {
    name: "desktop",
    width: 1280,
    height: 900,
    scripts: true,
};
const PHONE_WITHOUT_SCRIPTS: Window = Window {
    name: "phone",
    width: 390,
    height: 844,
    scripts: false,
};

/// The driver of the tests of this process; killed with the last test by [`Driver::drop`].
struct Driver {
    url: String,
    #[expect(dead_code, reason = "kept so that it is killed when dropped")]
    process: Option<KilledWhenDropped>,
}

struct KilledWhenDropped(Child);

impl Drop for KilledWhenDropped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Driver {
    /// The driver that runs already (`VESTIBULE_TEST_WEBDRIVER`), or a new one of this machine.
    async fn start() -> Self {
        if let Ok(url) = std::env::var("VESTIBULE_TEST_WEBDRIVER") {
            return Self { url, process: None };
        }
        let program =
            std::env::var("VESTIBULE_TEST_CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
        let port = free_port();
        let child = Command::new(program)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: run scripts/setup");
        let process = Some(KilledWhenDropped(child));
        within(START_TIMEOUT, "chromedriver listens", async || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        })
        .await;
        Self {
            url: format!("http://127.0.0.1:{port}"),
            process,
        }
    }

    async fn browser(&self, window: Window) -> WebDriver {
        WebDriver::new(&self.url, capabilities(window))
            .await
            .expect("Chromium starts")
    }
}

fn capabilities(window: Window) -> ChromeCapabilities {
    let mut wanted = DesiredCapabilities::chrome();
    for argument in [
        "--headless=new".to_owned(),
        // The tests may run as root and in containers, where Chromium's own sandbox cannot start.
        "--no-sandbox".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-gpu".to_owned(),
        format!("--window-size={},{}", window.width, window.height),
    ] {
        wanted.add_arg(&argument).unwrap();
    }
    if let Ok(binary) = std::env::var("VESTIBULE_TEST_CHROMIUM") {
        wanted.set_binary(&binary).unwrap();
    }
    if !window.scripts {
        let off = json!({ "profile.managed_default_content_settings.javascript": 2 });
        wanted.add_experimental_option("prefs", off).unwrap();
    }
    wanted
}

/// Runs a story in a browser, and closes the browser in any case.
pub(crate) async fn in_browser(window: Window, story: impl AsyncFnOnce(WebDriver, Stack) + 'static) {
    let stack = Stack::start().await;
    let driver = Driver::start().await;
    let browser = driver.browser(window).await;
    let told = browser.clone();
    let local = LocalSet::new();
    let outcome = local
        .run_until(local.spawn_local(async move { story(told, stack).await }))
        .await;
    let _ = browser.quit().await;
    if let Err(failure) = outcome {
        std::panic::resume_unwind(failure.into_panic());
    }
}

static SCREENSHOTS: LazyLock<PathBuf> = LazyLock::new(|| {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let folder = target.join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    folder
});

pub(crate) async fn take_screenshot(browser: &WebDriver, window: Window, name: &str) {
    let path = SCREENSHOTS.join(format!("{}-{name}.png", window.name));
    browser.screenshot(&path).await.unwrap();
}

/// Waits until the browser is on the page at `path`.
async fn wait_for_page(browser: &WebDriver, path: &str) {
    eventually(&format!("the browser shows {path}"), async || {
        let url = browser.current_url().await.ok()?;
        (url.path() == path).then_some(())
    })
    .await;
}

pub(crate) async fn fill_form(browser: &WebDriver, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        // By its label, as a person finds it: a field without one fails the test.
        let field = browser
            .find(By::Css(format!("input[name='{name}']")))
            .await
            .unwrap();
        let id = field.id().await.unwrap().unwrap();
        browser.find(By::Css(format!("label[for='{id}']"))).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(*value).await.unwrap();
    }
    browser
        .find(By::Css("main form button[type='submit']"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
}

async fn body_text(browser: &WebDriver) -> String {
    browser.find(By::Tag("body")).await.unwrap().text().await.unwrap()
}

/// Asserts that no content is wider than the window.
pub(crate) async fn assert_fits_window(browser: &WebDriver, window: Window) {
    if !window.scripts {
        return;
    }
    let overflow = browser
        .execute(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth",
            Vec::new(),
        )
        .await
        .unwrap();
    assert_eq!(overflow.json(), &json!(0), "the page scrolls sideways");
}

async fn sign_up_out_and_in(browser: WebDriver, stack: Stack, window: Window) {
    let ann = Person::named("ann");
    let email = ann.email();
    browser.goto(stack.auth_url("/register")).await.unwrap();
    take_screenshot(&browser, window, "register").await;
    assert_fits_window(&browser, window).await;

    // First with a password that is too short: the form comes back with the error beside the field.
    fill_form(
        &browser,
        &[("user_name", "ann"), ("email", &email), ("password", "short")],
    )
    .await;
    wait_for_page(&browser, "/register").await;
    let mistake = eventually("the error is beside the field", async || {
        browser
            .find(By::Css("input[name='password'][aria-invalid='true']"))
            .await
            .ok()
    })
    .await;
    assert_eq!(mistake.value().await.unwrap().unwrap_or_default(), "");
    take_screenshot(&browser, window, "register-error").await;

    fill_form(
        &browser,
        &[
            ("user_name", "ann"),
            ("email", &email),
            ("password", &ann.password),
        ],
    )
    .await;
    wait_for_page(&browser, "/").await;
    assert!(
        body_text(&browser).await.contains("ann"),
        "{}",
        body_text(&browser).await
    );
    take_screenshot(&browser, window, "home").await;
    assert_fits_window(&browser, window).await;

    browser
        .find(By::Css("form[action='/logout'] button"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    eventually("she is signed out", async || {
        browser.find(By::Css("form[action='/logout']")).await.err()
    })
    .await;
    take_screenshot(&browser, window, "signed-out").await;

    browser.goto(stack.auth_url("/login")).await.unwrap();
    take_screenshot(&browser, window, "login").await;
    assert_fits_window(&browser, window).await;
    fill_form(&browser, &[("user_name", "ann"), ("password", &ann.password)]).await;
    wait_for_page(&browser, "/").await;
    assert!(body_text(&browser).await.contains("ann"));
}

#[tokio::test]
async fn somebody_signs_up_signs_out_and_signs_in() {
    in_browser(DESKTOP, async |browser, stack| {
        sign_up_out_and_in(browser, stack, DESKTOP).await
    })
    .await;
}

#[tokio::test]
async fn the_pages_need_no_script_and_fit_a_phone() {
    in_browser(PHONE_WITHOUT_SCRIPTS, async |browser, stack| {
        sign_up_out_and_in(browser, stack, PHONE_WITHOUT_SCRIPTS).await;
    })
    .await;
}

// SB-17: the policy allows nothing that the pages do not need; the browser reports no violation.
#[tokio::test]
async fn the_browser_reports_nothing_on_its_console() {
    in_browser(DESKTOP, async |browser, stack| {
        for path in ["/login", "/register"] {
            browser.goto(stack.auth_url(path)).await.unwrap();
            let blocked = browser
                .execute("return performance.getEntriesByType('resource').filter(r => r.responseStatus >= 400).map(r => r.name)", Vec::new())
                .await
                .unwrap();
            assert_eq!(blocked.json(), &json!([]), "{path}");
            let styled = browser
                .execute("return document.styleSheets.length > 0 && [...document.styleSheets].every(s => s.cssRules.length > 0)", Vec::new())
                .await
                .unwrap();
            assert_eq!(styled.json(), &json!(true), "{path}: every style sheet is applied");
        }
    })
    .await;
}
