//! How the process takes memory from the system.

/// Asks the kernel for ordinary pages only.
///
/// The allocator reserves far more than a service touches and advises huge pages for all of it. Where the kernel follows
/// the advice, every first touch takes 2 MiB, and an idle service holds some twenty of them for what fits in four. To be called first thing in `main`, before much is allocated.
pub fn prefer_small_pages() {
    #[cfg(target_os = "linux")]
    {
        // A kernel that refuses has its reasons, and everything works as well.
        let _ = rustix::thread::disable_transparent_huge_pages(true);
    }
}
