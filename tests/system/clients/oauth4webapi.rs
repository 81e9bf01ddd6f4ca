//! oauth4webapi, for JavaScript.

use testkit::{Engine, StackOptions};

use super::chapters::run_chapters;
use super::node_script;

const CHAPTERS: [&str; 7] = [
    "sign_in",
    "sign_out",
    "errors",
    "token_exchange",
    "client_credentials",
    "device",
    "registration",
];

async fn uses_what_fapi_asks_for(engine: Engine) {
    run_chapters(
        StackOptions::on(engine),
        &mut node_script("oauth4webapi.mjs"),
        &CHAPTERS,
    )
    .await;
}

// SB-20, SB-21, SB-24, SB-25, SB-26, SB-27, SB-28, SB-29, SB-30
#[tokio::test]
async fn oauth4webapi_signs_its_requests_and_binds_its_tokens_on_sqlite() {
    uses_what_fapi_asks_for(Engine::Sqlite).await;
}

// SB-20, SB-21, SB-24, SB-25, SB-26, SB-27, SB-28, SB-29, SB-30
#[tokio::test]
async fn oauth4webapi_signs_its_requests_and_binds_its_tokens_on_postgres() {
    uses_what_fapi_asks_for(Engine::Postgres).await;
}
