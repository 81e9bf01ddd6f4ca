//! Tests of the shutdown and its background tasks.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn the_phases_come_in_order_and_never_go_back() {
    let shutdown = Shutdown::new();
    assert_eq!(shutdown.phase(), Phase::Running);
    shutdown.begin();
    shutdown.draining().await;
    assert!(!shutdown.is_cancelled());
    shutdown.advance(Phase::Stopping);
    shutdown.begin();
    assert_eq!(shutdown.phase(), Phase::Stopping);
    shutdown.closing().await;
    shutdown.cancelled().await;
}

#[tokio::test]
async fn the_end_waits_for_background_tasks() {
    let shutdown = Shutdown::new();
    let (stop, done) = (shutdown.clone(), Arc::new(AtomicU32::new(0)));
    let counter = Arc::clone(&done);
    shutdown.spawn("sweeper", async move {
        stop.cancelled().await;
        counter.fetch_add(1, Ordering::SeqCst);
    });
    assert_eq!(shutdown.running(), ["sweeper"]);
    shutdown.finish(SOON).await.unwrap();
    assert_eq!(done.load(Ordering::SeqCst), 1);
    assert!(shutdown.running().is_empty());
}

#[tokio::test]
async fn a_task_that_does_not_end_is_named() {
    let shutdown = Shutdown::new();
    shutdown.spawn("deaf", std::future::pending());
    assert_eq!(
        shutdown.finish(Duration::from_millis(10)).await,
        Err(vec!["deaf"])
    );
}

#[tokio::test]
async fn a_supervised_task_starts_again_after_a_panic_and_after_an_early_end() {
    let shutdown = Shutdown::new();
    let (stop, runs) = (shutdown.clone(), Arc::new(AtomicU32::new(0)));
    let counter = Arc::clone(&runs);
    let (steady, reached) = tokio::sync::watch::channel(false);
    let mut reached = reached;
    shutdown.supervise("relay", move || {
        let (stop, counter, steady) = (stop.clone(), Arc::clone(&counter), steady.clone());
        async move {
            match counter.fetch_add(1, Ordering::SeqCst) {
                0 => panic!("the first run fails"),
                1 => {}
                _ => {
                    let _ = steady.send(true);
                    stop.cancelled().await;
                }
            }
        }
    });
    tokio::time::timeout(SOON, reached.wait_for(|steady| *steady))
        .await
        .unwrap()
        .unwrap();
    shutdown.finish(SOON).await.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}
