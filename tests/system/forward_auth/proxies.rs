//! The proxies, with the configurations of `deploy/forward-auth`.

use std::ffi::OsString;
use std::path::PathBuf;

use testkit::{Process, Program, Stack, free_port};

use crate::source::root;
use crate::tools::nginx_program;

/// A proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proxy {
    Nginx,
    Caddy,
    Envoy,
    Traefik,
}

/// The name under which the configurations have the host.
const CONFIGURED: &str = "wiki.example.org";

impl Proxy {
    fn file(self) -> &'static str {
        match self {
            Self::Nginx => "nginx.conf",
            Self::Caddy => "Caddyfile",
            Self::Envoy => "envoy.yaml",
            Self::Traefik => "traefik-dynamic.yml",
        }
    }

    fn path(self) -> PathBuf {
        let tools = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
            .expect("HOME is set")
            .join("vestibule/tools");
        let candidates = match self {
            Self::Nginx => vec![nginx_program()],
            Self::Caddy => vec![
                "/usr/bin/caddy".into(),
                "/usr/local/bin/caddy".into(),
                tools.join("caddy/caddy"),
            ],
            Self::Envoy => vec![tools.join("envoy/envoy")],
            Self::Traefik => vec![tools.join("traefik/traefik")],
        };
        let found = candidates.into_iter().find(|path| path.exists());
        found.unwrap_or_else(|| panic!("{self:?} is not installed: run scripts/setup"))
    }

    /// The committed configuration with the addresses of the test, over plain HTTP.
    fn configuration(self, stack: &Stack, application: u16, port: u16) -> String {
        let committed = crate::source::read(&root().join("deploy/forward-auth").join(self.file())).text;
        let auth = stack.auth_url("");
        let auth_port = auth.rsplit(':').next().unwrap();
        let host = format!("wiki.localhost:{port}");
        let folder = stack.folder().join("proxy");
        let folder = folder.display();
        match self {
            Self::Nginx => {
                let text = committed
                    .replace(&format!("server_name {CONFIGURED}"), "server_name wiki.localhost")
                    .replace(&format!("https://{CONFIGURED}"), &format!("http://{host}"))
                    .replace("X-Forwarded-Proto https", "X-Forwarded-Proto http")
                    .replace(CONFIGURED, &host)
                    .replace("127.0.0.1:8000", &format!("127.0.0.1:{auth_port}"))
                    .replace("127.0.0.1:3000", &format!("127.0.0.1:{application}"))
                    .replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"));
                let paths = format!(
                    "http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; \
                     fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;"
                );
                let main = format!("daemon off; master_process off; pid {folder}/pid; error_log stderr;\n");
                main + text.replace("http {", &paths).as_str()
            }
            Self::Caddy => {
                let text = committed
                    .replace(
                        &format!("\n{CONFIGURED} {{"),
                        &format!("\nhttp://{host} {{\n\tbind 127.0.0.1"),
                    )
                    .replace("127.0.0.1:8000", &format!("127.0.0.1:{auth_port}"))
                    .replace("127.0.0.1:3000", &format!("127.0.0.1:{application}"));
                format!("{{\n\tadmin off\n\tauto_https off\n}}\n{text}")
            }
            Self::Envoy => committed
                .replace(CONFIGURED, &host)
                .replace(&format!("[{host}]"), &format!("[\"{host}\"]"))
                .replace("port_value: 8000", &format!("port_value: {auth_port}"))
                .replace("port_value: 3000", &format!("port_value: {application}"))
                .replace("port_value: 8080", &format!("port_value: {port}")),
            Self::Traefik => committed
                .replace(CONFIGURED, "wiki.localhost")
                .replace("      tls: {}\n", "")
                .replace("127.0.0.1:8000", &format!("127.0.0.1:{auth_port}"))
                .replace("127.0.0.1:3000", &format!("127.0.0.1:{application}")),
        }
    }

    /// Starts the proxy before an application. Returns its port.
    pub(super) fn start(self, stack: &Stack, application: u16) -> (Process, u16) {
        let folder = stack.folder().join("proxy");
        std::fs::create_dir(&folder).unwrap();
        let port = free_port();
        let configuration = folder.join(self.file());
        std::fs::write(&configuration, self.configuration(stack, application, port)).unwrap();
        let configuration = OsString::from(configuration);
        let arguments: Vec<OsString> = match self {
            Self::Nginx => vec!["-c".into(), configuration, "-p".into(), folder.clone().into()],
            Self::Caddy => vec![
                "run".into(),
                "--adapter".into(),
                "caddyfile".into(),
                "--config".into(),
                configuration,
            ],
            Self::Envoy => vec![
                "-c".into(),
                configuration,
                "--use-dynamic-base-id".into(),
                "--concurrency".into(),
                "1".into(),
                "--log-level".into(),
                "warning".into(),
            ],
            Self::Traefik => {
                let mut file = OsString::from("--providers.file.filename=");
                file.push(&configuration);
                vec![
                    file,
                    format!("--entrypoints.web.address=127.0.0.1:{port}").into(),
                    "--providers.file.watch=false".into(),
                    "--global.checknewversion=false".into(),
                    "--global.sendanonymoususage=false".into(),
                    "--log.level=WARN".into(),
                ]
            }
        };
        let home = folder.display().to_string();
        let process = Process::start(Program {
            name: "proxy",
            path: self.path(),
            arguments,
            environment: vec![
                ("XDG_DATA_HOME".to_owned(), home.clone()),
                ("XDG_CONFIG_HOME".to_owned(), home),
            ],
            folder,
            log: stack.folder().join("proxy.log"),
        });
        (process, port)
    }
}
