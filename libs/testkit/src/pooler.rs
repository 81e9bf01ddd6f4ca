//! PgBouncer in transaction mode, in front of the PostgreSQL server of the tests: every transaction may run in another
//! session of the server.

#![expect(clippy::expect_used, reason = "a test that cannot start must say why")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use url::Url;

use crate::db::server_url;
use crate::process::{Process, Program, free_port};
use crate::wait::within;

/// A running PgBouncer. It is stopped when it is dropped.
#[derive(Debug)]
pub struct Pooler {
    port: u16,
    #[expect(dead_code, reason = "ends the program when dropped")]
    process: Process,
    #[expect(dead_code, reason = "removes the folder when dropped")]
    folder: TempDir,
}

impl Pooler {
    /// Starts a pooler in front of the server of `VESTIBULE_TEST_POSTGRES`, with at most `size` server connections per
    /// database.
    ///
    /// # Panics
    /// When PgBouncer is not installed or does not start.
    pub async fn start(size: u16) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let configuration = folder.path().join("pgbouncer.ini");
        std::fs::write(&configuration, settings(port, size)).expect("the configuration of the pooler");
        readable(folder.path());
        let process = Process::start(Program {
            name: "pgbouncer",
            path: executable(),
            arguments: vec![configuration.into()],
            environment: Vec::new(),
            folder: folder.path().to_owned(),
            log: folder.path().join("pgbouncer.log"),
        });
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        within(Duration::from_secs(20), "PgBouncer listens", async || {
            TcpStream::connect(address).await.ok()
        })
        .await;
        Self {
            port,
            process,
            folder,
        }
    }

    /// The URL of the database at `direct`, through the pooler.
    ///
    /// # Panics
    /// When that is no URL.
    pub fn url(&self, direct: &str) -> String {
        let direct = Url::parse(direct).expect("the URL of a database");
        format!("postgres://pooled@127.0.0.1:{}{}", self.port, direct.path())
    }
}

/// The configuration: every client may connect, as the role of the tests. No session state is kept, and no unusual startup
/// parameter is accepted.
fn settings(port: u16, size: u16) -> String {
    let server = Url::parse(&server_url()).expect("VESTIBULE_TEST_POSTGRES is a postgres:// URL");
    let password = server
        .password()
        .map(|password| format!(" password={password}"))
        .unwrap_or_default();
    let user = match rustix::process::geteuid().is_root() {
        // PgBouncer refuses to run as root.
        true => "user = nobody\n",
        false => "",
    };
    format!(
        "[databases]\n* = host={} port={} user={}{password}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         auth_type = any\npool_mode = transaction\ndefault_pool_size = {size}\nmax_client_conn = 500\nunix_socket_dir =\n{user}",
        server.host_str().unwrap_or("127.0.0.1"),
        server.port().unwrap_or(5432),
        server.username(),
    )
}

fn readable(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let everybody = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder, everybody).expect("a folder that others may read");
}

/// The path of the program. On Debian it is only in root's PATH.
fn executable() -> PathBuf {
    let path = Path::new("/usr/sbin/pgbouncer");
    match path.exists() {
        true => path.to_owned(),
        false => "pgbouncer".into(),
    }
}
