//! Tests of the port check.

use std::net::Ipv4Addr;

use tokio::task::JoinSet;

use super::*;

fn port(owner: &'static str, option: &'static str, address: SocketAddr) -> ListenPort {
    ListenPort {
        owner,
        option,
        address,
    }
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_option_that_chooses_another() {
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
    let address = holder.local_addr().expect("an address");
    let taken = port("auth", "--auth-port", address);
    let failure = ensure_free(&[taken], false).await.expect_err("taken");
    assert_eq!(failure.code(), ErrorCode::Conflict);
    let text = failure.to_string();
    assert!(
        text.contains(&format!("port {} for auth is taken", address.port())),
        "{text}"
    );
    assert!(text.contains("--auth-port N"), "{text}");
}

#[tokio::test]
async fn one_port_for_two_listeners_is_refused() {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8000));
    let twice = [
        port("auth", "--auth-port", address),
        port("users", "--users-port", address),
    ];
    let failure = ensure_free(&twice, false).await.expect_err("twice");
    assert_eq!(failure.code(), ErrorCode::Usage);
    assert!(
        failure.to_string().contains("for auth and for users"),
        "{failure}"
    );
}

#[tokio::test]
async fn after_a_crash_the_ports_may_take_a_moment() {
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
    let wanted = [port(
        "auth",
        "--auth-port",
        holder.local_addr().expect("an address"),
    )];
    let mut leaving = JoinSet::new();
    leaving.spawn(async move {
        tokio::task::yield_now().await;
        drop(holder);
    });
    ensure_free(&wanted, true).await.expect("free in the end");
}
